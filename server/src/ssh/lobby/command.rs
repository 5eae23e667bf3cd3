//! The lobby's commands, as they are typed. Pure.

use http::Method;

/// Bytes of a line at most.
pub const LINE_MAX: usize = 4_096;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An empty line, or a word of goodbye.
    Nothing,
    Help,
    /// One's own VMs; `json` as of the API, here as below.
    List {
        json: bool,
    },
    /// Makes a VM and waits until it runs.
    New {
        /// What is not said is chosen.
        name: Option<String>,
        size: Option<String>,
        image: Option<String>,
        publish_ssh: bool,
        json: bool,
    },
    /// Fine where it runs already.
    Start {
        name: String,
        json: bool,
    },
    /// Shuts it down; the disk is kept.
    Stop {
        name: String,
        json: bool,
    },
    /// For good. Unless `yes`, it is asked about, or refused where nobody is there to be asked.
    Remove {
        names: Vec<String>,
        yes: bool,
        json: bool,
    },
    /// A terminal in a VM, in place of the lobby.
    Shell {
        name: String,
    },
}

impl Command {
    /// That of a call of the API that is as much work.
    pub fn method(&self) -> Method {
        match self {
            Self::Nothing | Self::Help | Self::List { .. } => Method::GET,
            Self::New { .. }
            | Self::Start { .. }
            | Self::Stop { .. }
            | Self::Remove { .. }
            | Self::Shell { .. } => Method::POST,
        }
    }
}

/// Reads a line; Err is what is wrong with it.
pub fn parse(text: &str) -> Result<Command, String> {
    if text.len() > LINE_MAX {
        return Err("a line has at most 4 KiB".into());
    }
    let words = shlex::split(text).ok_or("a quote is not closed")?;
    let mut words = words.into_iter();
    let Some(verb) = words.next() else {
        return Ok(Command::Nothing);
    };
    let mut rest = Words(words.collect());
    let command = match verb.as_str() {
        "ls" | "list" => Command::List {
            json: rest.flag("--json"),
        },
        "new" | "create" => Command::New {
            json: rest.flag("--json"),
            publish_ssh: rest.flag("--publish-ssh"),
            size: rest.value("--size")?,
            image: rest.value("--image")?,
            name: rest.next()?,
        },
        "start" => Command::Start {
            json: rest.flag("--json"),
            name: rest.name("start")?,
        },
        "stop" => Command::Stop {
            json: rest.flag("--json"),
            name: rest.name("stop")?,
        },
        "rm" => Command::Remove {
            json: rest.flag("--json"),
            yes: rest.flag("--yes") | rest.flag("-y"),
            names: rest.names("rm")?,
        },
        "shell" => Command::Shell {
            name: rest.name("shell")?,
        },
        "help" | "--help" | "?" => Command::Help,
        "exit" | "quit" | "logout" => Command::Nothing,
        other => {
            return Err(format!(
                "there is no command {other:?}. Type help for those there are"
            ));
        }
    };
    rest.end(&verb)?;
    Ok(command)
}

/// The words behind the verb that are not read yet.
struct Words(Vec<String>);

impl Words {
    fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// `--size small` or `--size=small`.
    fn value(&mut self, name: &str) -> Result<Option<String>, String> {
        let with = format!("{name}=");
        let at = self
            .0
            .iter()
            .position(|word| word == name || word.starts_with(&with));
        let Some(at) = at else {
            return Ok(None);
        };
        let word = self.0.remove(at);
        if let Some(value) = word.strip_prefix(&with) {
            return Ok(Some(value.to_owned()));
        }
        match at < self.0.len() {
            true => Ok(Some(self.0.remove(at))),
            false => Err(format!("{name} needs a word behind it")),
        }
    }

    /// The next word, if there is one that is no option.
    fn next(&mut self) -> Result<Option<String>, String> {
        match self.0.first() {
            Some(word) if word.starts_with('-') => Err(format!("there is no option {word:?} here")),
            Some(_) => Ok(Some(self.0.remove(0))),
            None => Ok(None),
        }
    }

    fn name(&mut self, verb: &str) -> Result<String, String> {
        self.next()?
            .ok_or_else(|| format!("say which VM: {verb} NAME"))
    }

    fn names(&mut self, verb: &str) -> Result<Vec<String>, String> {
        let mut names = vec![self.name(verb)?];
        while let Some(name) = self.next()? {
            names.push(name);
        }
        Ok(names)
    }

    fn end(&self, verb: &str) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => Err(format!(
                "{verb} does not take {word:?}. Type help for how it is used"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_read() {
        let name = || "web1".to_owned();
        assert_eq!(parse(" \t "), Ok(Command::Nothing));
        assert_eq!(parse("ls --json"), Ok(Command::List { json: true }));
        let new = Command::New {
            name: Some(name()),
            size: Some("small".into()),
            image: Some("alpine".into()),
            publish_ssh: true,
            json: false,
        };
        let line = "new --size small web1 --image=alpine --publish-ssh";
        assert_eq!(parse(line), Ok(new));
        assert_eq!(
            parse("start 'web1'"),
            Ok(Command::Start {
                name: name(),
                json: false
            })
        );
        let remove = Command::Remove {
            names: vec![name(), "web2".into()],
            yes: true,
            json: true,
        };
        assert_eq!(parse("rm web1 --json web2 --yes"), Ok(remove));
        assert_eq!(parse("shell web1"), Ok(Command::Shell { name: name() }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for bad in [
            "frobnicate",
            "start",
            "start a b",
            "ls x",
            "new --size",
            "new a b",
            "rm",
            "rm --force a",
            "shell",
            "start 'web1",
            "ls -l",
            "shell web1 --json",
            "help --json",
        ] {
            let words = parse(bad).unwrap_err();
            assert!(words.len() > 10, "{bad}: {words}");
        }
        assert!(parse(&"a".repeat(LINE_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused_but_never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn any_words_behind_a_verb_are_read_or_refused_but_never_panic(
            verb in "(ls|new|start|stop|rm|shell|help)",
            words in proptest::collection::vec("(--json|--size|--size=|--yes|-y|--|web1|''|\\PC{0,8})", 0..6),
        ) {
            let _ = parse(&format!("{verb} {}", words.join(" ")));
        }
    }
}
