//! What VMs reach with rules in the host's firewall and without, on the real engine: the host, and neighbours of it
//! that the test makes. The rules stand in a table of the test's own and name its own bridge, which no MiniCloud's do.

use std::{
    fs::File,
    io::Read as _,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    path::Path,
    process::Command,
    sync::Arc,
    thread,
};

use node::driver::{
    Driver,
    docker::{DockerConfig, DockerDriver, ReachConfig},
};
use node_api::{reach::VmReach, vm::VmSpec};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::{io::AsyncWriteExt as _, task::AbortHandle};

use super::{
    bench::{Bench, random},
    common::{self, PATIENCE},
    docker::on_docker,
    private_engine::lines,
    ssh::free_port,
};

/// Runs a program of the system to its good end; what it prints.
fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{program}: {error}; script/bootstrap --test installs it");
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Gives a line to whoever connects, until it is dropped.
struct Greeter {
    address: SocketAddr,
    task: AbortHandle,
}

impl Greeter {
    fn new(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("bound");
        listener.set_nonblocking(true).expect("set");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let greet = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // Who has gone is not greeted.
                let _ = stream.write_all(b"hello\n").await;
            }
        };
        let task = tokio::spawn(greet).abort_handle();
        Self { address, task }
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A machine on a cable of its own to this host: a network namespace. It goes when it is dropped.
struct Neighbour {
    /// Of the namespace, and of this host's end of the cable.
    name: String,
    /// This host's address there.
    here: Ipv4Addr,
    /// The machine's.
    there: Ipv4Addr,
}

impl Neighbour {
    /// With a private address.
    fn private() -> Self {
        let routes = run("ip", &["-4", "route"]);
        loop {
            let [third, last] = random();
            if !routes.contains(&format!("192.168.{third}.")) {
                return Self::new([192, 168, third, last & 0xfc]);
            }
        }
    }

    /// With one that stands for the internet's: nobody has these.
    fn public() -> Self {
        let routes = run("ip", &["-4", "route"]);
        loop {
            let [last] = random();
            let last = last & 0xfc;
            if !routes.contains(&format!("203.0.113.{last}/")) {
                return Self::new([203, 0, 113, last]);
            }
        }
    }

    fn new([a, b, c, d]: [u8; 4]) -> Self {
        let made = Self {
            name: format!("rn{:08x}", u32::from_be_bytes(random())),
            here: Ipv4Addr::new(a, b, c, d + 1),
            there: Ipv4Addr::new(a, b, c, d + 2),
        };
        let name = made.name.as_str();
        let (here, there) = (format!("{}/30", made.here), format!("{}/30", made.there));
        let ip = |line: &str| run("ip", &line.split(' ').collect::<Vec<_>>());
        ip(&format!("netns add {name}"));
        ip(&format!(
            "link add {name} type veth peer name far netns {name}"
        ));
        ip(&format!("addr add {here} dev {name}"));
        ip(&format!("link set {name} up"));
        ip(&format!("-n {name} addr add {there} dev far"));
        ip(&format!("-n {name} link set far up"));
        ip(&format!("-n {name} route add default via {}", made.here));
        made
    }

    /// Runs something with the network of that machine.
    fn within<T: Send + 'static>(&self, run: impl FnOnce() -> T + Send + 'static) -> T {
        let network = File::open(format!("/run/netns/{}", self.name)).expect("a network");
        let inside = thread::spawn(move || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(network.as_fd(), kind).expect("entered");
            run()
        });
        inside.join().expect("done")
    }

    /// On a port of that machine; 0: on any.
    fn greeter(&self, port: u16) -> Greeter {
        let address = (self.there, port);
        Greeter::new(self.within(move || TcpListener::bind(address).expect("bound")))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // Both, also where one fails; sockets in it keep a namespace, and not the cable.
        for what in [["link", "del"], ["netns", "del"]] {
            let _ = Command::new("ip").args(what).arg(&self.name).output();
        }
    }
}

/// The rules of one test, removed when it is dropped.
struct Rules {
    config: ReachConfig,
}

