//! A VM's own SSH server, on both drivers.

use node::driver::DriverError;
use node_api::{
    error::NodeErrorCode,
    ssh::{SshServe, SshServer},
    vm::{PowerState, VmSpec},
};

use super::{
    bench::{Bench, lines, random},
    docker::on_docker,
};

const KEYS: &str = "/root/.ssh/authorized_keys";
const HOST_KEY: &str = "/etc/dropbear/dropbear_ed25519_host_key";

/// A port of this host that nothing has now, below those that connections get.
pub fn free_port() -> u16 {
    loop {
        let port = 20_000 + u16::from_be_bytes(random()) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn published(bench: &Bench, name: &str) -> VmSpec {
    VmSpec {
        ssh_port: Some(free_port()),
        ..bench.spec(name, 0)
    }
}

async fn serve(bench: &Bench, spec: &VmSpec, key: &str) -> Result<(), DriverError> {
    let serve = SshServe {
        server: SshServer::Dropbear,
        keys: vec![format!("ssh-ed25519 {key}")],
    };
    bench.driver.vm_ssh_serve(spec.id, &serve).await
}

async fn cat(bench: &Bench, spec: &VmSpec, path: &str) -> String {
    bench.sh(spec, &format!("cat {path}")).await.stdout
}

on_both! {

async fn the_accounts_keys_are_set_anew_and_the_users_own_and_the_host_key_stay(bench: &Bench) {
    let spec = published(bench, "web1");
    bench.driver.vm_create(&spec, true).await.expect("created");
    serve(bench, &spec, "one").await.expect("served");
    let (keys, host_key) = (cat(bench, &spec, KEYS).await, cat(bench, &spec, HOST_KEY).await);
    assert!(keys.contains("ssh-ed25519 one") && !host_key.is_empty(), "{keys}");
    serve(bench, &spec, "one").await.expect("still served");
    assert_eq!(cat(bench, &spec, KEYS).await, keys);
    bench.sh(&spec, &format!("echo ssh-ed25519 mine >> {KEYS}")).await;
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    let refused = serve(bench, &spec, "two").await.expect_err("stopped");
    assert_eq!(refused.code, NodeErrorCode::Conflict);
    bench.driver.vm_start(spec.id).await.expect("started");
    serve(bench, &spec, "two").await.expect("served again");
    let keys = cat(bench, &spec, KEYS).await;
    assert!(keys.starts_with("ssh-ed25519 mine\n"), "{keys}");
    assert!(keys.contains("ssh-ed25519 two") && !keys.contains("one"), "{keys}");
    assert_eq!(cat(bench, &spec, HOST_KEY).await, host_key);
}

async fn a_published_port_that_is_taken_is_told_apart_and_another_takes_its_place(bench: &Bench) {
    let first = published(bench, "web1");
    bench.driver.vm_create(&first, true).await.expect("created");
    let mut second = bench.spec("web2", 0);
    second.ssh_port = first.ssh_port;
    for _ in 0..3 {
        let refused = bench.driver.vm_create(&second, true).await.expect_err("taken");
        assert_eq!(refused.code, NodeErrorCode::PortTaken, "{refused}");
    }
    assert_eq!(bench.driver.engine().await.engine.degraded, None);
    second.ssh_port = Some(free_port());
    let made = bench.driver.vm_create(&second, true).await.expect("created");
    assert_eq!((made.power, made.spec.ssh_port), (PowerState::Running, second.ssh_port));
    // One that has run keeps its port, and its files.
    let other = VmSpec { ssh_port: first.ssh_port, ..second.clone() };
    let there = bench.driver.vm_create(&other, true).await.expect("there");
    assert_eq!(there.spec.ssh_port, second.ssh_port);
    // A stopped one leaves its port to others until it is to start.
    bench.driver.vm_stop(first.id).await.expect("stopped");
    let mut third = bench.spec("web3", 0);
    third.ssh_port = first.ssh_port;
    bench.driver.vm_create(&third, true).await.expect("created");
    let refused = bench.driver.vm_start(first.id).await.expect_err("taken");
    assert_eq!(refused.code, NodeErrorCode::PortTaken, "{refused}");
    bench.driver.vm_delete(third.id).await.expect("deleted");
    bench.driver.vm_start(first.id).await.expect("started");
}

}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_a_vms_ssh_server_is_named() {
    on_docker(async |bench| {
        let spec = bench.vm("web1", 0).await;
        let serve = SshServe {
            server: SshServer::Sshd,
            keys: Vec::new(),
        };
        let refused = bench.driver.vm_ssh_serve(spec.id, &serve).await;
        let refused = refused.expect_err("there is no sshd in this image");
        assert_eq!(refused.code, NodeErrorCode::Conflict);
        assert!(refused.message.contains("ssh-keygen"), "{refused}");
        bench.sh(&spec, &format!("rm {KEYS}; mkdir {KEYS}")).await;
        let refused = self::serve(bench, &spec, "one")
            .await
            .expect_err("a folder");
        assert!(refused.message.contains(KEYS), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_of_the_users_to_the_keys_is_kept_and_a_server_of_theirs_left_alone() {
    on_docker(async |bench| {
        let spec = published(bench, "web1");
        bench.driver.vm_create(&spec, true).await.expect("created");
        let theirs = "mkdir -p /root/.ssh; echo ssh-ed25519 mine >/root/mine; ln -s ../mine /root/.ssh/authorized_keys; \
             dropbear -R -p 22";
        bench.sh(&spec, theirs).await;
        serve(bench, &spec, "one").await.expect("served");
        assert_eq!(cat(bench, &spec, "/root/mine").await, cat(bench, &spec, KEYS).await);
        let is_link = bench.sh(&spec, &format!("[ -h {KEYS} ]")).await;
        assert_eq!(is_link.exit_code, 0);
        let name = format!("mc-{}", spec.id);
        let running = lines(&["top", &name, "-eo", "pid,args"]);
        let mut servers = running.iter().filter(|line| line.contains("dropbear"));
        let theirs = servers.next().expect("theirs");
        assert!(theirs.ends_with("dropbear -R -p 22"), "{theirs}");
        assert_eq!(servers.next(), None);
    })
    .await;
}
