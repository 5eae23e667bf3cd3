//! Images and flavors: what one can choose.

use server_api::{flavor::Flavor, image::Image};

use super::Client;
use crate::error::CliError;

impl Client {
    pub async fn image_list(&self) -> Result<Vec<Image>, CliError> {
        self.get("/api/v1/images").await
    }

    pub async fn flavor_list(&self) -> Result<Vec<Flavor>, CliError> {
        self.get("/api/v1/flavors").await
    }
}
