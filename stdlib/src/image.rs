//! The module `image`: values as bytes and files that any process can load.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use quipu_code::{Code, CodeHash};
use quipu_vm::graph;
use quipu_vm::graph::versions::{self, Filed, Plan};
use quipu_vm::heap::{Instance, Type};
use quipu_vm::image::{CodeTable, Form, Image, fault};
use quipu_vm::native::HostFn;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, text};
use crate::disk::{contents, failed, open_file};
use crate::entry::{Entry, hosted, native};
use crate::grant::{Capabilities, Capability, Grant};
use crate::library::{Refusal, refusal};

pub(crate) const NATIVES: &[Entry] = &[
    native("dump(v)", "The image of a value and all it reaches, as bytes.", dump),
    hosted(
        "load(bytes, allow = nil)",
        "The value of an image, built anew, with these capabilities alone if a list says so.",
        load,
    ),
    native("versions(v)", "The declared types that v reaches, as a list of maps.", types_of),
    native("save(v, path)", "Writes the image of a value to a file, whole or not at all.", save)
        .needing(Capability::Fs),
    hosted("open(path, allow = nil)", "The value of an image in a file, as `load` gives it.", open)
        .needing(Capability::Fs),
];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_image_plan(v, types)", "What an upgrade has to do.", plan).shown("image.upgrade"),
    native("_image_fields(v)", "The fields of an instance as a map.", fields).shown("image.upgrade"),
    native("_image_from(ty, fields)", "An instance with these fields.", from).shown("image.upgrade"),
    native("_image_successor(v, ty)", "An instance of a new type with the fields of an old one.", successor)
        .shown("image.upgrade"),
    native("_image_switch(v, types, pairs)", "Makes instances those of new types, all at once.", switch)
        .shown("image.upgrade"),
];

/// Bytes of a map with a few entries.
const MAP: usize = 512;

fn types_of<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let found = versions::versions(cx, args[0])?;
    let names: usize = found.iter().map(|version| version.ty.field_count() * 64).sum();
    cx.reserve(found.len() * MAP + names)?;
    let mut rows = Vec::with_capacity(found.len());
    for version in found {
        let fields: Result<Vec<Value<'v>>, Fault<'v>> = version.ty.field_names().map(|name| cx.str(name)).collect();
        let place = versions::place(version.ty).map_or(Ok(Value::NIL), |place| cx.str(&place))?;
        let hash = graph::hash(cx, version.ty.into())?.to_string();
        let row = cx.map();
        let values = [
            ("name", version.ty.name_value()),
            ("place", place),
            ("fields", cx.list(fields?)?.into()),
            ("instances", Value::int(version.instances as i64)),
            ("hash", cx.str(&hash)?),
        ];
        for (key, value) in values {
            let key = cx.str(key)?;
            row.insert(cx, key, value)?;
        }
        rows.push(row.into());
    }
    Ok(cx.list(rows)?.into())
}

fn plan<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let Plan { instances, kept } = Plan::of(cx, args[0], args[1])?;
    cx.work(instances.len() / 4)?;
    cx.reserve(instances.len() * 96 + kept.iter().map(|text| text.len() + 64).sum::<usize>())?;
    let mut rows = Vec::with_capacity(instances.len());
    for (instance, ty, upgrades) in instances {
        rows.push(cx.tuple(&[instance.into(), ty.into(), Value::bool(upgrades)])?);
    }
    let kept: Result<Vec<Value<'v>>, Fault<'v>> = kept.iter().map(|text| cx.str(text)).collect();
    let (rows, kept) = (cx.list(rows)?, cx.list(kept?)?);
    cx.tuple(&[rows.into(), kept.into()])
}

fn instance<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Instance<'v>, Fault<'v>> {
    match value.view() {
        View::Instance(instance) => Ok(instance),
        _ => Err(expected(cx, "an instance", value)),
    }
}

fn declared<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Type<'v>, Fault<'v>> {
    match value.view() {
        View::Type(ty) if ty.is_declared() => Ok(ty),
        _ => Err(expected(cx, "a declared type", value)),
    }
}

fn fields<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let instance = instance(cx, args[0])?;
    cx.reserve(MAP + instance.len() * 64)?;
    let map = cx.map();
    for (name, value) in instance.ty().field_names().zip(instance.to_vec()) {
        let name = cx.str(name)?;
        map.insert(cx, name, value)?;
    }
    Ok(map.into())
}

fn from<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let ty = declared(cx, args[0])?;
    versions::from_fields(cx, ty, args[1])
}

fn successor<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (old, new) = (instance(cx, args[0])?, declared(cx, args[1])?);
    versions::successor(cx, old, new)
}

fn switch<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let View::List(list) = args[2].view() else { return Err(expected(cx, "a list", args[2])) };
    cx.work(list.len() / 4)?;
    cx.reserve(list.len() * 64)?;
    let mut pairs = Vec::with_capacity(list.len());
    for pair in list.to_vec() {
        let View::Tuple(pair) = pair.view() else { return Err(expected(cx, "a pair", pair)) };
        let [old, new] = pair.as_slice() else { return Err(expected(cx, "a pair", pair.into())) };
        pairs.push((instance(cx, *old)?, instance(cx, *new)?));
    }
    let filed = versions::switch(cx, args[0], args[1], &pairs)?;
    let mut rows = Vec::with_capacity(filed.len());
    for Filed { table, keys, values } in filed {
        let (keys, values) = (cx.list(keys)?, cx.list(values)?);
        rows.push(cx.tuple(&[table, keys.into(), values.into()])?);
    }
    Ok(cx.list(rows)?.into())
}

