//! The module `fs`: files and folders. `walk` is in `fs.qp`; what deals with paths alone is in `path`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind as Cause, Read, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use quipu_vm::heap::Str;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{expected, text};
use crate::charge::Values;
use crate::disk::{CHUNK, Place, contents, end, failed, not_text, place};
use crate::entry::{Entry, native};
use crate::grant::Capability;
use crate::items::{OBJECT, SLOT};
use crate::text::STRING;

pub(crate) const NATIVES: &[Entry] = &[
    native("read(path)", "What a file contains, as a str; it has to be UTF-8.", read),
    native("read_bytes(path)", "What a file contains, as bytes.", |cx, args| {
        let bytes = contents(cx, args[0], |path| File::open(path), 2)?;
        cx.bytes(&bytes)
    }),
    native(
        "write(path, data)",
        "Makes a str or bytes the contents of a file: all of it or, when that fails, nothing.",
        write,
    ),
    native(
        "append(path, data)",
        "Writes a str or bytes to the end of a file, which is made if it is not there.",
        append,
    ),
    native("exists(path)", "Whether there is a file or folder.", |cx, args| {
        let path = text(cx, args[0], "path")?;
        Ok(Value::bool(Path::new(path.as_str()).exists()))
    }),
    native("is_file(path)", "Whether there is a file.", |cx, args| {
        let path = text(cx, args[0], "path")?;
        Ok(Value::bool(Path::new(path.as_str()).is_file()))
    }),
    native("is_dir(path)", "Whether there is a folder.", |cx, args| {
        let path = text(cx, args[0], "path")?;
        Ok(Value::bool(Path::new(path.as_str()).is_dir()))
    }),
    native("stat(path)", "A map with the kind, size, time of change and other facts of a file or folder.", stat),
    native("list(path = \".\")", "The names in a folder, in order.", list),
    native("mkdir(path)", "Makes a folder and those above it; one that is there is left as it is.", |cx, args| {
        act(cx, args, |path| fs::create_dir_all(path))
    }),
    native("remove(path)", "Removes a file or an empty folder.", |cx, args| {
        act(cx, args, |path| match fs::symlink_metadata(path)?.is_dir() {
            true => fs::remove_dir(path),
            false => fs::remove_file(path),
        })
    }),
    native("remove_all(path)", "Removes a file, or a folder with all that is in it.", |cx, args| {
        act(cx, args, |path| match fs::symlink_metadata(path)?.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        })
    }),
    native("rename(from, to)", "Gives a file or folder another path; a file that is there is replaced.", rename),
    native("copy(from, to)", "Copies a file; one that is there is replaced.", copy),
    native(
        "temp(prefix = \"quipu-\")",
        "Makes a new folder for files that will not be needed for long, and gives its path.",
        temp,
    ),
    native("absolute(path)", "The path from the root on; nothing needs to be there.", absolute),
    native("real(path)", "The path from the root on, with every link followed.", |cx, args| {
        let path = text(cx, args[0], "path")?;
        match fs::canonicalize(path.as_str()) {
            Ok(real) => unicode(cx, &real),
            Err(error) => Err(failed(cx, path, &error)),
        }
    }),
];

pub(crate) const INTERNALS: &[Entry] = &[native(
    "_fs_entries(path, go_on = false)",
    "Paths in a folder, in order, and whether each is a folder.",
    entries,
)
.shown("fs.walk")
.needing(Capability::Fs)];

/// Does something to a path that gives nothing.
fn act<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], action: fn(&Path) -> io::Result<()>) -> Outcome<'v> {
    let path = text(cx, args[0], "path")?;
    match action(Path::new(path.as_str())) {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(cx, path, &error)),
    }
}

/// A path as a value. Not every name on a disk is text.
fn unicode<'v>(cx: &mut Cx<'v>, path: &Path) -> Outcome<'v> {
    match path.to_str() {
        Some(text) => cx.str(text),
        None => Err(not_text(cx, path)),
    }
}

fn read<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let bytes = contents(cx, args[0], |path| File::open(path), 2)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => cx.str(text),
        Err(error) => {
            let path = text(cx, args[0], "path")?;
            let at = error.valid_up_to();
            let message = format!("{} is not UTF-8 from byte {at} on; `fs.read_bytes` takes any", path.as_str());
            Err(cx.fail_here(ErrorKind::Value, message))
        }
    }
}

/// What is to be written: a str or bytes.
fn data<'v>(cx: &mut Cx<'v>, value: &Value<'v>) -> Result<Vec<u8>, Fault<'v>> {
    let bytes = match value.view() {
        View::Str(text) => text.as_str().as_bytes(),
        View::Bytes(bytes) => bytes.as_slice(),
        _ => return Err(expected(cx, "a str or bytes as data", *value)),
    };
    cx.reserve(bytes.len())?;
    cx.work(1 + bytes.len() / 64)?;
    Ok(bytes.to_vec())
}

fn write<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[0], "path")?;
    let data = data(cx, &args[1])?;
    put(cx, path, place, &data)
}

/// Writes to what `open` makes of a path.
fn put<'v>(cx: &mut Cx<'v>, path: Str<'v>, open: fn(&Path) -> io::Result<Place>, data: &[u8]) -> Outcome<'v> {
    let mut place = opened(cx, path, open)?;
    match place.write_all(data).and_then(|()| place.finish()) {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(cx, path, &error)),
    }
}

/// What `open` makes of a path. What the program has printed comes first where that is its own output.
fn opened<'v>(cx: &mut Cx<'v>, path: Str<'v>, open: fn(&Path) -> io::Result<Place>) -> Result<Place, Fault<'v>> {
    match open(path.as_str().as_ref()) {
        Ok(place) => {
            if place.is_output() {
                cx.flush()?;
            }
            Ok(place)
        }
        Err(error) => Err(failed(cx, path, &error)),
    }
}

