/// A live stream, or one bitrate of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Unlike any other channel's.
    pub name: String,
    /// R: what one viewer takes, in bit/s.
    pub rate_bps: f64,
    /// Who watches it.
    pub audience: Audience,
}

/// Who watches a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Audience {
    /// The same share of every region's viewers, over 0 and at most 1.
    Share(f64),
    /// Viewers in each region, by region; they need not add up to the regions' own numbers.
    Viewers(Vec<f64>),
}
