//! What can be done with objects of each kind, safely.

use super::layout::StrObject;
use super::value::Gc;

impl<'v> Gc<'v, StrObject> {
    /// The text.
    pub fn as_str(self) -> &'v str {
        let object = self.as_ptr();
        // SAFETY: the bytes follow the object, were copied from `str`s when it was made, never change, and live for
        // `'v`.
        unsafe {
            let bytes = std::slice::from_raw_parts(object.add(1).cast::<u8>(), (*object).len);
            std::str::from_utf8_unchecked(bytes)
        }
    }
}
