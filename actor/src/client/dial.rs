//! The client as programs in the language have it, by `import actor`.

use std::sync::Arc;

use quipu_stdlib::{Connection, Dial, Endpoint, RemoteCall, Trouble};

use super::blocking::Blocking;
use super::error::{ClientError, calls_in};
use super::function::Function;
use super::options::ClientOptions;
use crate::address::Address;
use crate::call::{MAX_NAME, Target};
use crate::key_file::open_key_file;

/// Connects programs to servers, each connection with a socket of its own.
#[derive(Clone, Copy, Debug)]
pub struct Dialer;

impl Dial for Dialer {
    fn dial(&self, to: &Endpoint<'_>, go_on: &mut dyn FnMut() -> bool) -> Result<Box<dyn Connection>, Trouble> {
        let address: Address = to.address.parse().map_err(|error| Trouble::Wrong(format!("the address: {error}")))?;
        let mut options = ClientOptions::new(address.clone());
        if let Some(path) = to.key_file {
            let file = open_key_file(path.as_ref()).map_err(Trouble::Wrong)?;
            let missing = || Trouble::Wrong(format!("`{path}` has no line `server {} KEY`", to.address));
            let server = file.server(to.address).ok_or_else(missing)?;
            options.keys = Some((file.secret, server));
        }
        options.timeout = to.timeout.unwrap_or(options.timeout);
        match Blocking::connect_while(options, &mut wanted(go_on)) {
            Ok(client) => Ok(Box::new(Connected(client))),
            Err(error) => {
                let text = error.at(&address);
                Err(trouble(error, text, ""))
            }
        }
    }
}

struct Connected(Blocking);

impl Connection for Connected {
    fn call(
        &mut self,
        actor: &str,
        asked: RemoteCall<'_>,
        args: Vec<u8>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<u8>, Trouble> {
        let (function, name) = match asked {
            RemoteCall::Call(image) => (Some(Arc::new(Function::new(image))), None),
            RemoteCall::Install(name, image) => (Some(Arc::new(Function::new(image))), Some(name)),
            RemoteCall::Invoke(name) => (None, Some(name)),
        };
        for name in name.into_iter().chain([actor]) {
            if name.len() > MAX_NAME {
                return Err(Trouble::Wrong(format!("a name is longer than {MAX_NAME} bytes")));
            }
        }
        let target = match (&function, name) {
            (Some(function), None) => Target::Function(function.hash()),
            (Some(function), Some(name)) => Target::Install(name.to_owned(), function.hash()),
            (None, name) => Target::Installed(name.unwrap_or_default().to_owned()),
        };
        let outcome = self.0.call(&actor.into(), target, function, args, &mut wanted(go_on));
        outcome.map_err(|error| {
            let text = error.to_string();
            trouble(error, text, actor)
        })
    }
}

/// Whether to wait on, as the client asks for it.
fn wanted(go_on: &mut dyn FnMut() -> bool) -> impl FnMut() -> Result<(), ClientError> {
    || if go_on() { Ok(()) } else { Err(ClientError::Closed) }
}

fn trouble(error: ClientError, text: String, actor: &str) -> Trouble {
    match error {
        ClientError::Thrown { value, trace, omitted } => {
            let omitted = usize::try_from(omitted).unwrap_or(usize::MAX);
            Trouble::Thrown { value, calls: calls_in(actor, trace), omitted }
        }
        ClientError::Stopped(_) => Trouble::Refused("stopped", text),
        ClientError::Refused(_) => Trouble::Refused("refused", text),
        ClientError::Lost(_) | ClientError::TurnedAway | ClientError::Broken => Trouble::Lost("lost", text),
        ClientError::Late => Trouble::Lost("late", text),
        ClientError::Protocol(_) => Trouble::Lost("protocol", text),
        ClientError::Closed => Trouble::GivenUp,
    }
}
