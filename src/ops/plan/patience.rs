//! Planning waits for the quota: a listing that is refused goes on where it was when the cloud takes calls again.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::job::JobWait;
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ops::context::Context;
use crate::ports::cloud::CloudError;

/// No hourly quota takes longer; a clock that is wrong may say so.
const LONGEST: Duration = Duration::from_secs(3700);
/// Between the end of a wait and the next call.
const GRACE: Duration = Duration::from_secs(1);

/// Who sees that a plan waits, and until when; without anybody it fails instead, and says until when.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patience<'a>(Option<&'a watch::Sender<Option<JobWait>>>);

impl<'a> Patience<'a> {
    /// Waits where somebody sees it.
    #[must_use]
    pub const fn told_to(waits: &'a watch::Sender<Option<JobWait>>) -> Self {
        Self(Some(waits))
    }

    /// The answer of `call`, which is made again after each wait for the quota.
    ///
    /// # Errors
    /// The call's; a used-up quota only where nobody sees the wait, or where the cloud does not say when it ends.
    pub(super) async fn until_answered<T, F>(
        self,
        context: &Context,
        mut call: impl FnMut() -> F,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        loop {
            let error = match call().await {
                Err(error @ CloudError::RateLimited { retry_at: Some(_), .. }) => error,
                other => return other,
            };
            let (Some(waits), CloudError::RateLimited { retry_at: Some(until), .. }) =
                (self.0, &error)
            else {
                return Err(error);
            };
            let until: Timestamp = *until;
            let because = clean(&error.to_string()).into_owned();
            waits.send_replace(Some(JobWait { until, because }));
            let left = until.duration_since(context.clock.wall());
            let left = Duration::try_from(left).unwrap_or_default().min(LONGEST);
            tokio::time::sleep(left + GRACE).await;
            waits.send_replace(None);
        }
    }
}
