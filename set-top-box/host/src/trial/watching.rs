//! Boxes that watch real video, alone and together.

use core::time::Duration;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use livesky_stb_net::{Config, Direction, Impairment, PortId, Switch, SwitchHandle};

use super::run::{Failure, Firmware, expect};
use super::settings;
use super::station::{CHANNEL, Film, Station, is_run_of};
use crate::log::{Level, LogLine};
use crate::qemu::{Cable, NETDEV_ID, RunningBox, now};

/// Far longer than anything takes on an idle machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// The channels' buffer.
pub(super) const BUFFER_MS: u32 = 2_000;
/// The protocol's own. With a short one a box promises few feeds: each has to bring its key frames within the buffer.
const LONG_BUFFER_MS: u32 = 15_000;
/// What the second of two boxes is told to keep to.
const OWN_BUFFER_MS: u32 = 3_000;
/// A publisher's head start: boxes join a channel that has been on the air for a while.
pub(super) const ON_AIR: Duration = Duration::from_secs(4);
/// Where a box under test takes orders: set-top-box/src/drill/buttons.rs.
const ORDERS_PORT: u16 = 7_101;
/// The stream as the box played it: set-top-box/src/tape.rs.
const TAPE: &str = "seen.ts";
/// From reset to the first picture, DHCP and DNS included.
const FIRST_FRAME_MAX: Duration = Duration::from_millis(1_500);
/// Of a core of this machine.
const CPU_SHARE_MAX: f64 = 0.30;
/// From the order to the first picture of another channel, at 20 ms round trip.
const ZAP_MS_MAX: u32 = 300;

/// A box on a port of the switch.
pub(super) struct House {
    pub(super) stb: RunningBox,
    pub(super) port: PortId,
}

impl House {
    pub(super) fn boot(
        switch: &SwitchHandle,
        elf: &Path,
        config: &[u8],
        number: u8,
        impaired: Option<Impairment>,
    ) -> Result<Self, Failure> {
        let port = switch.add_port()?;
        for direction in [Direction::FromBox, Direction::ToBox] {
            if let Some(impairment) = impaired {
                switch.set_impairment(port, direction, impairment);
            }
        }
        let cable = Cable::new(switch.netdev(port, NETDEV_ID), number);
        Ok(Self { stb: RunningBox::boot(elf, config, &cable)?, port })
    }

    /// Waits for a line with these words.
    pub(super) fn hear(&mut self, words: &str) -> Result<LogLine, Failure> {
        let has_them = |line: &LogLine| line.text.contains(words);
        self.stb.wait_for(has_them, PATIENCE).map_err(|error| format!("`{words}`: {error}").into())
    }

    /// The number in front of `after` in a line that begins with `words`.
    fn number(&mut self, words: &str, after: &str) -> Result<u32, Failure> {
        let line = self.hear(words)?;
        number_before(&line.text, after)
            .ok_or_else(|| format!("no number before `{after}`: {}", line.text).into())
    }

    pub(super) fn order(&self, switch: &SwitchHandle, order: &str) -> Result<(), Failure> {
        let socket = UdpSocket::bind((switch.network().gateway(), 0))?;
        let address = switch.box_address(self.port).ok_or("the box has no address")?;
        socket.send_to(order.as_bytes(), (address, ORDERS_PORT))?;
        Ok(())
    }

    /// Ends the box; what it saw, as it tells itself.
    pub(super) fn leave(&mut self, switch: &SwitchHandle) -> Result<Seen, Failure> {
        // Lines before the order are past.
        self.stb.heard();
        self.order(switch, "leave")?;
        let line = self.hear("seen:")?;
        expect(self.stb.exit_status(PATIENCE) == Some(0), "it ends when told to")?;
        println!("  {}", line.text);
        let number = |after: &str| {
            number_before(&line.text, after).ok_or_else(|| format!("no `{after}` in {}", line.text))
        };
        let is_wrong = |line: &LogLine| line.level == Some(Level::Error);
        let wrong: Vec<_> =
            self.stb.heard().iter().filter(|line| is_wrong(line)).map(ToString::to_string).collect();
        if !wrong.is_empty() {
            return Err(wrong.join("; ").into());
        }
        Ok(Seen { frames: number(" frames")?, stalls: number(" stalls")?, skipped: number(" skipped")? })
    }

