//! The part of module `fs` that deals with paths as texts, without a look at the disk.

use std::path::{Component, Path, PathBuf};

use quipu_vm::heap::Str;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value};

use crate::args::text;
use crate::entry::{Entry, native};

pub(crate) const NATIVES: &[Entry] = &[
    native("join(..parts)", "The parts as one path; one that is absolute leaves out those before it.", join),
    native("split(path)", "A tuple of the path's folder and its last part.", split),
    native("parent(path)", "The path's folder; \"\" when there is none in it.", |cx, args| {
        part(cx, args, |path| path.parent().map(Path::as_os_str))
    }),
    native("name(path)", "The last part of a path.", |cx, args| part(cx, args, Path::file_name)),
    native("stem(path)", "The last part of a path without its extension.", |cx, args| part(cx, args, Path::file_stem)),
    native(
        "extension(path)",
        "What follows the last `.` of a path's last part; \"\" when there is none.",
        |cx, args| part(cx, args, Path::extension),
    ),
    native(
        "with_extension(path, extension)",
        "The path with another extension; without one when that is \"\".",
        with_extension,
    ),
    native("is_absolute(path)", "Whether a path begins at the root.", |cx, args| {
        Ok(Value::bool(Path::new(path(cx, args)?.as_str()).is_absolute()))
    }),
    native("normal(path)", "The path without `.`, doubled slashes, and `..` as far as they can be resolved.", normal),
];

fn path<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Result<Str<'v>, Fault<'v>> {
    let path = text(cx, args[0], "path")?;
    cx.reserve(path.as_str().len().saturating_mul(2))?;
    cx.work(path.as_str().len() / 8)?;
    Ok(path)
}

/// A part of the path. What is cut out of a str is one.
fn part<'v>(cx: &mut Cx<'v>, args: &[Value<'v>], choose: fn(&Path) -> Option<&std::ffi::OsStr>) -> Outcome<'v> {
    let path = path(cx, args)?;
    cx.str(choose(Path::new(path.as_str())).and_then(std::ffi::OsStr::to_str).unwrap_or(""))
}

fn join<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let mut joined = PathBuf::new();
    for &part in args {
        let part = text(cx, part, "part of a path")?;
        cx.reserve(joined.as_os_str().len() + part.as_str().len())?;
        cx.work(1 + part.as_str().len() / 16)?;
        joined.push(part.as_str());
    }
    cx.str(joined.to_str().unwrap_or(""))
}

fn split<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = Path::new(path(cx, args)?.as_str());
    let folder = cx.str(path.parent().and_then(Path::to_str).unwrap_or(""))?;
    let name = cx.str(path.file_name().and_then(|name| name.to_str()).unwrap_or(""))?;
    cx.tuple(&[folder, name])
}

fn with_extension<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = path(cx, args)?;
    let extension = text(cx, args[1], "extension")?.as_str();
    let extension = extension.strip_prefix('.').unwrap_or(extension);
    if extension.contains(std::path::is_separator) {
        return Err(cx.fail_here(ErrorKind::Value, "an extension has no separator in it"));
    }
    cx.reserve(path.as_str().len() + extension.len())?;
    cx.str(Path::new(path.as_str()).with_extension(extension).to_str().unwrap_or(""))
}

fn normal<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let path = path(cx, args)?;
    cx.str(normalised(Path::new(path.as_str())).to_str().unwrap_or(""))
}

/// A path without needless parts. A folder that is a link makes `..` mean something else on the disk.
fn normalised(path: &Path) -> PathBuf {
    let mut kept = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match kept.components().next_back() {
                Some(Component::Normal(_)) => {
                    kept.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => kept.push(".."),
            },
            part => kept.push(part),
        }
    }
    if kept.as_os_str().is_empty() { PathBuf::from(".") } else { kept }
}

#[cfg(test)]
mod tests {
    use super::normalised;
    use std::path::Path;

    #[test]
    fn paths_lose_what_is_needless() {
        let of = |path: &str| normalised(Path::new(path)).to_str().unwrap().to_owned();
        assert_eq!(
            ["a/./b//c/../d", "../../x", "a/..", "", "/..", "/a/../../b"].map(of),
            ["a/b/d", "../../x", ".", ".", "/", "/b"]
        );
    }
}
