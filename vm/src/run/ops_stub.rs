//! Stand-ins until text and indexing land.
#![allow(dead_code, missing_docs, unused_variables)]
use crate::cx::Cx;
use crate::heap::Value;
use crate::native::{Fault, Outcome};
pub use crate::ops::arith::{self, Operator};
pub use crate::ops::{equal, order};
pub mod text {
    use super::*;
    pub fn to_str<'v>(cx: &mut Cx<'v>, a: Value<'v>) -> Outcome<'v> { let t = format!("{:?}", a.as_int()); cx.str(&t) }
    pub fn repr_short<'v>(cx: &mut Cx<'v>, a: Value<'v>) -> Result<String, Fault<'v>> { Ok(String::new()) }
    pub fn repr<'v>(cx: &mut Cx<'v>, a: Value<'v>) -> Outcome<'v> { to_str(cx, a) }
}
pub mod index {
    use super::*;
    pub fn get_index<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Outcome<'v> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
    pub fn set_index<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>, c: Value<'v>) -> Result<(), Fault<'v>> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
    pub fn get_field<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Outcome<'v> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
    pub fn get_field_safe<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Outcome<'v> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
    pub fn set_field<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>, c: Value<'v>) -> Result<(), Fault<'v>> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
    pub fn slice<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>, c: Value<'v>, d: bool) -> Outcome<'v> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
    pub fn contains<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> { Err(cx.fail(crate::ErrorKind::Type, "stub")) }
}
