//! What can be a key of a map or a member of a set, its hash, when two keys are one, and entries by their keys.

use std::collections::HashMap;

use quipu_code::CodeHash;

use super::depth::Depth;
use super::equal;
use super::meter::{Cost, ENTER, LONG, Meter, STEP, look_at};
use crate::cx::Cx;
use crate::error::ErrorKind;
use crate::heap::handle::FiledKeys;
use crate::heap::keyed::{Domain, Keyed};
use crate::heap::layout::TableObject;
use crate::heap::{Gc, Special, Str, Tuple, Type, Value, View, tag};
use crate::native::Fault;

/// A value that was found to be a key, with its hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'v> {
    value: Value<'v>,
    hash: u64,
    /// What the `hash` of the instances in it gave, in order, as a tuple; absent if there are none.
    filed: Value<'v>,
}

/// How many `hash` methods may lead to one another.
const FILED_DEPTH: usize = 1000;

/// After this many steps of looking for a key, hashes of tuples are remembered: a few may be shared by very many.
const PATIENCE: usize = 1000;

/// Of so many parts one is remembered, so that this takes little memory, and nothing for small keys.
const STRIDE: usize = 16;

/// Hashes of parts of keys. The keys of an image share them, so they are kept while it is loaded.
#[derive(Default)]
pub(crate) struct Known {
    /// Of tuples by address: the hash, how many instances with a `hash` are in it, and what it cost.
    tuples: HashMap<usize, (u64, usize, Cost)>,
    /// Of what such instances are filed under, by the address of the tuple of it.
    filed: HashMap<usize, (u64, usize)>,
}

impl<'v> Key<'v> {
    /// Prepares a value as a key. Calls the `hash` of instances that have one.
    ///
    /// # Errors
    /// The value cannot be a key; what `hash` throws.
    #[inline]
    pub fn new(cx: &mut Cx<'v>, value: Value<'v>) -> Result<Key<'v>, Fault<'v>> {
        if value.tag == tag::INT {
            return Ok(Key::plain(value, cx.heap().keyed.int(value.bits as i64)));
        }
        let (mut given, mut filed_hash) = (Vec::new(), 0);
        let filing = &mut Filing::Ask(&mut given);
        let (hash, _) = walk(cx, value, filing, &mut filed_hash, &mut Known::default())?;
        if given.is_empty() {
            return Ok(Key::plain(value, hash));
        }
        let filed = cx.heap().tuple(&given).into();
        Ok(Key { value, hash: cx.heap().keyed.join(hash, filed_hash), filed })
    }

    /// Prepares a value that is a key elsewhere, where the `hash` of the instances in it gave `filed`. Calls nothing.
    /// None if these are too few or too many.
    ///
    /// # Errors
    /// The value cannot be a key.
    pub(crate) fn again(
        cx: &mut Cx<'v>,
        value: Value<'v>,
        filed: Option<Tuple<'v>>,
        known: &mut Known,
    ) -> Result<Option<Key<'v>>, Fault<'v>> {
        let (hash, calls) = walk(cx, value, &mut Filing::Skip, &mut 0, known)?;
        let Some(filed) = filed else { return Ok((calls == 0).then(|| Key::plain(value, hash))) };
        let Some((filed_hash, count)) = hash_of_filed(cx, filed, known)? else { return Ok(None) };
        let hash = cx.heap().keyed.join(hash, filed_hash);
        Ok((calls > 0 && calls == count).then(|| Key { value, hash, filed: filed.into() }))
    }

    /// A key without instances that have a `hash`, or one that is only looked for.
    pub(crate) fn plain(value: Value<'v>, hash: u64) -> Key<'v> {
        Key { value, hash, filed: Value::ABSENT }
    }

    /// What the `hash` of the instances in it gave, in order, as a tuple; absent if there are none.
    pub(crate) fn given(&self) -> Value<'v> {
        self.filed
    }

    /// The value.
    pub fn value(&self) -> Value<'v> {
        self.value
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// What a table keeps of it.
    fn parts(&self) -> (Value<'v>, u64, Value<'v>) {
        (self.value, self.hash, self.filed)
    }

    /// How many bytes there are to compare with an equal key, if it is a string.
    pub(crate) fn weight(&self) -> u64 {
        weight(self.value) as u64
    }

