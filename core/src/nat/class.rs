//! What two ports of one edge and the addresses peers see can tell of a NAT (RFC 5780 clause 4, with one server address).

use serde::{Deserialize, Serialize};

/// Which public address a client's datagrams get (RFC 4787 clause 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NatMapping {
    /// Not tested, or not answered.
    #[default]
    Unknown,
    /// Its own: there is no NAT.
    Direct,
    /// The same for both ports of the edge, and no peer sees another: endpoint-independent as far as can be told.
    Independent,
    /// The same for both ports of the edge, but peers see others: address-dependent.
    AddressDependent,
    /// Another for each port of the edge: address and port-dependent.
    PortDependent,
}

impl NatMapping {
    /// Whether peers can be told beforehand where datagrams will come from.
    const fn is_stable(self) -> bool {
        match self {
            Self::Direct | Self::Independent => true,
            Self::Unknown | Self::AddressDependent | Self::PortDependent => false,
        }
    }
}

/// Which datagrams get in to a client (RFC 4787 clause 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NatFiltering {
    /// Not tested, or not answered.
    #[default]
    Unknown,
    /// Those of anybody: a peer got in that was never sent anything. Endpoint-independent.
    Independent,
    /// Those of an address that was sent something, from whichever port: at most address-dependent. One edge address cannot tell it
    /// from endpoint-independent, and who may meet whom does not depend on it.
    AddressDependent,
    /// Those of an address and port that were sent something. Address and port-dependent.
    PortDependent,
}

impl NatFiltering {
    /// Whether a datagram gets in from an address that was sent something, but at another port.
    const fn is_lenient(self) -> bool {
        match self {
            Self::Independent | Self::AddressDependent => true,
            Self::Unknown | Self::PortDependent => false,
        }
    }
}

/// How the NAT before a client, if any, treats it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NatClass {
    /// Where its datagrams seem to come from.
    pub mapping: NatMapping,
    /// Which get in.
    pub filtering: NatFiltering,
}

/// The names of RFC 3489 for a class, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NatKind {
    /// Not known yet.
    Unknown,
    /// No NAT, and nothing that keeps a second port out.
    Open,
    /// No NAT, but only who was sent something gets in: a firewall.
    Firewalled,
    /// Anybody gets in.
    FullCone,
    /// Whom it was sent to gets in, from whichever port.
    RestrictedCone,
    /// Whom it was sent to gets in, from that port alone.
    PortRestricted,
    /// Everybody sees another port.
    Symmetric,
}

impl NatKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Open,
        Self::Firewalled,
        Self::FullCone,
        Self::RestrictedCone,
        Self::PortRestricted,
        Self::Symmetric,
    ];

    /// The kind in lower case, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Open => "open",
            Self::Firewalled => "firewalled",
            Self::FullCone => "full cone",
            Self::RestrictedCone => "restricted cone",
            Self::PortRestricted => "port-restricted",
            Self::Symmetric => "symmetric",
        }
    }
}

impl NatClass {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { mapping: NatMapping::Unknown, filtering: NatFiltering::Unknown };

    /// The name people know it by.
    #[must_use]
    pub const fn kind(self) -> NatKind {
        match (self.mapping, self.filtering) {
            (NatMapping::Unknown, _) => NatKind::Unknown,
            (NatMapping::AddressDependent | NatMapping::PortDependent, _) => NatKind::Symmetric,
            (NatMapping::Direct, NatFiltering::Independent | NatFiltering::AddressDependent) => NatKind::Open,
            (NatMapping::Direct, NatFiltering::Unknown | NatFiltering::PortDependent) => NatKind::Firewalled,
            (NatMapping::Independent, NatFiltering::Independent) => NatKind::FullCone,
            (NatMapping::Independent, NatFiltering::AddressDependent) => NatKind::RestrictedCone,
            (NatMapping::Independent, NatFiltering::Unknown | NatFiltering::PortDependent) => {
                NatKind::PortRestricted
            }
        }
    }
}

/// Whether two clients that each know the other's address as the edge sees it, and send to it at once, hear each other. What is
/// not known counts as the worst: a pair is rather left apart than tried in vain.
///
/// With stable mappings on both sides each sends to just the address the other sends from, and that opens any filter. When one
/// side's mapping varies its datagrams come from a port nobody could foretell: they get in where the other side's own address is
/// stable and its filter looks at addresses alone.
#[must_use]
pub const fn can_meet(one: NatClass, other: NatClass) -> bool {
    let (one_stable, other_stable) = (one.mapping.is_stable(), other.mapping.is_stable());
    let one_lets_in = one_stable && one.filtering.is_lenient();
    let other_lets_in = other_stable && other.filtering.is_lenient();
    (one_stable && other_stable) || one_lets_in || other_lets_in
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPINGS: [NatMapping; 5] = [
        NatMapping::Unknown,
        NatMapping::Direct,
        NatMapping::Independent,
        NatMapping::AddressDependent,
        NatMapping::PortDependent,
    ];
    const FILTERINGS: [NatFiltering; 4] = [
        NatFiltering::Unknown,
        NatFiltering::Independent,
        NatFiltering::AddressDependent,
        NatFiltering::PortDependent,
    ];

    fn all() -> impl Iterator<Item = NatClass> {
        let pairs = MAPPINGS.into_iter().flat_map(|mapping| FILTERINGS.map(|filtering| (mapping, filtering)));
        pairs.map(|(mapping, filtering)| NatClass { mapping, filtering })
    }

    /// The table of RFC 5128's hole punching, by the names people know.
    #[test]
    fn pairs_meet_as_the_table_says() {
        use NatKind::{Firewalled, FullCone, Open, PortRestricted, RestrictedCone, Symmetric, Unknown};
        let lenient = [Open, FullCone, RestrictedCone];
        let strict = [PortRestricted, Firewalled];
        for one in all() {
            for other in all() {
                let expected = match (one.kind(), other.kind()) {
                    (kind, _) | (_, kind) if lenient.contains(&kind) => true,
                    (one, other) if strict.contains(&one) && strict.contains(&other) => true,
                    (Symmetric | Unknown | PortRestricted | Firewalled, _) => false,
                    (Open | FullCone | RestrictedCone, _) => true,
                };
                assert_eq!(can_meet(one, other), expected, "{one:?} {other:?}");
                assert_eq!(can_meet(one, other), can_meet(other, one), "{one:?} {other:?}");
            }
        }
    }

    /// Who learns more of a NAT never loses a pair for having taken the worst before, where the worst is what it was.
    #[test]
    fn what_is_not_known_counts_as_the_worst() {
        for one in all() {
            for other in all() {
                let blind = NatClass { filtering: NatFiltering::Unknown, ..one };
                assert!(!can_meet(blind, other) || can_meet(one, other), "{one:?} {other:?}");
                assert!(!can_meet(NatClass::UNKNOWN, other) || can_meet(one, other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn every_kind_has_a_class_and_a_name() {
        for kind in NatKind::ALL {
            assert!(all().any(|class| class.kind() == kind), "{kind:?}");
        }
        assert_eq!(
            NatKind::ALL.map(NatKind::name),
            ["unknown", "open", "firewalled", "full cone", "restricted cone", "port-restricted", "symmetric"]
        );
    }
}
