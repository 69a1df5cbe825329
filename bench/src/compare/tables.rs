//! Which figures of a load are shown, and how: medians with the lowest and the highest in brackets.

use std::fmt::Write as _;

use super::Results;
use crate::report::{Record, shown};
use crate::servers::Kind;

/// Share of a fixed rate that must arrive while it is measured.
const KEPT_UP: f64 = 0.97;

/// A table of one load.
pub(super) struct Table {
    load: &'static str,
    title: &'static str,
    /// What a reader must know to read it.
    text: &'static str,
    /// Heading and figure.
    columns: &'static [(&'static str, &'static str)],
    /// The figure whose median is also shown as a multiple of mosquitto's; none where Godwit is alone.
    beside: &'static str,
}

pub(super) const TABLES: [Table; 9] = [
    Table {
        load: "chat",
        title: "One-to-one",
        text: "One of each pair of users sends, the other receives, both with QoS 1. Fixed rates are timed from the moment a message was due; \
               closed loops (so many in flight) only make sense as throughput and cost. A delivery is one message at the other user. Godwit \
               also brings each message to the sender's own inbox, as its protocol says; that copy is not counted, and its cost is included, \
               except in the rows with No Local: there everybody speaks MQTT 5, and what a user says stays away from itself. \
               ejabberd's users send XMPP messages with the same text, and are not told that a message was taken.",
        columns: &[
            ("delivered/s", "deliveries_per_s"),
            ("server CPU µs per delivery", "server_cpu_us_per_delivery"),
            ("p50 ms", "p50_ms"),
            ("p99 ms", "p99_ms"),
            ("p99.9 ms", "p999_ms"),
            ("acknowledged p99 ms", "acknowledged_p99_ms"),
            ("deliveries per sync", "deliverys_per_sync"),
            ("cores: server", "server_cores"),
            ("client", "client_cores"),
        ],
        beside: "server_cpu_us_per_delivery",
    },
    Table {
        load: "group",
        title: "Groups",
        text: "Every member, the sender included, receives each message. Godwit rebuilds it for each member, numbers it in each inbox and \
               stores it; mosquitto sends the same bytes to all subscribers of one topic; ejabberd sends the same message to all \
               occupants of a room and stores it once. Times are until the last member has it.",
        columns: &[
            ("deliveries/s", "deliveries_per_s"),
            ("server CPU µs per delivery", "server_cpu_us_per_delivery"),
            ("last member p50 ms", "p50_ms"),
            ("p99 ms", "p99_ms"),
            ("messages timed", "timed"),
            ("cores: server", "server_cores"),
            ("client", "client_cores"),
        ],
        beside: "server_cpu_us_per_delivery",
    },
    Table {
        load: "idle",
        title: "Idle connections",
        text: "Each is a kept session (clean session 0) that subscribes to its own inbox and then is silent. Memory is the resident set of the \
               server's process after a fresh start, so caches that fill are in it; the kernel's socket buffers are not. In XMPP: a \
               resource that is available.",
        columns: &[
            ("KiB per connection", "rss_kib_per_connection"),
            ("of the second half", "rss_kib_per_connection_of_second_half"),
            ("MiB before", "rss_base_mib"),
            ("MiB connected", "rss_connected_mib"),
            ("MiB after all left", "rss_after_mib"),
            ("server CPU µs per login", "server_cpu_us_per_login"),
            ("cores while idle", "server_cores_while_idle"),
        ],
        beside: "rss_kib_per_connection",
    },
    Table {
        load: "logins",
        title: "Logins",
        text: "Connection, CONNECT, CONNACK, SUBSCRIBE, SUBACK, DISCONNECT, by users whose sessions the server knows. Godwit checks \
               credentials; mosquitto has none to check. TLS: a full handshake each time. XMPP: stream, SASL PLAIN, resource, presence.",
        columns: &[
            ("logins/s", "logins_per_s"),
            ("server CPU µs per login", "server_cpu_us_per_login"),
            ("p50 ms", "p50_ms"),
            ("p99 ms", "p99_ms"),
            ("cores: server", "server_cores"),
            ("client", "client_cores"),
        ],
        beside: "server_cpu_us_per_login",
    },
    Table {
        load: "storm",
        title: "Reconnect storm",
        text: "All connections are closed in the same moment without a goodbye, and all users come back, 1,000 handshakes at a time.",
        columns: &[
            ("seconds until all are back", "all_back_s"),
            ("reconnects/s", "reconnects_per_s"),
            ("back p50 ms", "back_p50_ms"),
            ("p99 ms", "back_p99_ms"),
            ("server CPU µs per reconnect", "server_cpu_us_per_reconnect"),
            ("MiB connected", "rss_connected_mib"),
            ("MiB at the peak", "rss_peak_mib"),
        ],
        beside: "server_cpu_us_per_reconnect",
    },
    Table {
        load: "replay",
        title: "Backlog replay",
        text: "One device was away and fetches what waited for it, acknowledging each message. Godwit reads them from its log, after a \
               cursor; mosquitto kept them in memory; ejabberd's user asks its archive for pages of 250 (XEP-0313), and was online while they came.",
        columns: &[
            ("seconds", "replayed_s"),
            ("µs per message", "us_per_message"),
            ("messages/s", "messages_per_s"),
            ("server CPU µs per message", "server_cpu_us_per_message"),
            ("seconds to fill", "filled_s"),
        ],
        beside: "server_cpu_us_per_message",
    },
    Table {
        load: "churn",
        title: "Churn",
        text: "Waves of users come, subscribe, say one message to themselves, hear it and leave, half of them without a goodbye; after each \
               wave a newcomer must still be served. One round.",
        columns: &[
            ("users served", "users_churned"),
            ("users/s", "users_per_s"),
            ("server CPU µs per user", "server_cpu_us_per_user"),
            ("MiB grown", "rss_grown_mib"),
        ],
        beside: "server_cpu_us_per_user",
    },
    Table {
        load: "isolation",
        title: "Isolation",
        text: "Others come, have messages on their way, and leave without reading them, for eight seconds; bystanders must keep their \
               connections and still hear a message in the end. One round.",
        columns: &[
            ("came and left", "left_in_all"),
            ("bystanders lost", "bystanders_lost"),
            ("server CPU µs per leaver", "server_cpu_us_per_leaver"),
        ],
        beside: "server_cpu_us_per_leaver",
    },
    Table {
        load: "growth",
        title: "Growth",
        text: "Godwit alone, on logs that were filled beforehand with one-to-one messages of the same size: evenly over all accounts, one \
               account and device for 20 messages, a duplicate key and two inboxes each. One-to-one at 5,000 a second and with 200 in flight, \
               both on the same server. A page is the newest 50 entries of an inbox, scattered over all that is stored, asked for over \
               REST by its device, the HTTP included; cold: the log's files were dropped from the page cache just before, and the server never \
               read that inbox; warm: asked again at once. A start is from the process to the first accepted connection; cold: \
               everything in the data folder was dropped. Up to 2 million the log is filled anew for each round; a larger one keeps what \
               the loads have added.",
        columns: &[
            ("CPU µs per delivery at 5,000 a second", "paced_cpu_us_per_delivery"),
            ("delivered/s", "paced_per_s"),
            ("p99 ms", "paced_p99_ms"),
            ("CPU µs per delivery, 200 in flight", "saturated_cpu_us_per_delivery"),
            ("delivered/s", "saturated_per_s"),
            ("cold page p50 ms", "page_cold_p50_ms"),
            ("p99 ms", "page_cold_p99_ms"),
            ("warm page p50 ms", "page_warm_p50_ms"),
            ("start warm ms", "start_warm_ms"),
            ("start cold ms", "start_cold_ms"),
            ("MiB of memory", "rss_mib"),
            ("GiB on disk", "folder_gib"),
            ("filled, messages/s", "filled_per_s"),
        ],
        beside: "",
    },
];

