//! Types that meet their other versions: which types a value reaches, and instances of old ones that become instances of new
//! ones, where they are.
//!
//! All is worked out first on the values as they are ([`Plan::of`]), then [`switch`] changes them at once: that cannot fail.

use std::collections::HashMap;

use hashbrown::HashSet;

use super::path::{Reached, explore, text};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::change::Twins;
use crate::heap::{Edge, Heap, Instance, Type, Value, View};
use crate::native::{Fault, Outcome};
use crate::ops::versions::described;

pub use crate::ops::versions::place;

/// What an upgrade is told.
const EXPECTED: &str = "expected a list of declared types, or a map from old to new ones";

/// Bytes that a map or set takes at most, beside its entries, to be told that it is to be filed anew.
const ROW: usize = 256;

/// How many functions are named at most that keep an old type.
const NAMED: usize = 32;

/// A type that a value reaches.
#[derive(Clone, Copy, Debug)]
pub struct Version<'v> {
    /// The type.
    pub ty: Type<'v>,
    /// How many of its instances the value reaches.
    pub instances: usize,
}

/// The declared types that a value reaches, in the order in which they are met; equal ones are one.
///
/// # Errors
/// A limit.
pub fn versions<'v>(cx: &mut Cx<'v>, root: Value<'v>) -> Result<Vec<Version<'v>>, Fault<'v>> {
    let mut found: Vec<Version<'v>> = Vec::new();
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    for Reached { value, .. } in walk(cx, root)? {
        let (ty, count) = match value.view() {
            View::Instance(instance) => (instance.ty(), 1),
            View::Type(ty) => (ty, 0),
            _ => continue,
        };
        if !ty.is_declared() {
            continue;
        }
        let number = match numbers.get(&ty.address()) {
            Some(&number) => number,
            None => {
                let mut number = None;
                for (index, known) in found.iter().enumerate() {
                    if number.is_none() && crate::ops::equal::same_type(cx, known.ty, ty)? {
                        number = Some(index);
                    }
                }
                let number = number.unwrap_or(found.len());
                if number == found.len() {
                    found.push(Version { ty, instances: 0 });
                }
                numbers.insert(ty.address(), number);
                number
            }
        };
        found[number].instances += count;
    }
    Ok(found)
}

/// The types that take the place of others: all with the name of one of them, or those that a map names.
enum Wanted<'v> {
    Named(Vec<Type<'v>>),
    Mapped(Vec<(Type<'v>, Type<'v>)>),
}

/// What becomes of the instances of a type.
#[derive(Clone, Copy)]
enum Fate<'v> {
    /// It is no type that another one takes the place of.
    Stays,
    /// This one takes its place: its `upgrade` makes the fields, or they are taken over by name.
    Becomes(Type<'v>, bool),
    /// The other one does not know its fields.
    Unknown(Type<'v>),
}

/// What is to be done to a value and all it reaches.
#[derive(Debug)]
pub struct Plan<'v> {
    /// The instances that are to become others.
    pub instances: Vec<(Instance<'v>, Type<'v>, bool)>,
    /// What stays as it is though a type with its name is given: functions and instances, in words.
    pub kept: Vec<String>,
}

impl<'v> Plan<'v> {
    /// What is to be done where `types`, a list of declared types or a map from old ones to new ones, take the place of others.
    ///
    /// # Errors
    /// `type_error` or `value_error` for other lists and maps; a limit.
    pub fn of(cx: &mut Cx<'v>, root: Value<'v>, types: Value<'v>) -> Result<Plan<'v>, Fault<'v>> {
        let mut fates = Fates::of(cx, types)?;
        let reached = walk(cx, root)?;
        let mut plan = Plan { instances: Vec::new(), kept: Vec::new() };
        let (mut functions, mut left) = (HashSet::new(), HashSet::new());
        for at in 0..reached.len() {
            match reached[at].value.view() {
                View::Instance(instance) => match fates.fate(cx, instance.ty())? {
                    Fate::Stays => {}
                    Fate::Becomes(ty, upgrades) => plan.instances.push((instance, ty, upgrades)),
                    // Of each such type one tells enough.
                    Fate::Unknown(ty) if left.insert(instance.ty().address()) && plan.kept.len() < NAMED => {
                        let (path, own) = (text(cx, &reached, at), described(instance.ty()));
                        let new = described(ty);
                        plan.kept.push(format!("{path} is of {own}, whose fields {new} does not know"));
                    }
                    Fate::Unknown(_) => {}
                },
                View::Closure(closure) if plan.kept.len() < NAMED => {
                    for captured in closure.captures() {
                        let View::Type(ty) = captured.view() else { continue };
                        if !matches!(fates.fate(cx, ty)?, Fate::Stays) && functions.insert(closure.address()) {
                            let (path, ty) = (text(cx, &reached, at), described(ty));
                            plan.kept.push(format!("{path} uses {ty}"));
                        }
                    }
                }
                _ => {}
            }
        }
        cx.reserve(plan.instances.len() * size_of::<Value<'v>>() * 8)?;
        Ok(plan)
    }
}

struct Fates<'v> {
    wanted: Wanted<'v>,
    known: HashMap<usize, Fate<'v>>,
}

