//! Server and clients over real sockets: who gets in, who has to wait, who is sent away.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use quipu_actor::call::{Busy, Call, CallOutcome, CodeBytes, Target};
use quipu_actor::client::{Blocking, Client, ClientError, ClientOptions, Function};
use quipu_actor::server::{
    CallHost, CancelCall, Metrics, Reply, ReplyTo, ServeError, Server, ServerOptions, serve_metrics,
};
use quipu_actor::wire::{Answer, Incoming, KeyRole, Link, Question, Request, Ring, Secret, Violation};
use quipu_actor::{Address, Hand, ServerClock};
use quipu_code::hash::{CodeHash, GraphHash};
use quipu_vm::{Limits, Vm};
use tokio::sync::oneshot;

/// Gives back the arguments. The first byte of them says how: 1 after a while, 2 refuses once there is no room.
#[derive(Default)]
struct Echo {
    calls: AtomicUsize,
}

impl CallHost for Echo {
    fn call(&self, call: Call, reply: ReplyTo, _: bool) -> Result<CancelCall, Busy> {
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        if call.args.first() == Some(&2) && before == 0 {
            return Err(Busy { after_ms: 1 });
        }
        let slow = call.args.first() == Some(&1);
        let answer = move || reply(Reply::Called(CallOutcome::Done(call.args)));
        if slow {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                answer();
            });
        } else {
            answer();
        }
        Ok(Box::new(|| {}))
    }

    fn has_code(&self, _: &CodeHash) -> bool {
        false
    }

    fn put_function(
        &self,
        _: &GraphHash,
        _: &[u8],
        _: &[CodeHash],
        _: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String> {
        Ok(Vec::new())
    }

    fn ask(&self, _: Question, actor: &str, reply: ReplyTo) {
        reply(Reply::Told(Ok(format!("[{actor:?}]"))));
    }
}

struct Running {
    address: Address,
    metrics: Arc<Metrics>,
    stop: Option<oneshot::Sender<()>>,
    runtime: tokio::runtime::Runtime,
    done: Option<tokio::task::JoinHandle<()>>,
}

impl Running {
    fn start(options: ServerOptions) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(Server::bind(options, Arc::new(Echo::default()))).unwrap();
        let (address, metrics) = (server.address(), server.metrics());
        let (stop, stopped) = oneshot::channel();
        let done = runtime.spawn(server.run(async {
            let _ = stopped.await;
        }));
        Running { address, metrics, stop: Some(stop), runtime, done: Some(done) }
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        self.runtime.block_on(self.done.take().unwrap()).unwrap();
    }

    fn tcp(&self) -> TcpStream {
        let Address::Tcp(address) = &self.address else { panic!("no TCP") };
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }
}

fn local() -> ServerOptions {
    ServerOptions::new(Address::Tcp("127.0.0.1:0".to_owned()))
}

fn function() -> Arc<Function> {
    let mut vm = Vm::new(Arc::default(), Limits::default()).unwrap();
    let value = vm.int(5);
    Arc::new(Function::new(vm.image(&value).unwrap()))
}

fn call(client: &mut Blocking, args: &[u8]) -> Result<Vec<u8>, ClientError> {
    let function = function();
    let target = Target::Function(function.hash());
    client.call(&"a".into(), target, Some(function), args.to_vec(), &mut || Ok(()))
}

#[test]
fn calls_over_tcp_and_a_socket_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for address in [Address::Tcp("127.0.0.1:0".to_owned()), Address::Unix(path.clone())] {
        let mut server = Running::start(ServerOptions::new(address));
        let mut client = Blocking::connect(ClientOptions::new(server.address.clone())).unwrap();
        // It has no room at first.
        assert_eq!(call(&mut client, &[2, 3]), Ok(vec![2, 3]));
        let large = vec![9; 3 << 20];
        assert_eq!(call(&mut client, &large), Ok(large));
        assert_eq!(client.ask(Question::List, &"x".into()), Ok("[\"x\"]".to_owned()));
        assert!(matches!(call(&mut client, &vec![0; 20 << 20]), Err(ClientError::Refused(_))));
        client.close();
        let text = server.metrics.text();
        assert!(
            text.contains("quipu_needs_total{part=\"graph\"} 0\n") && text.contains("{outcome=\"busy\"} 1"),
            "{text}"
        );
        server.stop();
    }
    assert!(!path.exists());
}

#[test]
fn a_socket_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let server = Running::start(ServerOptions::new(Address::Unix(path.clone())));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again =
        server.runtime.block_on(Server::bind(ServerOptions::new(Address::Unix(path)), Arc::new(Echo::default())));
    assert!(matches!(again, Err(ServeError::InUse(_))));
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let taken = server
        .runtime
        .block_on(Server::bind(ServerOptions::new(Address::Unix(file.clone())), Arc::new(Echo::default())));
    assert!(matches!(taken, Err(ServeError::Bind(..))));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "kept");
}

