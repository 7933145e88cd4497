//! Format specs, `>8.2` in `"${x:>8.2}"`: their grammar, for the compiler, which checks them, and for the library, which
//! follows them.
//!
//! ```text
//! spec:   [[fill] align] [sign] ["#"] ["0"] [width] [group] ["." precision] [kind]
//! align:  "<" left   ">" right   "^" middle   "=" right, the sign at the left
//! sign:   "+" always   " " a blank where there is no minus   "-" only a minus
//! group:  "," or "_" between groups of digits
//! kind:   d int   x X hexadecimal   b binary   o octal   f fixed   e E exponent   g general   % percent   s text   ? source
//! ```

/// A format spec taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// What fills up to the width, if that is said.
    pub fill: Option<char>,
    /// Where the value stands in the width, if that is said.
    pub align: Option<Align>,
    /// What stands before a number that is not negative.
    pub sign: Sign,
    /// `#`: with `0x`, `0b` or `0o` in front.
    pub prefixed: bool,
    /// `0`: zeros fill up to the width, between sign and digits, or where an alignment without a fill of its own says.
    pub zeros: bool,
    /// The least number of characters.
    pub width: usize,
    /// What stands between groups of digits.
    pub group: Option<char>,
    /// Digits after the point, or characters of a text.
    pub precision: Option<usize>,
    /// How the value is shown, if that is said.
    pub kind: Option<SpecKind>,
}

/// Where a value stands in its width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Middle,
    /// `=`: the filling stands between sign and digits.
    Inside,
}

/// What stands before a number that is not negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// Nothing.
    Minus,
    /// A plus sign.
    Plus,
    /// A blank.
    Blank,
}

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpecKind {
    /// `d`
    Decimal,
    /// `x`, or `X` with capital letters.
    Hexadecimal(Letters),
    /// `b`
    Binary,
    /// `o`
    Octal,
    /// `f`
    Fixed,
    /// `e` or `E`
    Exponent(Letters),
    /// `g`
    General,
    /// `%`
    Percent,
    /// `s`
    Text,
    /// `?`
    Source,
}

/// Letters among digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Letters {
    /// `a`
    Small,
    /// `A`
    Capital,
}

impl SpecKind {
    /// Whether only ints are shown so.
    pub fn is_for_ints(self) -> bool {
        matches!(self, SpecKind::Decimal | SpecKind::Hexadecimal(_) | SpecKind::Binary | SpecKind::Octal)
    }

    /// Whether only numbers are shown so.
    pub fn is_for_numbers(self) -> bool {
        !matches!(self, SpecKind::Text | SpecKind::Source)
    }
}

/// The widest width, and the longest precision.
const WIDEST: usize = 9_999;
const LONGEST: usize = 999;

/// What is wrong with a spec: at which byte, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// The byte it begins at; the length where something is missing.
    pub at: usize,
    /// The reason.
    pub reason: &'static str,
}

impl Spec {
    /// Takes a spec apart.
    ///
    /// # Errors
    /// The first thing that breaks the grammar, or options that exclude one another.
    pub fn parse(text: &str) -> Result<Spec, Mistake> {
        let mut spec = Spec {
            fill: None,
            align: None,
            sign: Sign::Minus,
            prefixed: false,
            zeros: false,
            width: 0,
            group: None,
            precision: None,
            kind: None,
        };
        let mut rest = Rest { text, at: 0 };
        let mut chars = text.chars();
        let (first, second) = (chars.next(), chars.next());
        if let (Some(fill), Some(align)) = (first, second.and_then(align)) {
            spec.fill = Some(fill);
            spec.align = Some(align);
            rest.at = fill.len_utf8() + 1;
        } else if let Some(align) = first.and_then(align) {
            spec.align = Some(align);
            rest.at = 1;
        }
        spec.sign = match rest.take(['+', '-', ' ']) {
            Some('+') => Sign::Plus,
            Some(' ') => Sign::Blank,
            _ => Sign::Minus,
        };
        let prefix_at = rest.at;
        spec.prefixed = rest.take(['#']).is_some();
        spec.zeros = rest.take(['0']).is_some();
        spec.width = rest.number(WIDEST, "a width is at most 9999")?.unwrap_or(0);
        let group_at = rest.at;
        spec.group = rest.take([',', '_']);
        let point_at = rest.at;
        if rest.take(['.']).is_some() {
            let missing = Mistake { at: rest.at, reason: "digits are missing behind the point" };
            spec.precision = Some(rest.number(LONGEST, "a precision is at most 999")?.ok_or(missing)?);
        }
        let kind_at = rest.at;
        spec.kind = rest.kind()?;
        let wrong = |at, reason| Err(Mistake { at, reason });
        match spec.kind {
            _ if rest.at < text.len() => wrong(rest.at, "nothing can stand behind the kind"),
            Some(kind) if kind.is_for_ints() && spec.precision.is_some() => wrong(point_at, "ints have no precision"),
            Some(SpecKind::Hexadecimal(_) | SpecKind::Binary | SpecKind::Octal) if spec.group == Some(',') => {
                wrong(group_at, "these digits are grouped by `_`")
            }
            Some(SpecKind::Hexadecimal(_) | SpecKind::Binary | SpecKind::Octal) => Ok(spec),
            _ if spec.prefixed => wrong(prefix_at, "`#` goes with x, X, b or o"),
            Some(kind) if !kind.is_for_numbers() && spec.is_numeric() => {
                wrong(kind_at, "a text has neither sign nor zeros nor groups")
            }
            _ => Ok(spec),
        }
    }

