//! Ways to fail on purpose and other exercises: the channel's name says which.

use core::hint::black_box;

use crate::board::{self, Recording, Status, Watchdog};

/// Does what `channel` asks for, or returns.
#[allow(clippy::panic, reason = "that is the drill")]
pub(crate) fn perform(channel: &str, watchdog: &mut Watchdog) {
    match channel {
        "drill-panic" => panic!("as asked"),
        "drill-overflow" => {
            black_box(deeper(1));
        }
        "drill-record" => {
            let mut recording = Recording::create(c"recorded");
            for part in 0..=u8::MAX {
                recording.write(&[part; 188]);
            }
            board::exit(Status::Success);
        }
        "drill-hang" => {
            watchdog.feed();
            loop {
                black_box(());
            }
        }
        _ => {}
    }
}

/// Calls itself until no stack is left.
#[allow(unconditional_recursion, reason = "that is the drill")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(depth + 1) + black_box(frame).iter().sum::<u64>()
}
