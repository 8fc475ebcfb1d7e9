//! Reading and writing data datagrams.

use core::hint::black_box;

use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::{Dts, FrameId, FrameInfo};
use livesky_core::wire::control::LinkId;
use livesky_core::wire::{DATA_HEADER_LEN, DataHeader, Datagram, SendReason};

use crate::Scene;
use crate::gauge::{Gauge, Kind};

const BATCH: u64 = 100;

struct Fragment {
    header: DataHeader,
    bytes: [u8; DATAGRAM_LEN_MAX],
}

/// A full fragment.
pub(crate) fn fragment() -> Box<dyn Scene> {
    let info =
        FrameInfo { id: FrameId(7), dts: Dts::from_ticks(5), pts_offset_ticks: 7_200, len: 9_000, key: true };
    let header = DataHeader {
        link: LinkId(0x1_0001),
        packet: 3,
        sent_us: 4,
        epoch: 5,
        info,
        substream: 1,
        fragment: 2,
        count: 8,
        reason: SendReason::Feed,
        level: 1,
    };
    Box::new(Fragment { header, bytes: [0; DATAGRAM_LEN_MAX] })
}

impl Scene for Fragment {
    fn step(&mut self, gauge: &mut Gauge) {
        let Self { header, bytes } = self;
        gauge.measure(Kind::Write, || {
            for _ in 0..BATCH {
                black_box(black_box(&*header).write(black_box(bytes)));
            }
            BATCH
        });
        let datagram = &bytes[..DATA_HEADER_LEN + 1_128];
        gauge.measure(Kind::Parse, || {
            for _ in 0..BATCH {
                assert!(black_box(Datagram::parse(black_box(datagram))).is_ok());
            }
            BATCH
        });
    }
}
