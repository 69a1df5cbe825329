//! What phones would show.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use crate::VendorName;

/// Pushes of one phone that are remembered.
const HISTORY_MAX: usize = 1_000;
/// Phones that are remembered; more are counted only.
const PHONES_MAX: usize = 20_000;

/// One push as a phone got it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The id by which a repeat is told, where the vendor carries one.
    pub id: Option<String>,
    /// First line; empty for what shows nothing.
    pub title: String,
    /// Second line.
    pub body: String,
    /// The number on the app's icon, if the push sets it.
    pub badge: Option<u32>,
    /// A later push with the same takes the place of the earlier.
    pub collapse: Option<String>,
    /// Its sound.
    pub sound: Option<String>,
    /// Whether it rings as a call.
    pub rings: bool,
    /// Whether it shows nothing.
    pub silent: bool,
    /// What a tap does, in the vendor's words.
    pub tap: Option<String>,
    /// What the app reads.
    pub data: BTreeMap<String, String>,
}

/// A phone with one app on it.
#[derive(Clone, Debug, Default)]
pub struct Phone {
    /// What is shown now, oldest first.
    pub shade: Vec<Shown>,
    /// The number on the app's icon.
    pub badge: Option<u32>,
    /// Everything that came, oldest first; the last thousand.
    pub history: VecDeque<Shown>,
    /// Repeats that were told by their id and shown once.
    pub repeats: usize,
    /// Whether it is off: what comes waits at the vendor.
    pub is_off: bool,
    waiting: Vec<Shown>,
}

/// What a vendor keeps for a phone that is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// The newest only, as Apple does.
    Newest,
    /// All.
    All,
}

impl Phone {
    fn receive(&mut self, shown: Shown, keeps: Keeps) {
        if self.is_off {
            if keeps == Keeps::Newest {
                self.waiting.clear();
            }
            self.waiting.push(shown);
            return;
        }
        self.show(shown);
    }

    fn show(&mut self, shown: Shown) {
        let is_repeat = |earlier: &Shown| shown.id.is_some() && earlier.id == shown.id;
        if self.history.iter().any(is_repeat) {
            self.repeats += 1;
            return;
        }
        if shown.badge.is_some() {
            self.badge = shown.badge.filter(|badge| *badge > 0);
        }
        if let Some(withdrawn) = shown.data.get("withdraw") {
            // The app obeys.
            self.shade
                .retain(|earlier| earlier.data.get("collapse") != Some(withdrawn));
        }
        if !shown.silent {
            if shown.collapse.is_some() {
                self.shade.retain(|earlier| earlier.collapse != shown.collapse);
            }
            self.shade.push(shown.clone());
        }
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(shown);
    }
}

/// All phones.
#[derive(Default)]
pub struct Phones {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phones: HashMap<(VendorName, String), Phone>,
    received: u64,
    counts_only: bool,
}

impl Phones {
    /// What a phone shows; one that got nothing shows nothing.
    pub fn look(&self, vendor: VendorName, token: &str) -> Phone {
        let state = self.state();
        state
            .phones
            .get(&(vendor, token.to_owned()))
            .cloned()
            .unwrap_or_default()
    }

    /// Every phone that got something, with its vendor and token.
    pub fn all(&self) -> Vec<(VendorName, String, Phone)> {
        let state = self.state();
        let all = state.phones.iter();
        all.map(|((vendor, token), phone)| (*vendor, token.clone(), phone.clone()))
            .collect()
    }

    /// Pushes that all phones together were sent.
    pub fn received(&self) -> u64 {
        self.state().received
    }

    /// Remembers no pushes from now on and only counts them, as a load of many wants it.
    pub fn count_only(&self) {
        self.state().counts_only = true;
    }

    /// Turns a phone off: what comes waits at the vendor.
    pub fn switch_off(&self, vendor: VendorName, token: &str) {
        self.state()
            .phones
            .entry((vendor, token.to_owned()))
            .or_default()
            .is_off = true;
    }

    /// Turns a phone on: what waited comes.
    pub fn switch_on(&self, vendor: VendorName, token: &str) {
        let mut state = self.state();
        let phone = state.phones.entry((vendor, token.to_owned())).or_default();
        phone.is_off = false;
        for shown in std::mem::take(&mut phone.waiting) {
            phone.show(shown);
        }
    }

    pub(crate) fn receive(&self, vendor: VendorName, token: &str, shown: Shown, keeps: Keeps) {
        let mut state = self.state();
        state.received += 1;
        if state.counts_only {
            return;
        }
        let name = (vendor, token.to_owned());
        if state.phones.len() < PHONES_MAX || state.phones.contains_key(&name) {
            state.phones.entry(name).or_default().receive(shown, keeps);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the phones")
    }
}
