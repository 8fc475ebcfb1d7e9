//! Sets of hosts that cannot reach each other.

/// A cut between two sets of hosts, by membership.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// Which fault it belongs to.
    pub(crate) fault: usize,
    /// Bit per host: one side.
    from: Vec<u64>,
    /// Bit per host: the other side.
    to: Vec<u64>,
    is_one_way: bool,
}

impl Partition {
    pub(crate) fn new(
        fault: usize,
        hosts: usize,
        from: impl Fn(usize) -> bool,
        to: impl Fn(usize) -> bool,
        is_one_way: bool,
    ) -> Self {
        let bits = |rule: &dyn Fn(usize) -> bool| {
            let mut bits = vec![0_u64; hosts.div_ceil(64)];
            (0..hosts).filter(|&host| rule(host)).for_each(|host| bits[host / 64] |= 1 << (host % 64));
            bits
        };
        Self { fault, from: bits(&from), to: bits(&to), is_one_way }
    }

    /// Whether a datagram from `from` to `to` is lost.
    pub(crate) fn cuts(&self, from: usize, to: usize) -> bool {
        let there = has(&self.from, from) && has(&self.to, to);
        let back = !self.is_one_way && has(&self.to, from) && has(&self.from, to);
        there || back
    }
}

fn has(bits: &[u64], host: usize) -> bool {
    bits.get(host / 64).is_some_and(|word| word >> (host % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_cuts_one_way() {
        let one_way = Partition::new(0, 100, |host| host == 0, |host| host > 70, true);
        assert!(one_way.cuts(0, 71) && !one_way.cuts(71, 0) && !one_way.cuts(0, 70));
        let both = Partition::new(0, 100, |host| host == 0, |host| host > 70, false);
        assert!(both.cuts(0, 71) && both.cuts(71, 0) && !both.cuts(71, 72));
    }
}
