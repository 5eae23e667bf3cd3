//! `vm rm`.

use clap::Args;

use super::{Wait, vm_missing};
use crate::{
    context::Context,
    error::CliError,
    prompt,
    wait::{Before, Goal, vm_wait},
};

/// Asks once for all of them.
#[derive(Debug, Args)]
pub struct Remove {
    /// The machines
    #[arg(required = true)]
    names: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    wait: Wait,
}

impl Remove {
    /// One after the other; ends at the first that fails.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let names = self.names.join(", ");
        if !confirmed(
            self.yes,
            &format!("Delete {names} and all files in it for good?"),
        )? {
            return Err(CliError::Failed("nothing was deleted".into()));
        }
        for name in &self.names {
            if let Err(error) = self.one(context, name).await {
                return Err(vm_missing(&context.client, name, error).await);
            }
        }
        Ok(())
    }

    async fn one(&self, context: &Context, name: &str) -> Result<(), CliError> {
        let client = &context.client;
        let before = Before::of(&client.vm_get(name).await?.vm);
        client.vm_delete(name).await?;
        let Some(limit) = self.wait.limit() else {
            return context.out.say(&format!("{name} is being deleted"));
        };
        vm_wait(client, name, Goal::Gone, before, limit).await?;
        context.out.say(&format!("{name} was deleted"))
    }
}

/// True when it may be done: said in advance, or asked for now. Scripts have to say so.
pub fn confirmed(yes: bool, question: &str) -> Result<bool, CliError> {
    if yes {
        return Ok(true);
    }
    if !prompt::is_interactive() {
        return Err(CliError::Usage(
            "this cannot be undone; without a terminal to ask at, say --yes".into(),
        ));
    }
    prompt::yes(question)
}
