//! Our own failures as a client sees them: nothing was kept, try again. The cause goes to the log, not out.

use godwit_archive::{AppendError, ReadError};
use godwit_model::{Refusal, Refused};
use godwit_registry::Error;

pub(crate) fn of_registry(error: Error) -> Refused {
    match error {
        Error::Refused { refusal, detail } => Refused::new(refusal, detail),
        Error::Changed => Refused::new(
            Refusal::Overloaded,
            "it is being changed by many at once; nothing was changed, try again",
        ),
        failed => {
            tracing::error!(error = %failed, "the registry failed");
            Refused::new(
                Refusal::Overloaded,
                "the store does not answer; nothing was kept, try again",
            )
        }
    }
}

pub(crate) fn of_append(error: &AppendError) -> Refused {
    match error {
        AppendError::TooLarge => Refusal::TooLarge.into(),
        AppendError::StorageFull => Refusal::StorageFull.into(),
        AppendError::Conflict(_) => Refusal::IdConflict.into(),
        AppendError::Overloaded => Refusal::Overloaded.into(),
        AppendError::NoKey => Refused::new(
            Refusal::Overloaded,
            "the message cannot be encrypted now; nothing was kept, try again",
        ),
        AppendError::Stopped => Refused::new(
            Refusal::Overloaded,
            "the platform is stopping; nothing was kept, try again",
        ),
    }
}

pub(crate) fn of_read(error: &ReadError) -> Refused {
    if let ReadError::Cold(error) = error {
        tracing::warn!(%error, "old messages could not be read");
        return Refused::new(Refusal::Overloaded, "old messages cannot be read now, try again later");
    }
    tracing::error!(%error, "the archive could not be read");
    Refused::new(Refusal::Overloaded, "the archive does not answer, try again")
}
