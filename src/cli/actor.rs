//! `vm serve`, `vm call`, `vm actor`: a server of actors, a call of one, and what operators look at.

use quipu_code::counted;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Id, Subcommand, ValueHint};
use quipu::actor::Address;
use quipu::actor::call::Target;
use quipu::actor::client::{Blocking, ClientError, ClientOptions, Function, calls_in};
use quipu::actor::node::{self, Node, NodeOptions, Way};
use quipu::actor::open_key_file;
use quipu::actor::server::{self, ServeError, ServerOptions};
use quipu::actor::store::{MemoryStore, SqliteStore, Store, StoreError};
use quipu::actor::wire::{KeyFile, Question, Secret};
use quipu::report::{Piece, Shown};
use quipu::vm::host::Host;
use quipu::vm::image::{Form, Image};
use quipu::vm::{Failure, Root};
use quipu::{Error, Input, Session};
use tracing_subscriber::filter::LevelFilter;

use super::ctrl_c;
use super::ending::{Exit, Halt, ended};
use super::image::{SHOW, argument, helper, open_or_run, tell, types_of};
use super::input::{on_the_line, utf8};
use super::options::{Rules, Timeout, ids, number, size};
use super::session::{Prints, Setting};
use super::terminal::{Log, Terminal, show};

/// Where servers listen unless told otherwise.
pub const ADDRESS: &str = "127.0.0.1:7300";

/// What `vm serve` is told.
#[derive(clap::Args, Debug)]
#[command(mut_arg("depth", |depth| depth.requires("init")))]
pub struct Serve {
    /// Listen on this address.
    #[arg(long, default_value = ADDRESS, value_name = "HOST:PORT", value_parser = host_and_port)]
    listen: String,
    /// Listen on a socket file instead, which only you can use.
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    unix: Option<PathBuf>,
    /// Keep all actors in this file; without it they end with the server.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Actors begin with the value of this program or image; without it, with an empty map.
    #[arg(long, value_name = "FILE")]
    init: Option<OsString>,
    /// Let only those in whose keys are in this file.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Most memory for all actors together, such as 2G; three quarters of the machine's without it.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<usize>,
    /// New actors that the owner of a key may name in an hour.
    #[arg(long, default_value = "1024", value_name = "N", value_parser = number)]
    new_names: u64,
    /// Show numbers for monitoring at http://HOST:PORT/metrics.
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    metrics: Option<String>,
    /// Say on standard error what happens: off, error, warn, info or debug; with --json as JSON, one object a line.
    #[arg(long, default_value = "warn", value_name = "LEVEL", value_parser = level)]
    log: LevelFilter,
    /// Only check the file of a server that does not run.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = beside_check())]
    check: Option<PathBuf>,
    #[command(flatten)]
    rules: Rules,
}

/// What says nothing to a server that is only checked.
fn beside_check() -> Vec<Id> {
    let own = ["listen", "unix", "data", "init", "key_file", "memory", "new_names", "metrics", "log"];
    own.into_iter().map(Id::from).chain(ids::<Rules>()).collect()
}

/// What `vm call` is told.
#[derive(clap::Args, Debug)]
pub struct Call {
    /// HOST:PORT or unix:PATH.
    address: Address,
    /// Call the function that CODE gives, in place of one in a file.
    #[arg(short = 'e', value_name = "CODE")]
    code: Option<OsString>,
    /// Call what is installed under this name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["code", "install"])]
    invoke: Option<String>,
    /// Install the function under this name instead of calling it.
    #[arg(long, value_name = "NAME")]
    install: Option<String>,
    /// The actor.
    #[arg(long, default_value = "main", value_name = "NAME")]
    actor: String,
    /// The file with your key and the server's.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// `FILE[:NAME]`, a program or image whose function is called, unless it is given otherwise; then the arguments, JSON
    /// where they are JSON.
    #[arg(allow_negative_numbers = true, value_name = "FILE[:NAME] | ARGS")]
    words: Vec<OsString>,
    #[command(flatten)]
    rules: Rules,
}

