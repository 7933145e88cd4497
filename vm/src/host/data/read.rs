//! Values to data.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::super::convert::{Mismatch, PER_UNIT};
use super::{DEPTH, Trouble};
use crate::cx::Cx;
use crate::heap::{Value, View};

pub(super) struct Reader<'c, 'v> {
    pub cx: &'c mut Cx<'v>,
    pub value: Value<'v>,
    pub depth: usize,
}

fn wrong(expected: &str, value: Value<'_>) -> Trouble {
    Trouble::Mismatch(Mismatch::new(expected, value))
}

impl<'c, 'v> Reader<'c, 'v> {
    /// The elements of a list, tuple, set or range.
    fn items(&mut self) -> Option<Vec<Value<'v>>> {
        let items: Vec<Value<'v>> = match self.value.view() {
            View::List(list) => list.iter().collect(),
            View::Tuple(tuple) => tuple.as_slice().to_vec(),
            View::Set(set) => set.iter().map(|(member, _)| member).collect(),
            _ => return None,
        };
        self.cx.owe(items.len() / PER_UNIT);
        Some(items)
    }

    /// The entries of a map, or the fields of an instance.
    fn entries(&mut self) -> Option<Vec<(Key<'v>, Value<'v>)>> {
        let entries: Vec<(Key<'v>, Value<'v>)> = match self.value.view() {
            View::Map(map) => map.iter().map(|(key, value)| (Key::Value(key), value)).collect(),
            View::Instance(instance) => instance.ty().field_names().map(Key::Name).zip(instance.to_vec()).collect(),
            _ => return None,
        };
        self.cx.owe(entries.len() * 2 / PER_UNIT);
        Some(entries)
    }

    fn seq<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Trouble> {
        let Some(items) = self.items() else { return Err(wrong("a list", self.value)) };
        let depth = self.deeper()?;
        let mut items = Items { cx: self.cx, items: items.into_iter(), at: 0, depth };
        let data = visitor.visit_seq(&mut items)?;
        match items.items.len() {
            0 => Ok(data),
            left => {
                let wanted = format!("a list of {}", items.at);
                Err(Trouble::Mismatch(Mismatch::described(wanted, format!("one of {}", items.at + left))))
            }
        }
    }

    fn map<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Trouble> {
        let Some(entries) = self.entries() else { return Err(wrong("a map", self.value)) };
        let depth = self.deeper()?;
        visitor.visit_map(Entries { cx: self.cx, entries: entries.into_iter(), last: None, depth })
    }

    fn deeper(&self) -> Result<usize, Trouble> {
        if self.depth >= DEPTH {
            return Err(Trouble::custom(format!("data is nested deeper than {DEPTH} levels, or in a circle")));
        }
        Ok(self.depth + 1)
    }
}

