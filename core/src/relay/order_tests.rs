//! The stream machines under calls in any order and bytes of any kind.

use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::tests::{Heard, START, config, encode, feed, frame, publish, resume, said};
use super::{Intake, Source};
use crate::wire::{STREAM_LEN_MAX, StreamMessage};

fn regressions() -> ProptestConfig {
    let file = "../proptest-regressions/core_relay.txt";
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        ..ProptestConfig::default()
    }
}

#[derive(Clone, Debug)]
enum Call {
    Bytes(Vec<u8>),
    Timeout,
    Wait(u32),
    Connected,
    Disconnected,
    Push(u32),
    Init(Vec<u8>),
    Transmit,
    Event,
    End,
}

fn calls() -> impl Strategy<Value = Call> {
    let accepted = any::<(u16, u32)>()
        .prop_map(|(epoch, next)| Call::Bytes(encode(&StreamMessage::Accepted(resume(epoch, next)))));
    prop_oneof![
        4 => accepted,
        1 => prop::collection::vec(0..8_u8, 0..12).prop_map(Call::Bytes),
        4 => Just(Call::Timeout),
        4 => (0..20_000_000_u32).prop_map(Call::Wait),
        4 => Just(Call::Connected),
        1 => Just(Call::Disconnected),
        4 => (0..5_000_u32).prop_map(Call::Push),
        1 => prop::collection::vec(any::<u8>(), 0..800).prop_map(Call::Init),
        4 => Just(Call::Transmit),
        2 => Just(Call::Event),
        1 => Just(Call::End),
    ]
}

proptest! {
    #![proptest_config(regressions())]

    #[test]
    fn a_source_takes_calls_in_any_order(calls in prop::collection::vec(calls(), 0..60)) {
        let mut source = Source::new(config(), START);
        let mut now = START;
        let mut out = [0; STREAM_LEN_MAX];
        for call in calls {
            match call {
                Call::Bytes(bytes) => source.handle_bytes(now, &bytes),
                Call::Timeout => {
                    source.handle_timeout(now);
                    prop_assert!(source.poll_timeout().is_none_or(|deadline| deadline.at > now));
                }
                Call::Wait(micros) => now = now.plus_micros(micros.into()),
                Call::Connected => source.handle_connected(now),
                Call::Disconnected => source.handle_disconnected(now),
                Call::Push(len) => {
                    let before = source.resume();
                    let taken = source.push_frame(now, frame(len), &mut out);
                    prop_assert_eq!(taken.ok().map(|(info, _)| info.id), {
                        before.filter(|_| source.resume() != before).map(|resume| resume.next)
                    });
                }
                Call::Init(bytes) => prop_assert_eq!(source.set_init(&bytes).is_ok(), bytes.len() <= 752),
                Call::Transmit => drop(said(&mut source, now)),
                Call::Event => drop(source.poll_event()),
                Call::End => source.end(),
            }
            prop_assert_eq!(source.poll_timeout().is_none(), source.is_over());
        }
    }

    #[test]
    fn an_intake_takes_any_bytes_and_any_cut(
        bytes in prop::collection::vec(prop_oneof![0..8_u8, any::<u8>()], 0..200),
        is_announced in any::<bool>(),
        size in 1..50_usize,
    ) {
        let announced = if is_announced { encode(&publish()) } else { Vec::new() };
        let stream = [announced, bytes].concat();
        let outcome = |size| {
            let (mut intake, mut heard) = (Intake::new(START), Heard::default());
            let end = feed(&mut intake, START, &stream, size, None, &mut heard);
            (end, heard, intake.is_over())
        };
        prop_assert_eq!(outcome(size), outcome(stream.len().max(1)));
    }
}
