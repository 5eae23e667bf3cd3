//! From the request to a running VM.

use std::time::Instant;

use anyhow::Result;
use app::model::VmState;

use crate::{
    client::{Browser, Socket},
    engine::Engine,
    failed,
    figures::Figures,
};

/// Returns once it was accepted; it is not running then.
pub async fn create(browser: &Browser, name: &str, flavor: &str, image: &str) -> Result<()> {
    let form = [("name", name), ("flavor", flavor), ("image", image)];
    browser.call("vm_create", &form).await.map(drop)
}

/// Returns once it is gone, which `live` tells.
pub async fn delete(browser: &Browser, live: &mut Socket, name: &str) -> Result<()> {
    browser.call("vm_delete", &[("name", name)]).await?;
    browser.vm_wait_gone(live, name).await
}

/// Request to running, in turns with the engine's own create and start.
pub async fn creates(
    browser: &Browser,
    engine: &Engine,
    live: &mut Socket,
    image: &str,
    runs: u32,
) -> Result<()> {
    let (mut raw, mut cloud) = (Figures::default(), Figures::default());
    for run in 0..runs {
        let name = format!("mc-bench-{run}");
        let begun = Instant::now();
        match engine.run(&name).await {
            Ok(()) => raw.add(begun.elapsed()),
            Err(error) => failed(&mut raw, &error),
        }
        engine.remove(&name).await?;
        let name = format!("bench-{run}");
        let begun = Instant::now();
        create(browser, &name, "small", image).await?;
        match browser.vm_wait(live, &name, VmState::Running).await {
            Ok(_) => cloud.add(begun.elapsed()),
            Err(error) => failed(&mut cloud, &error),
        }
        delete(browser, live, &name).await?;
    }
    println!("{}", raw.row("create and start, raw engine"));
    println!("{}", cloud.row("request to running, MiniCloud"));
    Ok(())
}