    /// Whether it asks for what only numbers have.
    pub fn is_numeric(&self) -> bool {
        self.sign != Sign::Minus
            || self.prefixed
            || self.zeros
            || self.group.is_some()
            || self.align == Some(Align::Inside)
            || self.kind.is_some_and(SpecKind::is_for_numbers)
    }
}

/// What has not been read of a spec.
struct Rest<'t> {
    text: &'t str,
    at: usize,
}

impl Rest<'_> {
    fn take<const N: usize>(&mut self, wanted: [char; N]) -> Option<char> {
        let found = self.text[self.at..].chars().next().filter(|c| wanted.contains(c))?;
        self.at += found.len_utf8();
        Some(found)
    }

    fn number(&mut self, most: usize, reason: &'static str) -> Result<Option<usize>, Mistake> {
        let start = self.at;
        let rest = &self.text[start..];
        self.at += rest.bytes().take_while(u8::is_ascii_digit).count();
        if self.at == start {
            return Ok(None);
        }
        let number = self.text[start..self.at].parse().ok().filter(|&number| number <= most);
        number.map(Some).ok_or(Mistake { at: start, reason })
    }

    fn kind(&mut self) -> Result<Option<SpecKind>, Mistake> {
        let Some(letter) = self.text[self.at..].chars().next() else { return Ok(None) };
        let kind = match letter {
            'd' => SpecKind::Decimal,
            'x' => SpecKind::Hexadecimal(Letters::Small),
            'X' => SpecKind::Hexadecimal(Letters::Capital),
            'b' => SpecKind::Binary,
            'o' => SpecKind::Octal,
            'f' => SpecKind::Fixed,
            'e' => SpecKind::Exponent(Letters::Small),
            'E' => SpecKind::Exponent(Letters::Capital),
            'g' => SpecKind::General,
            '%' => SpecKind::Percent,
            's' => SpecKind::Text,
            '?' => SpecKind::Source,
            _ => return Err(Mistake { at: self.at, reason: "expected one of d x X b o f e E g % s ?, or nothing" }),
        };
        self.at += 1;
        Ok(Some(kind))
    }
}

fn align(c: char) -> Option<Align> {
    match c {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Middle),
        '=' => Some(Align::Inside),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_taken_apart() {
        let spec = Spec::parse("*^+#012_x").unwrap();
        assert_eq!((spec.fill, spec.align, spec.sign), (Some('*'), Some(Align::Middle), Sign::Plus));
        assert_eq!((spec.prefixed, spec.zeros, spec.width, spec.group), (true, true, 12, Some('_')));
        assert_eq!((spec.precision, spec.kind), (None, Some(SpecKind::Hexadecimal(Letters::Small))));
        let spec = Spec::parse(">8.2").unwrap();
        assert_eq!((spec.fill, spec.align, spec.width, spec.precision), (None, Some(Align::Right), 8, Some(2)));
        assert_eq!(Spec::parse("<<5").unwrap().fill, Some('<'));
        assert_eq!(Spec::parse("é>5").unwrap().fill, Some('é'));
        assert!(Spec::parse("").is_ok());
    }

    #[test]
    fn mistakes_have_a_place() {
        let at = |text| Spec::parse(text).map_err(|mistake| mistake.at);
        let cases = [
            ("q", 0),
            (">8q", 2),
            (".", 1),
            (".f", 1),
            ("10000", 0),
            (".1000", 1),
            ("8.2x", 1),
            (",x", 0),
            ("#", 0),
            ("#5", 0),
            ("+s", 1),
            ("05?", 2),
            ("ff", 1),
            ("5 ", 1),
            ("99999999999999999999999", 0),
        ];
        for (text, place) in cases {
            assert_eq!(at(text), Err(place), "{text}");
        }
    }
}
