//! The dashboard's first byte, for somebody with many VMs.

use anyhow::{Context as _, Result, ensure};
use app::model::VmState;

use crate::{
    Args, api,
    client::{Browser, Socket},
    figures::Figures,
    vm,
};

/// Pages fetched for the first byte.
const PAGES: u32 = 200;

/// VMs of the dashboard that stay running; a user's network has addresses for 29.
const RUNNING: usize = 25;

/// VMs in the list that the API is asked for.
const API_VMS: usize = 20;

/// Makes the VMs, measures, and deletes them.
pub async fn dashboard(browser: &Browser, live: &mut Socket, args: &Args) -> Result<()> {
    let names: Vec<String> = (0..args.dashboard_vms)
        .map(|number| format!("page-{number}"))
        .collect();
    for (at, name) in names.iter().enumerate() {
        vm::create(browser, name, &args.dashboard_flavor, &args.image).await?;
        browser.vm_wait(live, name, VmState::Running).await?;
        if at >= RUNNING {
            browser.call("vm_stop", &[("name", name)]).await?;
            browser.vm_wait(live, name, VmState::Stopped).await?;
        }
        if at + 1 == API_VMS {
            api::vm_lists(browser, API_VMS).await?;
        }
    }
    let mut figures = Figures::default();
    for _ in 0..PAGES {
        let (html, first) = browser.page("/").await.context("the dashboard")?;
        ensure!(
            names
                .iter()
                .all(|name| html.contains(&format!("/vms/{name}\""))),
            "the dashboard does not list every VM"
        );
        figures.add(first);
    }
    println!(
        "{}",
        figures.row(&format!("dashboard with {} VMs, first byte", names.len()))
    );
    for name in &names {
        vm::delete(browser, live, name).await?;
    }
    Ok(())
}