    /// Whether [`is_same`] cannot tell.
    #[inline]
    pub(crate) fn is_deep(&self) -> bool {
        match self.value.tag {
            tag::TUPLE | tag::TYPE => true,
            tag::INSTANCE => self.value.special(Special::eq).is_some(),
            _ => false,
        }
    }
}

/// Entries by their keys. Only these methods of tables call back into the machine; they say so.
impl<'v> Gc<'v, TableObject> {
    /// The value under a key. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// The value cannot be a key; what the key's methods throw.
    #[inline]
    pub fn get(self, cx: &mut Cx<'v>, key: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        match key.view() {
            View::Int(int) => Ok(self.get_int(cx, int)),
            View::Str(text) => {
                pay_for(cx, text)?;
                Ok(self.get_str(cx, text))
            }
            _ => {
                let key = Key::new(cx, key)?;
                self.get_key(cx, &key)
            }
        }
    }

    /// Whether there is an entry with this key. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn contains(self, cx: &mut Cx<'v>, key: Value<'v>) -> Result<bool, Fault<'v>> {
        Ok(self.get(cx, key)?.is_some())
    }

    /// The value under a prepared key. May call the key's `eq`.
    ///
    /// # Errors
    /// What the key's methods throw; `changed` if they change this table.
    pub fn get_key(self, cx: &mut Cx<'v>, key: &Key<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        Ok(self.find_key(cx, key)?.map(|slot| self.value_at(slot)))
    }

    /// Puts a value under a key and gives the one that was there. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// The value cannot be a key; what the key's methods throw; `changed` if they change this table; as
    /// [`Cx::reserve`].
    pub fn insert(self, cx: &mut Cx<'v>, key: Value<'v>, value: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        if let View::Str(text) = key.view() {
            pay_for(cx, text)?;
        }
        let heap = cx.heap();
        let (hash, slot) = match key.view() {
            View::Int(int) => {
                let hash = heap.keyed.int(int);
                (hash, self.find_int(hash, int))
            }
            View::Str(text) => (text.keyed_hash(&heap.keyed), self.find_str(heap, text)),
            _ => return self.insert_slow(cx, key, value),
        };
        if let Some(slot) = slot {
            return Ok(Some(self.replace_at(heap, slot, value)));
        }
        self.reserve(cx, 1)?;
        self.add(cx.heap(), (key, hash, Value::ABSENT), value)?;
        Ok(None)
    }

    fn insert_slow(self, cx: &mut Cx<'v>, key: Value<'v>, value: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        // Room comes first: if it has to be made, everything runs again, and the key's methods must not run twice.
        self.reserve(cx, 1)?;
        let key = Key::new(cx, key)?;
        self.insert_key(cx, &key, value)
    }

    /// Puts a value under a prepared key and gives the one that was there. May call the key's `eq`.
    ///
    /// # Errors
    /// What the key's methods throw; `changed` if they change this table; as [`Cx::reserve`].
    pub fn insert_key(self, cx: &mut Cx<'v>, key: &Key<'v>, value: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        self.reserve(cx, 1)?;
        match self.find_key(cx, key)? {
            Some(slot) => Ok(Some(self.replace_at(cx.heap(), slot, value))),
            None => {
                // Methods of the key may have used up the room; what one entry takes is let pass.
                self.add(cx.heap(), key.parts(), value)?;
                Ok(None)
            }
        }
    }

    /// Adds an entry that stood in another table; false if there is one with an equal key. Calls nothing: two keys of which
    /// one has been asked for its `hash` are told apart by identity, as they were where they come from. `filed` is of
    /// this table, to which nothing else is done meanwhile, and keeps many keys of one hash from being slow.
    ///
    /// # Errors
    /// A limit.
    pub(crate) fn insert_again(
        self,
        cx: &mut Cx<'v>,
        key: &Key<'v>,
        value: Value<'v>,
        filed: &mut FiledKeys,
    ) -> Result<bool, Fault<'v>> {
        let is_new = if !key.given().is_absent() {
            self.add_filed(cx.heap(), key.parts(), value, filed)?
        } else {
            let found = if key.is_deep() {
                self.find_key(cx, key)?.is_some()
            } else {
                self.find(key.hash(), |entry| is_same(entry, key.value())).is_some()
            };
            if !found {
                self.add(cx.heap(), key.parts(), value)?;
            }
            !found
        };
        self.begin();
        Ok(is_new)
    }

    /// Adds a member to a set; true if it is new. May call its `hash` and `eq`.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn add_member(self, cx: &mut Cx<'v>, member: Value<'v>) -> Result<bool, Fault<'v>> {
        Ok(self.insert(cx, member, Value::NIL)?.is_none())
    }

    /// Takes out the entry with a key and gives its value. May call the key's `hash` and `eq`.
    ///
    /// # Errors
    /// The value cannot be a key; what the key's methods throw; `changed` if they change this table.
    pub fn remove(self, cx: &mut Cx<'v>, key: Value<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        let key = Key::new(cx, key)?;
        self.remove_key(cx, &key)
    }

    /// Takes out the entry with a prepared key and gives its value. May call the key's `eq`.
    ///
    /// # Errors
    /// What the key's methods throw; `changed` if they change this table.
    pub fn remove_key(self, cx: &mut Cx<'v>, key: &Key<'v>) -> Result<Option<Value<'v>>, Fault<'v>> {
        let Some(slot) = self.find_key(cx, key)? else { return Ok(None) };
        Ok(Some(self.remove_at(cx.heap(), slot)))
    }

    /// As [`next`](Self::next), with the key as it is filed here.
    pub(crate) fn next_key(self, position: u64) -> Option<(u64, Key<'v>, Value<'v>)> {
        let (slot, after) = self.next_slot(position)?;
        let key = Key { value: self.key_at(slot), hash: self.hash_at(slot), filed: self.given_at(slot) };
        Some((after, key, self.value_at(slot)))
    }

    /// Finds the entry of a prepared key. Keys with methods of their own are asked in order of insertion, so that what
    /// they see depends on nothing hidden.
    fn find_key(self, cx: &mut Cx<'v>, key: &Key<'v>) -> Result<Option<u32>, Fault<'v>> {
        if !key.is_deep() {
            return Ok(self.find(key.hash(), |entry| is_same(entry, key.value())));
        }
        let mut candidates = Candidates::default();
        self.each_with_hash(key.hash(), |slot| candidates.add(slot));
        for slot in candidates.in_order() {
            let stamp = self.stamp();
            let is_equal = is_equal(cx, key.value(), self.key_at(slot))?;
            if self.stamp() != stamp {
                return Err(changed(cx, self.is_set()));
            }
            if is_equal {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}

/// Charges for the hash of a long key and for comparing it, whether the hash is known already or not.
#[inline]
fn pay_for<'v>(cx: &mut Cx<'v>, key: Str<'v>) -> Result<(), Fault<'v>> {
    let len = key.as_str().len();
    if len < LONG { Ok(()) } else { look_at(cx, len) }
}

/// Slots of entries with one hash: nearly always one.
#[derive(Default)]
struct Candidates {
    first: Option<u32>,
    others: Vec<u32>,
}

impl Candidates {
    fn add(&mut self, slot: u32) {
        match self.first {
            None => self.first = Some(slot),
            Some(_) => self.others.push(slot),
        }
    }

    fn in_order(mut self) -> impl Iterator<Item = u32> {
        if let Some(first) = self.first
            && !self.others.is_empty()
        {
            self.others.push(first);
            self.others.sort_unstable();
            self.first = None;
        }
        self.first.into_iter().chain(self.others)
    }
}

/// What waits for the hash of a part.
enum Step<'v> {
    Tuple {
        tuple: Tuple<'v>,
        next: usize,
        hash: u64,
        calls: usize,
        cost: Cost,
    },
    /// What an instance is filed under; as many calls before it.
    Filed(usize),
    /// A tuple whose hash is known, for so many more of the instances in it.
    Known {
        hash: u64,
        left: usize,
    },
}