impl Rules {
    fn new(bench: &Bench, bridges: &str, resolv_conf: &Path) -> Self {
        let config = ReachConfig {
            bridges: bridges.to_owned(),
            resolv_conf: vec![resolv_conf.to_owned()],
            ..ReachConfig::new(&bench.node, VmReach::default())
        };
        Self { config }
    }

    /// A node that holds them while it is there.
    fn node(&self, bench: &Bench, allowed: &str) -> Arc<dyn Driver> {
        let reach = ReachConfig {
            allowed: allowed.parse().expect("a list"),
            ..self.config.clone()
        };
        bench.node_with(|config| config.reach = Some(reach))
    }

    fn are_there(&self) -> bool {
        let mut list = Command::new("nft");
        list.args(["list", "table", "inet", &self.config.table]);
        list.output().expect("nft").status.success()
    }
}

impl Drop for Rules {
    fn drop(&mut self) {
        let mut delete = Command::new("nft");
        delete.args(["delete", "table", "inet", &self.config.table]);
        let _ = delete.output();
    }
}

/// Whether the VM is greeted there.
async fn reaches(bench: &Bench, spec: &VmSpec, address: SocketAddr) -> bool {
    let probe = format!("nc -w 5 {} {} </dev/null", address.ip(), address.port());
    bench.sh(spec, &probe).await.stdout == "hello\n"
}

/// What comes back of a word from something that gives back what it is given.
fn echo(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    std::io::Write::write_all(&mut stream, b"ping\n").expect("written");
    stream.shutdown(Shutdown::Write).expect("ended");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("read");
    text
}

/// On port 22 of the VM, once.
async fn echo_on_port_22(bench: &Bench, spec: &VmSpec) {
    let listen = "nc -l -p 22 -e cat >/dev/null 2>&1 &";
    bench.sh(spec, listen).await;
    bench.until_listens(spec, 22).await;
}

/// A VM on a bridge whose name no rules of a MiniCloud have, with its port 22 published on all addresses of the host.
async fn vm(bench: &Bench) -> VmSpec {
    let publishing = bench.node_with(|config| config.ssh_listen = Ipv4Addr::UNSPECIFIED.into());
    let mut spec = bench.spec("web1", 0);
    spec.network.name = spec.network.name.replacen("mc", "rt", 1);
    spec.ssh_port = Some(free_port());
    publishing.vm_create(&spec, true).await.expect("created");
    spec
}

fn gateway(spec: &VmSpec) -> Ipv4Addr {
    let format = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}";
    let found = lines(&["inspect", "-f", format, &format!("mc-{}", spec.id)]);
    found[0].parse().expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_reaches_the_internet_and_what_it_may_and_else_nothing_of_the_host_or_its_networks() {
    on_docker(async |bench| {
        let (private, public) = (Neighbour::private(), Neighbour::public());
        let spec = vm(bench).await;
        let any = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
        let host = Greeter::new(any);
        let hosts = [gateway(&spec), private.here, public.here]
            .map(|address| SocketAddr::from((address, host.address.port())));
        let (file_server, resolver) = (private.greeter(0), private.greeter(53));
        let site = public.greeter(0);
        let refused = [hosts[0], hosts[1], hosts[2], file_server.address];
        let passed = [resolver.address, site.address];
        for address in refused.iter().chain(&passed) {
            let reached = reaches(bench, &spec, *address).await;
            assert!(reached, "before the rules: {address}");
        }

        let resolv_conf = tempfile::NamedTempFile::new().expect("a file");
        let names = format!("nameserver {}\n", private.there);
        std::fs::write(resolv_conf.path(), names).expect("written");
        let rules = Rules::new(bench, &spec.network.name, resolv_conf.path());
        let node = rules.node(bench, "");
        common::until("the rules hold", async || {
            assert_eq!(node.reach_open(), None);
            rules.are_there() && !reaches(bench, &spec, hosts[0]).await
        })
        .await;
        for address in refused {
            assert!(!reaches(bench, &spec, address).await, "{address}");
        }
        for address in passed {
            assert!(reaches(bench, &spec, address).await, "{address}");
        }

        // From outside into the VM all is as it was.
        let found = bench.driver.vm_get(spec.id).await.expect("there");
        let own: Ipv4Addr = found.address.expect("runs").parse().expect("an address");
        bench.echo_on_port_7(&spec).await;
        assert_eq!(echo((own, 7).into()), "ping\n");
        let published = (private.here, spec.ssh_port.expect("published")).into();
        echo_on_port_22(bench, &spec).await;
        assert_eq!(private.within(move || echo(published)), "ping\n");

        drop(node);
        let node = rules.node(bench, &private.there.to_string());
        common::until("what is allowed is reached", async || {
            reaches(bench, &spec, file_server.address).await
        })
        .await;
        for address in hosts {
            assert!(!reaches(bench, &spec, address).await, "{address}");
        }

        drop(node);
        let node = rules.node(bench, "all");
        common::until("all is reached", async || {
            reaches(bench, &spec, hosts[0]).await
        })
        .await;
        assert_eq!(node.reach_open(), None);
    })
    .await;
}

