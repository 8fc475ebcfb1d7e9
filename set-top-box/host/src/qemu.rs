//! A box in QEMU: started, listened to, measured, its cable pulled, ended.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use crate::log::{self, LogLine};

/// The machine that the firmware's board files describe.
const MACHINE: [&str; 20] = [
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
    "enable=on,target=native,chardev=log",
];
/// Where the firmware looks for its config blob: the start of the second bank of flash.
const CONFIG_ADDRESS: u32 = 0x0400_0000;
/// Names in the box's folder; a path to a socket must be short.
const CONFIG_FILE: &str = "config";
const MONITOR_FILE: &str = "monitor";
const MONITOR_PATIENCE: Duration = Duration::from_secs(5);
/// What QEMU calls the network's far side.
pub(crate) const NETDEV_ID: &str = "net";
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

/// Where a box's cable leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cable {
    /// What follows `-netdev`, with [`NETDEV_ID`] as its id.
    pub(crate) netdev: String,
    /// The box's hardware address; boxes on one network differ.
    pub(crate) mac: [u8; 6],
}

impl Cable {
    /// QEMU's own network: the host is at 10.0.2.2, and a DHCP server gives out 10.0.2.15. Its DNS server is the host's.
    pub(crate) fn to_host() -> Self {
        Self::new(format!("user,id={NETDEV_ID}"), 0)
    }

    /// `netdev` as above; `number` tells the boxes of a network apart.
    pub(crate) const fn new(netdev: String, number: u8) -> Self {
        // Locally administered (IEEE 802, 8.2.2); the prefix is QEMU's.
        Self { netdev, mac: [0x52, 0x54, 0, 0x77, 0, number] }
    }
}

/// A box that runs, until it ends on its own, is killed or dropped.
pub(crate) struct RunningBox {
    qemu: Child,
    started: Instant,
    incoming: Receiver<LogLine>,
    heard: Vec<LogLine>,
    folder: PathBuf,
    /// Whether each line is printed as it comes.
    pub(crate) is_loud: bool,
}

impl RunningBox {
    /// Boots the firmware in `elf` with `config` in its flash; empty: the flash is blank.
    ///
    /// # Errors
    /// The firmware cannot be read, or QEMU not be started.
    pub(crate) fn boot(elf: &Path, config: &[u8], cable: &Cable) -> Result<Self, BootError> {
        static BOXES: AtomicU32 = AtomicU32::new(0);
        let in_elf = |error| BootError::File(elf.to_owned(), error);
        let table = log::table(&std::fs::read(elf).map_err(in_elf)?).map_err(BootError::Log)?;
        let elf = elf.canonicalize().map_err(in_elf)?;
        let number = BOXES.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("livesky-stb-{}-{number}", std::process::id()));
        let in_folder = |error| BootError::File(folder.clone(), error);
        std::fs::create_dir_all(&folder).map_err(in_folder)?;
        std::fs::write(folder.join(CONFIG_FILE), config).map_err(in_folder)?;

        let [a, b, c, d, e, f] = cable.mac;
        let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        let mut command = Command::new("qemu-system-aarch64");
        command.args(MACHINE).args(["-qmp", &format!("unix:{MONITOR_FILE},server=on,wait=off")]);
        command.args(["-netdev", &cable.netdev]);
        command.args(["-device", &format!("virtio-net-device,netdev={NETDEV_ID},mac={mac}")]);
        if !config.is_empty() {
            let load = format!("loader,file={CONFIG_FILE},addr={CONFIG_ADDRESS:#x},force-raw=on");
            command.args(["-device", &load]);
        }
        command.arg("-kernel").arg(elf).current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::piped());
        let started = now();
        let mut qemu = command.spawn().map_err(BootError::Qemu)?;
        let (outgoing, incoming) = channel();
        if let Some(stream) = qemu.stdout.take() {
            thread::spawn(move || log::decode(&table, stream, &outgoing));
        }
        Ok(Self { qemu, started, incoming, heard: Vec::new(), folder, is_loud: false })
    }

    /// Where the box's files go, those that the firmware writes included; gone with the box.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Pulls the cable at the box's own end, or puts it back: the box is told so by its network device.
    ///
    /// # Errors
    /// QEMU does not listen, or does not obey.
    pub(crate) fn set_link(&self, is_up: bool) -> io::Result<()> {
        // QEMU Machine Protocol: a greeting, then one line of JSON for each command (QEMU, docs/interop/qmp-spec).
        let stream = UnixStream::connect(self.folder.join(MONITOR_FILE))?;
        stream.set_read_timeout(Some(MONITOR_PATIENCE))?;
        let mut answers = BufReader::new(stream.try_clone()?).lines();
        answers.next().transpose()?;
        let link = format!("{{\"name\":\"{NETDEV_ID}\",\"up\":{is_up}}}");
        for (command, arguments) in [("qmp_capabilities", "{}"), ("set_link", &link)] {
            writeln!(&stream, "{{\"execute\":\"{command}\",\"arguments\":{arguments}}}")?;
            // Events come in between.
            let is_answer = |line: &String| line.contains("\"return\"") || line.contains("\"error\"");
            let answer = answers.find(|line| line.as_ref().map_or(true, is_answer)).transpose()?;
            if !answer.is_some_and(|answer| answer.contains("\"return\"")) {
                return Err(io::Error::other(format!("QEMU refuses {command}")));
            }
        }
        Ok(())
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

    /// What of the host's memory QEMU holds, in bytes; `None` after its end.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.qemu.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1_024)
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
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[allow(clippy::disallowed_methods, reason = "QEMU runs in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
