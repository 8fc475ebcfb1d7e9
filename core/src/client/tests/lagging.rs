//! Feeders that fall behind, in any order and at any time: what is changed for it, and what is let alone.

use core::time::Duration;
use std::boxed::Box;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

use super::rig::{NOW, Rig, after, one_substream};
use super::script::Memory;
use crate::client::feed::{Feed, Request, Stretch};
use crate::client::peer::EDGE;
use crate::media::{ChannelSettings, FrameId, PlayoutState};
use crate::wire::Message;
use crate::wire::control::{Accept, Class, Grant};
use crate::{Endpoint, Instant};

const SUBSTREAMS: u8 = 3;
const PEERS: u16 = 3;
/// Frames held at first: 20 s.
const HELD: u32 = 500;
/// The rest between two changes for lag, and what of it is drawn at most (docs/wire.md, "Feeds").
const COOL_DOWN: Duration = Duration::from_secs(5);
const COOL_DOWN_MAX: Duration = Duration::from_secs(7);
/// Half a second: a feed that is this close to the picture is taken from the edge, whatever else holds.
const MARGIN: u32 = 13;

/// What happens to one substream.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Its feeder brings all but the newest frames.
    Brings { behind: u32 },
    /// Its feeder is not to blame for a while.
    Starves { ms: u64 },
    /// This one takes the feed over; 0: the edge.
    Given { by: u16 },
    /// Another one was asked, or is not asked any more.
    Asks(bool),
    /// The edge has nothing to give for a while.
    EdgeIsSpent,
    /// Everybody hears of newer frames.
    Leap { frames: u32 },
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..80_u32).prop_map(|behind| Deed::Brings { behind }),
        1 => (0..700_u32).prop_map(|behind| Deed::Brings { behind }),
        2 => (0..3_000_u64).prop_map(|ms| Deed::Starves { ms }),
        2 => (0..=PEERS).prop_map(|by| Deed::Given { by }),
        2 => any::<bool>().prop_map(Deed::Asks),
        1 => Just(Deed::EdgeIsSpent),
        1 => (0..60_u32).prop_map(|frames| Deed::Leap { frames }),
    ]
}

/// A client that plays and is fed each substream by another peer.
fn rig(memory: &mut Memory) -> Rig<'_> {
    let settings = ChannelSettings { substreams: SUBSTREAMS, levels_max: 4, ..one_substream() };
    let mut rig = Rig::new(memory, Class::P2p, settings, PEERS);
    rig.feed(NOW, 0, 100..100 + HELD);
    for (feed, peer) in rig.client.feeds.iter_mut().zip(1..=SUBSTREAMS) {
        feed.current = Some(Stretch { peer, next: FrameId(100 + HELD), until: None, heard_at: NOW });
        feed.grant = Grant::Feed;
    }
    rig
}

fn newest(rig: &Rig<'_>) -> FrameId {
    rig.client.session.as_ref().unwrap().newest
}

/// What the world knows besides: when a change for lag was made last, or a feed granted.
struct World {
    rested_from: Option<Instant>,
}

impl World {
    fn happen(&mut self, rig: &mut Rig<'_>, now: Instant, substream: u8, deed: Deed) {
        let newest = newest(rig);
        let feed = &mut rig.client.feeds[usize::from(substream)];
        match deed {
            Deed::Brings { behind } => {
                // What came does not go again.
                if let Some(stretch) = &mut feed.current {
                    stretch.next = stretch.next.max(newest.minus(behind));
                }
            }
            Deed::Starves { ms } => feed.patient_until = now + Duration::from_millis(ms),
            Deed::Given { by } => {
                let peer = u8::try_from(by).unwrap();
                feed.request = Some(Request { peer, from: newest, again_at: now, tries: 1 });
                let accept = Accept { substream, first: newest, level: 1, grant: Grant::Feed };
                assert_eq!(rig.say(now, by, &Message::Accept(accept)), Ok(()));
                self.rested_from = Some(now);
            }
            Deed::Asks(is_asked) => {
                let request = Request { peer: 2, from: newest, again_at: now, tries: 1 };
                feed.request = is_asked.then_some(request);
            }
            Deed::EdgeIsSpent => rig.client.clocks.edge_at = now + Duration::from_secs(1),
            Deed::Leap { frames } => rig.client.session.as_mut().unwrap().newest = newest.plus(frames),
        }
    }

