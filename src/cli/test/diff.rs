//! What differs between two values that were to be equal, line by line.

/// Lines of unchanged text that are shown around a change.
const AROUND: usize = 2;

/// Two values as lines of text.
pub(super) struct Difference {
    pub expected: Vec<String>,
    pub actual: Vec<String>,
}

impl Difference {
    /// The lines of both: `-` before what was expected, `+` before what came, a space before what is in both.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.all();
        let near = |at: usize| {
            let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(lines.len());
            lines[around].iter().any(|line| !line.starts_with(' '))
        };
        let mut shown: Vec<String> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if near(at) {
                shown.push(line.clone());
            } else if shown.last().is_none_or(|last| last != "  ...") {
                shown.push("  ...".to_owned());
            }
        }
        shown
    }

    /// By the longest common subsequence of lines. There are few enough for a table of all pairs.
    fn all(&self) -> Vec<String> {
        let (a, b) = (&self.expected, &self.actual);
        let width = b.len() + 1;
        let mut longest = vec![0u32; (a.len() + 1) * width];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                longest[i * width + j] = match a[i] == b[j] {
                    true => longest[(i + 1) * width + j + 1] + 1,
                    false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
                };
            }
        }
        let mut lines = Vec::new();
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                lines.push(format!("  {}", a[i]));
                (i, j) = (i + 1, j + 1);
            } else if j == b.len() || i < a.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
                lines.push(format!("- {}", a[i]));
                i += 1;
            } else {
                lines.push(format!("+ {}", b[j]));
                j += 1;
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::Difference;

    fn lines(expected: &str, actual: &str) -> Vec<String> {
        let side = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Difference { expected: side(expected), actual: side(actual) }.lines()
    }

    #[test]
    fn what_is_common_stays_in_place() {
        assert_eq!(lines("a b c", "a x c"), ["  a", "- b", "+ x", "  c"]);
        assert_eq!(lines("", "a"), ["+ a"]);
        assert_eq!(lines("a", ""), ["- a"]);
        assert_eq!(
            lines("1 2 3 4 5 6 x 8 9", "1 2 3 4 5 6 7 8 9"),
            ["  ...", "  5", "  6", "- x", "+ 7", "  8", "  9"]
        );
    }
}
