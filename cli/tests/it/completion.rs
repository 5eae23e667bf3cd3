//! Completion scripts, by the shells they are for.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use super::run::User;

/// Writes the script of `shell` to a file.
fn script(user: &User, shell: &str) -> (PathBuf, String) {
    let ran = user.run(&["completion", shell]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{shell}");
    let path = user.home.path().join(shell);
    std::fs::write(&path, &ran.out).unwrap();
    (path, ran.out)
}

/// What a program printed; none where it is not installed here.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{program}: {output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// What bash offers after these words, of which the last is begun.
fn offers(script: &Path, words: &[&str]) -> Vec<String> {
    let ask = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; _minicloud minicloud '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let printed = output("bash", &["--norc", "-c", &ask]).unwrap();
    let mut offered: Vec<String> = printed.lines().map(str::to_owned).collect();
    offered.sort();
    offered
}

#[test]
fn bash_completes_commands_options_and_values() {
    let user = User::new("");
    let (path, _) = script(&user, "bash");
    assert_eq!(
        offers(&path, &["minicloud", "vm", "s"]),
        ["shell", "show", "start", "stop"]
    );
    assert_eq!(
        offers(&path, &["minicloud", "vm", "create", "--f"]),
        ["--flavor"]
    );
    assert_eq!(
        offers(&path, &["minicloud", "admin", "node", "un"]),
        ["uncordon"]
    );
    assert_eq!(
        offers(&path, &["minicloud", "admin", "logs", "--level", "w"]),
        ["warn"]
    );
}

#[test]
fn every_shells_script_knows_every_command_and_is_one_that_the_shell_can_read() {
    let user = User::new("");
    for (shell, mark) in [
        ("bash", "complete -F _minicloud"),
        ("zsh", "#compdef minicloud"),
        ("fish", "complete -c minicloud"),
    ] {
        let (path, text) = script(&user, shell);
        assert!(text.contains(mark), "{shell}");
        for command in ["login", "vm", "ssh-config", "uncordon", "reset-password"] {
            assert!(text.contains(command), "{shell} lacks {command}");
        }
        // Where the shell itself is at hand.
        output(shell, &["-n", path.to_str().unwrap()]);
    }
}