#[test]
fn keys_let_in_whom_they_are_for() {
    let [ann, bob, own] = [1, 2, 3].map(|byte| Secret::known([byte; 32]));
    let mut ring = Ring::default();
    ring.add(ann.public(), KeyRole::Client, "ann");
    let server = Running::start(local().keys(Some((own.clone(), Arc::new(ring)))));
    let options = |keys| ClientOptions::new(server.address.clone()).keys(keys).timeout(Duration::from_secs(5));
    let mut client = Blocking::connect(options(Some((ann.clone(), own.public())))).unwrap();
    assert_eq!(call(&mut client, &[5; 100_000]), Ok(vec![5; 100_000]));
    // She may call, not look around.
    assert!(matches!(client.ask(Question::List, &"".into()), Err(ClientError::Refused(_))));
    for (own, server) in [(bob, own.public()), (ann.clone(), ann.public())] {
        assert_eq!(Blocking::connect(options(Some((own, server)))).err(), Some(ClientError::TurnedAway));
    }
    assert_eq!(Blocking::connect(options(None)).err(), Some(ClientError::Protocol(Violation::Mode)));
}

#[test]
fn errors_name_the_address_and_nothing_that_is_made_on_the_way() {
    let running = Running::start(local());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = |address: Address| {
        let server = runtime.block_on(Server::bind(ServerOptions::new(address), Arc::new(Echo::default())));
        server.err().unwrap().to_string()
    };
    let said = refused(running.address.clone());
    assert!(said.starts_with(&format!("cannot listen on {}: ", running.address)), "{said}");
    let said = refused(Address::Unix("/no/such/folder/socket".into()));
    assert_eq!(said, "cannot listen on unix:/no/such/folder/socket: No such file or directory (os error 2)");
    let nobody = Address::Unix("/no/such/folder/socket".into());
    let error = Blocking::connect(ClientOptions::new(nobody.clone())).err().unwrap();
    assert!(error.at(&nobody).starts_with("unix:/no/such/folder/socket: "), "{error}");
    assert!(error.at(&nobody).ends_with("; is `vm serve` running?"), "{error}");
}

#[test]
fn no_strangers_from_other_machines() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = ServerOptions::new(Address::Tcp("0.0.0.0:0".to_owned()));
    let server = runtime.block_on(Server::bind(options, Arc::new(Echo::default())));
    assert!(matches!(server, Err(ServeError::NoKeys)));
}

/// Reads until the server closes the connection, whose clock is moved until then.
fn read_to_the_end(stream: &mut TcpStream, hand: &Hand, by: Duration) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let (mut read, mut buffer) = (Vec::new(), [0; 256]);
    let begun = Instant::now();
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return read,
            Ok(length) => read.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => hand.advance(by),
            Err(error) => panic!("{error}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays open");
    }
}

#[test]
fn the_slow_and_the_many_are_sent_away() {
    let (clock, hand) = ServerClock::by_hand();
    let server = Running::start(local().clock(clock).connections(3));
    let mut silent = server.tcp();
    let mut halfway = server.tcp();
    halfway.write_all(b"\x8bQUIPw\x01\x00\x12\x00\x11\x01").unwrap();
    let mut client = Blocking::connect(ClientOptions::new(server.address.clone())).unwrap();
    // There is no room for a fourth.
    let mut refused = [0; 8];
    server.tcp().read_exact(&mut refused).unwrap();
    assert_eq!(refused[7], 3);
    let second = Duration::from_secs(1);
    assert_eq!(read_to_the_end(&mut silent, &hand, second), b"");
    assert_eq!(read_to_the_end(&mut halfway, &hand, second), b"\x8bQUIPw\x01\x00");
    // Whoever waits for an answer may be silent for longer.
    assert_eq!(call(&mut client, &[1]), Ok(vec![1]));
    assert!(server.metrics.text().contains("{reason=\"deadline\"} 2\n"));
}

