//! `image ls`, `flavor ls`.

use server_api::{flavor::Flavor, image::Image};

use crate::{
    context::Context,
    error::CliError,
    output::{clean, size, table::Table},
};

/// With on how many nodes each image is already.
pub async fn image_list(context: &Context) -> Result<(), CliError> {
    let images = context.client.image_list().await?;
    let head = ["NAME", "REFERENCE", "DEFAULT", "NODES", "SUMMARY"];
    context
        .out
        .list(&images, "There is no image; an admin adds one.", |images| {
            Table::of(&head, images, image_row)
        })
}

fn image_row(image: &Image) -> Vec<String> {
    vec![
        image.name.clone(),
        image.reference.clone(),
        if image.default { "yes" } else { "-" }.into(),
        image.present_on.to_string(),
        clean(&image.summary),
    ]
}

/// With why a size cannot be chosen now.
pub async fn flavor_list(context: &Context) -> Result<(), CliError> {
    let flavors = context.client.flavor_list().await?;
    let head = ["NAME", "VCPUS", "MEMORY", "DISK", "UNAVAILABLE"];
    context.out.list(
        &flavors,
        "There is no size; an admin sets them.",
        |flavors| Table::of(&head, flavors, flavor_row),
    )
}

fn flavor_row(flavor: &Flavor) -> Vec<String> {
    vec![
        flavor.name.clone(),
        size::cpus(flavor.cpu_millis),
        size::memory(flavor.memory_mib),
        size::disk(flavor.disk_gib),
        flavor.unavailable.as_deref().map_or("-".into(), clean),
    ]
}