impl Table {
    /// The table with what came out; nothing when the load was not run.
    pub(super) fn markdown(&self, results: &[Results]) -> String {
        let rows: Vec<_> = results.iter().filter(|result| result.load == self.load).collect();
        if rows.is_empty() {
            return String::new();
        }
        let mut text = format!("### {}\n\n{}\n\n| load | server |", self.title, self.text);
        let mut rule = "|---|---|".to_owned();
        for (heading, _) in self.columns {
            let _ = write!(text, " {heading} |");
            rule.push_str("---|");
        }
        if let Some(heading) = self.beside_heading() {
            let _ = write!(text, " {heading} ÷ mosquitto's |");
            rule.push_str("---|");
        }
        let _ = writeln!(text, "\n{rule}");
        let mut faults = String::new();
        for result in rows {
            self.rows(result, &mut text);
            for record in result.records.iter().filter(|record| !record.faults.is_empty()) {
                let (label, server) = (&result.label, &record.server);
                let _ = writeln!(faults, "- **{label}, {server} failed**: {}.", record.faults.join("; "));
            }
        }
        if faults.is_empty() {
            text.push_str("\nNo run lost, doubled or misplaced a message, or lost a connection.\n\n");
        } else {
            let _ = write!(text, "\n{faults}\n");
        }
        text
    }

