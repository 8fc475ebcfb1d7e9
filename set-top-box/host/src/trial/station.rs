//! What a box watches: a service node and a publisher, the real programs, on the network of the boxes.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use livesky_stb_net::SwitchHandle;
use livesky_stb_settings::{Edge, EdgeHost, HostName};

use super::run::Failure;
use crate::firmware::root;
use crate::qemu::now;

/// The name that the switch's DNS server knows.
pub(super) const EDGE_NAME: &str = "edge.livesky.test";
/// The channel.
pub(super) const CHANNEL: &str = "live1";
/// How long a program may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that ends with the trial.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, built where `cargo test` builds it.
pub(super) fn program() -> Result<PathBuf, Failure> {
    let target = crate::firmware::target_dir(&root());
    let target = target.parent().map_or_else(|| root().join("target"), Path::to_path_buf);
    let mut command = Command::new("cargo");
    command.args(["build", "--locked", "--quiet", "--package", "livesky"]);
    let status = command.env("CARGO_TARGET_DIR", &target).current_dir(root()).status()?;
    let program = target.join("debug/livesky");
    if status.success() && program.exists() { Ok(program) } else { Err("`livesky` does not build".into()) }
}

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Film {
    /// The repository's clip three times over: 90 s at 400 kbit/s.
    Clip,
    /// A test picture at 4 Mbit/s: 60 s.
    Sharp,
}

impl Film {
    /// The film as a file; made once and kept beside the firmware.
    pub(super) fn file(self) -> Result<PathBuf, Failure> {
        let folder = crate::firmware::target_dir(&root());
        let clip = root().join("livesky/media/clip.ts");
        let (name, arguments) = match self {
            Self::Clip => ("clip-90s.ts", format!("-stream_loop 2 -i {} -c copy", clip.display())),
            Self::Sharp => (
                "sharp-60s.ts",
                "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=60 -c:v libx264 -preset ultrafast -threads 2 -g 25 \
                 -b:v 3700k -minrate 3700k -maxrate 3700k -bufsize 3700k -x264-params nal-hrd=cbr"
                    .to_owned(),
            ),
        };
        let film = folder.join(name);
        if !film.exists() {
            let draft = folder.join(format!("draft-{name}"));
            let mut command = Command::new("ffmpeg");
            command.args(["-v", "error", "-y"]).args(arguments.split(' ').filter(|word| !word.is_empty()));
            command.args(["-f", "mpegts"]).arg(&draft);
            if !command.status().map_err(|error| format!("ffmpeg: {error}"))?.success() {
                return Err("ffmpeg makes no film".into());
            }
            std::fs::rename(draft, &film)?;
        }
        Ok(film)
    }
}

/// A service node at the gateway of the boxes' network, and its publishers.
pub(super) struct Station {
    program: PathBuf,
    /// Where boxes and publishers reach it; UDP and TCP.
    pub(super) address: SocketAddr,
    http: SocketAddr,
    n1: u32,
    edge: Option<Process>,
    publishers: Vec<Process>,
}

impl Station {
    /// An edge that feeds `n1` clients itself before it uses peers.
    pub(super) fn start(switch: &SwitchHandle, n1: u32) -> Result<Self, Failure> {
        let ip = switch.network().gateway();
        // Both were free a moment ago, and nobody else draws on this network.
        let address = UdpSocket::bind((ip, 0))?.local_addr()?;
        let http = TcpListener::bind((ip, 0))?.local_addr()?;
        let mut station = Self { program: program()?, address, http, n1, edge: None, publishers: Vec::new() };
        station.start_edge()?;
        Ok(station)
    }

    /// Starts the edge, or starts it again.
    pub(super) fn start_edge(&mut self) -> Result<(), Failure> {
        let (address, http, n1) = (self.address.to_string(), self.http.to_string(), self.n1.to_string());
        let mut command = Command::new(&self.program);
        command.args(["edge", "--udp", &address, "--tcp", &address, "--http", &http, "--n1", &n1]);
        // Beyond those, whom peers can feed.
        command.args(["--slope", "0.01"]);
        self.edge = Some(Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?));
        let end = now() + PATIENCE;
        while std::net::TcpStream::connect(self.http).is_err() {
            if now() > end {
                return Err("the edge does not start".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The edge dies without a word.
    pub(super) fn kill_edge(&mut self) {
        self.edge = None;
    }

    /// Publishes a film as `channel`, from its beginning and in real time.
    pub(super) fn publish(&mut self, film: &Path, channel: &str, buffer_ms: u32) -> Result<(), Failure> {
        self.publishers.push(Process(self.publisher(film, channel, buffer_ms).spawn()?));
        Ok(())
    }

    /// The same, over and over.
    pub(super) fn publish_looped(
        &mut self,
        film: &Path,
        channel: &str,
        buffer_ms: u32,
    ) -> Result<(), Failure> {
        let publisher = self.publisher(film, channel, buffer_ms).arg("--loop").spawn()?;
        self.publishers.push(Process(publisher));
        Ok(())
    }

    fn publisher(&self, film: &Path, channel: &str, buffer_ms: u32) -> Command {
        let (address, buffer_ms) = (self.address.to_string(), buffer_ms.to_string());
        let mut command = Command::new(&self.program);
        command.arg("publish").arg(film).args(["--to", &address, "--channel", channel]);
        command.args(["--target-buffer-ms", &buffer_ms]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A viewer on Linux that writes what it sees to `out`.
    pub(super) fn watch(&self, out: &Path) -> Result<LinuxViewer, Failure> {
        let url = format!("livesky://{}/{CHANNEL}", self.address);
        let mut command = Command::new(&self.program);
        command.args(["watch", &url, "--out"]).arg(out).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(LinuxViewer { _process: Process(command.spawn()?) })
    }

    /// For a box's settings: by its name.
    pub(super) fn by_name(&self) -> Result<Edge, Failure> {
        Ok(Edge { host: EdgeHost::Name(HostName::new(EDGE_NAME)?), port: self.address.port() })
    }
}

/// `livesky watch`, until it is dropped.
pub(super) struct LinuxViewer {
    _process: Process,
}

/// Whether `part` is a run of whole packets of `whole`, which begins anywhere.
pub(super) fn is_run_of(part: &[u8], whole: &[u8]) -> bool {
    const PACKET_LEN: usize = 188;
    let Some(first) = part.get(..PACKET_LEN * 8) else { return false };
    let mut places = whole.windows(first.len()).step_by(PACKET_LEN).enumerate();
    places.any(|(packet, window)| {
        let from = packet * PACKET_LEN;
        window == first && whole.get(from..from + part.len()) == Some(part)
    })
}
