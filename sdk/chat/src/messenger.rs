//! The loop: keys and events come in, the desk changes, the client is asked, the screen is drawn.

mod acting;
mod typing;

use crossterm::event::{Event as Input, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use godwit_sdk::{Client, Event, Registration};
use tokio::task::JoinHandle;

use crate::Error;
use crate::composer::Composer;
use crate::desk::Desk;
use crate::terminal::Screen;
use crate::unsent::Unsent;

/// Messages of the open conversation that are in sight or above it.
const THREAD_MESSAGES: usize = 200;

/// Somebody's messenger.
pub(crate) struct Messenger {
    client: Client,
    unsent: Unsent,
    desk: Desk,
    /// A question to the platform that has not been answered; its answer is the notice.
    asking: Option<JoinHandle<String>>,
}

/// Whether the messenger goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Quit,
}

impl Messenger {
    pub(crate) fn new(client: Client, unsent: Unsent, open: Option<String>) -> Self {
        let open = open.or_else(|| unsent.open_address().map(str::to_owned));
        let typed = unsent.text(open.as_deref().unwrap_or_default());
        let desk = Desk {
            open,
            composer: Composer::with(typed),
            ..Desk::default()
        };
        Self {
            client,
            unsent,
            desk,
            asking: None,
        }
    }

    /// Runs until the user leaves.
    pub(crate) async fn run(&mut self, screen: &mut Screen, registration: Registration) -> Result<(), Error> {
        let mut events = self.client.events();
        let mut inputs = EventStream::new();
        self.register(registration);
        self.refresh().await?;
        loop {
            screen.draw(&self.desk).map_err(Error::Terminal)?;
            tokio::select! {
                input = inputs.next() => match input {
                    Some(Ok(input)) => {
                        if self.input(input).await? == Flow::Quit {
                            break;
                        }
                    }
                    Some(Err(error)) => return Err(Error::Terminal(error)),
                    None => break,
                },
                event = events.next() => match event {
                    Some(event) => self.event(event).await?,
                    None => break,
                },
                said = answered(&mut self.asking) => {
                    self.asking = None;
                    self.desk.say(said);
                    self.refresh().await?;
                }
            }
        }
        self.client.disconnect().await;
        Ok(())
    }

    /// Registers and connects in the background: the screen is there at once.
    fn register(&mut self, registration: Registration) {
        let client = self.client.clone();
        self.ask(async move {
            let registered = client.register(registration).await;
            let connected = client.connect();
            match (registered, connected) {
                (Ok(profile), Ok(())) => format!("signed in as {}", profile.user_id),
                // The former credentials are still good, and the outbox keeps what is written.
                (Err(error), Ok(())) => format!("not signed in anew: {error}"),
                (Err(error), Err(_)) | (Ok(_), Err(error)) => format!("not signed in: {error}"),
            }
        });
    }

    /// Asks the platform something; the answer becomes the notice. One at a time.
    fn ask(&mut self, question: impl Future<Output = String> + Send + 'static) {
        if self.asking.is_some() {
            self.desk.say("one thing at a time: the last one is not answered yet");
        } else {
            self.asking = Some(tokio::spawn(question));
        }
    }

    async fn input(&mut self, input: Input) -> Result<Flow, Error> {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => self.key(key).await,
            Input::Paste(text) => {
                self.write(&text)?;
                Ok(Flow::GoOn)
            }
            _ => Ok(Flow::GoOn),
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Connection(state) => self.desk.connection = state,
            Event::Gap { from, to } => self.desk.say(format!("messages {from} to {to} are no longer kept")),
            Event::Hint { .. } => {}
            _ => self.refresh().await?,
        }
        Ok(())
    }

    /// Takes what is shown out of the local table.
    async fn refresh(&mut self) -> Result<(), Error> {
        let Some(profile) = self.client.profile() else {
            return Ok(());
        };
        self.desk.me = profile.user_id;
        self.desk.connection = self.client.connection();
        let conversations = self.client.conversations().await?;
        self.desk.list(&conversations, |address| self.unsent.has(address));
        let Some(open) = self.desk.open.clone() else {
            return Ok(());
        };
        self.desk.waiting = self.client.unsettled(Some(&open)).await?;
        self.desk.messages = match &self.desk.conv {
            Some(conv) => self.client.messages(conv, None, THREAD_MESSAGES).await?,
            None => Vec::new(),
        };
        if let (Some(conv), Some(last)) = (&self.desk.conv, self.desk.messages.last()) {
            self.client.mark_read(conv, last.seq).await?;
        }
        Ok(())
    }

    /// Opens a conversation; what was typed in the former one stays there.
    async fn open(&mut self, address: String) -> Result<(), Error> {
        self.desk.composer = Composer::with(self.unsent.text(&address));
        self.unsent.keep(&address, self.desk.composer.text())?;
        self.desk.open = Some(address);
        self.desk.scroll = 0;
        self.desk.shows_help = false;
        self.refresh().await
    }
}

/// The answer to a question, if there is one.
async fn answered(asking: &mut Option<JoinHandle<String>>) -> String {
    match asking {
        Some(asking) => asking.await.unwrap_or_else(|error| format!("that failed: {error}")),
        None => std::future::pending().await,
    }
}
