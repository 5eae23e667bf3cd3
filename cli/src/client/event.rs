//! Everybody's events; for admins.

use server_api::event::Event;

use super::Client;
use crate::error::CliError;

impl Client {
    /// The newest `max`, newest first, page after page.
    pub async fn event_list(&self, max: usize) -> Result<Vec<Event>, CliError> {
        self.list("/api/v1/admin/events", max).await
    }
}