/// Where the values come from under which instances are filed.
enum Filing<'a, 'v> {
    /// From their `hash`; what it gives is added here.
    Ask(&'a mut Vec<Value<'v>>),
    /// From here.
    Given(&'a [Value<'v>]),
    /// From nowhere: instances are only counted.
    Skip,
    /// There were too few.
    Missing,
}

impl<'v> Filing<'_, 'v> {
    /// What the next instance is filed under. Only one that is asked for it need be at hand.
    fn next(&mut self, cx: &mut Cx<'v>, asked: Option<(Value<'v>, Value<'v>)>) -> Result<Value<'v>, Fault<'v>> {
        match (&mut *self, asked) {
            (Filing::Ask(given), Some((function, instance))) => {
                let value = cx.call(function, &[instance])?;
                given.push(value);
                Ok(value)
            }
            (Filing::Given([first, rest @ ..]), _) => {
                let value = *first;
                *self = Filing::Given(rest);
                Ok(value)
            }
            _ => {
                *self = Filing::Missing;
                Err(Fault::Defer)
            }
        }
    }
}

/// The hash of what instances are filed under, and the number of those that stand in the key itself: others stand in
/// what these are filed under. None if there are too few.
fn hash_of_filed<'v>(cx: &mut Cx<'v>, filed: Tuple<'v>, known: &mut Known) -> Result<Option<(u64, usize)>, Fault<'v>> {
    if let Some(&found) = known.filed.get(&filed.address()) {
        return Ok(Some(found));
    }
    let (mut hash, mut count) = (0, 0);
    let mut filing = Filing::Given(filed.as_slice());
    while let Filing::Given([first, rest @ ..]) = filing {
        filing = Filing::Given(rest);
        match walk(cx, *first, &mut filing, &mut hash, known) {
            Ok((part, _)) => hash = with_filed(cx, hash, part),
            Err(_) if matches!(filing, Filing::Missing) => return Ok(None),
            Err(fault) => return Err(fault),
        }
        count += 1;
        cx.work(1)?;
    }
    known.filed.insert(filed.address(), (hash, count));
    Ok(Some((hash, count)))
}

