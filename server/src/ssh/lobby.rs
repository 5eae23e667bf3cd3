//! The lobby, `ssh USER@host`: a few words to manage one's VMs, one as the command of the session or
//! line by line. The same rights, events and exit codes as the API and the `minicloud` command.

mod command;
mod line;
mod reply;
mod run;

use app::control_plane::VmPlane as _;

use super::{
    channel::{Event, Inbox, Start},
    outbox::{Gone, Outbox},
    session::{Guest, Pty, Wish, in_vm},
};
use command::{Command, LINE_MAX};
use line::{Line, Typed};
use reply::exit;

/// A session in the lobby.
struct Lobby<'a> {
    guest: &'a Guest,
    pty: Option<Pty>,
    env: Vec<(String, String)>,
    inbox: &'a mut Inbox,
    out: &'a mut Outbox,
    /// Bytes that were typed behind the last line.
    ahead: std::collections::VecDeque<u8>,
}

/// Serves a session to its end; the exit code is the last command's.
pub async fn serve(
    guest: &Guest,
    wish: Wish,
    inbox: &mut Inbox,
    out: &mut Outbox,
) -> Result<i32, Gone> {
    let mut lobby = Lobby {
        guest,
        pty: wish.pty,
        env: wish.env,
        inbox,
        out,
        ahead: std::collections::VecDeque::new(),
    };
    match wish.start {
        Start::Exec(command) => {
            let command = String::from_utf8_lossy(&command).into_owned();
            lobby.one(&command, false).await
        }
        _ if lobby.pty.is_some() => lobby.prompt().await,
        _ => lobby.script().await,
    }
}

impl Lobby<'_> {
    /// One command. `asks`: somebody is there to be asked.
    async fn one(&mut self, text: &str, asks: bool) -> Result<i32, Gone> {
        let command = match command::parse(text) {
            Ok(command) => command,
            Err(words) => {
                self.out.say(&words).await?;
                return Ok(exit::USAGE);
            }
        };
        match command {
            Command::Shell { name } => self.shell(&name).await,
            Command::Remove {
                names,
                yes: false,
                json,
            } if asks => {
                let question = format!(
                    "Delete {} and all files in it for good? [y/N] ",
                    names.join(", ")
                );
                match self.ask(&question).await?.as_deref().map(str::trim) {
                    Some("y" | "Y" | "yes") => {
                        let yes = true;
                        self.run(&Command::Remove { names, yes, json }).await
                    }
                    _ => {
                        self.out.say("nothing was deleted").await?;
                        Ok(exit::FAILURE)
                    }
                }
            }
            command => self.run(&command).await,
        }
    }

    /// Who leaves meanwhile is not waited for; what was asked is done all the same.
    async fn run(&self, command: &Command) -> Result<i32, Gone> {
        self.guest.turn(&command.method()).await?;
        let running = run::run(self.guest, command, self.out);
        let ran = self.guest.closed.run_until_cancelled(running).await;
        ran.ok_or(Gone)?
    }

    async fn shell(&mut self, name: &str) -> Result<i32, Gone> {
        let wish = Wish {
            pty: self.pty.clone(),
            env: self.env.clone(),
            start: Start::Shell,
        };
        // What was typed ahead is for the shell.
        let ahead: Vec<u8> = self.ahead.drain(..).collect();
        self.inbox.give_back(ahead.into());
        in_vm(self.guest, name, wish, self.inbox, self.out).await
    }

    /// Line by line, at a prompt.
    async fn prompt(&mut self) -> Result<i32, Gone> {
        self.out.print(&self.welcome().await).await?;
        let prompt = format!("{}> ", self.guest.actor.name);
        let mut code = 0;
        while let Some(text) = self.ask(&prompt).await? {
            if is_exit(&text) {
                return Ok(code);
            }
            code = self.one(&text, true).await?;
        }
        self.out.print("\n").await?;
        Ok(code)
    }

    async fn welcome(&self) -> String {
        let name = &self.guest.actor.name;
        let vms = match self.guest.plane.vm_list().await {
            Ok(list) => match list.vms.len() {
                1 => "You have 1 VM.".to_owned(),
                vms => format!("You have {vms} VMs."),
            },
            Err(error) => error.message,
        };
        format!("MiniCloud, {name}. {vms} Type help for what can be done here, exit to leave.\n")
    }

    /// Line by line, from a pipe; stops at the first that fails, as a script that is careful does.
    async fn script(&mut self) -> Result<i32, Gone> {
        while let Some(line) = self.piped().await? {
            if is_exit(&line) {
                break;
            }
            let code = self.one(&line, false).await?;
            if code != 0 {
                return Ok(code);
            }
        }
        Ok(0)
    }

    /// The next line of a pipe, or as much of it as shows that it is too long.
    async fn piped(&mut self) -> Result<Option<String>, Gone> {
        let mut text = Vec::new();
        while text.len() <= LINE_MAX {
            match self.byte().await? {
                Some(b'\n') => break,
                Some(byte) => text.push(byte),
                None if text.is_empty() => return Ok(None),
                None => break,
            }
        }
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    /// Shows a prompt and reads a line; None: no more is typed.
    async fn ask(&mut self, prompt: &str) -> Result<Option<String>, Gone> {
        let mut line = Line::default();
        self.out.print(prompt).await?;
        loop {
            let Some(byte) = self.byte().await? else {
                return Ok(None);
            };
            let mut echo = Vec::new();
            let typed = line.feed(byte, &mut echo);
            if !echo.is_empty() {
                self.out.out(echo).await?;
            }
            match typed {
                None => {}
                Some(Typed::Line(text)) => return Ok(Some(text)),
                Some(Typed::Interrupt) => return Ok(Some(String::new())),
                Some(Typed::End) => return Ok(None),
            }
        }
    }

    /// The next byte that was typed; None: no more come.
    async fn byte(&mut self) -> Result<Option<u8>, Gone> {
        loop {
            if let Some(byte) = self.ahead.pop_front() {
                return Ok(Some(byte));
            }
            if self.inbox.has_ended() {
                return Ok(None);
            }
            match self.inbox.next().await.ok_or(Gone)? {
                Event::Data(bytes) => self.ahead.extend(bytes),
                Event::Eof
                | Event::Pty { .. }
                | Event::Env(..)
                | Event::Start(_)
                | Event::Resize(_)
                | Event::Signal(_) => {}
            }
        }
    }
}

fn is_exit(line: &str) -> bool {
    matches!(line.trim(), "exit" | "quit" | "logout")
}
