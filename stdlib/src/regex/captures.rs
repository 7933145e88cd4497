//! The groups of a match.

/// What the groups of a match matched.
pub(super) struct Captures<'v> {
    pub text: &'v str,
    pub slots: Vec<Option<usize>>,
}

impl<'v> Captures<'v> {
    /// The text of a group, if it took part.
    pub fn get(&self, number: usize) -> Option<&'v str> {
        let start = (*self.slots.get(2 * number)?)?;
        let end = (*self.slots.get(2 * number + 1)?)?;
        self.text.get(start..end)
    }
}
