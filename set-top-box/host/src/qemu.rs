//! A box in QEMU: started, listened to, measured, ended.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use crate::log::{self, LogLine};

/// The machine that the firmware's board files describe.
const MACHINE: [&str; 19] = [
    "-machine",
    "virt,gic-version=3",
    "-cpu",
    "cortex-a53",
    "-m",
    "64",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "none",
    "-global",
    "virtio-mmio.force-legacy=false",
    "-device",
    "virtio-rng-device",
    "-chardev",
    "stdio,id=log,signal=off",
    "-semihosting-config",
];
const SEMIHOSTING: &str = "enable=on,target=native,chardev=log";
/// Where the firmware looks for its config blob: the start of the second bank of flash.
const CONFIG_ADDRESS: u32 = 0x0400_0000;
/// Between two looks at a process that is about to end.
const LOOK: Duration = Duration::from_millis(5);
/// Clock ticks a second in /proc/PID/stat; 100 on every Linux (man 5 proc, USER_HZ).
const PROC_TICKS_PER_S: u32 = 100;

/// No box came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootError {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The firmware's log cannot be decoded.
    #[error("{0}")]
    Log(String),
    /// QEMU is not there (`apt-get install qemu-system-arm`), or will not start.
    #[error("qemu-system-aarch64: {0}")]
    Qemu(io::Error),
}

/// Something that was waited for did not come.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WaitError {
    /// Not in that time.
    #[error("nothing of the kind within {} ms", .0.as_millis())]
    Late(Duration),
    /// The box ended before.
    #[error("the box ended first, with status {0:?}")]
    Ended(Option<i32>),
}

/// A box that runs, until it ends on its own, is killed or dropped.
pub(crate) struct RunningBox {
    qemu: Child,
    started: Instant,
    incoming: Receiver<LogLine>,
    heard: Vec<LogLine>,
    config: PathBuf,
    /// Whether each line is printed as it comes.
    pub(crate) is_loud: bool,
}

impl RunningBox {
    /// Boots the firmware in `elf` with `config` in its flash. `network` is QEMU's `-netdev` value without its id, for
    /// example `user` or `dgram,local.type=inet,...`.
    ///
    /// # Errors
    /// The firmware cannot be read, or QEMU not be started.
    pub(crate) fn boot(elf: &Path, config: &[u8], network: &str) -> Result<Self, BootError> {
        static BOXES: AtomicU32 = AtomicU32::new(0);
        let firmware = std::fs::read(elf).map_err(|error| BootError::File(elf.to_owned(), error))?;
        let table = log::table(&firmware).map_err(BootError::Log)?;
        let name =
            format!("livesky-stb-{}-{}.cfg", std::process::id(), BOXES.fetch_add(1, Ordering::Relaxed));
        let blob = std::env::temp_dir().join(name);
        std::fs::write(&blob, config).map_err(|error| BootError::File(blob.clone(), error))?;
        let mut command = Command::new("qemu-system-aarch64");
        command.args(MACHINE).arg(SEMIHOSTING);
        command.args(["-netdev", &format!("{network},id=net"), "-device", "virtio-net-device,netdev=net"]);
        if !config.is_empty() {
            let file = blob.display().to_string().replace(',', ",,");
            command.args(["-device", &format!("loader,file={file},addr={CONFIG_ADDRESS:#x},force-raw=on")]);
        }
        command.arg("-kernel").arg(elf).stdin(Stdio::null()).stdout(Stdio::piped());
        let started = now();
        let mut qemu = command.spawn().map_err(BootError::Qemu)?;
        let (outgoing, incoming) = channel();
        if let Some(stream) = qemu.stdout.take() {
            thread::spawn(move || log::decode(&table, stream, &outgoing));
        }
        Ok(Self { qemu, started, incoming, heard: Vec::new(), config: blob, is_loud: false })
    }

    /// When QEMU was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The next line of the log.
    ///
    /// # Errors
    /// There is none in time, or the box has ended.
    pub(crate) fn next_line(&mut self, timeout: Duration) -> Result<LogLine, WaitError> {
        match self.incoming.recv_timeout(timeout) {
            Ok(line) => {
                if self.is_loud {
                    println!("{line}");
                }
                self.heard.push(line.clone());
                Ok(line)
            }
            Err(RecvTimeoutError::Timeout) => Err(WaitError::Late(timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(WaitError::Ended(self.exit_status(timeout))),
        }
    }

    /// Listens until a line satisfies `predicate`; lines that were heard before do not count.
    ///
    /// # Errors
    /// None does in time, or the box has ended.
    pub(crate) fn wait_for(
        &mut self,
        predicate: impl Fn(&LogLine) -> bool,
        timeout: Duration,
    ) -> Result<LogLine, WaitError> {
        let end = now() + timeout;
        loop {
            match self.next_line(end.saturating_duration_since(now())) {
                Ok(line) if predicate(&line) => return Ok(line),
                Ok(_) => {}
                Err(WaitError::Late(_)) => return Err(WaitError::Late(timeout)),
                Err(ended @ WaitError::Ended(_)) => return Err(ended),
            }
        }
    }

    /// Every line so far.
    pub(crate) fn heard(&mut self) -> &[LogLine] {
        while self.next_line(Duration::ZERO).is_ok() {}
        &self.heard
    }

    /// What the firmware ended with; `None` when it still runs after `timeout`, or was killed.
    pub(crate) fn exit_status(&mut self, timeout: Duration) -> Option<i32> {
        let end = now() + timeout;
        loop {
            match self.qemu.try_wait() {
                Ok(Some(status)) => return status.code(),
                Ok(None) if now() < end => thread::sleep(LOOK),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// What QEMU has used of the host's processors; `None` after its end.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.qemu.id())).ok()?;
        // The name in parentheses may contain anything; utime and stime are the 12th and 13th field after it (man 5 proc).
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let ticks = fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?;
        Some(Duration::from_secs(1) * ticks / PROC_TICKS_PER_S)
    }

    /// Pulls the plug.
    pub(crate) fn kill(&mut self) {
        // An error says that it has ended already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

impl Drop for RunningBox {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_file(&self.config);
    }
}

#[allow(clippy::disallowed_methods, reason = "QEMU runs in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
