//! Random and burst loss.

use livesky_core::rng::Rng;

use crate::scenario::BurstLossSpec;
use crate::seeds::Draw;

/// How a host's datagrams are lost: at random, and in bursts as Gilbert and Elliott model them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    share: f64,
    burst: Option<BurstLossSpec>,
    is_bad: bool,
}

impl Loss {
    pub(crate) const fn new(share: f64, burst: Option<BurstLossSpec>) -> Self {
        Self { share, burst, is_bad: false }
    }

    /// Whether the next datagram is lost; `extra` is a fault's share.
    pub(crate) fn takes(&mut self, rng: &mut Rng, extra: f64) -> bool {
        let mut is_lost = rng.happens(self.share) || rng.happens(extra);
        if let Some(burst) = &self.burst {
            let turns = if self.is_bad { burst.to_good } else { burst.to_bad };
            self.is_bad ^= rng.happens(turns);
            is_lost |= self.is_bad && rng.happens(burst.loss);
        }
        is_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(mut loss: Loss, extra: f64) -> Vec<bool> {
        let mut rng = Rng::from_seed(5);
        (0..100_000).map(|_| loss.takes(&mut rng, extra)).collect()
    }

    fn share(losses: &[bool]) -> f64 {
        losses.iter().filter(|&&lost| lost).count() as f64 / losses.len() as f64
    }

    #[test]
    fn random_loss_has_its_share() {
        assert!((share(&losses(Loss::new(0.1, None), 0.0)) - 0.1).abs() < 0.005);
        assert!((share(&losses(Loss::new(0.0, None), 0.3)) - 0.3).abs() < 0.01);
        assert!(share(&losses(Loss::new(0.0, None), 0.0)) == 0.0);
    }

    #[test]
    fn bursts_have_their_share_and_their_length() {
        // Bad for to_bad / (to_bad + to_good) of the time, 1 / to_good datagrams long.
        let burst = BurstLossSpec { to_bad: 0.01, to_good: 0.2, loss: 1.0 };
        let losses = losses(Loss::new(0.0, Some(burst)), 0.0);
        assert!((share(&losses) - 0.01 / 0.21).abs() < 0.01, "{}", share(&losses));
        let bursts = losses.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let length = losses.iter().filter(|&&lost| lost).count() as f64 / bursts as f64;
        assert!((length - 5.0).abs() < 0.5, "{length}");
    }
}
