//! `?wait=`: a wait that runs out answers with the state reached, and the change goes on.

use node::driver::sim::SimCall;

use crate::house::{House, Person};

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_runs_out_says_how_far_it_has_come() {
    let house = House::new().await;
    let ask = async |method: &str, path: &str| {
        let path = format!("/api/v1/vms/web1{path}");
        house.by_token(Person::Ann, method, &path, "").await
    };
    house.engine().configure(|sim| sim.hold.push(SimCall::Stop));
    let stopping = ask("POST", "/stop?wait=1s").await;
    assert_eq!(
        (stopping.status, stopping.json()["state"].as_str()),
        (200, Some("stopping")),
        "{stopping:?}"
    );
    house.engine().configure(|sim| sim.hold.clear());
    // It has not been given up.
    let stopped = ask("POST", "/stop?wait=30s").await;
    assert_eq!(stopped.json()["state"], "stopped");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_takes_its_time_is_accepted_and_told_of() {
    let house = House::new().await;
    house.engine().set_silent(true);
    let (id, id2) = (&house.things["vm_id"], &house.things["vm2_id"]);
    for (person, path, id) in [
        (Person::Ann, "/api/v1/vms/web1?wait=1s".to_owned(), id),
        (Person::Admin, format!("/api/v1/admin/vms/{id2}"), id2),
    ] {
        let answer = house.by_token(person, "DELETE", &path, "").await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let vm: server_api::vm::Vm = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(
            (&vm.id, answer.json()["state"].as_str()),
            (id, Some("deleting"))
        );
    }
    house.engine().set_silent(false);
    let gone = house
        .by_token(Person::Ann, "DELETE", "/api/v1/vms/web1?wait=30s", "")
        .await;
    assert!([204, 404].contains(&gone.status), "{gone:?}");
    house.end().await;
}
