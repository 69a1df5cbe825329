//! What is compared: the loads with their settings, and which servers each is run against.

use std::time::Duration;

use crate::loads::Load;
use crate::loads::chat::Chat;
use crate::loads::churn::Churn;
use crate::loads::group::GroupChat;
use crate::loads::idle::Idle;
use crate::loads::isolation::Isolation;
use crate::loads::logins::Logins;
use crate::loads::replay::Replay;
use crate::loads::storm::Storm;
use crate::servers::{Kind, Program};

/// One row of the comparison.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What the row is called.
    pub(crate) label: String,
    pub(crate) load: Load,
    /// Who takes part besides Godwit and mosquitto.
    guests: Vec<Kind>,
    /// A probe: once is enough.
    pub(crate) once: bool,
}

impl Step {
    fn with(mut self, guests: &[Kind]) -> Self {
        self.guests = guests.to_vec();
        self
    }

    /// Whether the server can do this.
    pub(crate) fn suits(&self, program: &Program) -> bool {
        let invited = matches!(program.kind, Kind::Godwit | Kind::Mosquitto) || self.guests.contains(&program.kind);
        invited && (program.tls || !self.load.tls())
    }
}

/// How large everything is.
struct Size {
    users: usize,
    connections: usize,
    seconds: Duration,
    warm_up: Duration,
    quick: bool,
}

/// Every step, small ones if it is only to be seen whether they run.
pub(super) fn all(quick: bool) -> Vec<Step> {
    let size = if quick {
        Size {
            users: 100,
            connections: 200,
            seconds: Duration::from_millis(500),
            warm_up: Duration::from_millis(200),
            quick,
        }
    } else {
        Size {
            users: 1000,
            connections: 10_000,
            seconds: Duration::from_secs(5),
            warm_up: Duration::from_millis(1500),
            quick,
        }
    };
    let mut steps = chats(&size);
    steps.extend(groups(&size));
    steps.extend(connections(&size));
    steps.extend(probes(&size));
    steps
}

fn step(label: impl Into<String>, load: Load) -> Step {
    Step {
        label: label.into(),
        load,
        guests: Vec::new(),
        once: false,
    }
}

fn chats(size: &Size) -> Vec<Step> {
    let load = |rate, in_flight, (tls, no_local)| {
        Load::Chat(Chat {
            users: size.users,
            in_flight,
            rate,
            seconds: size.seconds,
            warm_up: size.warm_up,
            both: false,
            tls,
            no_local,
        })
    };
    let chat = |rate, in_flight, tls| load(rate, in_flight, (tls, false));
    let mut steps = Vec::new();
    for rate in [1000_u32, 5000, 10_000] {
        steps.push(step(format!("{rate} a second"), chat(Some(f64::from(rate)), 0, false)));
    }
    for in_flight in [200, 1000] {
        steps.push(step(format!("{in_flight} in flight"), chat(None, in_flight, false)));
    }
    steps[0].guests = vec![Kind::Ejabberd];
    steps[1].guests = vec![Kind::Archived];
    steps[3].guests = vec![Kind::Archived, Kind::Ejabberd, Kind::Rumqttd];
    steps.push(step("200 in flight, TLS", chat(None, 200, true)));
    for in_flight in [200, 1000] {
        steps.push(step(
            format!("{in_flight} in flight, No Local"),
            load(None, in_flight, (false, true)),
        ));
    }
    steps.push(step("5000 a second, No Local", load(Some(5000.0), 0, (false, true))));
    if size.quick {
        // So few users have more unacknowledged than a client of MQTT 5 may.
        steps.truncate(7);
        steps.remove(4);
        steps.drain(1..3);
    }
    steps
}

fn groups(size: &Size) -> Vec<Step> {
    let group = |members, in_flight, rate| {
        Load::Group(GroupChat {
            users: size.users,
            size: members,
            in_flight,
            rate,
            seconds: size.seconds,
            warm_up: size.warm_up,
        })
    };
    if size.quick {
        let small = step("groups of 20, 4 in flight", group(20, 4, None));
        return vec![small.with(&[Kind::Ejabberd])];
    }
    vec![
        step("groups of 100, 4 in flight", group(100, 4, None)).with(&[Kind::Ejabberd]),
        step("group of 1000, 2 in flight", group(1000, 2, None)),
        step("group of 1000, 2 a second", group(1000, 0, Some(2.0))),
    ]
}

fn connections(size: &Size) -> Vec<Step> {
    let connections = size.connections;
    let silence = size.seconds / 2;
    let idle = |tls| {
        Load::Idle(Idle {
            connections,
            silence,
            tls,
        })
    };
    let logins = |tls| {
        Load::Logins(Logins {
            users: size.users,
            at_once: 32,
            seconds: size.seconds * 3 / 5,
            tls,
        })
    };
    let storm = Storm {
        connections,
        at_once: 1000,
        tls: false,
    };
    let messages = if size.quick { 500 } else { 10_000 };
    let mut steps = vec![
        step(format!("{connections} connections"), idle(false)).with(&[Kind::Ejabberd]),
        step(format!("{connections} connections, TLS"), idle(true)),
        step("32 at once", logins(false)).with(&[Kind::Ejabberd]),
        step("32 at once, TLS", logins(true)),
        step(format!("{connections} connections"), Load::Storm(storm)),
        step(format!("{messages} messages"), Load::Replay(Replay { messages })).with(&[Kind::Ejabberd]),
    ];
    if size.quick {
        steps.remove(3);
    }
    steps
}

fn probes(size: &Size) -> Vec<Step> {
    let (waves, wave) = if size.quick { (2, size.users) } else { (10, 1000) };
    let churn = Churn { wave, waves };
    let bystanders = size.users / 2;
    let isolation = Isolation {
        bystanders,
        leavers: bystanders / 10,
        seconds: if size.quick {
            size.seconds
        } else {
            Duration::from_secs(8)
        },
    };
    let probe = |label: String, load| Step {
        once: true,
        ..step(label, load).with(&[Kind::Rumqttd])
    };
    vec![
        probe(format!("{waves} waves of {wave}"), Load::Churn(churn)),
        probe(format!("{bystanders} bystanders"), Load::Isolation(isolation)),
    ]
}