/// What `vm actor` can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List all actors of a server.
    List(Server),
    /// Show one actor.
    Info(OneActor),
    /// Keep the state of an actor now, so that a restart has less to repeat.
    Snapshot(OneActor),
    /// Show the last calls of an actor.
    Log(OneActor),
    /// Remove what nothing needs.
    Gc {
        #[command(flatten)]
        server: Server,
        /// Only count it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Give the state of an actor the types that a program exports in the place of older ones with their names.
    Upgrade(Upgrade),
    /// Let an actor go on that is held, at a server, or in the file of one that does not run.
    ///
    /// With --data and without --to and --accept it shows why an actor is held and what was cut off of it, without NAME all
    /// that are held.
    Recover(Recover),
    /// Make a key file, or show the public key of one.
    Key {
        /// The key file; it is made if it is not there.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// A server as operators reach it.
#[derive(clap::Args, Debug)]
pub struct Server {
    /// HOST:PORT or unix:PATH.
    address: Address,
    /// The file with your key and the server's.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    time: Timeout,
}

/// One actor of a server.
#[derive(clap::Args, Debug)]
pub struct OneActor {
    #[command(flatten)]
    server: Server,
    /// The actor.
    #[arg(default_value = "main")]
    name: String,
}

/// What `vm actor upgrade` is told.
#[derive(clap::Args, Debug)]
pub struct Upgrade {
    /// HOST:PORT or unix:PATH.
    address: Address,
    /// The actor.
    #[arg(value_name = "NAME")]
    actor: String,
    /// The program whose types are the new ones.
    #[arg(value_hint = ValueHint::FilePath)]
    file: OsString,
    /// Only say what would be changed.
    #[arg(long)]
    dry_run: bool,
    /// The file with your key and the server's.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    rules: Rules,
}

/// What `vm actor recover` is told.
#[derive(clap::Args, Debug)]
pub struct Recover {
    /// HOST:PORT or unix:PATH, unless there is --data; then the actor.
    #[arg(value_names = ["ADDRESS", "NAME"], num_args = 0..=2)]
    words: Vec<String>,
    /// The file in which a server that does not run keeps its actors.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_file", "timeout"])]
    data: Option<PathBuf>,
    /// Go on after step SEQ; what comes behind it is cut off and kept apart. After step 0 the actor begins anew.
    #[arg(long, value_name = "SEQ", conflicts_with = "accept")]
    to: Option<u64>,
    /// Go on with what this engine makes of the actor's calls.
    #[arg(long)]
    accept: bool,
    /// Only say what would become of it; with --data.
    #[arg(long, requires = "data")]
    dry_run: bool,
    /// The file with your key and the server's.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    time: Timeout,
}

/// `vm serve`.
pub fn serve(command: &Serve, terminal: &Terminal) -> Result<ExitCode, String> {
    if let Some(file) = &command.check {
        return check(file, terminal);
    }
    // The server ends in its own way, and what comes before it in that of the system.
    ctrl_c::leave();
    let address = match &command.unix {
        Some(path) => Address::Unix(path.clone()),
        None => Address::Tcp(command.listen.clone()),
    };
    let keys = match &command.key_file {
        Some(path) => {
            let file = open_key_file(path)?;
            Some((file.secret, Arc::new(file.ring)))
        }
        None => None,
    };
    let init = match &command.init {
        Some(file) => match open_or_run(file, Prints::Out, &command.rules, terminal) {
            Ok(image) => Some(image.dump(Form::default())),
            Err(halt) => return halt.end(terminal),
        },
        None => None,
    };
    let mut bounds = NodeOptions::default().init(init);
    let limits = &command.rules.limits;
    bounds.fuel = limits.fuel.unwrap_or(bounds.fuel);
    bounds.heap = limits.heap.unwrap_or(bounds.heap);
    bounds.time = limits.time.timeout.unwrap_or(bounds.time);
    bounds.memory = command.memory.unwrap_or(bounds.memory);
    bounds.new_names = command.new_names;
    let json = terminal.is_json();
    let log = tracing_subscriber::fmt().with_max_level(command.log).with_target(false);
    let log = log.with_writer(move || Log { json });
    match json {
        true => log.json().flatten_event(true).init(),
        false => log.with_ansi(false).init(),
    }
    let store: Box<dyn Store> = match &command.data {
        Some(path) => Box::new(SqliteStore::open(path).map_err(|error| format!("{}: {error}", path.display()))?),
        None => Box::new(MemoryStore::default()),
    };
    let node = Node::open(bounds, store).map_err(|error| error.to_string())?;
    let listen = ServerOptions::new(address).keys(keys);
    let ready = |address: &Address, metrics: Option<std::net::SocketAddr>| {
        let mut text = Shown::of("listening on {}\n", &[address]);
        if let Some(metrics) = metrics {
            text.push(&Shown::of("metrics at http://{}/metrics\n", &[&metrics]));
        }
        show(&text);
    };
    match server::serve(listen, &node, command.metrics.as_deref(), ready) {
        Ok(()) => Ok(Exit::Ok.into()),
        Err(error @ ServeError::NoKeys) => Err(error.to_string()),
        Err(error) => {
            terminal.failure(&error.to_string());
            Ok(Exit::Uncaught.into())
        }
    }
}

/// An address of the network.
fn host_and_port(text: &str) -> Result<String, String> {
    match text.parse() {
        Ok(Address::Tcp(address)) => Ok(address),
        _ => Err(format!("expected HOST:PORT, such as {ADDRESS}")),
    }
}

/// How much is logged.
fn level(text: &str) -> Result<LevelFilter, String> {
    match text {
        "off" | "error" | "warn" | "info" | "debug" => text.parse().map_err(|_| String::new()),
        _ => Err("expected off, error, warn, info or debug".to_owned()),
    }
}

fn check(file: &Path, terminal: &Terminal) -> Result<ExitCode, String> {
    if !file.exists() {
        return Err(format!("there is no file `{}`", file.display()));
    }
    let mut store = SqliteStore::look(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let checked = match node::check(&mut store) {
        Ok(checked) => checked,
        Err(error) => {
            terminal.failure(&error.to_string());
            return Ok(Exit::Image.into());
        }
    };
    for wrong in &checked.wrong {
        terminal.failure(&wrong.to_string());
    }
    if !checked.wrong.is_empty() {
        return Ok(Exit::Image.into());
    }
    let actors = counted(checked.actors as usize, "actor");
    let calls = counted(checked.replayed as usize, "call");
    let numbers: [&dyn Piece; 3] = [&file.display(), &actors, &calls];
    show(&Shown::of("{}: ok, {}, {} repeated\n", &numbers));
    Ok(Exit::Ok.into())
}

/// `vm call`.
pub fn call(command: &Call, terminal: &Terminal) -> Result<ExitCode, String> {
    let rules = &command.rules;
    let mut words = &command.words[..];
    let function = match (&command.code, &command.invoke) {
        (_, Some(_)) => None,
        (Some(code), None) => Some(run_code(code, rules, terminal)),
        (None, None) => {
            let (file, rest) = words.split_first().ok_or("expected a file, -e CODE or --invoke NAME")?;
            words = rest;
            Some(open_or_run(file, Prints::Out, rules, terminal))
        }
    };
    let function = match function.transpose() {
        Ok(function) => function.map(|image| Arc::new(Function::new(image))),
        Err(halt) => return halt.end(terminal),
    };
    let target = match (&function, &command.invoke, &command.install) {
        (Some(function), _, Some(name)) => Target::Install(name.clone(), function.hash()),
        (Some(function), _, None) => Target::Function(function.hash()),
        (None, Some(name), _) => Target::Installed(name.clone()),
        (None, None, _) => return Err("there is nothing to call".to_owned()),
    };
    let strings = words.iter().map(utf8).collect::<Result<Vec<String>, String>>()?;
    let input = Input::text("<call>", "");
    // What comes back is shown by its own functions, and they are somebody else's.
    let mut session = match Setting::of_answer(&rules.denials).session(&rules.limits, Prints::Harmless) {
        Ok(session) => session,
        Err(error) => return Ok(ended(&error, None, &input, &rules.limits, terminal)),
    };
    let args = match image_of(&mut session, &strings) {
        Ok(args) => args,
        Err(failure) => return Ok(ended(&Error::Failed(failure), Some(&session), &input, &rules.limits, terminal)),
    };
    let outcome = connect(&command.address, command.key_file.as_deref(), &rules.limits.time).map(|mut client| {
        let outcome = client.call(&command.actor.as_str().into(), target, function, args, &mut || Ok(()));
        client.close();
        outcome
    })?;
    let shown = match outcome {
        Ok(bytes) => loaded(&mut session, &bytes).and_then(|value| {
            let show = session.run(&Input::text("<show>", SHOW))?;
            session.vm().call(&show, &[value]).map_err(Error::from)
        }),
        Err(ClientError::Thrown { value, trace, omitted }) => {
            let calls = calls_in(&command.actor, trace);
            let omitted = usize::try_from(omitted).unwrap_or(usize::MAX);
            loaded(&mut session, &value).and_then(|value| Err(thrown(&mut session, &value, calls, omitted)))
        }
        Err(error) => {
            terminal.failure(&error.to_string());
            let exit = if matches!(error, ClientError::Stopped(_)) { Exit::Limit } else { Exit::Uncaught };
            return Ok(exit.into());
        }
    };
    let flushed = session.vm().flush();
    if let Err(error) = shown {
        return Ok(ended(&error, Some(&session), &input, &rules.limits, terminal));
    }
    flushed.map_err(|error| format!("cannot write standard output: {error}"))?;
    Ok(Exit::Ok.into())
}

/// The image of what a program on the command line gives.
fn run_code(code: &OsString, rules: &Rules, terminal: &Terminal) -> Result<Image, Halt> {
    let input = on_the_line(code)?;
    let halt =
        |error: &Error, session: Option<&Session>| Halt::Ended(ended(error, session, &input, &rules.limits, terminal));
    let session = Setting::of_program(&rules.denials, &input, Vec::new()).session(&rules.limits, Prints::Out);
    let mut session = session.map_err(|error| halt(&error, None))?;
    let value = session.run(&input).map_err(|error| halt(&error, Some(&session)))?;
    session.vm().image(&value).map_err(|failure| halt(&Error::Failed(failure), Some(&session)))
}

/// The image of the list of arguments.
fn image_of(session: &mut Session, strings: &[String]) -> Result<Vec<u8>, Failure> {
    let vm = session.vm();
    let args = strings.iter().map(|text| argument(vm, text)).collect::<Result<Vec<Root>, Failure>>()?;
    let list = vm.list(&args)?;
    Ok(vm.image(&list)?.dump(Form::default()))
}

fn loaded(session: &mut Session, bytes: &[u8]) -> Result<Root, Error> {
    let image = Image::parse(bytes, &()).map_err(|error| {
        Error::Unreadable("the answer".to_owned(), io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
    })?;
    session.vm().load(&image).map_err(Error::from)
}

/// What was thrown in the actor, with the calls that were under way there.
fn thrown(session: &mut Session, value: &Root, calls: Vec<quipu::vm::trace::TraceLine>, omitted: usize) -> Error {
    let thrown = session.vm().enter::<()>(|cx| {
        let value = cx.rooted(value)?;
        Err(cx.throw_from(value, calls, omitted))
    });
    match thrown {
        Err(failure) => Error::Failed(failure),
        // `enter` gives what it is told.
        Ok(()) => Error::Unreadable("the answer".to_owned(), io::ErrorKind::InvalidData.into()),
    }
}

/// `vm actor`.
pub fn command(command: &Command, terminal: &Terminal) -> Result<ExitCode, String> {
    let (server, question, name) = match command {
        Command::List(server) => (server, Question::List, ""),
        Command::Info(one) => (&one.server, Question::Info, one.name.as_str()),
        Command::Snapshot(one) => (&one.server, Question::Snapshot, one.name.as_str()),
        Command::Log(one) => (&one.server, Question::Log, one.name.as_str()),
        Command::Gc { server, dry_run: false } => (server, Question::Gc, ""),
        Command::Gc { server, dry_run: true } => (server, Question::GcDry, ""),
        Command::Upgrade(command) => return upgrade(command, terminal),
        Command::Recover(command) => return recover(command, terminal),
        Command::Key { file } => return key(file),
    };
    let mut client = connect(&server.address, server.key_file.as_deref(), &server.time)?;
    let answer = client.ask(question, &name.into());
    client.close();
    match answer {
        Ok(text) => {
            show(&Shown::of("{}\n", &[&Shown::json_text(&text)]));
            Ok(Exit::Ok.into())
        }
        Err(error) => {
            terminal.failure(&error.to_string());
            Ok(Exit::Uncaught.into())
        }
    }
}

/// `vm actor upgrade`: a call like any other. A dry run ends by throwing what it would have done, so that nothing is kept.
fn upgrade(command: &Upgrade, terminal: &Terminal) -> Result<ExitCode, String> {
    const MAKE: &str = "import image\n|types| |state| image.upgrade(state, types)";
    const MAKE_DRY: &str = "import image\n|types| |state| { throw (\"dry run\", image.upgrade(state, types)) }";
    let rules = &command.rules;
    let (mut session, types) = match types_of(&command.file, rules, terminal) {
        Ok(found) => found,
        Err(halt) => return halt.end(terminal),
    };
    let input = Input::text("<upgrade>", "");
    let text = if command.dry_run { MAKE_DRY } else { MAKE };
    let made = helper(&mut session, text, &[types]).and_then(|function| {
        let function = session.vm().image(&function)?;
        Ok((function, image_of(&mut session, &[])?))
    });
    let (function, args) = match made {
        Ok(made) => made,
        Err(error) => return Ok(ended(&error, Some(&session), &input, &rules.limits, terminal)),
    };
    let function = Arc::new(Function::new(function));
    let mut client = connect(&command.address, command.key_file.as_deref(), &rules.limits.time)?;
    let target = Target::Function(function.hash());
    let outcome = client.call(&command.actor.as_str().into(), target, Some(function), args, &mut || Ok(()));
    client.close();
    let answer = match outcome {
        Ok(bytes) if !command.dry_run => loaded(&mut session, &bytes),
        Err(ClientError::Thrown { value, trace, omitted }) => {
            let value = loaded(&mut session, &value);
            let calls = calls_in(&command.actor, trace);
            let omitted = usize::try_from(omitted).unwrap_or(usize::MAX);
            value.and_then(|value| match session.vm().tuple_item(&value, 1) {
                Some(answer) if command.dry_run => Ok(answer),
                _ => Err(thrown(&mut session, &value, calls, omitted)),
            })
        }
        Ok(_) => Err(Error::Unreadable("the answer".to_owned(), io::ErrorKind::InvalidData.into())),
        Err(error) => {
            terminal.failure(&error.to_string());
            let exit = if matches!(error, ClientError::Stopped(_)) { Exit::Limit } else { Exit::Uncaught };
            return Ok(exit.into());
        }
    };
    match answer.and_then(|answer| tell(&mut session, answer, terminal)) {
        Ok(()) => Ok(Exit::Ok.into()),
        Err(error) => Ok(ended(&error, Some(&session), &input, &rules.limits, terminal)),
    }
}

/// `vm actor recover`.
fn recover(command: &Recover, terminal: &Terminal) -> Result<ExitCode, String> {
    let Recover { words, data, to, accept, dry_run, key_file, time } = command;
    let way = match to {
        Some(step) => Some(Way::To(*step)),
        None => accept.then_some(Way::Accept),
    };
    let told = match (data, &words[..], way) {
        (Some(data), [], None) => recover_in(data, None, None, *dry_run)?,
        (Some(data), [name], way) => recover_in(data, Some(name), way, *dry_run)?,
        (Some(_), ..) => return Err("with --data, expected NAME and --to SEQ or --accept".to_owned()),
        (None, [address, name], Some(way)) => {
            let address: Address = address.parse().map_err(|error| format!("{error}"))?;
            let mut client = connect(&address, key_file.as_deref(), time)?;
            let question = match way {
                Way::To(step) => Question::To(step),
                Way::Accept => Question::Accept,
            };
            let answer = client.ask(question, &name.as_str().into());
            client.close();
            answer.map_err(|error| error.to_string())
        }
        (None, ..) => {
            return Err("expected ADDRESS and NAME, or NAME and --data FILE; and --to SEQ or --accept".to_owned());
        }
    };
    match told {
        Ok(text) => {
            show(&Shown::of("{}\n", &[&Shown::json_text(&text)]));
            Ok(Exit::Ok.into())
        }
        Err(error) => {
            terminal.failure(&error);
            Ok(Exit::Uncaught.into())
        }
    }
}

/// The same in a file that no server has open.
fn recover_in(
    data: &Path,
    name: Option<&str>,
    way: Option<Way>,
    dry_run: bool,
) -> Result<Result<String, String>, String> {
    if !data.exists() {
        return Err(format!("there is no file `{}`", data.display()));
    }
    let store = if way.is_none() || dry_run { SqliteStore::look(data) } else { SqliteStore::open(data) };
    let mut store = store.map_err(|error| match error {
        StoreError::InUse => format!("{}: a server has it open; stop it, or give its address", data.display()),
        error => format!("{}: {error}", data.display()),
    })?;
    let told = match (name, way) {
        (Some(name), Some(way)) => node::release(&mut store, name, way, dry_run).map(|it| serde_json::to_string(&it)),
        (Some(name), None) => node::standing(&mut store, name).map(|it| serde_json::to_string(&it)),
        (None, _) => node::held(&mut store).map(|it| serde_json::to_string(&it)),
    };
    Ok(told.map_err(|error| error.to_string()).and_then(|text| text.map_err(|error| error.to_string())))
}

/// Makes a key file, or shows whose it is.
fn key(path: &Path) -> Result<ExitCode, String> {
    use std::os::unix::fs::OpenOptionsExt;
    if path.exists() {
        show(&Shown::of("{}\n", &[&open_key_file(path)?.secret.public()]));
        return Ok(Exit::Ok.into());
    }
    let secret = Secret::new().map_err(|error| error.to_string())?;
    let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = written.and_then(|mut file| file.write_all(KeyFile::fresh(&secret).as_bytes()));
    written.map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    show(&Shown::of("{}\n", &[&secret.public()]));
    Ok(Exit::Ok.into())
}

fn connect(address: &Address, key_file: Option<&Path>, time: &Timeout) -> Result<Blocking, String> {
    let mut to = ClientOptions::new(address.clone());
    if let Some(path) = key_file {
        let file = open_key_file(path)?;
        let server = file.server(&address.to_string());
        let server = server.ok_or_else(|| format!("`{}` has no line `server {address} KEY`", path.display()))?;
        to.keys = Some((file.secret, server));
    }
    to.timeout = time.timeout.unwrap_or(to.timeout);
    Blocking::connect(to).map_err(|error| error.at(address))
}