/// Continues the hash of what instances are filed under.
fn with_filed(cx: &mut Cx<'_>, hash: u64, part: u64) -> u64 {
    let keyed = &cx.heap().keyed;
    keyed.join(hash, keyed.word(Domain::Filed, part))
}

/// The hash of a key in which all instances with a `hash` count as the same, and how many there are. What they are filed
/// under continues `filed_hash`. So both can be known apart: the same tuples may stand in many keys, in which the
/// instances are filed under other values each time.
fn walk<'v>(
    cx: &mut Cx<'v>,
    root: Value<'v>,
    filing: &mut Filing<'_, 'v>,
    filed_hash: &mut u64,
    known: &mut Known,
) -> Result<(u64, usize), Fault<'v>> {
    let mut meter = Meter::default();
    let done = metered(cx, &mut meter, root, filing, filed_hash, known)?;
    meter.settle(cx)?;
    Ok(done)
}

fn metered<'v>(
    cx: &mut Cx<'v>,
    meter: &mut Meter,
    root: Value<'v>,
    filing: &mut Filing<'_, 'v>,
    filed_hash: &mut u64,
    known: &mut Known,
) -> Result<(u64, usize), Fault<'v>> {
    let mut calls = 0;
    let mut stack: Depth<Step<'v>> = Depth::new();
    let mut filed = 0;
    let (mut steps, mut parts) = (0, 0);
    let mut value = root;
    loop {
        steps += 1;
        let price = STEP + weight(value) as u64;
        meter.add(cx, price)?;
        let mut cost = Cost::NONE;
        cost.add(price);
        let mut done = match value.view() {
            View::Tuple(tuple) if !tuple.as_slice().is_empty() => {
                meter.add(cx, ENTER)?;
                cost.add(ENTER);
                match (known.tuples.get(&tuple.address()), &*filing) {
                    (Some(&(hash, 0, price)), mode) => {
                        // Keys of an image are put back in time that grows with its bytes.
                        if let (Filing::Ask(_), Some(parts)) = (mode, price.kept()) {
                            cost.again(cx, meter, parts)?;
                        }
                        hash
                    }
                    (Some(&(hash, count, _)), Filing::Skip) => {
                        calls += count;
                        hash
                    }
                    (Some(&(hash, count, _)), Filing::Given(_)) => {
                        stack.push(cx, Step::Known { hash, left: count - 1 })?;
                        stack.push(cx, Step::Filed(calls))?;
                        filed += 1;
                        value = filing.next(cx, None)?;
                        continue;
                    }
                    // Instances are asked each time, so that what they gave can be told apart by the order alone.
                    _ => {
                        let hash = cx.heap().keyed.word(Domain::Tuple, tuple.as_slice().len() as u64);
                        stack.push(cx, Step::Tuple { tuple, next: 1, hash, calls, cost })?;
                        value = tuple.as_slice()[0];
                        continue;
                    }
                }
            }
            View::Instance(instance) => {
                match (instance.ty().special(Special::eq), instance.ty().special(Special::hash)) {
                    (Some(_), Some(_)) if matches!(filing, Filing::Skip) => {
                        calls += 1;
                        cx.heap().keyed.word(Domain::Filed, 0)
                    }
                    (Some(_), Some(function)) => {
                        filed += 1;
                        if filed > FILED_DEPTH {
                            return Err(cx.fail(
                                ErrorKind::StackOverflow,
                                format!("`hash` of `{}` never ends in a plain key", instance.ty().name()),
                            ));
                        }
                        stack.push(cx, Step::Filed(calls))?;
                        value = filing.next(cx, Some((function, value)))?;
                        continue;
                    }
                    (Some(_), None) => {
                        let name = instance.ty().name();
                        let advice = "it defines `eq` but not `hash`";
                        return Err(
                            cx.fail(ErrorKind::Type, format!("an instance of `{name}` cannot be a key: {advice}"))
                        );
                    }
                    (None, _) => cx.heap().keyed.word(Domain::Identity, instance.address() as u64),
                }
            }
            _ => leaf(cx, value)?,
        };
        // The hash of a part is done; go on with what waits for it.
        loop {
            parts += 1;
            match stack.last_mut() {
                None => return Ok((done, calls)),
                Some(Step::Filed(before)) => {
                    calls = *before + 1;
                    *filed_hash = with_filed(cx, *filed_hash, done);
                    done = cx.heap().keyed.word(Domain::Filed, 0);
                    filed -= 1;
                    stack.pop();
                }
                Some(Step::Known { hash, left: 0 }) => {
                    done = *hash;
                    stack.pop();
                }
                Some(Step::Known { left, .. }) => {
                    *left -= 1;
                    stack.push(cx, Step::Filed(calls))?;
                    filed += 1;
                    value = filing.next(cx, None)?;
                    break;
                }
                Some(Step::Tuple { tuple, next, hash, calls: before, cost: all }) => {
                    *hash = cx.heap().keyed.join(*hash, done);
                    all.join(cost);
                    if let Some(&part) = tuple.as_slice().get(*next) {
                        *next += 1;
                        value = part;
                        break;
                    }
                    done = *hash;
                    cost = *all;
                    let count = calls - *before;
                    let is_of_use = match filing {
                        Filing::Ask(_) => count == 0 && steps > PATIENCE,
                        _ => true,
                    };
                    if is_of_use && parts >= STRIDE {
                        parts = 0;
                        known.tuples.insert(tuple.address(), (done, count, cost));
                    }
                    stack.pop();
                }
            }
        }
    }
}