    fn beside_heading(&self) -> Option<&str> {
        let column = self.columns.iter().find(|(_, figure)| *figure == self.beside);
        column.map(|(heading, _)| *heading)
    }

    fn rows(&self, result: &Results, text: &mut String) {
        let mosquitto = spread(&result.records, "mosquitto", self.beside);
        for server in Kind::ALL.map(Kind::name) {
            if !result.records.iter().any(|record| record.server == server) {
                continue;
            }
            let _ = write!(text, "| {} | {server} |", result.label);
            for (_, figure) in self.columns {
                let found = spread(&result.records, server, figure);
                let cell = found.map_or_else(|| "–".to_owned(), Spread::cell);
                let _ = write!(text, " {cell}{} |", behind(result, figure, found));
            }
            if self.beside_heading().is_none() {
                text.push('\n');
                continue;
            }
            let own = spread(&result.records, server, self.beside);
            let ratio = own
                .zip(mosquitto)
                .filter(|(_, other)| other.median > 0.0 && server != "mosquitto");
            let ratio = ratio.map_or_else(String::new, |(own, other)| shown(own.median / other.median));
            let _ = writeln!(text, " {ratio} |");
        }
    }
}

/// Says so where a server did not keep up with a fixed rate: its other figures are those of an overload then.
fn behind(result: &Results, figure: &str, found: Option<Spread>) -> &'static str {
    let reached = found.map_or(f64::INFINITY, |spread| spread.median);
    match result.rate {
        Some(rate) if figure == "deliveries_per_s" && reached < KEPT_UP * rate => ", **overloaded**",
        _ => "",
    }
}

/// One figure over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    lowest: f64,
    highest: f64,
    alone: bool,
}

impl Spread {
    fn cell(self) -> String {
        let Self {
            median,
            lowest,
            highest,
            alone,
        } = self;
        if alone {
            return shown(median);
        }
        format!("{} ({}–{})", shown(median), shown(lowest), shown(highest))
    }
}

pub(super) fn spread(records: &[Record], server: &str, figure: &str) -> Option<Spread> {
    let of_server = records.iter().filter(|record| record.server == server);
    let mut values: Vec<_> = of_server
        .filter_map(|record| record.figures.get(figure).copied())
        .collect();
    values.sort_by(f64::total_cmp);
    let (lowest, highest) = (*values.first()?, *values.last()?);
    let middle = values.len() / 2;
    let median = if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    };
    Some(Spread {
        median,
        lowest,
        highest,
        alone: values.len() == 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_rounds_stands_between_the_lowest_and_the_highest() {
        let records: Vec<_> = [3.0, 1.0, 2.0, 9.0]
            .map(|value| {
                let mut record = Record::new("chat", "x");
                record.figure("p50_ms", value);
                record
            })
            .into();
        let all = spread(&records, "x", "p50_ms").expect("values");
        assert_eq!((all.median, all.lowest, all.highest), (2.5, 1.0, 9.0));
        let odd = spread(&records[..3], "x", "p50_ms").expect("values");
        assert_eq!((odd.median, odd.alone), (2.0, false));
        assert_eq!(spread(&records, "y", "p50_ms"), None);
    }

    fn result(load: &'static str, rate: Option<f64>, figures: &[(&str, f64)]) -> Results {
        let mut record = Record::new(load, "ejabberd + SQLite");
        for (name, value) in figures {
            record.figure(name, *value);
        }
        Results {
            label: "a row".to_owned(),
            load,
            rate,
            stored: None,
            records: vec![record],
        }
    }

    fn table(results: &[Results]) -> String {
        TABLES.iter().map(|table| table.markdown(results)).collect()
    }

    #[test]
    fn a_server_that_does_not_keep_up_is_marked() {
        let slow = table(&[result("chat", Some(1000.0), &[("deliveries_per_s", 393.0)])]);
        assert!(
            slow.contains("| a row | ejabberd + SQLite | 393, **overloaded** |"),
            "{slow}"
        );
        let quick = table(&[result("chat", Some(1000.0), &[("deliveries_per_s", 999.0)])]);
        assert!(quick.contains("| 999 |"), "{quick}");
        let closed = table(&[result("chat", None, &[("deliveries_per_s", 393.0)])]);
        assert!(closed.contains("| 393 |"), "{closed}");
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_table_has_headings() {
        for load in ["chat", "growth"] {
            let text = table(&[result(load, None, &[])]);
            let cells: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with('|'))
                .map(|line| line.matches('|').count())
                .collect();
            assert_eq!(cells.len(), 3, "{text}");
            assert!(cells.iter().all(|count| *count == cells[0]), "{text}");
        }
    }
}