    pub(super) fn tape(&self) -> PathBuf {
        self.stb.folder().join(TAPE)
    }
}

/// What a box saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) frames: u32,
    pub(super) stalls: u32,
    pub(super) skipped: u32,
}

pub(super) fn number_before(text: &str, after: &str) -> Option<u32> {
    let before = text.split(after).next()?;
    before.rsplit(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

/// One box watches a film for `watched`; the run of it is what was published, byte for byte.
fn alone(
    firmware: &Firmware,
    film: Film,
    watched: Duration,
    impaired: Option<Impairment>,
) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    let mut station = Station::start(&switch, 10)?;
    let file = film.file()?;
    station.publish(&file, CHANNEL, BUFFER_MS)?;
    thread::sleep(ON_AIR);
    let config = settings::by_dhcp(station.by_name()?, CHANNEL)?;
    let is_perfect = impaired.is_none();
    let mut house = House::boot(&switch, &firmware.drill, &config, 0, impaired)?;
    let first = house.hear("playing after")?;
    let first_at = first.at.unwrap_or_default();
    println!("  first frame {} ms after reset; {}", first_at.as_millis(), first.text);
    thread::sleep(watched);
    let seen = house.leave(&switch)?;
    if is_perfect {
        expect(first_at <= FIRST_FRAME_MAX, "the first frame comes within 1.5 s of the reset")?;
    }
    let due = u32::try_from(watched.as_secs() * 25).unwrap_or(u32::MAX);
    expect(seen.frames + 25 >= due, "every frame that was due was played")?;
    expect((seen.stalls, seen.skipped) == (0, 0), "nothing stood, nothing was skipped")?;
    let (part, whole) = (std::fs::read(house.tape())?, std::fs::read(file)?);
    expect(is_run_of(&part, &whole), "what was seen is what was published, byte for byte")
}

/// Half a minute at 400 kbit/s.
pub(super) fn watch(firmware: &Firmware) -> Result<(), Failure> {
    alone(firmware, Film::Clip, Duration::from_secs(30), None)
}

/// Half a minute at 4 Mbit/s, and what QEMU takes of the host for it.
pub(super) fn sharp(firmware: &Firmware) -> Result<(), Failure> {
    alone(firmware, Film::Sharp, Duration::from_secs(30), None)?;
    let switch = Switch::start(Config::default())?;
    let mut station = Station::start(&switch, 10)?;
    station.publish(&Film::Sharp.file()?, CHANNEL, BUFFER_MS)?;
    thread::sleep(ON_AIR);
    let config = settings::by_dhcp(station.by_name()?, CHANNEL)?;
    // Nothing is recorded, and all of it is in 4 MiB.
    let mut house = House::boot(&switch, &firmware.small, &config, 0, None)?;
    house.hear("playing after")?;
    thread::sleep(Duration::from_secs(5));
    let (begun, before) = (now(), house.stb.cpu_time().ok_or("no processor time")?);
    thread::sleep(Duration::from_secs(10));
    let used = house.stb.cpu_time().ok_or("no processor time")?.saturating_sub(before);
    let share = used.as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("  QEMU uses {:.1} % of a core", share * 100.0);
    let seen = house.hear("seen:")?;
    println!("  {}", seen.text);
    expect(
        seen.text.contains(" 0 stalls of 0 ms, 0 skipped"),
        "a small box plays 4 Mbit/s with a buffer of 2 s",
    )?;
    expect(share <= CPU_SHARE_MAX, "4 Mbit/s cost no more than 30 % of a core")
}

/// 2 % loss, 40 ms round trip, and frames that overtake each other.
pub(super) fn lossy(firmware: &Firmware) -> Result<(), Failure> {
    let impairment = Impairment {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(2),
        loss: 0.02,
        reorder: 0.02,
        ..Impairment::CLEAR
    };
    alone(firmware, Film::Clip, Duration::from_secs(20), Some(impairment))
}

/// Two boxes and a viewer on Linux on one network: the second box is fed by the first.
pub(super) fn together(firmware: &Firmware) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    let mut station = Station::start(&switch, 1)?;
    let file = Film::Clip.file()?;
    station.publish(&file, CHANNEL, LONG_BUFFER_MS)?;
    thread::sleep(ON_AIR);
    let config = settings::by_dhcp(station.by_name()?, CHANNEL)?;
    let mut first = House::boot(&switch, &firmware.drill, &config, 0, None)?;
    first.hear("playing after")?;
    thread::sleep(Duration::from_secs(3));
    let config = settings::with_buffer(station.by_name()?, CHANNEL, OWN_BUFFER_MS)?;
    let mut second = House::boot(&switch, &firmware.drill, &config, 1, None)?;
    second.hear("playing after")?;
    let tape = second.stb.folder().join("linux.ts");
    let linux = station.watch(&tape)?;
    thread::sleep(Duration::from_secs(12));
    let by_peers = second.number("substreams from peers", " of ")?;
    let given = first.number("feeds given", " feeds given")?;
    let [far_ms, near_ms] =
        [&mut first, &mut second].map(|house| house.number("substreams from peers", " ms buffered"));
    let (far_ms, near_ms) = (far_ms?, near_ms?);
    println!("  the first box holds {far_ms} ms, the second, told so, {near_ms} ms");
    println!("  the second box has {by_peers} of 6 substreams from peers, the first gives {given} feeds");
    let seen_by_linux = std::fs::metadata(&tape)?.len();
    drop(linux);
    expect(
        near_ms <= OWN_BUFFER_MS && far_ms > OWN_BUFFER_MS,
        "a box with a shorter buffer plays nearer to live",
    )?;
    expect(by_peers >= 3, "the second box has half of its substreams from the first")?;
    expect(given >= 3, "the first gives them")?;
    expect(seen_by_linux > 100_000, "the viewer on Linux sees the same channel")?;
    let seen = second.leave(&switch)?;
    expect((seen.stalls, seen.skipped) == (0, 0), "nothing stood, nothing was skipped")?;
    let (part, whole) = (std::fs::read(second.tape())?, std::fs::read(file)?);
    expect(is_run_of(&part, &whole), "what was seen is what was published, byte for byte")?;
    let frames = decoded_frames(&second.tape())?;
    println!("  ffprobe decodes {frames} frames of {}", seen.frames);
    expect(frames + 2 >= seen.frames, "ffprobe decodes it")?;
    first.leave(&switch).map(|_| ())
}

