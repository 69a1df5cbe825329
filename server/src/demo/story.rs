//! The story itself: what happens in which order, and what must be true then.

use std::time::Instant;

use serde_json::Value;

use super::child::Server;
use super::narrator::{Narrator, took};
use super::phone::{Phone, seq};
use super::rest::Backend;
use super::talk::{Acknowledged, Talk, draft};
use crate::failure::Failure;

const GROUP: &str = "weekend";
/// Messages of each who talks while Bob is away.
const MESSAGES: usize = 40;
/// Acknowledged messages, over both, after which the server is killed.
const KILLED_AFTER: usize = 30;

/// Everybody in the story.
struct People {
    alice: Phone,
    bob: Phone,
    carol: Phone,
}

/// Tells the story from its beginning to its end.
pub(super) async fn tell(narrator: &mut Narrator) -> Result<(), Failure> {
    let mut server = Server::new()?;
    narrator.chapter("A server, and three people.");
    let began = Instant::now();
    let pid = server.start().await?;
    narrator.say(&format!(
        "the server listens after {} (pid {pid})",
        took(began.elapsed())
    ));
    let backend = Backend::sign_in(server.http(), &server.first_app()?).await?;
    let mut people = gather(narrator, &backend, server.mqtt()).await?;
    greet(narrator, &people).await?;
    ring(narrator, &server, &mut people).await?;
    vanish_and_talk(narrator, &mut server, &mut people).await?;
    come_back(narrator, &mut people).await?;
    agree(narrator, &backend, &people).await?;
    narrator.chapter("The end.");
    let status = server.stop().await?;
    narrator.check(
        status.success(),
        "told to stop, the server finishes and ends with success",
    );
    Ok(())
}

async fn gather(narrator: &Narrator, backend: &Backend, mqtt: &str) -> Result<People, Failure> {
    let mut people = People {
        alice: Phone::new(backend.register("alice").await?, mqtt),
        bob: Phone::new(backend.register("bob").await?, mqtt),
        carol: Phone::new(backend.register("carol").await?, mqtt),
    };
    narrator.say("Alice, Bob and Carol each registered a phone over REST");
    backend.create_group(GROUP, "alice", &["bob", "carol"]).await?;
    narrator.say(&format!("Alice has a group \"{GROUP}\" with the two others"));
    for phone in [&mut people.alice, &mut people.bob, &mut people.carol] {
        phone.switch_on();
    }
    Ok(people)
}

async fn greet(narrator: &mut Narrator, people: &People) -> Result<(), Failure> {
    narrator.chapter("They talk. Every message is on disk before it is acknowledged.");
    // His phone is connected when this is acknowledged: nothing below needs his vendor.
    people.bob.send(&draft("here", "alice", "Hello, Alice")).await?;
    let began = Instant::now();
    let acknowledged = people.alice.send(&draft("hello", "bob", "Hello, Bob")).await?;
    people.bob.wait_for("hello").await?;
    let (acknowledged, arrived) = (took(acknowledged), took(began.elapsed()));
    narrator.say(&format!(
        "Alice to Bob: acknowledged after {acknowledged}, on Bob's phone after {arrived}"
    ));
    let group = format!("g:{GROUP}");
    people.carol.send(&draft("hello-all", &group, "Hello, all")).await?;
    let received = people.bob.wait_for("hello-all").await?;
    people.alice.wait_for("hello-all").await?;
    narrator.say("Carol to the group: Alice and Bob have it");
    let rebuilt = received["from"] == group && received["to"] == "bob" && received["target"] == "carol";
    narrator.check(
        rebuilt,
        "in the group, Bob's copy is from the group, to Bob, and names Carol",
    );
    Ok(())
}

async fn ring(narrator: &mut Narrator, server: &Server, people: &mut People) -> Result<(), Failure> {
    narrator.chapter("Bob's phone is killed in the middle of it. His vendor, here a stand-in, rings it.");
    // Whatever he has is acknowledged before this is: the server knows that he has it.
    people.bob.send(&draft("answer", "alice", "How are you?")).await?;
    people.bob.vanish();
    let began = Instant::now();
    people.alice.send(&draft("ring", "bob", "Are you there, Bob?")).await?;
    let shown = server.shown("Are you there, Bob?").await?;
    narrator.say(&format!("after {}: {shown}", took(began.elapsed())));
    let says = shown.contains("alice") && shown.contains("badge");
    narrator.check(
        says,
        "the notification names Alice, says what she wrote, and counts what is unread",
    );
    narrator.check(
        server.never_shown("Hello, Bob") && server.never_shown("Hello, all"),
        "no push came for what his phone already had",
    );
    people.bob.switch_on();
    people.bob.wait_for("ring").await?;
    let copies = people.bob.entries();
    let copies = copies.iter().filter(|entry| entry["id"] == "ring").count();
    narrator.check(copies == 1, "Bob opens the app, and has the message once");
    Ok(())
}

