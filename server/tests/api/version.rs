//! Two admins who change one user.

use crate::house::{Answer, House, Person, in_each_house};

const BOB: &str = "/api/v1/admin/users/bob";

async fn quota(house: &House, vms: u32, seen: Option<&str>) -> Answer {
    let bearer = format!("Bearer {}", house.tokens[&Person::Admin]);
    let mut lines = vec![("authorization", bearer.as_str())];
    lines.extend(seen.map(|seen| ("if-match", seen)));
    let body =
        format!(r#"{{"vms": {vms}, "cpu_millis": 1000, "memory_mib": 1024, "disk_gib": 10}}"#);
    house
        .ask("PUT", &format!("{BOB}/quota"), &lines, &body)
        .await
}

fn version(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_version_that_is_no_more_is_refused_and_changes_nothing() {
    in_each_house(async |house: House| {
        let seen = version(&house.by_token(Person::Admin, "GET", BOB, "").await);
        let newer = version(&quota(&house, 3, Some(&seen)).await);
        assert_ne!(newer, seen);
        let late = quota(&house, 4, Some(&seen)).await;
        let code = late.code();
        assert_eq!(
            (late.status, code.as_deref()),
            (412, Some("changed_meanwhile"))
        );
        let now = house.by_token(Person::Admin, "GET", BOB, "").await;
        assert_eq!(
            (version(&now), now.json()["quota"]["vms_max"].as_u64()),
            (newer.clone(), Some(3))
        );
        // Whoever does not ask for a version changes whatever is there.
        for seen in [None, Some("*"), Some(newer.as_str())] {
            let before = version(&house.by_token(Person::Admin, "GET", BOB, "").await);
            let seen = seen.map(|seen| if seen == newer { before.as_str() } else { seen });
            version(&quota(&house, 5, seen).await);
        }
        house.end().await;
    })
    .await;
}
