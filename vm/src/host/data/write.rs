//! Data to values.

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::super::convert::{IntoValue, PER_UNIT};
use super::Trouble;
use crate::cx::Cx;
use crate::heap::{Map, Value};
use crate::native::Fault;

pub(super) struct Writer<'c, 'v> {
    pub cx: &'c mut Cx<'v>,
}

/// What is made of a fault that a conversion ends with.
fn trouble(cx: &mut Cx<'_>, fault: Fault<'_>) -> Trouble {
    match cx.machine.failed(fault.slot()) {
        crate::failure::Failure::Uncaught(uncaught) => Trouble::custom(uncaught.message),
        other => Trouble::custom(other),
    }
}

impl<'v> Writer<'_, 'v> {
    fn done(self, value: impl IntoValue) -> Result<Value<'v>, Trouble> {
        value.into_value(self.cx).map_err(|fault| trouble(self.cx, fault))
    }

    /// A map of one entry: a variant's name and its data.
    fn variant(cx: &mut Cx<'v>, name: &str, data: Value<'v>) -> Result<Value<'v>, Trouble> {
        let mut map = Entries { map: cx.map(), cx, key: None };
        map.put(name, data)?;
        Ok(map.map.into())
    }
}

/// A list or tuple that is made.
pub(super) struct Items<'c, 'v> {
    cx: &'c mut Cx<'v>,
    items: Vec<Value<'v>>,
    variant: &'static str,
}

/// A map that is made.
pub(super) struct Entries<'c, 'v> {
    cx: &'c mut Cx<'v>,
    map: Map<'v>,
    key: Option<Value<'v>>,
}

/// The map of a variant that is made.
pub(super) struct Variant<'c, 'v> {
    entries: Entries<'c, 'v>,
    name: &'static str,
}

impl<'v> Items<'_, 'v> {
    fn add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Trouble> {
        let at = self.items.len();
        let item = item.serialize(Writer { cx: self.cx }).map_err(|trouble| trouble.inside(format!("[{at}]")))?;
        self.items.push(item);
        Ok(())
    }

    fn tuple(self) -> Result<Value<'v>, Trouble> {
        self.cx.owe(self.items.len() / PER_UNIT);
        self.cx.tuple(&self.items).map_err(|fault| trouble(self.cx, fault))
    }
}

impl<'v> Entries<'_, 'v> {
    fn put(&mut self, name: &str, value: Value<'v>) -> Result<(), Trouble> {
        let key = name.into_value(self.cx).map_err(|fault| trouble(self.cx, fault))?;
        self.insert(key, value)
    }

    fn insert(&mut self, key: Value<'v>, value: Value<'v>) -> Result<(), Trouble> {
        self.map.insert(self.cx, key, value).map(|_| ()).map_err(|fault| trouble(self.cx, fault))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, data: &T) -> Result<(), Trouble> {
        let value = data.serialize(Writer { cx: self.cx }).map_err(|trouble| trouble.inside(format!(".{name}")))?;
        self.put(name, value)
    }
}

macro_rules! simple {
    ($($method:ident: $type:ty;)*) => {
        $(fn $method(self, value: $type) -> Result<Value<'v>, Trouble> {
            self.done(value)
        })*
    };
}

impl<'c, 'v> Serializer for Writer<'c, 'v> {
    type Ok = Value<'v>;
    type Error = Trouble;
    type SerializeSeq = Items<'c, 'v>;
    type SerializeTuple = Items<'c, 'v>;
    type SerializeTupleStruct = Items<'c, 'v>;
    type SerializeTupleVariant = Items<'c, 'v>;
    type SerializeMap = Entries<'c, 'v>;
    type SerializeStruct = Entries<'c, 'v>;
    type SerializeStructVariant = Variant<'c, 'v>;

