//! Watches a channel and writes what it plays to standard output:
//! `cargo run -p livesky-std --example viewer -- 127.0.0.1:7000 live1 | mpv -`

use core::error::Error;
use std::io::Write;

use livesky_core::media::ChannelName;
use livesky_std::{Smol, ViewerHandle, ViewerOptions, join};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(edge), Some(channel)) = (arguments.next(), arguments.next()) else {
        return Err("usage: viewer EDGE:PORT CHANNEL".into());
    };
    let channel = ChannelName::new(&channel).ok_or("not a channel's name")?;
    // Relaying up to 2 Mbit/s to other viewers.
    let options = ViewerOptions { upload_bps: 2_000_000, ..ViewerOptions::new(edge.parse()?, channel) };
    let (viewer, driver) = join::<Smol>(options)?;
    // When the player goes, the handle is dropped, and the driver says goodbye and ends.
    let playing = smol::spawn(play(viewer));
    let ended = smol::block_on(driver)?;
    eprintln!("{ended:?}");
    Ok(smol::block_on(playing)?)
}

/// Frames in order, as they are due, until standard output closes.
async fn play(viewer: ViewerHandle) -> std::io::Result<()> {
    let mut frames = viewer.frames();
    let mut is_first = true;
    while let Some(frame) = frames.next_frame().await {
        let mut out = std::io::stdout().lock();
        if core::mem::take(&mut is_first) {
            out.write_all(&frames.init())?;
        }
        out.write_all(&frame.bytes)?;
        if frame.info.key {
            let watch = viewer.status().watch;
            eprintln!(
                "{} ms ahead, {} B from the edge, {} B from peers, {} stalls",
                watch.buffer_ms, watch.bytes_edge, watch.bytes_peers, watch.stalls
            );
        }
    }
    Ok(())
}
