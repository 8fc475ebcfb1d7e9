//! Seeds and keys from the operating system.

use std::io;

/// Bytes nobody can guess.
///
/// # Errors
/// When the operating system has none.
pub fn draw<const LEN: usize>() -> io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Draws a seed where none is set.
pub(crate) fn fill_seed(seed: &mut u64) -> io::Result<()> {
    if *seed == 0 {
        *seed = u64::from_le_bytes(draw()?);
    }
    Ok(())
}
