//! Holds Nc to the stage function where its owner wants that (LiveSky, Figure 7): admission alone does so only while clients come.
//!
//! When they go, Nc drifts: those who leave are not always a fair part of who is fed directly. Short of its target the edge takes on
//! clients that peers feed; above it, it leaves some of its own to peers. Each client is looked at when its status comes.

use crate::media::Overlay;
use crate::scaling::{Stage, Thresholds};
use crate::store::FrameStore;
use crate::time::Instant;
use crate::wire::control::Class;

use super::channel::ChannelId;
use super::client_slot::Mask;
use super::feeds::{Granted, has_overlay};
use super::machine::Edge;

/// Nc may be off its target by this share of it before anybody is moved: who comes and goes in turn is not moved for nothing.
const SLACK: f64 = 0.02;
/// The same, before a client that feeds others is left to peers: its children have to move, too.
const SLACK_OF_GOOD: f64 = 0.03;
/// A client that came less than this ago is still finding its parents.
const SETTLED_AFTER_MS: u64 = 2_000;

/// What brings Nc to what the stages want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// Nothing: it is within the slack.
    None,
    /// Take on so many feeds.
    TakeOn(u32),
    /// Leave so many feeds to peers.
    Leave(u32),
}

/// What a client is to be moved for, of whom others are fed or not, at `p0` clients and so many `feeds` for good.
fn wanted_move(thresholds: &Thresholds, p0: u32, feeds: u32, substreams: u8, feeds_others: bool) -> Move {
    let per_client = f64::from(substreams.max(1));
    let target = thresholds.target_nc(p0) * per_client;
    let wanted = whole(target);
    let over_max = whole(target * if feeds_others { SLACK_OF_GOOD } else { SLACK });
    let short = wanted.saturating_sub(feeds);
    let short_min = match thresholds.stage(p0) {
        // The edge feeds everybody.
        Stage::One => 1,
        Stage::Two | Stage::Three | Stage::Four => whole(target * SLACK + per_client),
    };
    match feeds.saturating_sub(wanted) {
        over if over > over_max => Move::Leave(over),
        _ if short >= short_min => Move::TakeOn(short),
        _ => Move::None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and drops the fraction as wanted"
)]
fn whole(number: f64) -> u32 {
    (number + 1e-6) as u32
}

