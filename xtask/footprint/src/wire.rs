//! Every message decoded and encoded again.

use core::hint::black_box;

use livesky_core::auth::{Auth, SipAuth};
use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::wire::{ControlWriter, Datagram};
use livesky_core::{Instant, Path};

/// Takes a datagram apart and writes what was in it.
pub fn weigh() {
    let datagram = black_box([0_u8; DATAGRAM_LEN_MAX]);
    let mut out = [0_u8; DATAGRAM_LEN_MAX];
    match Datagram::parse(&datagram) {
        Ok(Datagram::Data(header, payload)) => {
            black_box((header.write(&mut out), payload));
        }
        Ok(Datagram::Control(link, messages)) => {
            let Some(mut writer) = ControlWriter::new(&mut out, link) else { return };
            for message in messages.flatten() {
                black_box(writer.push(&message));
            }
            writer.pad_to(black_box(DATAGRAM_LEN_MAX));
            black_box(writer.finish());
        }
        Ok(Datagram::Sealed { ciphertext: bytes, .. } | Datagram::Proof { body: bytes, .. }) => {
            black_box(bytes);
        }
        Err(reject) => {
            black_box(reject);
        }
    }
    black_box(out);

    let auth = SipAuth::new(black_box([0; 16]));
    let path: Path = black_box(Path::to(([0, 0, 0, 0], 0).into()));
    let cookie = auth.cookie(black_box(Instant::ZERO), &path.remote);
    black_box(auth.verify_cookie(black_box(Instant::ZERO), &path.remote, &black_box(cookie)));
}