/// How many bytes are looked at for the hash of a value without parts, whether it is known already or not.
#[inline]
fn weight(value: Value<'_>) -> usize {
    match value.view() {
        View::Str(text) => text.as_str().len(),
        View::Bytes(bytes) => bytes.as_slice().len(),
        _ => 0,
    }
}

/// The hash of a key that has no parts.
fn leaf<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<u64, Fault<'v>> {
    let keyed = &cx.heap().keyed;
    Ok(match value.view() {
        View::Str(text) => text.keyed_hash(keyed),
        View::Int(int) => keyed.int(int),
        View::Nil | View::Bool(_) => keyed.word(Domain::Atom, value.tag),
        View::Float(float) if float.is_nan() => return Err(cx.fail(ErrorKind::Value, "`nan` cannot be a key")),
        View::Float(float) => match equal::exact_int(float) {
            Some(int) => keyed.int(int),
            None => keyed.word(Domain::Float, float.to_bits()),
        },
        View::Bytes(bytes) => keyed.bytes(bytes.as_slice()),
        View::Tuple(_) => keyed.word(Domain::Tuple, 0),
        View::Type(ty) => type_hash(keyed, ty),
        _ => return Err(no_key(cx, value)),
    })
}

/// Types are the same by content, so the hash is of what equal types share.
fn type_hash(keyed: &Keyed, ty: Type<'_>) -> u64 {
    let mut hash = keyed.word(Domain::Type, ty.builtin());
    hash = keyed.join(hash, keyed.str(ty.name()));
    for name in ty.field_names() {
        hash = keyed.join(hash, keyed.str(name));
    }
    for function in ty.methods().map(|method| method.function).chain([ty.constructor()]) {
        if let View::Closure(closure) = function.view() {
            let CodeHash(bytes) = closure.code().hash();
            hash = keyed.join(hash, u64::from_le_bytes(std::array::from_fn(|i| bytes[i])));
        }
    }
    hash
}

