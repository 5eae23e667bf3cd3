//! Images and flavors: what one can choose.

use reqwest::Method;
use server_api::{
    flavor::Flavor,
    image::{Image, ImageAdd},
};

use super::{Client, segment};
use crate::error::CliError;

const IMAGES: &str = "/api/v1/admin/images";

impl Client {
    /// All of the catalogue, by name; for everybody.
    pub async fn image_list(&self) -> Result<Vec<Image>, CliError> {
        self.list("/api/v1/images", usize::MAX).await
    }

    /// For admins, as the two below. Asked again after a lost connection it adds nothing twice.
    pub async fn image_add(&self, image: &ImageAdd) -> Result<Image, CliError> {
        self.create(IMAGES, Some(image)).await
    }

    /// Makes it the one that is taken where none is named.
    pub async fn image_default(&self, name: &str) -> Result<Image, CliError> {
        let path = format!("{IMAGES}/{}/default", segment(name));
        self.change(Method::PUT, &path, None::<&()>).await
    }

    /// VMs made from it stay; the last image is refused.
    pub async fn image_remove(&self, name: &str) -> Result<(), CliError> {
        self.delete(&format!("{IMAGES}/{}", segment(name))).await
    }

    /// The sizes, each with why it cannot be chosen now.
    pub async fn flavor_list(&self) -> Result<Vec<Flavor>, CliError> {
        self.get("/api/v1/flavors").await
    }
}
