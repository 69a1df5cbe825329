//! Registers with a ticket, says hello to somebody, and prints what comes: `hello SERVER TICKET TO`.

#![expect(clippy::print_stdout, reason = "an example talks to who runs it")]

use godwit_sdk::{Client, Config, Draft, Event, Registration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(ticket), Some(to)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: hello SERVER TICKET TO".into());
    };
    let client = Client::open(Config::new("hello.db", server)).await?;
    let mut events = client.events();
    let profile = client.register(Registration::with_ticket(ticket)).await?;
    println!("this is {}", profile.user_id);
    client.connect()?;
    client.send(Draft::text(to, "hello")).await?;
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => println!("{} {}: {:?}", message.seq, message.sender, message.content),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