fn dump<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = Image::of(cx, args[0])?.dump(Form::default());
    cx.work(bytes.len() / 64)?;
    cx.bytes(&bytes)
}

fn load(grant: &Grant) -> Box<HostFn> {
    let granted = grant.capabilities;
    Box::new(move |cx, args| {
        let listed = listed(cx, args.get(1))?;
        let View::Bytes(bytes) = args[0].view() else { return Err(expected(cx, "bytes", args[0])) };
        loaded(cx, bytes.as_slice().into(), listed, granted)
    })
}

fn open(grant: &Grant) -> Box<HostFn> {
    let granted = grant.capabilities;
    Box::new(move |cx, args| {
        let listed = listed(cx, args.get(1))?;
        // The image keeps these bytes.
        let bytes = contents(cx, args[0], open_file, 1)?;
        loaded(cx, bytes.into(), listed, granted)
    })
}

/// The capabilities in a list of names; none if there is no list.
fn listed<'v>(cx: &mut Cx<'v>, list: Option<&Value<'v>>) -> Result<Option<Capabilities>, Fault<'v>> {
    let Some(&list) = list.filter(|list| !list.is_nil()) else { return Ok(None) };
    let View::List(names) = list.view() else {
        return Err(expected(cx, "a list of capabilities", list));
    };
    let mut capabilities = Capabilities::PURE;
    for index in 0..names.len() {
        let Some(name) = names.get(index) else { break };
        let name = text(cx, name, "name of a capability")?;
        capabilities = match Capability::from_name(name.as_str()) {
            Some(capability) => capabilities.with(capability),
            None => {
                let known: Vec<&str> = Capability::ALL.iter().map(|capability| capability.name()).collect();
                let shown: String = name.as_str().chars().take(40).collect();
                let text = format!("there is no capability `{shown}`, only {}", known.join(", "));
                return Err(cx.fail_here(ErrorKind::Value, text));
            }
        };
    }
    Ok(Some(capabilities))
}

/// The code that a machine knows, where a thin image loads. It is collected when that is first needed.
struct Known<'c, 'v> {
    cx: &'c Cx<'v>,
    codes: OnceCell<HashMap<CodeHash, Code>>,
}

impl CodeTable for Known<'_, '_> {
    fn code(&self, hash: &CodeHash) -> Option<Code> {
        self.codes.get_or_init(|| self.cx.codes()).get(hash).cloned()
    }
}

fn loaded<'v>(
    cx: &mut Cx<'v>,
    bytes: Cow<'_, [u8]>,
    listed: Option<Capabilities>,
    granted: Capabilities,
) -> Outcome<'v> {
    cx.work(bytes.len() / 16)?;
    cx.reserve(bytes.len().saturating_add(Image::checking_takes(&bytes)))?;
    let opened = Image::parse(bytes, &Known { cx, codes: OnceCell::new() });
    let image = opened.map_err(|error| fault(cx, &error))?;
    let Some(listed) = listed else { return image.load(cx) };
    let refused: Vec<(&str, Refusal)> =
        image.needs().iter().filter_map(|name| Some((name.as_str(), refusal(name, listed, granted)?))).collect();
    if refused.is_empty() { image.load(cx) } else { Err(refuse(cx, &refused)) }
}

/// The error of an image that needs what is not on the list: all of it.
fn refuse<'v>(cx: &mut Cx<'v>, refused: &[(&str, Refusal)]) -> Fault<'v> {
    let reasons = refused.iter().map(|(name, refusal)| match refusal {
        Refusal::Unlisted(capability) => format!("`{name}`, which \"{}\" in the list allows", capability.name()),
        Refusal::NotOwn(capability) => {
            format!("`{name}`, which needs \"{}\", and this program does not have that itself", capability.name())
        }
        Refusal::Loads => format!("`{name}`, which would bind what it loads to all that this program may reach"),
        Refusal::Foreign => format!("`{name}`, which no capability stands for"),
    });
    let text = reasons.collect::<Vec<_>>().join("; ");
    let names: Result<Vec<Value<'v>>, Fault<'v>> = refused.iter().map(|(name, _)| cx.str(name)).collect();
    match names.and_then(|names| cx.list(names)) {
        Ok(names) => cx.fail_here_with(
            ErrorKind::Image,
            format!("the image needs more than it is allowed: {text}"),
            names.into(),
        ),
        Err(fault) => fault,
    }
}

fn save<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[1], "path")?;
    let bytes = Image::of(cx, args[0])?.dump(Form::default());
    cx.work(bytes.len() / 64)?;
    match crate::disk::write_whole(path.as_str().as_ref(), &bytes) {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(cx, path, &error)),
    }
}