/// Numbers that are wanted as another type than they are.
macro_rules! ints {
    ($($method:ident: $int:ty, $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
            use super::super::convert::FromValue;
            let int = <$int>::from_value(self.cx, self.value).map_err(Trouble::Mismatch)?;
            visitor.$visit(int)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Trouble;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        match self.value.view() {
            View::Nil => visitor.visit_unit(),
            View::Bool(truth) => visitor.visit_bool(truth),
            View::Int(int) => visitor.visit_i64(int),
            View::Float(float) => visitor.visit_f64(float),
            View::Str(text) => {
                self.cx.owe(text.as_str().len() / 64);
                visitor.visit_str(text.as_str())
            }
            View::Bytes(bytes) => {
                self.cx.owe(bytes.as_slice().len() / 64);
                visitor.visit_bytes(bytes.as_slice())
            }
            View::List(_) | View::Tuple(_) | View::Set(_) => self.seq(visitor),
            View::Map(_) | View::Instance(_) => self.map(visitor),
            _ => Err(wrong("data", self.value)),
        }
    }

    ints! {
        deserialize_i8: i8, visit_i8;
        deserialize_i16: i16, visit_i16;
        deserialize_i32: i32, visit_i32;
        deserialize_i64: i64, visit_i64;
        deserialize_u8: u8, visit_u8;
        deserialize_u16: u16, visit_u16;
        deserialize_u32: u32, visit_u32;
        deserialize_u64: u64, visit_u64;
        deserialize_f32: f32, visit_f32;
        deserialize_f64: f64, visit_f64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        match self.value.view() {
            View::Bool(truth) => visitor.visit_bool(truth),
            _ => Err(wrong("a bool", self.value)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        match self.value.as_str() {
            Some(text) => {
                self.cx.owe(text.len() / 64);
                visitor.visit_str(text)
            }
            None => Err(wrong("a str", self.value)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        if self.value.is_nil() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Trouble> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(mut self, length: usize, visitor: V) -> Result<V::Value, Trouble> {
        match self.items() {
            Some(items) if items.len() != length => {
                let found = format!("one of {}", items.len());
                Err(Trouble::Mismatch(Mismatch::described(format!("a tuple of {length}"), found)))
            }
            _ => self.seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        match self.value.view() {
            View::List(_) | View::Tuple(_) => self.seq(visitor),
            _ => self.map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        if let Some(name) = self.value.as_str() {
            return visitor.visit_enum(name.into_deserializer());
        }
        let depth = self.deeper()?;
        match self.entries().as_deref() {
            Some(&[(key, data)]) if let Some(name) = key.name() => {
                let variant = Variant { name, reader: Reader { cx: self.cx, value: data, depth } };
                visitor.visit_enum(variant).map_err(|trouble| trouble.inside(format!(".{name}")))
            }
            _ => Err(wrong("a variant: its name, or a map of one entry", self.value)),
        }
    }

    forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

struct Items<'c, 'v> {
    cx: &'c mut Cx<'v>,
    items: std::vec::IntoIter<Value<'v>>,
    at: usize,
    depth: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'_, '_> {
    type Error = Trouble;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Trouble> {
        let Some(value) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        let reader = Reader { cx: self.cx, value, depth: self.depth };
        seed.deserialize(reader).map(Some).map_err(|trouble| trouble.inside(format!("[{at}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// A key of a map, or the name of a field.
#[derive(Clone, Copy)]
enum Key<'v> {
    Value(Value<'v>),
    Name(&'v str),
}

impl<'v> Key<'v> {
    fn name(self) -> Option<&'v str> {
        match self {
            Key::Value(value) => value.as_str(),
            Key::Name(name) => Some(name),
        }
    }

    /// The step from the map to the value under it, for errors.
    fn step(self, cx: &mut Cx<'v>) -> String {
        match (self.name(), self) {
            (Some(name), _) | (None, Key::Name(name)) => format!(".{name}"),
            (None, Key::Value(key)) => {
                format!("[{}]", crate::ops::text::repr_short(cx, key).unwrap_or_default())
            }
        }
    }
}

struct Entries<'c, 'v> {
    cx: &'c mut Cx<'v>,
    entries: std::vec::IntoIter<(Key<'v>, Value<'v>)>,
    /// The key that was taken last, and its value.
    last: Option<(Key<'v>, Value<'v>)>,
    depth: usize,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Trouble> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.last = Some((key, value));
        match key {
            Key::Name(name) => seed.deserialize(name.into_deserializer()).map(Some),
            Key::Value(value) => seed.deserialize(Reader { cx: self.cx, value, depth: self.depth }).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Trouble> {
        let (key, value) = self.last.take().unwrap_or((Key::Name(""), Value::NIL));
        let data = seed.deserialize(Reader { cx: self.cx, value, depth: self.depth });
        data.map_err(|trouble| trouble.inside(key.step(self.cx)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct Variant<'n, 'c, 'v> {
    name: &'n str,
    reader: Reader<'c, 'v>,
}

impl<'de, 'c, 'v> EnumAccess<'de> for Variant<'_, 'c, 'v> {
    type Error = Trouble;
    type Variant = Reader<'c, 'v>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader<'c, 'v>), Trouble> {
        let name: serde::de::value::StrDeserializer<'_, Trouble> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.reader))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_, '_> {
    type Error = Trouble;

    fn unit_variant(self) -> Result<(), Trouble> {
        if self.value.is_nil() { Ok(()) } else { Err(wrong("nil", self.value)) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Trouble> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Trouble> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Trouble> {
        self.deserialize_struct("", fields, visitor)
    }
}
