//! What the end-to-end tests share: the program as a child, an edge in the test's own process.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use livesky_std::{EdgeHandle, EdgeOptions, Smol, edge};

/// A program that is ended with the test.
pub(crate) struct Program(pub(crate) Child);

impl Program {
    /// Starts the program with nothing to read.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, Stdio::null())
    }

    /// Starts the program with this standard input.
    pub(crate) fn start_with(arguments: &[&str], stdin: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_livesky"));
        command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits for its end.
    pub(crate) fn output(mut self) -> Output {
        let stdout = self.0.stdout.take().map(std::io::read_to_string);
        let stderr = self.0.stderr.take().map(std::io::read_to_string);
        let status = self.0.wait().unwrap();
        let text =
            |read: Option<std::io::Result<String>>| read.map_or(Vec::new(), |text| text.unwrap().into());
        Output { status, stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _is_running = self.0.kill().is_ok();
        let _is_over = self.0.wait().is_ok();
    }
}

/// An edge in this process that feeds one client directly.
pub(crate) fn edge() -> EdgeHandle {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut options = EdgeOptions::new(any_port, any_port);
    options.config.n1 = 1;
    options.config.slope = Some(0.2);
    options.clients_max = 64;
    let (handle, driver) = edge::bind::<Smol>(options).unwrap();
    smol::spawn(driver).detach();
    handle
}

/// Waits half a minute at most.
pub(crate) fn wait_for(what: &str, mut is_done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_done() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("waited 30 s in vain: {what}");
}

/// Whether a channel has its publisher and more than a second of media.
pub(crate) fn is_on_air(edge: &EdgeHandle) -> bool {
    let channels = smol::block_on(edge.channels());
    channels.iter().any(|channel| channel.is_open && channel.newest.is_some_and(|newest| newest.0 > 30))
}
