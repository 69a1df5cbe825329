//! What the examples store: letters from one account to another; and how they wait for an answer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use godwit_archive::{DuplicateKey, Entry, RecordKind};
use godwit_model::{AccountNo, ConversationKey, TenantNo};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// A letter of so many bytes, which both of them get.
pub(crate) fn letter(from: AccountNo, to: AccountNo, key: u128, bytes: usize) -> Entry {
    Entry {
        kind: RecordKind::Message,
        tenant: TenantNo(1),
        form: 1,
        conversation: Some(ConversationKey::single(from, to)),
        sender: from,
        duplicate_key: Some(DuplicateKey { key, body: key }),
        expires_at_ms: None,
        recipients: vec![from, to],
        body: vec![b'x'; bytes].into(),
    }
}
