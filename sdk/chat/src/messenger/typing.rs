//! Keys: they change the line being written, which is on the disk before the next one is read.

use crossterm::event::KeyEvent;
use godwit_sdk::Draft;

use super::{Flow, Messenger};
use crate::Error;
use crate::command;
use crate::composer::Composer;
use crate::keys::{Meaning, meaning};

/// What is typed before a conversation is open is kept under this name.
const NOBODY: &str = "";

impl Messenger {
    pub(super) async fn key(&mut self, key: KeyEvent) -> Result<Flow, Error> {
        let composer = &mut self.desk.composer;
        match meaning(key) {
            Meaning::Quit => return Ok(Flow::Quit),
            Meaning::Enter => return self.enter().await,
            Meaning::Character(character) => self.write(character.encode_utf8(&mut [0; 4]))?,
            Meaning::NewLine => self.write("\n")?,
            Meaning::Backspace => {
                composer.delete_before();
                self.keep()?;
            }
            Meaning::Delete => {
                composer.delete_after();
                self.keep()?;
            }
            Meaning::DeleteWord => {
                composer.delete_word();
                self.keep()?;
            }
            Meaning::Left => composer.left(),
            Meaning::Right => composer.right(),
            Meaning::Home => composer.home(),
            Meaning::End => composer.end(),
            Meaning::NextConversation => self.step(true).await?,
            Meaning::FormerConversation => self.step(false).await?,
            Meaning::ScrollUp(lines) => self.scroll_up(lines),
            Meaning::ScrollDown(lines) => self.desk.scroll = self.desk.scroll.saturating_sub(lines),
            Meaning::Dismiss => {
                self.desk.shows_help = false;
                self.desk.notice = None;
                self.desk.scroll = 0;
            }
            Meaning::Nothing => {}
        }
        Ok(Flow::GoOn)
    }

    /// Puts text into the line.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Error> {
        if !self.desk.composer.insert(text) {
            self.desk.say("a text has at most 32 KiB; the rest was left out");
        }
        self.keep()
    }

    /// Puts the line on the disk.
    pub(super) fn keep(&mut self) -> Result<(), Error> {
        let address = self.desk.open.as_deref().unwrap_or(NOBODY);
        self.unsent.keep(address, self.desk.composer.text())
    }

    async fn enter(&mut self) -> Result<Flow, Error> {
        let text = self.desk.composer.text();
        if text.trim().is_empty() {
            return Ok(Flow::GoOn);
        }
        match command::read(&text) {
            Some(Ok(command)) => {
                self.clear()?;
                self.desk.notice = None;
                self.act(command).await
            }
            Some(Err(why)) => {
                self.desk.say(why);
                Ok(Flow::GoOn)
            }
            None => {
                self.send(text.strip_prefix('/').unwrap_or(&text)).await?;
                Ok(Flow::GoOn)
            }
        }
    }

    /// The line is emptied only when the outbox has the draft.
    async fn send(&mut self, text: &str) -> Result<(), Error> {
        let Some(address) = self.desk.open.clone() else {
            self.desk.say("to whom? write /to USER first");
            return Ok(());
        };
        match self.client.send(Draft::text(address, text)).await {
            Ok(_) => {
                self.clear()?;
                self.desk.scroll = 0;
                self.refresh().await?;
            }
            Err(error) => self.desk.say(error.to_string()),
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.desk.composer = Composer::default();
        self.keep()
    }

    async fn step(&mut self, down: bool) -> Result<(), Error> {
        match self.desk.neighbour(down) {
            Some(address) => self.open(address).await,
            None => Ok(()),
        }
    }

    /// At the beginning of what is here, the platform is asked for more.
    fn scroll_up(&mut self, lines: usize) {
        self.desk.scroll = (self.desk.scroll + lines).min(self.desk.messages.len());
        let first = self.desk.messages.first().map(|message| message.seq);
        if let (Some(conv), Some(first)) = (self.desk.conv.clone(), first)
            && self.desk.scroll >= self.desk.messages.len()
            && self.asking.is_none()
        {
            let client = self.client.clone();
            self.ask(async move {
                match client.fetch_older(&conv, first, 50).await {
                    Ok(0) => "this is where it begins".to_owned(),
                    Ok(count) => format!("{count} older messages"),
                    Err(error) => error.to_string(),
                }
            });
        }
    }
}
