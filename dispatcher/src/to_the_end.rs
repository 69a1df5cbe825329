//! Changes that touch more than one room are not left half made because whoever asked has gone.

use std::future::Future;

use godwit_model::{Refusal, Refused};

/// Runs a change to its end, even if nobody waits for it any more: a closed connection must not keep the members of a
/// group from hearing what the registry already holds.
pub(crate) async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Result<T, Refused> {
    tokio::spawn(change).await.unwrap_or_else(|cause| {
        tracing::error!(%cause, "a change broke off");
        Err(Refused::new(
            Refusal::Overloaded,
            "the change broke off; look what it is, and try again",
        ))
    })
}