impl<S: FrameStore> Edge<'_, S> {
    /// Takes a client on, or leaves it to peers, where Nc is off its target.
    pub(super) fn hold_to_stage(&mut self, now: Instant, slot: u32) {
        let Some(client) = self.clients.at(slot).filter(|client| !client.is_waiting) else { return };
        let (id, joined_at, feeds) = (client.channel, client.joined_at, client.feeds);
        let (Some(channel), Some(thresholds)) = (self.channel(id), self.thresholds(id)) else { return };
        let settings = &channel.settings;
        let is_tree = settings.overlay == Overlay::Push && has_overlay(settings.overlay, settings.levels_max);
        if !self.config.is_stage_strict || !is_tree || now.micros_since(joined_at) < SETTLED_AFTER_MS * 1_000
        {
            return;
        }
        let (all, can_follow) = (Mask(settings.all_substreams()), self.has_slots_for(id));
        let feeds_others = self.feeds_given(slot) > 0;
        match wanted_move(&thresholds, channel.clients, channel.feeds, settings.substreams, feeds_others) {
            Move::TakeOn(most) => self.take_on(now, slot, Mask(all.0 & !feeds.0), most),
            Move::Leave(most) if can_follow => self.leave_to_peers(now, slot, id, most),
            Move::Leave(_) | Move::None => {}
        }
    }

    /// Feeds a client for good that peers feed, or that was on a lease.
    fn take_on(&mut self, now: Instant, slot: u32, lacking: Mask, most: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let (id, active) = (client.channel, client.active());
        let Some(channel) = self.channel(id) else { return };
        let ahead = channel.newest.map_or(channel.next, |newest| newest.next());
        for (substream, _) in lacking.iter().zip(0..most) {
            if active.has(substream) {
                self.regrant(slot, substream, Some(Granted::Feed));
            } else {
                let first = self.first_from(id, substream, ahead);
                self.begin_feed(now, slot, substream, first, Granted::Feed);
            }
            if let Some(client) = self.clients.at_mut(slot) {
                client.accepts.set(substream, true);
                client.refusals.set(substream, false);
            }
        }
        if !lacking.is_empty() {
            self.on_promoted(now, slot, id);
            self.arm(now, slot);
        }
    }

    /// Makes leases of feeds for good: the client goes on to look for parents, and has what it needs until it has them.
    fn leave_to_peers(&mut self, now: Instant, slot: u32, id: ChannelId, most: u32) {
        let Some(client) = self.clients.at(slot) else { return };
        let left = Mask(client.feeds.0 & !client.cut.0);
        for (substream, _) in left.iter().zip(0..most) {
            self.regrant(slot, substream, Some(Granted::JoinLease));
            if let Some(client) = self.clients.at_mut(slot) {
                client.class = Class::P2p;
                client.accepts.set(substream, true);
                client.renew_lease(substream, now);
            }
        }
        if !left.is_empty() {
            self.on_left_to_peers(now, slot, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, FileFailurePersistence};

    use super::*;

    #[test]
    fn nc_may_be_off_by_a_little() {
        let thresholds = Thresholds::new(100, 459, 0.5, None).unwrap();
        // At 300 clients Nc is to be 150; the slack is 3, and 4.5 for those who feed others.
        for (nc, feeds_others, expected) in [
            (150, false, Move::None),
            (153, false, Move::None),
            (154, false, Move::Leave(24)),
            (154, true, Move::None),
            (155, true, Move::Leave(30)),
            (147, false, Move::None),
            (146, false, Move::TakeOn(24)),
            (146, true, Move::TakeOn(24)),
            (0, false, Move::TakeOn(900)),
        ] {
            assert_eq!(wanted_move(&thresholds, 300, nc * 6, 6, feeds_others), expected, "{nc}");
        }
        // Up to N1 the edge feeds everybody.
        assert_eq!(wanted_move(&thresholds, 50, 299, 6, false), Move::TakeOn(1));
        assert_eq!(wanted_move(&thresholds, 50, 300, 6, false), Move::None);
        assert_eq!(wanted_move(&thresholds, 0, 0, 0, false), Move::None);
    }

    proptest! {
        #![proptest_config(Config {
            failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
                "../proptest-regressions/core_steering.txt",
            ))),
            ..Config::default()
        })]

        /// Whatever happened to Nc, one move that is carried out brings it to its target, never past it, and no second one follows.
        #[test]
        fn a_move_ends_where_nothing_more_is_wanted(
            bounds in (0_u32..600, 0_u32..600, 0.01..1.3),
            slope in prop_oneof![Just(None), (0.01..=1.0).prop_map(Some)],
            p0 in 0_u32..2_000,
            share in 0.0..1.5,
            substreams in 1_u8..17,
            feeds_others: bool,
        ) {
            let thresholds = Thresholds::new(bounds.0, bounds.1, bounds.2, slope).unwrap();
            let target = thresholds.target_nc(p0) * f64::from(substreams);
            let feeds = whole(target * share);
            let wanted = |feeds: u32, others: bool| wanted_move(&thresholds, p0, feeds, substreams, others);
            let slack = if feeds_others { SLACK_OF_GOOD } else { SLACK };
            let then = match wanted(feeds, feeds_others) {
                Move::TakeOn(more) => feeds + more,
                Move::Leave(less) => feeds - less,
                Move::None => {
                    let off = f64::from(feeds) - target;
                    let short_max = target * SLACK + f64::from(substreams) + 1.0;
                    prop_assert!(off <= target * slack + 1e-3 && -off <= short_max, "{} of {}", feeds, target);
                    return Ok(());
                }
            };
            prop_assert!(f64::from(then) <= target + 1e-3 && f64::from(then) > target - 1.0, "{} of {}", then, target);
            for others in [false, true] {
                prop_assert_eq!(wanted(then, others), Move::None, "{} of {}", then, target);
            }
            // A client in whose place another comes is no reason to move anybody, however few there are.
            if thresholds.stage(p0) > Stage::One {
                prop_assert_eq!(wanted(then.saturating_sub(u32::from(substreams) - 1), false), Move::None);
            }
        }
    }
}
