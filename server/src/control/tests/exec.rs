//! Commands in VMs.

use app::model::ErrorKind;

use super::cloud::{Cloud, words};
use crate::db::testing::{each_db, user};

#[tokio::test]
async fn a_command_that_takes_too_long_is_told_apart_from_a_node_that_does_not_answer() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let run = async |argv: &[&str], seconds| {
            let argv = argv.iter().map(|word| (*word).to_owned()).collect();
            let control = &cloud.control;
            control.vm_exec(&ann, "web1", argv, Some(seconds)).await
        };
        assert_eq!(run(&["true"], 5).await.unwrap().exit_code, 0);
        let late = words(run(&["sleep", "60"], 1).await);
        assert_eq!(
            (late.kind, late.code.as_str()),
            (ErrorKind::Unavailable, "exec_timeout")
        );
        assert!(
            late.message
                .starts_with("In web1: the command did not end within 1 s"),
            "{}",
            late.message
        );
        cloud.end().await;
    })
    .await;
}
