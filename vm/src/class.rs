//! Classes of the host as programs meet them: fields, and what goes into images. How a host declares one is `host::class`.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::cx::{Cx, guarded};
use crate::door::{caught, dispose, told};
use crate::heap::{Instance, Value};
use crate::native::{Fault, NativeDef};

/// A class without its Rust type.
pub struct HostClass {
    /// The name that code and images know it by.
    pub(crate) name: String,
    pub(crate) type_id: TypeId,
    pub(crate) constructor: Option<Arc<NativeDef>>,
    /// Methods and functions of the type: name, whether it takes `self`, definition.
    pub(crate) methods: Vec<(String, bool, Arc<NativeDef>)>,
    pub(crate) getters: HashMap<String, Arc<NativeDef>>,
    pub(crate) setters: HashMap<String, Arc<NativeDef>>,
    pub(crate) codec: Option<Codec>,
}

pub(crate) type Save = dyn for<'v> Fn(Instance<'v>) -> Result<Vec<u8>, String> + Send + Sync;
pub(crate) type Load = dyn Fn(&[u8]) -> Result<Box<dyn Any + Send>, String> + Send + Sync;

/// How values go into images.
pub(crate) struct Codec {
    pub save: Box<Save>,
    pub load: Box<Load>,
}

impl Drop for Codec {
    /// What the functions hold is the host's.
    fn drop(&mut self) {
        dispose(std::mem::replace(&mut self.save, Box::new(|_| Err(String::new()))));
        dispose(std::mem::replace(&mut self.load, Box::new(|_| Err(String::new()))));
    }
}

impl fmt::Debug for HostClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostClass({})", self.name)
    }
}

impl HostClass {
    /// The name that code and images know it by: `game.Player@1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that programs see.
    pub fn short_name(&self) -> &str {
        let name = self.name.split_once('@').map_or(self.name.as_str(), |(name, _)| name);
        name.rsplit_once('.').map_or(name, |(_, name)| name)
    }

    /// Which Rust type it is of.
    pub fn type_id(&self) -> TypeId {
        self.type_id
    }
}

/// Reads a field that the host's class has. None if there is none.
pub(crate) fn get_field<'v>(
    cx: &mut Cx<'v>,
    instance: Instance<'v>,
    name: &str,
) -> Result<Option<Value<'v>>, Fault<'v>> {
    match instance.ty().host_class().and_then(|class| class.getters.get(name)) {
        Some(getter) => getter.call(cx, &[instance.into()]).map(Some),
        None => Ok(None),
    }
}

/// Writes a field that the host's class has. False if there is none.
pub(crate) fn set_field<'v>(
    cx: &mut Cx<'v>,
    instance: Instance<'v>,
    name: &str,
    value: Value<'v>,
) -> Result<bool, Fault<'v>> {
    match instance.ty().host_class().and_then(|class| class.setters.get(name)) {
        Some(setter) => setter.call(cx, &[instance.into(), value]).map(|_| true),
        None => Ok(false),
    }
}

/// What saving an instance came to: the bytes, or why there are none.
///
/// # Errors
/// That of a panic.
pub(crate) fn saved<'v>(cx: &mut Cx<'v>, instance: Instance<'v>) -> Result<Option<Result<Vec<u8>, String>>, Fault<'v>> {
    let Some(class) = instance.ty().host_class() else { return Ok(None) };
    let Some(codec) = &class.codec else { return Ok(None) };
    guarded(cx, class.short_name(), |_| Ok(Some((codec.save)(instance))))
}

/// Gives an instance out of an image its data.
pub(crate) fn load(instance: Instance<'_>, bytes: &[u8]) -> Result<(), String> {
    let class = instance.ty().host_class().ok_or("its host cannot load it")?;
    let codec = class.codec.as_ref().ok_or("its host cannot load it")?;
    let data = caught(|| (codec.load)(bytes)).unwrap_or_else(|text| Err(told(class.short_name(), &text)))?;
    match instance.fill_host(data) {
        None => Ok(()),
        Some(data) => {
            dispose(data);
            Err("it has data already".to_owned())
        }
    }
}
