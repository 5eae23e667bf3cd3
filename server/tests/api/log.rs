//! The live log.

use std::time::{Duration, Instant};

use app::model::LogLevel;

use crate::house::{House, Person};

/// Access that is taken back ends what is open within 5 s; three times that is the test's patience.
const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_what_was_and_what_comes_and_leaves_with_its_token() {
    let house = House::new().await;
    house.log("node-7", LogLevel::Warn, "this was before AFTER came");
    let path = "/api/v1/admin/logs?source=node-7&level=warn&text=AFTER";
    let mut stream = house.stream(Person::Admin, path).await;
    assert_eq!(stream.status(), 200);
    let mut text = String::new();
    more(&mut stream, &mut text, "this was before").await;
    house.log("node-7", LogLevel::Info, "for nobody: too quiet");
    house.log("node-8", LogLevel::Error, "for nobody: another source");
    house.log("node-7", LogLevel::Error, "for nobody: another text");
    house.log("node-7", LogLevel::Error, "after\nin two lines");
    more(&mut stream, &mut text, "in two lines").await;
    assert!(!text.contains("for nobody"), "{text}");
    let tokens = house
        .by_token(Person::Admin, "GET", "/api/v1/me/tokens", "")
        .await;
    let id = tokens.json()[0]["id"].as_str().unwrap().to_owned();
    let begun = Instant::now();
    let path = format!("/api/v1/me/tokens/{id}");
    assert_eq!(
        house
            .by_token(Person::Admin, "DELETE", &path, "")
            .await
            .status,
        204
    );
    let ended = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    println!("the stream ended {:?} after its token", begun.elapsed());
    house.end().await;
}

/// More than all buffers on the way hold, and what the server keeps for one reader (4,096 lines).
const FLOOD: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_who_falls_behind_is_told_what_was_left_out() {
    let house = House::new().await;
    let path = "/api/v1/admin/logs?source=node-7&level=info";
    let mut stream = house.stream(Person::Admin, path).await;
    house.log("node-7", LogLevel::Info, "the first");
    more(&mut stream, &mut String::new(), "the first").await;
    let long = "x".repeat(3_000);
    for _ in 0..FLOOD {
        house.log("node-7", LogLevel::Info, &long);
    }
    house.log("node-7", LogLevel::Info, "the last");
    let (mut text, mut gaps) = (String::new(), Vec::new());
    while !text.contains("the last") {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(&String::from_utf8_lossy(&chunk));
        let lines = text.lines().filter(|line| line.ends_with('}'));
        let said = lines.filter(|line| line.contains("left out here: "));
        gaps.extend(said.map(str::to_owned));
        // Whole lines were looked at.
        let end = text.rfind('\n').map_or(0, |end| end + 1);
        if !text.contains("the last") {
            text.drain(..end);
        }
    }
    assert!(!gaps.is_empty(), "nothing was left out, or nothing is said");
    for gap in gaps {
        assert!(gap.contains(r#""source":"server","level":"warn""#), "{gap}");
    }
    house.end().await;
}

/// Reads on until this has come.
async fn more(stream: &mut reqwest::Response, text: &mut String, wanted: &str) {
    let reading = async {
        while !text.contains(wanted) {
            let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
}
