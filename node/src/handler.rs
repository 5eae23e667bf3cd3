//! What the routes do, one file a noun. Checks and sequence live here, the engine's ways in the
//! driver.

pub mod check;
pub mod exec;
pub mod image;
pub mod shells;
pub mod status;
pub mod stream;
pub mod vm;

use std::future::Future;

use crate::{driver::DriverError, error::ApiError};

/// Runs a change to its end even when the caller goes away in the middle of it: half a change is
/// worse than one nobody waits for. The driver's deadlines bound it.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, DriverError>> + Send + 'static,
) -> Result<T, ApiError> {
    use tracing::Instrument;
    match tokio::spawn(change.in_current_span()).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(ApiError::internal(format!("the node failed: {error}"))),
    }
}
