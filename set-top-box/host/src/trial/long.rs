//! Half an hour of television.

use core::time::Duration;

use livesky_stb_net::{Config, Switch};

use super::run::{Failure, Firmware, expect};
use super::settings;
use super::station::{CHANNEL, Film, Station};
use super::watching::{BUFFER_MS, House, ON_AIR, number_before};
use crate::qemu::now;

const MINUTES: u32 = 30;
const FRAMES_PER_S: u32 = 25;
/// The pages that QEMU holds of a box come in as the box uses them: by now it has used all.
const GROWN_BY_MINUTE: u32 = 3;
/// What QEMU itself may take and give back meanwhile.
const GROWTH_BYTES_MAX: u64 = 1 << 20;

/// A box of 4 MiB watches 4 Mbit/s for half an hour: without a stall, a reset, or more memory than in the beginning.
pub(super) fn long(firmware: &Firmware) -> Result<(), Failure> {
    let switch = Switch::start(Config::default())?;
    let mut station = Station::start(&switch, 10)?;
    station.publish_looped(&Film::Sharp.file()?, CHANNEL, BUFFER_MS)?;
    std::thread::sleep(ON_AIR);
    let config = settings::by_dhcp(station.by_name()?, CHANNEL)?;
    let mut house = House::boot(&switch, &firmware.small, &config, 0, None)?;
    house.hear("playing after")?;
    let started = now();
    let mut grown_bytes = None;
    let mut frames_before = 0;
    for minute in 1..=MINUTES {
        std::thread::sleep((started + Duration::from_secs(60) * minute).saturating_duration_since(now()));
        house.stb.heard();
        let seen = house.hear("seen:")?;
        let resident_bytes = house.stb.resident_bytes().ok_or("QEMU has ended")?;
        println!("  minute {minute} of {MINUTES}: {}; QEMU holds {} kB", seen.text, resident_bytes / 1_000);
        expect(
            seen.text.contains(" 1 starts, 0 stalls of 0 ms, 0 skipped"),
            "nothing stood, nothing was skipped",
        )?;
        let frames = number_before(&seen.text, " frames").ok_or("no number of frames")?;
        // What it counts begins anew with a reset.
        expect(
            frames >= frames_before + 50 * FRAMES_PER_S || minute == 1,
            "it plays on, and was never reset",
        )?;
        frames_before = frames;
        let first_bytes = *grown_bytes.get_or_insert(resident_bytes);
        if minute <= GROWN_BY_MINUTE {
            grown_bytes = Some(resident_bytes);
        } else {
            expect(resident_bytes <= first_bytes + GROWTH_BYTES_MAX, "it takes no more memory")?;
        }
    }
    expect(frames_before >= (60 * MINUTES - 2) * FRAMES_PER_S, "every frame that was due was played")
}
