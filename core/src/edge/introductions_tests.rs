use super::*;
use crate::nat::{NatFiltering, NatMapping};

const ME: ClientId = ClientId(7);

#[test]
fn who_was_not_met_is_kept_in_mind_for_a_minute_and_once() {
    let mut reach = Reachability::EMPTY;
    reach.note_unmet(100, ClientId::EDGE);
    assert!(!reach.has_unmet(100, ClientId::EDGE), "the edge is nobody to be met");
    reach.note_unmet(100, ME);
    let until_ds = 100 + UNMET_DS;
    for (now_ds, is_unmet) in [(100, true), (until_ds - 1, true), (until_ds, false)] {
        assert_eq!(reach.has_unmet(now_ds, ME), is_unmet, "{now_ds}");
    }
    assert!(!reach.has_unmet(100, ClientId(8)));
    // Told again it takes no second place; the one that is over soonest makes room.
    for _ in 0..UNMET_MAX {
        reach.note_unmet(200, ME);
    }
    assert_eq!(reach.unmet.iter().filter(|unmet| unmet.client == ME).count(), 1);
    for client in 0..u32::try_from(UNMET_MAX).unwrap() {
        reach.note_unmet(300 + client, ClientId(50 + client));
    }
    assert!(!reach.has_unmet(301, ME) && reach.has_unmet(301, ClientId(50)));
}

fn reach(is_symmetric: bool, private: Option<&str>, also_at: Option<&str>) -> Reachability {
    let nat = if is_symmetric {
        NatClass { mapping: NatMapping::PortDependent, filtering: NatFiltering::PortDependent }
    } else {
        NatClass { mapping: NatMapping::Direct, filtering: NatFiltering::AddressDependent }
    };
    let compact = |text: Option<&str>| text.map(|text| text.parse::<SocketAddr>().unwrap()).into();
    Reachability { nat, private: compact(private), also_at: compact(also_at), ..Reachability::EMPTY }
}

fn side<'e>((public, reach): &'e (&str, Reachability)) -> Side<'e> {
    Side { id: ME, public: public.parse().unwrap(), reach }
}

#[test]
fn two_meet_by_their_nats_at_home_or_over_ipv6() {
    let (v4, near, far, v6) = ("203.0.113.1:1", "203.0.113.1:2", "203.0.113.9:2", "[2001:db8::1]:3");
    let home = Some("10.0.0.7:9");
    for (one, other, expected) in [
        // Open ones meet.
        ((v4, reach(false, None, None)), (far, reach(false, None, None)), true),
        ((v4, reach(true, None, None)), (far, reach(true, None, None)), false),
        // Behind one address both have to be known at home.
        ((v4, reach(true, home, None)), (near, reach(true, home, None)), true),
        ((v4, reach(true, home, None)), (near, reach(true, None, None)), false),
        ((v4, reach(true, None, None)), (near, reach(true, home, None)), false),
        ((v4, reach(true, home, None)), (far, reach(true, home, None)), false),
        // Addresses of two kinds never meet, but for another that is of the same.
        ((v4, reach(false, None, None)), (v6, reach(false, None, None)), false),
        ((v4, reach(true, None, Some(v6))), (v6, reach(true, None, None)), true),
        ((v4, reach(true, None, Some(v6))), (far, reach(true, None, Some("[2001:db8::9]:4"))), true),
        ((v4, reach(true, None, Some(v6))), (far, reach(true, None, None)), false),
        ((v4, reach(true, None, Some(near))), (v6, reach(true, None, None)), false),
    ] {
        let (one, other) = (side(&one), side(&other));
        let what = std::format!("{} {:?} {} {:?}", one.public, one.reach, other.public, other.reach);
        assert_eq!(are_reachable(&one, &other), expected, "{what}");
        assert_eq!(are_reachable(&other, &one), expected, "the other way round: {what}");
    }
}
