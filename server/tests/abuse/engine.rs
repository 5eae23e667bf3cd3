//! What the engine knows, past MiniCloud.

use tokio::process::Command;

async fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Processes and threads in a VM.
pub async fn processes(id: &str) -> u64 {
    let container = format!("mc-{id}");
    let args = ["stats", "--no-stream", "--format", "{{.PIDs}}", &container];
    for _ in 0..10 {
        // An engine that is busy answers with dashes.
        if let Ok(count) = docker(&args).await.parse() {
            return count;
        }
    }
    panic!("the engine does not count the processes of {container}");
}

/// The network that a VM is in.
pub async fn network(id: &str) -> String {
    let container = format!("mc-{id}");
    let format = "{{.HostConfig.NetworkMode}}";
    docker(&["inspect", "--format", format, &container]).await
}

/// The ids of containers and networks that have these names.
pub async fn left(id: &str, network: &str) -> String {
    let (container, network) = (format!("name=mc-{id}"), format!("name={network}"));
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &container]).await;
    let networks = docker(&["network", "ls", "--quiet", "--filter", &network]).await;
    format!("{containers}{networks}")
}
