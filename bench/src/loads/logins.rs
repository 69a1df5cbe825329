//! Logins: connection, CONNECT, CONNACK, SUBSCRIBE, SUBACK, then goodbye; again and again by users the server knows.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::latency::Latency;
use crate::login::{Crowd, Entrance, enter, leave};
use crate::meter::Moment;
use crate::numbers::{nanoseconds, real};
use crate::report::Record;
use crate::target::{Target, User};

use super::seconds;

/// Coming online.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Logins {
    /// Users that take turns.
    #[arg(long, default_value_t = 1000)]
    pub(crate) users: usize,
    /// Logins under way at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) at_once: usize,
    /// Seconds that are measured.
    #[arg(long, default_value = "3", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Over TLS, each a full handshake.
    #[arg(long)]
    pub(crate) tls: bool,
}

/// What those who come online share.
struct Doors {
    target: Arc<Target>,
    users: Vec<User>,
    tls: bool,
    next: AtomicUsize,
    open: AtomicBool,
    done: AtomicU64,
    failed: AtomicU64,
    times: Mutex<Latency>,
}

impl Logins {
    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("users", self.users);
        record.set("at_once", self.at_once);
        record.set("tls", self.tls);
        let users = target.users(self.users).await?;
        // Everybody was here before: sessions are known, caches are warm.
        for session in Crowd::of_phones(target, &users, false)
            .enter(|_, session| session)
            .await?
        {
            leave(session).await;
        }
        let doors = Arc::new(Doors {
            target: Arc::clone(target),
            users,
            tls: self.tls,
            next: AtomicUsize::new(0),
            open: AtomicBool::new(true),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            times: Mutex::new(Latency::new()),
        });
        let before = Moment::begin(target).await;
        let mut people = JoinSet::new();
        for _ in 0..self.at_once {
            let doors = Arc::clone(&doors);
            people.spawn(async move { doors.come_and_go().await });
        }
        tokio::time::sleep(self.seconds).await;
        let done = doors.done.load(Ordering::Relaxed);
        let used = Moment::end(target).await.since(&before);
        doors.open.store(false, Ordering::Relaxed);
        while people.join_next().await.is_some() {}
        used.note(record, "login", done);
        record.figure("logins_per_s", real(done) / used.time.as_secs_f64());
        let times = doors.times.lock().unwrap_or_else(PoisonError::into_inner);
        record.figure("p50_ms", times.ms(0.5));
        record.figure("p99_ms", times.ms(0.99));
        let failed = doors.failed.load(Ordering::Relaxed);
        record.must(failed == 0, || format!("{failed} logins failed"));
        record.must(done > 0, || "nobody came in".to_owned());
        Ok(())
    }
}

impl Doors {
    async fn come_and_go(&self) {
        while self.open.load(Ordering::Relaxed) {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let user = &self.users[turn % self.users.len()];
            let began = Instant::now();
            match enter(&self.target, user, &Entrance::of_a_phone(user, self.tls), |_| {}).await {
                Ok(session) => {
                    let time = nanoseconds(began.elapsed());
                    self.times
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .record_ns(time);
                    leave(session).await;
                    self.done.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}