fn append<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[0], "path")?;
    let data = data(cx, &args[1])?;
    put(cx, path, end, &data)
}

/// What a question to the system takes beside the answer, in units of fuel.
const SYSTEM: usize = 10;

fn stat<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[0], "path")?;
    cx.work(SYSTEM)?;
    let metadata = match fs::metadata(path.as_str()) {
        Ok(metadata) => metadata,
        Err(error) => return Err(failed(cx, path, &error)),
    };
    let kind = match metadata.file_type() {
        kind if kind.is_file() => "file",
        kind if kind.is_dir() => "folder",
        _ => "other",
    };
    let seconds = metadata.modified().ok().map(|time| match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    });
    let link = fs::symlink_metadata(path.as_str()).is_ok_and(|there| there.is_symlink());
    let kind = cx.str(kind)?;
    let facts = [
        ("kind", kind),
        ("size", Value::int(i64::try_from(metadata.len()).unwrap_or(i64::MAX))),
        ("modified", seconds.map_or(Value::NIL, Value::float)),
        ("readonly", Value::bool(metadata.permissions().readonly())),
        ("link", Value::bool(link)),
    ];
    let map = cx.map();
    for (name, fact) in facts {
        let name = cx.str(name)?;
        map.insert(cx, name, fact)?;
    }
    Ok(map.into())
}

/// The names in a folder, in order, and whether each is a folder itself.
fn names<'v>(cx: &mut Cx<'v>, path: Str<'v>) -> Result<Vec<(OsString, bool)>, Fault<'v>> {
    let entries = match fs::read_dir(path.as_str()) {
        Ok(entries) => entries,
        Err(error) => return Err(failed(cx, path, &error)),
    };
    let mut names = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let (name, kind) = match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))) {
            Ok(entry) => entry,
            // It was removed meanwhile.
            Err(error) if error.kind() == Cause::NotFound => continue,
            Err(error) => return Err(failed(cx, path, &error)),
        };
        bytes += name.len() + path.as_str().len() + STRING + OBJECT + 3 * SLOT;
        cx.reserve(bytes)?;
        cx.work(2)?;
        names.push((name, kind.is_dir()));
    }
    names.sort();
    Ok(names)
}

fn list<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = match args.first() {
        Some(&path) => path,
        None => cx.str(".")?,
    };
    let path = text(cx, path, "path")?;
    cx.work(SYSTEM)?;
    let names = names(cx, path)?;
    let mut values = Values::with_room(cx, names.len())?;
    for (name, _) in &names {
        match name.to_str() {
            Some(name) => values.push_str(cx, name)?,
            None => return Err(not_text(cx, &Path::new(path.as_str()).join(name))),
        }
    }
    values.list(cx)
}

/// Pairs. Where it is told to go on, a name that is not text is an error and nil.
fn entries<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[0], "path")?;
    let goes_on = args.get(1).is_some_and(|value| value.is_truthy());
    cx.work(SYSTEM)?;
    let mut all = Vec::new();
    for (name, is_folder) in names(cx, path)? {
        let path = Path::new(path.as_str()).join(name);
        all.push(match path.to_str() {
            Some(path) => {
                let path = cx.str(path)?;
                cx.tuple(&[path, Value::bool(is_folder)])?
            }
            None => match not_text(cx, &path) {
                Fault::Thrown(error) if goes_on => cx.tuple(&[error, Value::NIL])?,
                fault => return Err(fault),
            },
        });
    }
    Ok(cx.list(all)?.into())
}

fn rename<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let from = text(cx, args[0], "path")?;
    let to = text(cx, args[1], "path")?;
    match fs::rename(from.as_str(), to.as_str()) {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(cx, from, &error)),
    }
}

/// By pieces, so that a program can be stopped meanwhile; under another name first, as with `write`.
fn copy<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let from = text(cx, args[0], "path")?;
    let to = text(cx, args[1], "path")?;
    let mut source = match File::open(from.as_str()) {
        Ok(source) => source,
        Err(error) => return Err(failed(cx, from, &error)),
    };
    let mut target = opened(cx, to, place)?;
    loop {
        match io::copy(&mut Read::by_ref(&mut source).take(CHUNK), &mut target) {
            Ok(0) => break,
            Ok(count) => {
                cx.work(1 + (count / 64) as usize)?;
                cx.waiting()?;
            }
            Err(error) => return Err(failed(cx, from, &error)),
        }
    }
    match target.finish() {
        Ok(()) => Ok(Value::NIL),
        Err(error) => Err(failed(cx, to, &error)),
    }
}

fn temp<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    /// More than any path has.
    const PATH: usize = 1 << 14;
    let default = cx.str("quipu-")?;
    let prefix = text(cx, args.first().copied().unwrap_or(default), "prefix")?;
    if prefix.as_str().contains(std::path::is_separator) {
        return Err(cx.fail_here(ErrorKind::Value, "a prefix has no separator in it"));
    }
    // Before the folder is made: it must not be made twice.
    cx.reserve(PATH)?;
    match tempfile::Builder::new().prefix(prefix.as_str()).tempdir() {
        Ok(folder) => unicode(cx, &folder.keep()),
        Err(error) => Err(failed(cx, prefix, &error)),
    }
}

fn absolute<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = text(cx, args[0], "path")?;
    cx.work(SYSTEM + path.as_str().len() / 8)?;
    match std::path::absolute(path.as_str()) {
        Ok(absolute) => unicode(cx, &absolute),
        Err(error) => Err(failed(cx, path, &error)),
    }
}
