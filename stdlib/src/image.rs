//! The module `image`: values as bytes and files that any process can load.

use std::io::Read;

use quipu_vm::image::{Form, Image, ImageError, fault};
use quipu_vm::{Cx, Outcome, Value, View};

use crate::args::{expected, text};
use crate::entry::{Entry, native};
use crate::fs::failed;
use crate::grant::Capability;

pub(crate) const NATIVES: &[Entry] = &[
    native("dump(v)", "The image of a value and all it reaches, as bytes.", dump),
    native("load(bytes)", "The value of an image, built anew.", load),
    native("save(v, path)", "Writes the image of a value to a file, whole or not at all.", save)
        .needing(Capability::Fs),
    native("open(path)", "The value of an image in a file, built anew.", open).needing(Capability::Fs),
];

fn dump<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = Image::freeze(cx, args[0])?.to_bytes(Form::default());
    cx.work(bytes.len() / 64)?;
    cx.bytes(&bytes)
}

fn load<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let View::Bytes(bytes) = args[0].view() else { return Err(expected(cx, "image.load", "bytes", args[0])) };
    thaw(cx, bytes.as_slice())
}

fn thaw<'v>(cx: &mut Cx<'v>, bytes: &[u8]) -> Outcome<'v> {
    cx.work(bytes.len() / 16)?;
    let image = match Image::open(bytes, &()) {
        // A thin image loads where its code is known.
        Err(ImageError::MissingCode(_)) => Image::open(bytes, &cx.codes()),
        opened => opened,
    };
    match image {
        Ok(image) => image.thaw(cx),
        Err(error) => Err(fault(cx, &error)),
    }
}

fn save<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[1], "image.save", "path")?;
    let bytes = Image::freeze(cx, args[0])?.to_bytes(Form::default());
    cx.work(bytes.len() / 64)?;
    match crate::disk::write_whole(path.as_str().as_ref(), &bytes) {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(cx, "image.save", path, &error)),
    }
}

fn open<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[0], "image.open", "path")?;
    let mut bytes = Vec::new();
    let read = crate::disk::open_file(path.as_str().as_ref()).and_then(|mut file| file.read_to_end(&mut bytes));
    match read {
        Ok(_) => thaw(cx, &bytes),
        Err(error) => Err(failed(cx, "image.open", path, &error)),
    }
}
