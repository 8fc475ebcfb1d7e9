//! What the two ends of a publisher's TCP connection share: bytes on their way out.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};
use std::sync::Arc;

use futures_lite::AsyncWrite;
use livesky_core::wire::STREAM_LEN_MAX;

/// A message on its way to the stream, and the frame's bytes behind it. Holds one at a time.
pub(crate) struct Outbox {
    head: Box<[u8; STREAM_LEN_MAX]>,
    head_len: usize,
    body: Option<Arc<[u8]>>,
    sent: usize,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self { head: Box::new([0; STREAM_LEN_MAX]), head_len: 0, body: None, sent: 0 }
    }

    /// Where the next message is written. Only while the outbox is empty.
    pub(crate) fn head(&mut self) -> &mut [u8] {
        self.head.as_mut_slice()
    }

    /// Sends the first `head_len` bytes of [`Self::head`], then `body`.
    pub(crate) fn put(&mut self, head_len: usize, body: Option<Arc<[u8]>>) {
        self.head_len = head_len;
        self.body = body;
        self.sent = 0;
    }

    pub(crate) fn clear(&mut self) {
        self.put(0, None);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head_len == 0 && self.body.is_none()
    }

    /// Writes until the outbox is empty; pending while the stream takes no more.
    pub(crate) fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut T,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let head = self.head.get(self.sent.min(self.head_len)..self.head_len).unwrap_or_default();
            let body = self.body.as_deref().unwrap_or_default();
            let body = body.get(self.sent.saturating_sub(self.head_len)..).unwrap_or_default();
            if head.is_empty() && body.is_empty() {
                self.clear();
                break;
            }
            // One call for both, or each frame's head would travel in a segment of its own.
            let parts = [IoSlice::new(head), IoSlice::new(body)];
            let count = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &parts))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        Poll::Ready(Ok(()))
    }
}
