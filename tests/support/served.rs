//! The real server as a process of its own, and clients of it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use quipu::actor::Address;
use quipu::actor::call::Target;
use quipu::actor::client::{Blocking, ClientError, ClientOptions, Function};
use quipu::vm::image::{Form, Image};
use quipu::vm::{Limits, Root};
use quipu::{Engine, Input, Session};

/// `vm serve` on a socket file of this name in a folder.
pub struct Server {
    pub child: Child,
    /// The lines that it prints.
    lines: BufReader<std::process::ChildStdout>,
}

impl Server {
    pub fn start(folder: &Path, words: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vm"))
            .args(["serve", "--unix", "socket"])
            .args(words)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Server { child, lines }
    }

    pub fn wait_until_it_listens(&mut self) {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on"), "{line:?}");
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A number out of what the system knows about the process, in bytes.
    pub fn status(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<usize>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // That it has ended already is all right.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One who calls, with a machine of its own to make arguments with.
pub struct Caller {
    pub session: Session,
    pub client: Blocking,
}

impl Caller {
    pub fn connect(folder: &Path) -> Caller {
        let session = Engine::new().session(Limits::default()).unwrap();
        let options = ClientOptions::new(Address::Unix(folder.join("socket"))).timeout(Duration::from_secs(60));
        let until = Instant::now() + Duration::from_secs(60);
        let client = loop {
            match Blocking::connect(options.clone()) {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        Caller { session, client }
    }

    pub fn value(&mut self, text: &str) -> Root {
        self.session.run(&Input::text("value", text)).unwrap()
    }

    pub fn image(&mut self, text: &str) -> Image {
        let value = self.value(text);
        self.session.vm().image(&value).unwrap()
    }

    pub fn call(&mut self, function: &Arc<Function>, args: &str) -> Result<String, ClientError> {
        let args = self.image(args).dump(Form::default());
        let bytes = self.bytes(function, args)?;
        let value = self.session.vm().load(&Image::parse(&bytes, &()).unwrap()).unwrap();
        Ok(self.session.vm().repr(&value).unwrap())
    }

    /// The image of what a call gives, of the image of its arguments.
    pub fn bytes(&mut self, function: &Arc<Function>, args: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let target = Target::Function(function.hash());
        self.client.call(&"main".into(), target, Some(function.clone()), args, &mut || Ok(()))
    }
}