#[test]
fn the_silent_are_sent_away_unless_the_server_is_at_work() {
    let (clock, hand) = ServerClock::by_hand();
    let server = Running::start(local().clock(clock));
    let (target, second) = (Target::Function(function().hash()), Duration::from_secs(1));
    let asked = Request::Call { request: 1, actor: "a".to_owned(), target, args: vec![1] };
    // One has nothing to say, and may say so for an hour; one waits for an answer to a call whose function it never sends.
    for (requests, about) in [(vec![], 3600), (vec![asked], 30)] {
        let mut stream = server.tcp();
        let mut link = Link::plain_client(1 << 20);
        stream.write_all(link.output()).unwrap();
        let mut hello = [0; 8];
        stream.read_exact(&mut hello).unwrap();
        link.feed(&hello);
        link.output().clear();
        link.poll().unwrap();
        for request in [Request::Open { nonce: [1; 16] }].iter().chain(&requests).chain(&[Request::Ping(7)]) {
            link.send(&request.encode());
        }
        stream.write_all(link.output()).unwrap();
        // With the answer to the last message all of them are read, at the time which it is now.
        let mut is_answered = false;
        while !is_answered {
            let mut bytes = [0; 256];
            let length = stream.read(&mut bytes).unwrap();
            link.feed(&bytes[..length]);
            while let Some(input) = link.poll().unwrap() {
                is_answered |=
                    matches!(input, Incoming::Message(message) if Answer::decode(&message) == Ok(Answer::Pong(7)));
            }
        }
        let begun = hand.now();
        hand.advance((about - 1) * second);
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "it is closed too early");
        assert_eq!(read_to_the_end(&mut stream, &hand, second), b"");
        assert!(hand.now() - begun < (about + 20) * second);
    }
    // A call that takes longer than all of that is answered.
    let mut client = Blocking::connect(ClientOptions::new(server.address.clone())).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                hand.advance(600 * second);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        assert_eq!(call(&mut client, &[1]), Ok(vec![1]));
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn many_calls_at_once_and_none_lost_when_it_stops() {
    let mut server = Running::start(local());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = ClientOptions::new(server.address.clone());
    let client = runtime.block_on(Client::connect(options)).unwrap();
    let function = function();
    let target = Target::Function(function.hash());
    let calls: Vec<_> = (0..500u32)
        .map(|number| {
            let (client, target, function) = (client.clone(), target.clone(), function.clone());
            runtime.spawn(async move {
                let args = number.to_be_bytes().to_vec();
                assert_eq!(client.call(&"a".into(), target, Some(function), args.clone()).await, Ok(args));
            })
        })
        .collect();
    calls.into_iter().for_each(|call| runtime.block_on(call).unwrap());
    let late = {
        let (client, target, function) = (client.clone(), target, function);
        runtime.spawn(async move { client.call(&"a".into(), target, Some(function), vec![1]).await })
    };
    std::thread::sleep(Duration::from_millis(100));
    server.stop();
    assert_eq!(runtime.block_on(late).unwrap(), Ok(vec![1]));
}

#[test]
fn a_server_that_hangs_up_is_not_called_without_a_pause() {
    let mut server = Running::start(local());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(Client::connect(ClientOptions::new(server.address.clone()))).unwrap();
    let Address::Tcp(address) = server.address.clone() else { panic!("{:?}", server.address) };
    server.stop();
    let listener = TcpListener::bind(&address).unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            counted.fetch_add(1, Ordering::Relaxed);
            drop(connection);
        }
    });
    let actor = "main".into();
    let asked = client.question(Question::List, &actor);
    assert!(matches!(runtime.block_on(asked), Err(ClientError::Lost(_))));
    let taken = taken.load(Ordering::Relaxed);
    assert!((1..=9).contains(&taken), "{taken}");
}

#[test]
fn what_a_server_hangs_up_on_is_not_sent_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, mut buffer) = (connection.unwrap(), [0; 4096]);
            let mut link = Link::server(None, 1 << 20, None);
            'open: loop {
                connection.write_all(link.output()).unwrap();
                link.output().clear();
                let length = connection.read(&mut buffer).unwrap();
                if length == 0 {
                    break;
                }
                link.feed(&buffer[..length]);
                while let Some(input) = link.poll().unwrap() {
                    let Incoming::Message(message) = input else { continue };
                    match Request::decode(&message).unwrap() {
                        Request::Open { .. } => link.send(&Answer::Welcome { message: 1 << 20, calls: 9 }.encode()),
                        _ => {
                            counted.fetch_add(1, Ordering::Relaxed);
                            break 'open;
                        }
                    }
                }
            }
        }
    });
    let begun = Instant::now();
    let mut client = Blocking::connect(ClientOptions::new(address)).unwrap();
    assert_eq!(client.ask(Question::List, &"x".into()), Err(ClientError::Broken));
    assert_eq!(calls.load(Ordering::Relaxed), 5);
    // Names that no server takes are not sent at all.
    let name = "x".repeat(256);
    let refused = client.ask(Question::List, &name.as_str().into());
    assert_eq!(refused, Err(ClientError::Refused("a name has at most 255 bytes, and this one has 256".to_owned())));
    let target = Target::Installed(name);
    let refused = client.call(&"a".into(), target, None, Vec::new(), &mut || Ok(()));
    assert!(matches!(refused, Err(ClientError::Refused(_))), "{refused:?}");
    assert_eq!(calls.load(Ordering::Relaxed), 5);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn metrics_are_a_page() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::default();
    let (clock, hand) = ServerClock::by_hand();
    runtime.spawn(serve_metrics(listener, clock, move || metrics.text(), std::future::pending()));
    for (request, status) in
        [("GET /metrics HTTP/1.1", "200"), ("GET / HTTP/1.1", "404"), ("PUT /metrics HTTP/1.1", "405")]
    {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{request}\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(answer.contains("quipu_calls_total 0"), status == "200");
    }
    // Whoever says nothing is let go.
    let mut silent = TcpStream::connect(address).unwrap();
    assert_eq!(read_to_the_end(&mut silent, &hand, Duration::from_millis(500)), b"");
    assert!(hand.now() >= Duration::from_secs(5));
}
