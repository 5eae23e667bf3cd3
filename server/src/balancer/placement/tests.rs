use super::*;

fn node(n: usize) -> Candidate {
    Candidate {
        id: format!("id-{n}"),
        name: format!("node-{n}"),
        policy: NodePolicy::Schedulable,
        health: NodeHealth::Ready,
        placed_seq: 0,
        cores: 2,
        cpu_millis: 8000,
        cpu_millis_allocated: 0,
        memory_mib: 4096,
        memory_mib_allocated: 0,
        disk_free_percent: 50,
        images: vec!["alpine:3".into()],
        ssh_ports: Some((22_000, 22_003)),
        ssh_ports_taken: Vec::new(),
    }
}

fn need() -> Need {
    Need {
        cpu_millis: 500,
        memory_mib: 256,
        image_ref: "alpine:3".into(),
        ssh_from: None,
    }
}

/// Places so many, each promised before the next; answers how many went to each node.
fn place_many(nodes: &mut [Candidate], count: usize, strategy: Strategy) -> Vec<usize> {
    let mut placed = vec![0; nodes.len()];
    for seq in 1..=count {
        let Ok(place) = place(nodes, &need(), strategy) else {
            break;
        };
        let at = nodes
            .iter()
            .position(|node| node.id == place.node_id)
            .unwrap();
        nodes[at].placed_seq = i64::try_from(seq).unwrap();
        nodes[at].memory_mib_allocated += need().memory_mib;
        nodes[at].cpu_millis_allocated += need().cpu_millis;
        placed[at] += 1;
    }
    placed
}

fn why_not(change: impl FnOnce(&mut Candidate)) -> String {
    let mut only = node(1);
    change(&mut only);
    place(&[only], &need(), Strategy::RoundRobin)
        .unwrap_err()
        .0
        .remove(0)
}

#[test]
fn round_robin_gives_three_hundred_vms_to_ten_nodes_thirty_each() {
    let mut nodes: Vec<_> = (1..=10).map(node).collect();
    for node in &mut nodes {
        (node.memory_mib, node.cpu_millis) = (1 << 20, 1 << 20);
    }
    assert_eq!(place_many(&mut nodes, 300, Strategy::RoundRobin), [30; 10]);
}

#[test]
fn round_robin_passes_over_a_cordoned_and_a_full_node_and_stays_even() {
    let mut nodes: Vec<_> = (1..=5).map(node).collect();
    nodes[1].policy = NodePolicy::Cordoned;
    nodes[3].memory_mib_allocated = 4000;
    assert_eq!(
        place_many(&mut nodes, 12, Strategy::RoundRobin),
        [4, 0, 4, 0, 4]
    );
}

#[test]
fn spread_takes_the_least_filled_and_bin_pack_the_fullest_that_fits() {
    let mut nodes = vec![node(1), node(2), node(3)];
    nodes[0].memory_mib_allocated = 2048;
    nodes[2].memory_mib_allocated = 4000;
    let picked = |strategy| place(&nodes, &need(), strategy).unwrap().node_id;
    assert_eq!(picked(Strategy::Spread), "id-2");
    assert_eq!(picked(Strategy::BinPack), "id-1");
}

#[test]
fn no_memory_is_promised_twice() {
    let mut nodes = vec![node(1)];
    nodes[0].cpu_millis = 1 << 20;
    assert_eq!(place_many(&mut nodes, 100, Strategy::RoundRobin), [16]);
}

#[test]
fn the_choice_is_told_in_a_sentence() {
    let nodes = [node(1), node(2)];
    let place = place(&nodes, &need(), Strategy::RoundRobin).unwrap();
    assert_eq!(
        place.reason,
        "Round robin: node-1 was next; 2 of 2 nodes fit."
    );
}

#[test]
fn every_refusal_says_which_node_and_why() {
    assert_eq!(
        why_not(|node| node.memory_mib_allocated = 4000),
        "node-1 has 96 MiB free, it needs 256 MiB"
    );
    assert_eq!(
        why_not(|node| node.policy = NodePolicy::Cordoned),
        "node-1 is cordoned"
    );
    assert_eq!(
        why_not(|node| node.health = NodeHealth::Degraded {
            reason: "no engine".into()
        }),
        "node-1 is degraded (no engine)"
    );
    assert_eq!(
        why_not(|node| node.cpu_millis_allocated = 7900),
        "node-1 has 0.1 vCPU free, it needs 0.5"
    );
    assert_eq!(
        why_not(|node| node.disk_free_percent = 9),
        "node-1 has 9 % of its disk free, 10 % are kept"
    );
    assert!(why_not(|node| node.cores = 0).contains("0 cores, it needs 1"));
    let nobody = place(&[], &need(), Strategy::Spread).unwrap_err();
    assert!(nobody.sentence().contains("no node yet"));
}

#[test]
fn an_image_built_on_hosts_goes_only_where_it_is_and_others_can_be_pulled() {
    let mut nodes = [node(1), node(2)];
    nodes[1].images = vec!["minicloud/base:latest".into()];
    let with = |image: &str| Need {
        image_ref: image.into(),
        ..need()
    };
    let place = |need: &Need| place(&nodes, need, Strategy::RoundRobin);
    assert_eq!(place(&with("minicloud/base")).unwrap().node_id, "id-2");
    assert_eq!(place(&with("debian:12")).unwrap().node_id, "id-1");
    assert!(place(&with("minicloud/debian")).is_err());
}

#[test]
fn a_published_port_is_a_free_one_of_the_nodes_counted_round_from_the_vms_own() {
    let port = |from: u32, taken: &[u16]| {
        let mut only = node(1);
        only.ssh_ports_taken = taken.to_vec();
        let need = Need {
            ssh_from: Some(from),
            ..need()
        };
        place(&[only], &need, Strategy::RoundRobin).map(|place| place.ssh_port)
    };
    assert_eq!(port(0, &[]), Ok(Some(22_000)));
    assert_eq!(port(u32::MAX, &[]), Ok(Some(22_003)));
    assert_eq!(port(2, &[22_002, 22_003]), Ok(Some(22_000)));
    let full = port(1, &[22_000, 22_001, 22_002, 22_003]).unwrap_err();
    assert_eq!(full.0, ["node-1 has no port left for SSH (22000 to 22003)"]);
}

#[test]
fn who_publishes_ssh_goes_where_ports_are_and_others_anywhere() {
    let mut nodes = [node(1), node(2)];
    nodes[0].ssh_ports = None;
    let publish = Need {
        ssh_from: Some(7),
        ..need()
    };
    let placed = place(&nodes, &publish, Strategy::RoundRobin).unwrap();
    assert_eq!(
        (placed.node_id.as_str(), placed.ssh_port),
        ("id-2", Some(22_003))
    );
    let placed = place(&nodes, &need(), Strategy::RoundRobin).unwrap();
    assert_eq!((placed.node_id.as_str(), placed.ssh_port), ("id-1", None));
    let refused = place(&nodes[..1], &publish, Strategy::RoundRobin).unwrap_err();
    assert_eq!(refused.0, ["node-1 publishes no SSH ports"]);
}

#[test]
fn references_are_the_same_with_and_without_what_is_implied() {
    assert!(same_image("alpine", "alpine:latest"));
    assert!(same_image("docker.io/library/alpine:3", "alpine:3"));
    assert!(same_image("host:5000/alpine", "host:5000/alpine:latest"));
    assert!(!same_image("alpine:3", "alpine"));
    assert!(!same_image("minicloud/base", "base"));
}
