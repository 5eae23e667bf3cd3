//! Brings the helper into a VM: by the VM's own shell, on its standard input.

use std::{convert::Infallible, sync::Arc, time::Duration};

use node_api::error::NodeErrorCode;
use tokio::{
    io::AsyncWriteExt as _,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    broken,
    helper::{self, Packed},
    in_the_way,
    said::said,
};
use crate::driver::{
    DriverError, ProcessControl as _,
    docker::{
        context::Context,
        exec_control::ExecControl,
        process::{self, Begun},
    },
};

/// Takes a new file from standard input: `$1` is the folder, `$2` the file, `$3` its size. It appears
/// whole or not at all, and goes through no symlink; what an earlier one left half done goes away, and once it
/// is there the helpers of other releases do (one that runs runs on).
const SCRIPT: &str = r#"umask 022
if [ -h "$1" ] || [ -d "$2" ]; then exit 41; fi
if [ -e "$1" ] && [ ! -d "$1" ]; then exit 41; fi
mkdir -p "$1" || exit 42
rm -f "$1"/.new.*
n=$1/.new.$$
set -C
if cat >"$n" && [ "$(wc -c <"$n")" -eq "$3" ] && chmod 555 "$n" && mv -f "$n" "$2"; then
for f in "$1"/files-*; do [ "$f" = "$2" ] || rm -f "$f"; done
exit 0
fi
rm -f "$n"
exit 42"#;
/// The script's: something that is not its own stands there.
const IN_THE_WAY: i32 = 41;
/// For 1.2 MB into a VM with a busy disk.
const BRING: Duration = Duration::from_secs(12);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Puts the helper into the VM. `Conflict` where its owner has to mend something, and the message says what;
/// `Timeout` after 12 s.
pub(super) async fn bring(
    context: &Arc<Context>,
    id: Uuid,
    helper: &Packed,
) -> Result<(), DriverError> {
    let (folder, size) = (helper::folder(), helper.content.len().to_string());
    let argv = ["/bin/sh", "-c", SCRIPT, "mc", folder, &helper.path, &size].map(str::to_owned);
    let mut begun = process::begin(context, id, &argv, &[]).await?;
    let Ok(ended) = timeout(BRING, give(&mut begun, &helper.content)).await else {
        let seconds = BRING.as_secs();
        let message =
            format!("the helper for files could not be put into the VM within {seconds} s");
        return Err(DriverError::new(NodeErrorCode::Timeout, message));
    };
    let (said, code) = ended?;
    begun.control.claim();
    match code {
        0 => Ok(()),
        IN_THE_WAY => Err(DriverError::new(
            NodeErrorCode::Conflict,
            in_the_way(&format!(
                "its helper goes to the folder {folder} there, where a file, a symlink or a folder of another kind is in the way"
            )),
        )),
        126 | 127 => Err(broken(&format!(
            "its helper is brought by /bin/sh of the VM, which does not run: {said}"
        ))),
        _ => Err(broken(&format!(
            "its helper could not be put into {folder} there: {said}"
        ))),
    }
}

/// Gives it all, as far as it is taken; what was said meanwhile, and the exit code.
pub(in crate::driver::docker) async fn give(
    begun: &mut Begun,
    content: &[u8],
) -> Result<(String, i32), DriverError> {
    let Begun {
        output,
        input,
        control,
    } = begun;
    let all = async {
        // A script that gives up reads no more; it says why.
        if input.write_all(content).await.is_ok() {
            let _ = input.shutdown().await;
        }
        std::future::pending::<Infallible>().await
    };
    let said = tokio::select! {
        said = said(output) => said?,
        never = all => match never {},
    };
    Ok((said, exit_code(control.control()).await?))
}

/// The output ends a moment before the engine knows the exit code.
async fn exit_code(control: &ExecControl) -> Result<i32, DriverError> {
    loop {
        if let Some(code) = control.exit_code().await? {
            return Ok(code);
        }
        sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use std::{
        fs,
        io::Write as _,
        os::unix::fs::{PermissionsExt as _, symlink},
        path::Path,
        process::{Command, Stdio},
    };

    use super::*;

    /// Runs the script here, in a folder of the test's own.
    fn run(folder: &Path, file: &Path, size: usize, content: &[u8]) -> i32 {
        let mut script = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "mc"])
            .args([folder, file])
            .arg(size.to_string())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // One that gives up does not read.
        let _ = script.stdin.take().unwrap().write_all(content);
        script.wait().unwrap().code().unwrap()
    }

    #[test]
    fn the_file_appears_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a b");
        let file = folder.join("files-1");
        let names = || -> Vec<_> {
            let entries = fs::read_dir(&folder).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(run(&folder, &file, 4, b"cut"), 42);
        assert!(names().is_empty());
        fs::write(folder.join(".new.1"), "left by another").unwrap();
        for content in ["whole", "again"] {
            assert_eq!(run(&folder, &file, 5, content.as_bytes()), 0);
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
            assert_eq!(
                fs::metadata(&file).unwrap().permissions().mode() & 0o7777,
                0o555
            );
            assert_eq!(names(), ["files-1"]);
        }
    }

    #[test]
    fn helpers_of_other_releases_go_once_the_new_one_is_there() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a b");
        fs::create_dir(&folder).unwrap();
        for name in ["files-1", "files-2", "other"] {
            fs::write(folder.join(name), "old").unwrap();
        }
        let file = folder.join("files-3");
        let names = || {
            let entries = fs::read_dir(&folder).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(run(&folder, &file, 4, b"cut"), 42);
        assert_eq!(names(), ["files-1", "files-2", "other"]);
        assert_eq!(run(&folder, &file, 5, b"whole"), 0);
        assert_eq!(names(), ["files-3", "other"]);
    }

    #[test]
    fn what_is_in_the_way_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("elsewhere")).unwrap();
        fs::create_dir_all(at("full/files-1")).unwrap();
        fs::write(at("file"), "mine").unwrap();
        symlink("elsewhere", at("link")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        for name in ["full", "file", "link", "loop", "dangling"] {
            let code = run(&at(name), &at(name).join("files-1"), 1, b"x");
            assert_eq!(code, IN_THE_WAY, "{name}");
        }
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "mine");
        for empty in ["elsewhere", "full/files-1"] {
            assert_eq!(fs::read_dir(at(empty)).unwrap().count(), 0, "{empty}");
        }
        assert!(!at("nowhere").exists());
    }
}