/// The engine does so, too, but for some milliseconds whenever a network is made: what refuses is the table, which
/// says so where the engine's rules say nothing.
#[tokio::test(flavor = "multi_thread")]
async fn two_owners_vms_are_kept_apart_by_the_rules_alone_whatever_may_be_reached() {
    on_docker(async |bench| {
        let bridged = |name: &str, owner: u8| {
            let mut spec = bench.spec(name, owner);
            spec.network.name = spec.network.name.replacen("mc", "ap", 1);
            spec
        };
        let (one, near) = (bridged("web1", 0), bridged("web2", 0));
        let stranger = bridged("web3", 1);
        for spec in [&one, &near, &stranger] {
            bench.driver.vm_create(spec, true).await.expect("created");
        }
        bench.greet_on_port_7000(&near).await;
        bench.greet_on_port_7000(&stranger).await;
        let mut addresses = Vec::new();
        for spec in [&near, &stranger] {
            let found = bench.driver.vm_get(spec.id).await.expect("there");
            addresses.push(found.address.expect("runs"));
        }
        let rules = Rules::new(bench, "ap*", Path::new("/dev/null"));
        let silent = drops_by_itself(bench).await;
        for allowed in ["all", ""] {
            let node = rules.node(bench, allowed);
            let probe = format!("nc -w 5 {} 7000 </dev/null", addresses[1]);
            common::until("they are kept apart", async || {
                let found = bench.sh(&one, &probe).await;
                found.stdout.is_empty() && (silent || found.stderr.contains("No route to host"))
            })
            .await;
            let probe = format!("nc -w 5 {} 7000 </dev/null", addresses[0]);
            common::until("neighbours are not", async || {
                bench.sh(&one, &probe).await.stdout == "hello\n"
            })
            .await;
            drop(node);
        }
    })
    .await;
}

/// Engines from 28 on drop what comes to a VM from elsewhere before anybody's rules see it.
async fn drops_by_itself(bench: &Bench) -> bool {
    let version = bench
        .driver
        .engine()
        .await
        .engine
        .version
        .expect("a version");
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    major.expect("a number") >= 28
}

/// Neither an engine nor nft nor root is needed for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_set_the_rules_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reach = ReachConfig::new("test", VmReach::default());
    reach.table = "no name of a table".into();
    let mut config = DockerConfig {
        host: format!("unix://{}", folder.path().join("docker.sock").display()),
        lock_dir: folder.path().join("locks"),
        ..DockerConfig::new("test-reach")
    };
    let untouched = DockerDriver::new(config.clone()).expect("a driver");
    config.reach = Some(reach);
    let driver = DockerDriver::new(config).expect("a driver");
    common::until("it says so", async || driver.reach_open().is_some()).await;
    let reason = driver.reach_open().expect("a reason");
    println!("{reason}");
    assert!(reason.contains("nft") || reason.contains("firewall"));
    assert_eq!(untouched.reach_open(), None);
}
