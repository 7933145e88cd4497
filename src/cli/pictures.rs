//! Pictures: flame graphs, and graphs with their nodes laid out. A build without the feature `pictures` says so instead.

use std::fs::File;
use std::io;

use super::lacking::lacking;

/// Whether this build draws; what it was to draw stands in the answer if it does not.
pub fn are_drawn(what: &str) -> Result<(), String> {
    if cfg!(feature = "pictures") { Ok(()) } else { Err(lacking(what, "full")) }
}

/// Writes a flame graph of these lines, each a path of calls and a count.
#[cfg(feature = "pictures")]
pub fn flame_graph(lines: Vec<&str>, to: File) -> io::Result<()> {
    let mut style = inferno::flamegraph::Options::default();
    style.title = "Where the steps went".to_owned();
    style.count_name = "steps".to_owned();
    style.deterministic = true;
    inferno::flamegraph::from_lines(&mut style, lines, io::BufWriter::new(to))
}

#[cfg(not(feature = "pictures"))]
pub fn flame_graph(_: Vec<&str>, _: File) -> io::Result<()> {
    are_drawn("a flame graph").map_err(io::Error::other)
}

/// A graph in the language of Graphviz as SVG.
#[cfg(feature = "pictures")]
pub fn svg(dot: &str) -> Result<String, String> {
    let mut parser = layout::gv::DotParser::new(dot);
    let graph = parser.process().map_err(|error| format!("cannot lay the graph out: {error}"))?;
    let mut builder = layout::gv::GraphBuilder::new();
    builder.visit_graph(&graph);
    let mut writer = layout::backends::svg::SVGWriter::new();
    builder.get().do_it(false, false, false, &mut writer);
    Ok(writer.finalize())
}

#[cfg(not(feature = "pictures"))]
pub fn svg(_: &str) -> Result<String, String> {
    are_drawn("a picture in SVG").map(|()| String::new())
}
