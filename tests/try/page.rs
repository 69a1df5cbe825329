//! The page to try the platform, seen with a visitor's eyes and worked with a visitor's hands.

use std::collections::BTreeMap;

use kit::{Server, wait_for};
use serde::Deserialize;

use crate::webdriver::{Browser, ENTER};

/// What each phone shows, oldest first.
const SHOWN: &str =
    "return [...document.querySelectorAll(`[data-phone=\"${arguments[0]}\"] .entries .text`)].map(e => e.textContent)";
/// What a phone's lock screen shows.
const PUSHES: &str = "return [...document.querySelectorAll(`[data-phone=\"${arguments[0]}\"] .push`)] \
    .map(e => [e.querySelector('b').textContent, e.querySelector('.body').textContent, e.dataset.state])";
/// The row of the strip for a text; null when there is none.
const JOURNEY: &str = "const row = [...document.querySelectorAll('.journey')].find(r => r.querySelector('q').textContent === arguments[0]); \
    if (!row) return null; \
    const stations = Object.fromEntries([...row.querySelectorAll('.station')].map(s => [s.dataset.station, s.querySelector('small').textContent])); \
    return { state: row.dataset.state, stations }";

/// A row of the strip.
#[derive(Debug, Deserialize)]
struct Journey {
    state: String,
    stations: BTreeMap<String, String>,
}

pub(crate) struct Page {
    pub(crate) browser: Browser,
}

impl Page {
    /// Opens the page and waits until both phones are online.
    pub(crate) async fn open(server: &Server) -> Self {
        let browser = Browser::start().await;
        browser.open(&format!("http://{}/try", server.addresses().http)).await;
        let page = Self { browser };
        page.expect_state("alice", "online").await;
        page.expect_state("bob", "online").await;
        page
    }

    /// Writes a message on a phone and sends it with Enter.
    pub(crate) async fn write(&self, phone: &str, text: &str) {
        let field = format!("[data-phone=\"{phone}\"] .composer input");
        self.browser.type_into(&field, &format!("{text}{ENTER}")).await;
    }

    /// Presses the button that takes a phone offline, or back.
    pub(crate) async fn switch(&self, phone: &str) {
        self.browser.click(&format!("[data-phone=\"{phone}\"] .switch")).await;
    }

    pub(crate) async fn expect_state(&self, phone: &str, state: &str) {
        let script = "return document.querySelector(`[data-phone=\"${arguments[0]}\"]`)?.dataset.state ?? null";
        wait_for(&format!("{phone} to be {state}"), async || {
            (self.browser.run(script, &[phone]).await == state).then_some(())
        })
        .await;
    }

    pub(crate) async fn shown(&self, phone: &str) -> Vec<String> {
        let shown = self.browser.run(SHOWN, &[phone]).await;
        serde_json::from_value(shown).expect("a list of texts")
    }

    /// Waits until a phone shows this many messages, and gives them.
    pub(crate) async fn expect_shown(&self, phone: &str, count: usize) -> Vec<String> {
        wait_for(&format!("{phone} to show {count} messages"), async || {
            let shown = self.shown(phone).await;
            (shown.len() >= count).then_some(shown)
        })
        .await
    }

    /// What a phone's lock screen shows: title, body and state, oldest first.
    pub(crate) async fn pushes(&self, phone: &str) -> Vec<(String, String, String)> {
        let shown = self.browser.run(PUSHES, &[phone]).await;
        serde_json::from_value(shown).expect("a list of notifications")
    }

    pub(crate) async fn expect_pushes(&self, phone: &str, expected: &[(&str, &str, &str)]) {
        wait_for(&format!("{phone}'s lock screen to show {expected:?}"), async || {
            let shown = self.pushes(phone).await;
            let shown = shown
                .iter()
                .map(|(title, body, state)| (title.as_str(), body.as_str(), state.as_str()));
            shown.eq(expected.iter().copied()).then_some(())
        })
        .await;
    }

    /// Waits until the number on a phone's icon is this; nothing for none.
    pub(crate) async fn expect_badge(&self, phone: &str, expected: &str) {
        let script = "const badge = document.querySelector(`[data-phone=\"${arguments[0]}\"] .badge`); \
            return badge.hidden ? '' : badge.textContent";
        wait_for(&format!("{phone}'s icon to say {expected:?}"), async || {
            (self.browser.run(script, &[phone]).await == expected).then_some(())
        })
        .await;
    }

    /// Waits until the strip says that a message is delivered.
    pub(crate) async fn expect_delivered(&self, text: &str) {
        self.expect_journey(text, "delivered", &[]).await;
    }

    /// Waits until a message has come this far, and its stations say what is given.
    pub(crate) async fn expect_journey(&self, text: &str, state: &str, says: &[(&str, &str)]) {
        wait_for(&format!("{text:?} to be {state}, saying {says:?}"), async || {
            let row = self.browser.run(JOURNEY, &[text]).await;
            let row: Journey = serde_json::from_value::<Option<Journey>>(row).expect("a row")?;
            let has_said =
                |(station, part): &(&str, &str)| row.stations.get(*station).is_some_and(|said| said.contains(part));
            (row.state == state && says.iter().all(has_said)).then_some(())
        })
        .await;
    }

    /// The text of an element, as it is shown.
    pub(crate) async fn text_of(&self, selector: &str) -> String {
        let text = self
            .browser
            .run(
                "return document.querySelector(arguments[0])?.textContent ?? null",
                &[selector],
            )
            .await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Fails if the page's own scripts, or the browser's guards around them, complained.
    pub(crate) async fn expect_no_complaints(&self) {
        let complaints = self.browser.complaints().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// The texts `first 1`, `first 2`, … that a story sends.
pub(crate) fn numbered(name: &str, numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("{name} {number}")).collect()
}