impl<'v> Fates<'v> {
    fn of(cx: &mut Cx<'v>, types: Value<'v>) -> Result<Fates<'v>, Fault<'v>> {
        let declared = |cx: &mut Cx<'v>, value: Value<'v>| match value.view() {
            View::Type(ty) if ty.is_declared() => Ok(ty),
            _ => Err(cx.fail_here(ErrorKind::Type, EXPECTED)),
        };
        let wanted = match types.view() {
            View::List(list) => {
                let mut named: Vec<Type<'v>> = Vec::new();
                for item in list.to_vec() {
                    let ty = declared(cx, item)?;
                    if named.iter().any(|other| other.name() == ty.name()) {
                        let text = format!("two of the types are called {}: a map says which is for which", ty.name());
                        return Err(cx.fail_here(ErrorKind::Value, text));
                    }
                    named.push(ty);
                }
                Wanted::Named(named)
            }
            View::Map(map) => {
                let mut mapped = Vec::new();
                for key in map.keys() {
                    let Some(value) = map.get(cx, key)? else { continue };
                    mapped.push((declared(cx, key)?, declared(cx, value)?));
                }
                Wanted::Mapped(mapped)
            }
            _ => return Err(cx.fail_here(ErrorKind::Type, EXPECTED)),
        };
        Ok(Fates { wanted, known: HashMap::new() })
    }

    fn fate(&mut self, cx: &mut Cx<'v>, ty: Type<'v>) -> Result<Fate<'v>, Fault<'v>> {
        if let Some(&fate) = self.known.get(&ty.address()) {
            return Ok(fate);
        }
        let mut new = None;
        match &self.wanted {
            Wanted::Named(types) => new = types.iter().copied().find(|other| other.name() == ty.name()),
            Wanted::Mapped(types) => {
                for &(old, other) in types {
                    if new.is_none() && crate::ops::equal::same_type(cx, old, ty)? {
                        new = Some(other);
                    }
                }
            }
        }
        let fate = match new {
            _ if !ty.is_declared() => Fate::Stays,
            None => Fate::Stays,
            Some(new) if crate::ops::equal::same_type(cx, ty, new)? => Fate::Stays,
            Some(new) if new.method("upgrade").is_some_and(|method| !method.instance) => Fate::Becomes(new, true),
            Some(new) if knows(new, ty) => Fate::Becomes(new, false),
            Some(new) => Fate::Unknown(new),
        };
        self.known.insert(ty.address(), fate);
        Ok(fate)
    }
}

/// Whether a type has all fields of another one, and defaults for those that the other lacks.
fn knows(new: Type<'_>, old: Type<'_>) -> bool {
    let View::Closure(constructor) = new.constructor().view() else { return false };
    let required = usize::from(constructor.code().body().required);
    let has = |ty: Type<'_>, name: &str| ty.field_index(name).is_some();
    old.field_names().all(|name| has(new, name))
        && new.field_names().enumerate().all(|(index, name)| index >= required || has(old, name))
}

/// An instance of a new type with the fields of one of an old type, and defaults for those that it lacks. The old one stays as
/// it is.
///
/// # Errors
/// What a default throws; a limit.
pub fn successor<'v>(cx: &mut Cx<'v>, old: Instance<'v>, new: Type<'v>) -> Outcome<'v> {
    if !knows(new, old.ty()) {
        let text = format!("{} does not know the fields of {}", described(new), described(old.ty()));
        return Err(cx.fail_here(ErrorKind::Value, text));
    }
    let fields: Vec<Value<'v>> = new.field_names().map(|name| old.field(name).unwrap_or(Value::ABSENT)).collect();
    cx.call(new.constructor(), &fields)
}

/// An instance of a type with the fields that a map has, which are all of them and no others.
///
/// # Errors
/// `value_error` when they are not; a limit.
pub fn from_fields<'v>(cx: &mut Cx<'v>, ty: Type<'v>, fields: Value<'v>) -> Outcome<'v> {
    let wanted: Vec<&str> = ty.field_names().collect();
    let shape = |cx: &mut Cx<'v>| {
        let text = format!("{}.upgrade must give a map of the fields {}", described(ty), wanted.join(", "));
        cx.fail_here(ErrorKind::Value, text)
    };
    let View::Map(map) = fields.view() else { return Err(shape(cx)) };
    let mut values = Vec::with_capacity(wanted.len());
    for name in &wanted {
        let key = cx.str(name)?;
        match map.get(cx, key)? {
            Some(value) => values.push(value),
            None => return Err(shape(cx)),
        }
    }
    if map.len() != wanted.len() {
        return Err(shape(cx));
    }
    cx.reserve(Heap::changing_takes(values.len()))?;
    match cx.heap().checked_instance(ty, &values) {
        Some(instance) => Ok(instance.into()),
        None => Err(shape(cx)),
    }
}

