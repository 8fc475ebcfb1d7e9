//! Ethernet in memory: what one end sends every other end receives.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// Frames an end holds at most, as a ring of a network chip does.
const RING: usize = 128;

#[derive(Default)]
struct Ends {
    rings: Vec<VecDeque<Vec<u8>>>,
    is_cut: bool,
}

/// The wire that all ends hang on.
#[derive(Clone, Default)]
pub(crate) struct Cable(Rc<RefCell<Ends>>);

impl Cable {
    pub(crate) fn end(&self) -> End {
        let mut ends = self.0.borrow_mut();
        ends.rings.push(VecDeque::new());
        End { cable: self.clone(), number: ends.rings.len() - 1 }
    }

    /// Nothing passes while it is cut.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.0.borrow_mut().is_cut = is_cut;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.0.borrow().rings.iter().all(VecDeque::is_empty)
    }
}

pub(crate) struct End {
    cable: Cable,
    number: usize,
}

pub(crate) struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub(crate) struct Sent<'a>(&'a End);

impl TxToken for Sent<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        let mut ends = self.0.cable.0.borrow_mut();
        if !ends.is_cut {
            let others = ends.rings.iter_mut().enumerate().filter(|(number, _)| *number != self.0.number);
            for (_, ring) in others.filter(|(_, ring)| ring.len() < RING) {
                ring.push_back(frame.clone());
            }
        }
        result
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sent<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sent<'_>)> {
        let frame = self.cable.0.borrow_mut().rings[self.number].pop_front()?;
        Some((Received(frame), Sent(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sent<'_>> {
        Some(Sent(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}