    /// Lets the client judge one feed, and judges what it makes of it.
    fn look(&mut self, rig: &mut Rig<'_>, now: Instant, substream: u8) -> Result<(), TestCaseError> {
        let settings = rig.client.session.as_ref().unwrap().settings;
        let before: Feed = rig.client.feeds[usize::from(substream)].clone();
        let (lags, newest) = (rig.client.stats().lags, newest(rig));
        let is_playing = rig.client.playout.state() == PlayoutState::Playing;
        let playhead = rig.client.playout.playhead().filter(|_| is_playing);
        rig.client.check_lag(now, substream);
        let then = &rig.client.feeds[usize::from(substream)];
        let is_changed = rig.client.stats().lags > lags;
        prop_assert_eq!((then.current, then.tail), (before.current, before.tail), "it feeds on");
        let Some(stretch) = before.current.filter(|stretch| stretch.peer != EDGE) else {
            prop_assert!(!is_changed && then.request == before.request, "the edge is replaced");
            prop_assert_eq!(then.is_lagging, before.is_lagging, "the edge is replaced");
            return Ok(());
        };
        let behind = newest.since(stretch.next);
        let is_behind = behind > settings.frames_in(Duration::from_secs(1) + 2 * settings.beat());
        let is_endangered =
            playhead.is_some_and(|playhead| stretch.next < playhead.plus(MARGIN)) && behind > MARGIN;
        if then.request != before.request {
            prop_assert_eq!(before.request, None, "it was asked for already");
            prop_assert_eq!(then.request.map(|request| request.peer), Some(EDGE));
            prop_assert!(is_endangered && !is_changed, "{behind} behind, at {playhead:?}");
            return Ok(());
        }
        let is_patient = now < before.patient_until;
        let rest = self.rested_from.map_or(Duration::MAX, |from| now.since(from));
        if is_changed {
            prop_assert!(is_behind, "{behind} behind");
            prop_assert!(!is_patient, "it is not to blame");
            prop_assert!(rest >= COOL_DOWN, "changed {rest:?} after a change");
            prop_assert!(then.is_lagging && !before.is_lagging && before.request.is_none());
            self.rested_from = Some(now);
        } else if before.is_lagging {
            prop_assert_eq!(then.is_lagging, is_behind, "until it catches up");
        } else {
            prop_assert!(!then.is_lagging, "not counted");
            let can_be = is_behind && !is_patient && before.request.is_none() && rest >= COOL_DOWN_MAX;
            prop_assert!(!can_be, "{behind} behind and kept");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 600,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("../proptest-regressions/core_lag.txt"))),
        ..Config::default()
    })]

    /// Whatever the feeds do: two changes for lag, and a feed granted and a change, are five seconds apart and not kept waiting longer than
    /// seven; the edge is never replaced, nor one that is borne with; and who nearly plays what lacks asks the edge.
    #[test]
    fn changes_for_lag_keep_their_distance_and_never_concern_the_edge(
        steps in prop::collection::vec((0..1_200_u64, 0..SUBSTREAMS, deed()), 1..100),
    ) {
        let mut memory = Memory::new(6, 1_024, 16, 1_024);
        let mut rig = rig(&mut memory);
        let mut world = World { rested_from: None };
        let mut ms = 0;
        for (wait_ms, substream, deed) in steps {
            let passed = u32::try_from((ms + wait_ms) / 40 - ms / 40).unwrap();
            ms += wait_ms;
            let now = after(ms);
            let live = newest(&rig).plus(passed);
            rig.client.session.as_mut().unwrap().newest = live;
            // Playback goes on with what was held at first, and stands when that is over.
            for _ in 0..passed {
                rig.client.play(now);
                while rig.client.poll_event().is_some() {}
            }
            world.happen(&mut rig, now, substream, deed);
            for substream in 0..SUBSTREAMS {
                world.look(&mut rig, now, substream)?;
            }
        }
    }
}
