//! The figures as tables: for the terminal and for the documentation.

use std::fmt::Write as _;

use crate::figures::Figures;
use crate::list::Entry;

/// Lines of the documentation between which the tables stand.
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// A table of ratios for the terminal.
pub fn text(figures: &Figures, entries: &[Entry]) -> String {
    let (head, rows) = ratios(figures, entries);
    let mut out = String::new();
    let width = |column: usize| rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for row in std::iter::once(&head).chain(&rows) {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(out, "{cell:width$}") } else { write!(out, "  {cell:>width$}") };
        }
        out.push('\n');
    }
    let _ = writeln!(out, "\nCPU time as a ratio to Lua 5.4, median of {}. Lower is better.", runs(figures));
    out
}

/// The tables for the documentation.
pub fn markdown(figures: &Figures, entries: &[Entry]) -> String {
    let mut versions: Vec<&str> = figures.columns.iter().map(|column| column.version.as_str()).collect();
    versions.dedup();
    let mut out = format!(
        "{} on {}.\n{}.\n\nCPU time as a ratio to Lua 5.4; lower is better.\n\n",
        capital(&runs(figures)),
        machine(),
        versions.join(", ")
    );
    let (head, rows) = ratios(figures, entries);
    grid(&mut out, &head, &rows);
    out.push_str("\nPeak memory in megabytes.\n\n");
    let mut head = vec!["program".to_owned()];
    head.extend(figures.columns.iter().map(|column| column.title.to_owned()));
    let mut rows = Vec::new();
    for (row, name) in figures.names.iter().enumerate() {
        let cells = (0..figures.columns.len()).map(|column| format!("{:.1}", figures.megabytes(row, column)));
        rows.push(std::iter::once(name.clone()).chain(cells).collect());
    }
    grid(&mut out, &head, &rows);
    out
}

/// Replaces what stands between the markers.
pub fn put(page: &str, tables: &str) -> Result<String, String> {
    let missing = || format!("docs/performance.md has no lines {BEGIN} and {END}");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", tables.trim()))
}

/// Head and rows of the table of ratios, its summary included.
fn ratios(figures: &Figures, entries: &[Entry]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut head = vec!["program".to_owned(), "Lua, s".to_owned()];
    head.extend(figures.columns.iter().map(|column| column.title.to_owned()));
    let mut rows = Vec::new();
    for (row, name) in figures.names.iter().enumerate() {
        let lua = format!("{:.2}", figures.base_seconds(row));
        rows.push(line(figures, name, &lua, |column| format!("{:.2}", figures.ratio(row, column))));
    }
    let closures = |column| format!("{:.2}", figures.mean(column, entries, |entry| entry.closures));
    if entries.iter().any(|entry| entry.closures) {
        rows.push(line(figures, "mean, closures", "", closures));
    }
    rows.push(line(figures, "geometric mean", "", |column| format!("{:.2}", figures.mean_of_all(column))));
    rows.push(line(figures, "peak memory", "", |column| format!("{:.2}", figures.mean_memory(column))));
    rows.push(line(figures, "start-up, ms", "", |column| format!("{:.1}", figures.start_up[column] * 1e3)));
    (head, rows)
}

fn line(figures: &Figures, name: &str, lua: &str, cell: impl Fn(usize) -> String) -> Vec<String> {
    let mut row = vec![name.to_owned(), lua.to_owned()];
    row.extend((0..figures.columns.len()).map(cell));
    row
}

fn grid(out: &mut String, head: &[String], rows: &[Vec<String>]) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "| --- |{}", " ---: |".repeat(head.len() - 1));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
}

fn runs(figures: &Figures) -> String {
    match figures.runs {
        1 => "one run".to_owned(),
        runs => format!("{runs} alternating runs"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The processor, as the system names it.
fn machine() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    format!("{} ({cores} cores)", model.unwrap_or(std::env::consts::ARCH).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_replace_what_was_between_the_markers() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = put(&page, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(put(&new, "new").unwrap(), new);
        assert!(put("no markers", "new").is_err());
    }
}