#[cold]
fn no_key<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Fault<'v> {
    let kind = value.kind_name();
    let advice = match value.tag {
        tag::LIST => ": it can change; a tuple can be one",
        tag::MAP | tag::SET => ": it can change",
        _ => "",
    };
    cx.fail(ErrorKind::Type, format!("a {kind} cannot be a key{advice}"))
}

/// Whether a value can be a key. Calls nothing.
///
/// # Errors
/// A limit.
pub fn can_be_key<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<bool, Fault<'v>> {
    let mut meter = Meter::default();
    let mut stack: Depth<(Tuple<'v>, usize, Cost)> = Depth::new();
    // Tuples that can be keys, with what it cost to see that.
    let mut known: HashMap<usize, u64> = HashMap::new();
    let mut steps = 0;
    let mut value = value;
    loop {
        steps += 1;
        meter.add(cx, STEP)?;
        let mut cost = Cost::NONE;
        cost.add(STEP);
        match value.view() {
            View::Tuple(tuple) => {
                meter.add(cx, ENTER)?;
                cost.add(ENTER);
                match known.get(&tuple.address()) {
                    Some(&parts) => cost.again(cx, &mut meter, parts)?,
                    None => {
                        stack.push(cx, (tuple, 0, cost))?;
                        // It tells its container when it is done.
                        cost = Cost::NONE;
                    }
                }
            }
            _ if fits(value) => {}
            _ => {
                meter.settle(cx)?;
                return Ok(false);
            }
        }
        if let Some((.., all)) = stack.last_mut() {
            all.join(cost);
        }
        // The next part of the innermost tuple.
        value = loop {
            let Some((tuple, next, cost)) = stack.last_mut() else {
                meter.settle(cx)?;
                return Ok(true);
            };
            if let Some(&part) = tuple.as_slice().get(*next) {
                *next += 1;
                break part;
            }
            let (tuple, cost) = (*tuple, *cost);
            stack.pop();
            if let (true, Some(parts)) = (steps > PATIENCE, cost.kept()) {
                if known.len() >= 64 {
                    cx.reserve(known.len() * 64)?;
                }
                known.insert(tuple.address(), parts);
            }
            if let Some((.., all)) = stack.last_mut() {
                all.join(cost);
            }
        };
    }
}

/// Whether a value without parts can be a key, or an instance.
fn fits(value: Value<'_>) -> bool {
    match value.view() {
        View::Nil | View::Bool(_) | View::Int(_) | View::Str(_) | View::Bytes(_) | View::Type(_) => true,
        View::Float(float) => !float.is_nan(),
        View::Instance(instance) => {
            let ty = instance.ty();
            ty.special(Special::eq).is_none() || ty.special(Special::hash).is_some()
        }
        _ => false,
    }
}

/// Whether two keys of equal hash are one, for keys that are not deep.
#[inline]
pub(crate) fn is_same<'v>(a: Value<'v>, b: Value<'v>) -> bool {
    a.is_identical(b) || equal::shallow(a, b) == Some(true)
}

/// Whether two keys are one. May call the `eq` of instances.
pub(crate) fn is_equal<'v>(cx: &mut Cx<'v>, a: Value<'v>, b: Value<'v>) -> Result<bool, Fault<'v>> {
    equal::equal_keys(cx, a, b)
}

/// The error of a table that its own keys' methods change.
#[cold]
pub(crate) fn changed<'v>(cx: &mut Cx<'v>, set: bool) -> Fault<'v> {
    let kind = if set { "set" } else { "map" };
    cx.fail(ErrorKind::Changed, format!("the {kind} was changed by the `eq` of one of its keys"))
}