/// Another channel by order.
pub(super) fn zap(firmware: &Firmware) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    let mut station = Station::start(&switch, 10)?;
    let file = Film::Clip.file()?;
    station.publish(&file, CHANNEL, BUFFER_MS)?;
    station.publish(&file, "live2", BUFFER_MS)?;
    thread::sleep(ON_AIR);
    let config = settings::by_dhcp(station.by_name()?, CHANNEL)?;
    let far = Impairment { delay: Duration::from_millis(10), ..Impairment::CLEAR };
    let mut house = House::boot(&switch, &firmware.drill, &config, 0, Some(far))?;
    house.hear("playing after")?;
    let mut took = Vec::new();
    for channel in ["live2", CHANNEL, "live2", CHANNEL, "live2"] {
        thread::sleep(Duration::from_secs(2));
        house.stb.heard();
        house.order(&switch, &format!("tune {channel}"))?;
        took.push(house.number("playing after", " ms")?);
    }
    println!("  another channel after {took:?} ms at 20 ms round trip");
    took.sort_unstable();
    expect(
        took.get(took.len() / 2).is_some_and(|&median| median <= ZAP_MS_MAX),
        "zapping takes 300 ms at most",
    )?;
    house.leave(&switch).map(|_| ())
}

/// Frames that ffprobe decodes of a file.
fn decoded_frames(file: &Path) -> Result<u32, Failure> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-select_streams", "v:0"]);
    command.args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]).arg(file);
    let told = String::from_utf8(command.output().map_err(|error| format!("ffprobe: {error}"))?.stdout)?;
    let count = told.lines().next().unwrap_or_default().trim().trim_end_matches(',').parse();
    count.map_err(|_| format!("ffprobe counts no frames: {told}").into())
}
