//! Programs made from scripts by small damage, the same ones in every run.

/// Numbers that look random and are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    /// A number in `0..limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Words and the characters between them, so that damage leaves most of a program standing.
pub fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() || c == '_';
        match pieces.last_mut() {
            Some(piece) if word && in_word => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
        in_word = word;
    }
    pieces
}

/// The text with up to three pieces left out, exchanged, replaced or repeated.
pub fn damage(pieces: &[String], numbers: &mut Numbers) -> String {
    let mut pieces = pieces.to_vec();
    for _ in 0..=numbers.below(3) {
        if pieces.is_empty() {
            break;
        }
        let (at, other) = (numbers.below(pieces.len()), numbers.below(pieces.len()));
        match numbers.below(4) {
            0 => drop(pieces.remove(at)),
            1 => pieces.swap(at, other),
            2 => pieces[at] = pieces[other].clone(),
            _ => {
                let end = (other + numbers.below(12)).min(pieces.len());
                let copied = pieces[other..end].to_vec();
                pieces.splice(at..at, copied);
            }
        }
    }
    pieces.concat()
}