    simple! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_str: &str;
        serialize_bytes: &[u8];
    }

    fn serialize_char(self, value: char) -> Result<Value<'v>, Trouble> {
        self.done(&*value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_none(self) -> Result<Value<'v>, Trouble> {
        Ok(Value::NIL)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value<'v>, Trouble> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value<'v>, Trouble> {
        Ok(Value::NIL)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value<'v>, Trouble> {
        Ok(Value::NIL)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value<'v>, Trouble> {
        self.done(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value<'v>, Trouble> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value<'v>, Trouble> {
        let data = value.serialize(Writer { cx: self.cx }).map_err(|t| t.inside(format!(".{variant}")))?;
        Writer::variant(self.cx, variant, data)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items<'c, 'v>, Trouble> {
        // A length is a hint of the data's own code, and may be anything.
        Ok(Items { cx: self.cx, items: Vec::with_capacity(length.unwrap_or(0).min(4096)), variant: "" })
    }

    fn serialize_tuple(self, length: usize) -> Result<Items<'c, 'v>, Trouble> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items<'c, 'v>, Trouble> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items<'c, 'v>, Trouble> {
        Ok(Items { variant, ..self.serialize_seq(Some(length))? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'c, 'v>, Trouble> {
        Ok(Entries { map: self.cx.map(), cx: self.cx, key: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'c, 'v>, Trouble> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'c, 'v>, Trouble> {
        Ok(Variant { entries: self.serialize_map(None)?, name: variant })
    }
}

impl<'v> SerializeSeq for Items<'_, 'v> {
    type Ok = Value<'v>;
    type Error = Trouble;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Trouble> {
        self.add(item)
    }

    fn end(self) -> Result<Value<'v>, Trouble> {
        self.cx.owe(self.items.len() / PER_UNIT);
        match self.cx.list(self.items) {
            Ok(list) => Ok(list.into()),
            Err(fault) => Err(trouble(self.cx, fault)),
        }
    }
}

macro_rules! tuples {
    ($($trait:ident $add:ident;)*) => {$(
        impl<'v> $trait for Items<'_, 'v> {
            type Ok = Value<'v>;
            type Error = Trouble;

            fn $add<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Trouble> {
                self.add(item)
            }

            fn end(self) -> Result<Value<'v>, Trouble> {
                self.tuple()
            }
        }
    )*};
}
tuples! {
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
}

impl<'v> SerializeTupleVariant for Items<'_, 'v> {
    type Ok = Value<'v>;
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Trouble> {
        self.add(item)
    }

    fn end(self) -> Result<Value<'v>, Trouble> {
        let Items { cx, items, variant } = self;
        let data = Items { cx, items, variant }.tuple()?;
        Writer::variant(cx, variant, data)
    }
}

impl<'v> SerializeMap for Entries<'_, 'v> {
    type Ok = Value<'v>;
    type Error = Trouble;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Trouble> {
        self.key = Some(key.serialize(Writer { cx: self.cx })?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Trouble> {
        let key = self.key.take().unwrap_or(Value::NIL);
        let step = || key.as_str().map_or_else(|| "[...]".to_owned(), |text| format!(".{text}"));
        let value = value.serialize(Writer { cx: self.cx }).map_err(|trouble| trouble.inside(step()))?;
        self.insert(key, value)
    }

    fn end(self) -> Result<Value<'v>, Trouble> {
        Ok(self.map.into())
    }
}

impl<'v> SerializeStruct for Entries<'_, 'v> {
    type Ok = Value<'v>;
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, data: &T) -> Result<(), Trouble> {
        self.field(name, data)
    }

    fn end(self) -> Result<Value<'v>, Trouble> {
        Ok(self.map.into())
    }
}

impl<'v> SerializeStructVariant for Variant<'_, 'v> {
    type Ok = Value<'v>;
    type Error = Trouble;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, data: &T) -> Result<(), Trouble> {
        self.entries.field(name, data)
    }

    fn end(self) -> Result<Value<'v>, Trouble> {
        let Entries { cx, map, .. } = self.entries;
        Writer::variant(cx, self.name, map.into())
    }
}
