//! FINGERPRINT: CRC-32 of the message before it (RFC 8489 clause 14.7).

/// Reflected polynomial of ITU V.42, which ISO 3309 names too.
const POLYNOMIAL: u32 = 0xedb8_8320;
/// "STUN", so that the sum differs from that of a protocol that ends in a CRC of its own.
const DISGUISE: u32 = 0x5354_554e;

/// The value of the attribute behind `parts`, which are taken as one string. Bit by bit: a handful of messages a minute is
/// not worth a table of 1 KiB.
pub(super) fn fingerprint(parts: [&[u8]; 2]) -> u32 {
    let bytes = parts.into_iter().flatten();
    let sum = bytes.fold(u32::MAX, |sum, &byte| {
        (0..8).fold(
            sum ^ u32::from(byte),
            |sum, _| {
                if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 }
            },
        )
    });
    !sum ^ DISGUISE
}
