//! Commands: what they ask of the client.

use godwit_sdk::{Client, Content, Error as ClientError, OutgoingState};

use super::{Flow, Messenger};
use crate::Error;
use crate::command::Command;
use crate::composer::Composer;

impl Messenger {
    pub(super) async fn act(&mut self, command: Command) -> Result<Flow, Error> {
        match command {
            Command::Quit => return Ok(Flow::Quit),
            Command::Help => self.desk.shows_help = !self.desk.shows_help,
            Command::Open(address) => self.open(address).await?,
            Command::Again => self.again().await?,
            Command::Recall => self.recall(),
            Command::Connect => self.connect(),
            Command::Group { name, members } => self.make_group(name, members),
            Command::Add(members) => self.in_group("added", members, Member::Add),
            Command::Remove(members) => self.in_group("removed", members, Member::Remove),
            Command::Leave => self.in_group("left", Vec::new(), Member::Leave),
        }
        Ok(Flow::GoOn)
    }

    /// Puts the newest refused draft back into the line.
    async fn again(&mut self) -> Result<(), Error> {
        let is_refused = |state: &OutgoingState| matches!(state, OutgoingState::Refused { .. });
        let refused = self
            .desk
            .waiting
            .iter()
            .rev()
            .find(|waiting| is_refused(&waiting.state));
        let Some((id, Some(Content::Text(text)))) =
            refused.map(|waiting| (waiting.id.clone(), waiting.content.clone()))
        else {
            self.desk.say("no refused text here");
            return Ok(());
        };
        self.desk.composer = Composer::with(text);
        self.keep()?;
        self.client.discard(&id).await?;
        self.refresh().await
    }

    fn recall(&mut self) {
        let Some(server_id) = self.desk.newest_own().map(|message| message.server_id.clone()) else {
            self.desk.say("nothing of yours to take back here");
            return;
        };
        let client = self.client.clone();
        self.ask(async move { said(client.recall(&server_id).await, "taken back") });
    }

    fn connect(&mut self) {
        match self.client.connect() {
            Ok(()) => self.client.network_changed(),
            Err(error) => self.desk.say(error.to_string()),
        }
    }

    fn make_group(&mut self, name: String, members: Vec<String>) {
        let client = self.client.clone();
        self.ask(async move {
            let members: Vec<_> = members.iter().map(String::as_str).collect();
            match client.create_group(&name, None, &members).await {
                Ok(group) => format!("made: /to g:{}", group.id),
                Err(error) => error.to_string(),
            }
        });
    }

    fn in_group(&mut self, done: &'static str, members: Vec<String>, change: Member) {
        let Some(group) = self.desk.open_group().map(str::to_owned) else {
            self.desk.say("open a group first: /to g:ID");
            return;
        };
        let client = self.client.clone();
        self.ask(async move { said(change.apply(&client, &group, &members).await, done) });
    }
}

/// How the members of a group change.
#[derive(Clone, Copy)]
enum Member {
    Add,
    Remove,
    Leave,
}

impl Member {
    async fn apply(self, client: &Client, group: &str, members: &[String]) -> Result<(), ClientError> {
        let members: Vec<_> = members.iter().map(String::as_str).collect();
        match self {
            Self::Add => client.add_members(group, &members).await.map(drop),
            Self::Remove => client.remove_members(group, &members).await.map(drop),
            Self::Leave => client.leave_group(group).await,
        }
    }
}

fn said(outcome: Result<(), ClientError>, done: &str) -> String {
    match outcome {
        Ok(()) => done.to_owned(),
        Err(error) => error.to_string(),
    }
}