async fn vanish_and_talk(narrator: &mut Narrator, server: &mut Server, people: &mut People) -> Result<(), Failure> {
    narrator.chapter("Bob's phone disappears. The others go on, and in the middle of it the server is killed.");
    people.bob.vanish();
    narrator.say("Bob's phone is gone, without a goodbye");
    let (alices, carols) = talks(people);
    let acknowledged = Acknowledged::default();
    let accident = async {
        acknowledged.reach(KILLED_AFTER).await;
        server.kill().await?;
        narrator.say(&format!(
            "SIGKILL after {KILLED_AFTER} acknowledged messages; both others go on sending"
        ));
        let began = Instant::now();
        let pid = server.start().await?;
        narrator.say(&format!(
            "started again: it listens after {} (pid {pid})",
            took(began.elapsed())
        ));
        Ok(())
    };
    let (alice, carol, ()) = tokio::try_join!(alices.run(&acknowledged), carols.run(&acknowledged), accident)?;
    let longest = took(alice.max(carol));
    narrator.say(&format!(
        "all {} messages are acknowledged; the longest wait was {longest}",
        2 * MESSAGES
    ));
    Ok(())
}

/// What Alice and Carol say while Bob is away: to Bob, and to the group.
fn talks(people: &People) -> (Talk<'_>, Talk<'_>) {
    let to = &["bob", "g:weekend"];
    let talk = |phone, name| Talk {
        phone,
        name,
        to,
        count: MESSAGES,
    };
    (talk(&people.alice, "alice"), talk(&people.carol, "carol"))
}

async fn come_back(narrator: &mut Narrator, people: &mut People) -> Result<(), Failure> {
    narrator.chapter("Bob comes back.");
    let before = people.bob.entries().len();
    let began = Instant::now();
    people.bob.switch_on();
    let (alices, carols) = talks(people);
    let (alices, carols) = (alices.ids(), carols.ids());
    for last in [alices.last(), carols.last()].into_iter().flatten() {
        people.bob.wait_for(last).await?;
    }
    let entries = people.bob.entries();
    let missed = entries.len() - before;
    narrator.say(&format!(
        "his phone catches up: {missed} messages in {}",
        took(began.elapsed())
    ));
    for (name, sent) in [("Alice", &alices), ("Carol", &carols)] {
        let received = ids_of(&entries, &name.to_lowercase());
        let claim =
            format!("Bob has each of the {MESSAGES} messages of {name} exactly once, in the order they were sent");
        narrator.check(received == *sent, &claim);
    }
    Ok(())
}

/// The ids of entries that this name began, in the order of arrival.
fn ids_of(entries: &[Value], name: &str) -> Vec<String> {
    let ids = entries.iter().filter_map(|entry| entry["id"].as_str());
    ids.filter(|id| id.split_once('-').is_some_and(|(begin, _)| begin == name))
        .map(str::to_owned)
        .collect()
}

async fn agree(narrator: &mut Narrator, backend: &Backend, people: &People) -> Result<(), Failure> {
    narrator.chapter("Does everybody agree?");
    // The last ones went to the group, so everybody has them in the end.
    for last in ["alice", "carol"].map(|name| format!("{name}-{MESSAGES}")) {
        people.alice.wait_for(&last).await?;
        people.carol.wait_for(&last).await?;
    }
    for (name, phone) in [("Alice", &people.alice), ("Bob", &people.bob), ("Carol", &people.carol)] {
        let stored = backend.inbox(phone.credentials(), 0).await?;
        let entries = phone.entries();
        let (repeats, gaps) = phone.repeats_and_gaps();
        let numbered = entries.iter().zip(1..).all(|(entry, number)| seq(entry) == number);
        let claim = format!("{name}'s {} entries are numbered without a gap", entries.len());
        narrator.check(numbered && gaps == 0, &claim);
        let claim = format!("{name}'s phone holds exactly what the server stored");
        narrator.check(entries == stored, &claim);
        if repeats > 0 {
            narrator.say(&format!(
                "sent to {name} again after the kill, and known by its number: {repeats}"
            ));
        }
    }
    Ok(())
}
