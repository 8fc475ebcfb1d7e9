extern crate std;

use crate::client::{Client, Peer};
use crate::store::{Assembly, FrameSlot, PagePool};

/// Peers and frames being assembled on a set-top box.
const PEERS: usize = 19;
const ASSEMBLIES: usize = 32;
/// Frames held with a target buffer of 2 s at 25 frames a second: twice that, and the pull window.
const FRAMES: usize = 130;

/// docs/capacity.md: a set-top box's client state stays within 64 KiB beside the frame store, even with the frame index
/// of a 2 s buffer.
#[test]
fn a_set_top_box_client_fits_64_kibibytes() {
    let client = size_of::<Client<'static, PagePool<'static>>>();
    let peers = PEERS * size_of::<Peer>();
    let frames = FRAMES * size_of::<FrameSlot>();
    let assemblies = ASSEMBLIES * size_of::<Assembly>();
    let sum = client + peers + frames + assemblies;
    let peer = size_of::<Peer>();
    std::println!(
        "client {client} B, peer {peer} B, in all {sum} B with {PEERS} peers, {FRAMES} frames, {ASSEMBLIES} assemblies"
    );
    assert!(
        sum <= 64 * 1_024,
        "{sum}: client {client}, peers {peers} of {peer}, frames {frames}, assemblies {assemblies}"
    );
    assert!(peer <= 2_400, "{peer}");
}
