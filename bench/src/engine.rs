//! The raw engine: the same container as MiniCloud makes, made by hand.

use std::pin::Pin;

use anyhow::{Context as _, Result, bail};
use bollard::{
    Docker,
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::{ContainerCreateBody, EndpointSettings, ExecConfig, NetworkingConfig},
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// The engine, and a container of MiniCloud's to copy.
pub struct Engine {
    docker: Docker,
    body: ContainerCreateBody,
}

impl Engine {
    /// Copies image, command, host config and network of the VM with that id.
    pub async fn like(socket: &str, vm_id: &str) -> Result<Self> {
        let docker = Docker::connect_with_unix(socket, 120, bollard::API_DEFAULT_VERSION)?
            .negotiate_version()
            .await?;
        let model = docker
            .inspect_container(&format!("mc-{vm_id}"), None)
            .await?;
        let config = model.config.context("the container has no config")?;
        let networks = model
            .network_settings
            .and_then(|settings| settings.networks)
            .unwrap_or_default();
        let endpoints = networks
            .into_keys()
            .map(|name| (name, EndpointSettings::default()))
            .collect();
        let body = ContainerCreateBody {
            image: config.image,
            cmd: config.cmd,
            entrypoint: config.entrypoint,
            hostname: config.hostname,
            stop_signal: config.stop_signal,
            host_config: model.host_config,
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(endpoints),
            }),
            ..Default::default()
        };
        Ok(Self { docker, body })
    }

    /// Creates and starts one; answers its name.
    pub async fn run(&self, name: &str) -> Result<()> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        self.docker
            .create_container(Some(options), self.body.clone())
            .await?;
        self.docker.start_container(name, None).await?;
        Ok(())
    }

    /// By force: also one that runs.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        Ok(self.docker.remove_container(name, Some(options)).await?)
    }

    /// A login shell on a PTY.
    pub async fn shell(&self, name: &str) -> Result<RawShell> {
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(true),
            env: Some(vec!["TERM=xterm-256color".into()]),
            cmd: Some(vec!["/bin/sh".into(), "-l".into()]),
            ..Default::default()
        };
        let exec = self.docker.create_exec(name, config).await?;
        let start = StartExecOptions {
            tty: true,
            ..Default::default()
        };
        match self.docker.start_exec(&exec.id, Some(start)).await? {
            StartExecResults::Attached { output, input } => Ok(RawShell { output, input }),
            StartExecResults::Detached => bail!("the engine detached the shell"),
        }
    }
}

/// The engine's own end of a terminal.
pub struct RawShell {
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
    input: Pin<Box<dyn AsyncWrite + Send>>,
}

impl RawShell {
    /// The next that is printed, however little; an error where the shell has ended.
    pub async fn output(&mut self) -> Result<Bytes> {
        Ok(self
            .output
            .next()
            .await
            .context("the shell ended")??
            .into_bytes())
    }

    /// Waits until the output has held `mark`.
    pub async fn wait_for(&mut self, mark: &[u8]) -> Result<()> {
        let mut seen = Vec::new();
        while !seen.windows(mark.len()).any(|window| window == mark) {
            seen.extend_from_slice(&self.output().await?);
        }
        Ok(())
    }

    /// Reads that many bytes.
    pub async fn flow(&mut self, bytes: u64) -> Result<()> {
        let mut got = 0;
        while got < bytes {
            got += self.output().await?.len() as u64;
        }
        Ok(())
    }

    /// Types. Waits for no echo.
    pub async fn input(&mut self, bytes: &[u8]) -> Result<()> {
        self.input.write_all(bytes).await?;
        Ok(self.input.flush().await?)
    }
}
