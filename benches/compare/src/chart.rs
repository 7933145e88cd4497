//! The figures as a picture: one line for each program, one dot for each language, on a logarithmic scale.

use std::fmt::Write as _;

use crate::figures::Figures;

const WIDTH: f64 = 860.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 92.0;
const ROW: f64 = 21.0;

/// The ends of the scale; what lies beyond stands at its end.
const LEAST: f64 = 0.02;
const MOST: f64 = 12.0;

/// Draws the ratios to Lua as an SVG.
pub fn draw(figures: &Figures) -> String {
    let rows = figures.names.len() + 1;
    let bottom = TOP + ROW * rows as f64 + 8.0;
    let height = bottom + 36.0;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" font-weight=\"bold\" fill=\"#222222\">CPU time, Lua 5.4 = 1 \
         (to the left is faster)</text>"
    );
    legend(&mut out, figures);
    for value in [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0] {
        let x = place(value);
        let (colour, thickness) = if value == 1.0 { ("#1f4e9c", 1.5) } else { ("#dddddd", 1.0) };
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{colour}\" \
             stroke-width=\"{thickness}\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" \
             fill=\"#555555\">{value}</text>",
            bottom + 16.0
        );
    }
    for (row, name) in figures.names.iter().enumerate() {
        dots(&mut out, figures, row, name, |column| figures.ratio(row, column));
    }
    dots(&mut out, figures, rows - 1, "geometric mean", |column| figures.mean_of_all(column));
    out.push_str("</svg>\n");
    out
}

fn legend(out: &mut String, figures: &Figures) {
    for (at, column) in figures.columns.iter().enumerate() {
        let x = LEFT + (at % 4) as f64 * 170.0;
        let y = 48.0 + (at / 4) as f64 * 20.0;
        let (colour, title) = (column.colour, column.title);
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"{}\" r=\"5\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\" \
             fill=\"#222222\">{title}</text>",
            y - 4.0,
            x + 10.0
        );
    }
}

/// One line of dots; the first language is drawn last and larger, so that it is never hidden.
fn dots(out: &mut String, figures: &Figures, row: usize, name: &str, ratio: impl Fn(usize) -> f64) {
    let y = TOP + ROW * (row as f64 + 0.7);
    let weight = if row == figures.names.len() { "bold" } else { "normal" };
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" font-weight=\"{weight}\" fill=\"#222222\">{name}</text>\
         <line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\" stroke=\"#eeeeee\"/>",
        LEFT - 10.0,
        y + 4.0,
        WIDTH - RIGHT
    );
    for (column, language) in figures.columns.iter().enumerate().rev() {
        let ratio = ratio(column);
        let (x, radius) = (place(ratio), if column == 0 { 6.0 } else { 4.0 });
        let _ = writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\"><title>{name}, {}: {ratio:.2}</title></circle>",
            language.colour, language.title
        );
    }
}

/// Where a ratio stands.
fn place(ratio: f64) -> f64 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_logarithmic_and_has_ends() {
        let step = |from, to| place(to) - place(from);
        assert!((step(0.1, 1.0) - step(1.0, 10.0)).abs() < 1e-9);
        assert_eq!(place(0.0), LEFT);
        assert_eq!(place(1e9), WIDTH - RIGHT);
    }
}