/// A map or set whose entries are to be filed anew, with its keys and values as they are to be.
#[derive(Debug)]
pub struct Filed<'v> {
    /// The map or set.
    pub table: Value<'v>,
    /// Its keys in order.
    pub keys: Vec<Value<'v>>,
    /// Their values.
    pub values: Vec<Value<'v>>,
}

/// Makes instances those of other types: each gets the type and the fields of the one beside it. Types that stand as data
/// in what a value reaches are replaced, too. What is filed under something that has changed is given; whoever calls this files
/// it anew.
///
/// # Errors
/// `type_error` or `value_error` where `types` is not what [`Plan::of`] takes; a limit. Nothing is changed then.
pub fn switch<'v>(
    cx: &mut Cx<'v>,
    root: Value<'v>,
    types: Value<'v>,
    pairs: &[(Instance<'v>, Instance<'v>)],
) -> Result<Vec<Filed<'v>>, Fault<'v>> {
    let mut fates = Fates::of(cx, types)?;
    let reached = walk(cx, root)?;
    let mut takes: usize = pairs.iter().map(|(_, new)| Heap::changing_takes(new.len())).sum();
    let (mut places, mut filed) = (Vec::new(), Vec::new());
    for found in &reached {
        let value = found.value;
        match value.view() {
            View::Map(table) | View::Set(table) => {
                let has = |values: &[Value<'v>], test: fn(&View<'v>) -> bool| values.iter().any(|it| test(&it.view()));
                let (keys, values) = (table.keys(), table.values());
                let is_filed = has(&keys, |it| matches!(it, View::Instance(_) | View::Tuple(_) | View::Type(_)));
                if is_filed || has(&values, |it| matches!(it, View::Type(_))) {
                    takes += ROW + keys.len() * 4 * size_of::<Value<'v>>();
                    filed.push((value, keys, values));
                }
            }
            View::List(_) | View::Cell(_) | View::Instance(_) | View::Tuple(_) => {
                let mut held = Vec::new();
                super::parts::for_each_part(value, |part, other| {
                    if let View::Type(ty) = other.view()
                        && part.edge != Edge::Type
                    {
                        held.push((part.index, ty));
                    }
                });
                for (index, ty) in held {
                    if let Fate::Becomes(new, _) = fates.fate(cx, ty)? {
                        takes += 128;
                        places.push((value, index, new));
                    }
                }
            }
            // What functions have captured is theirs, and types keep what they consist of.
            _ => {}
        }
    }
    cx.work(places.len() + pairs.len())?;
    cx.reserve(takes)?;
    let mut anew = Vec::with_capacity(filed.len());
    for (table, keys, values) in filed {
        anew.push(Filed { table, keys: now(cx, &mut fates, keys)?, values: now(cx, &mut fates, values)? });
    }
    // From here on nothing fails.
    cx.machine.graph_hashes.clear();
    for (holder, index, new) in places {
        replace(cx, holder, index, new.into());
    }
    let mut twins = Twins::default();
    for &(instance, new) in pairs {
        instance.become_like(cx.heap(), new, &mut twins);
    }
    Ok(anew)
}

/// With new types in the place of old ones.
fn now<'v>(cx: &mut Cx<'v>, fates: &mut Fates<'v>, mut values: Vec<Value<'v>>) -> Result<Vec<Value<'v>>, Fault<'v>> {
    for value in &mut values {
        if let View::Type(ty) = value.view()
            && let Fate::Becomes(new, _) = fates.fate(cx, ty)?
        {
            *value = new.into();
        }
    }
    Ok(values)
}

/// Puts a type in the place of another one that a value holds.
fn replace<'v>(cx: &mut Cx<'v>, holder: Value<'v>, index: usize, new: Value<'v>) {
    match holder.view() {
        View::List(list) => _ = list.set(cx, index, new),
        View::Cell(cell) => cell.set(cx, new),
        View::Instance(instance) => _ = instance.set(cx, index, new),
        View::Tuple(tuple) => _ = tuple.replace(cx.heap(), index, new),
        _ => {}
    }
}

/// A value and all it reaches, each once.
fn walk<'v>(cx: &mut Cx<'v>, root: Value<'v>) -> Result<Vec<Reached<'v>>, Fault<'v>> {
    let met = HashSet::from_iter([root.bits]);
    explore(cx, root, met, |_| false).map(|(reached, _)| reached)
}
