//! What follows from a vendor's answer: done, again later, another vendor, other words, or the end of a token.

use std::time::Duration;

use godwit_push::{Kind, Outcome, lane};
use godwit_registry::{DuePush, KeptPushToken, Settled};

use super::Desk;
use super::wanted::Wanted;
use crate::Dispatcher;

/// Codes with which a lane itself says "not now": nothing was tried.
const NOT_TRIED: [&str; 4] = ["lane_full", "held_back", "paced", "stopped"];
/// How long a vendor rests whose settings are wrong.
const MISCONFIGURED_MS: u64 = 60_000;

/// What was tried.
pub(super) struct Tried<'a> {
    pub(super) due: &'a DuePush,
    pub(super) wanted: &'a Wanted,
    pub(super) token: &'a KeptPushToken,
    /// All tokens of the device, the one to try first at the front.
    pub(super) tokens: &'a [KeptPushToken],
    /// What the vendor's mass of answers is counted under.
    pub(super) lane_name: &'a str,
    pub(super) sent_at_ms: u64,
    /// Whether a token that was called invalid may be retired: not while too many are.
    pub(super) may_retire: bool,
    /// Spreads repeats over time, those of one request by the same.
    pub(super) chance: u64,
}

impl Tried<'_> {
    /// The vendor to try after this one, with its place.
    fn next(&self) -> Option<(u32, String)> {
        let at = self.tokens.iter().position(|token| token == self.token)? + 1;
        let next = self.tokens.get(at)?;
        Some((u32::try_from(at).ok()?, next.push.vendor.clone()))
    }

    fn elsewhere(&self, now_ms: u64) -> Option<Settled> {
        self.next().map(|vendor| Settled::Later {
            due_at_ms: now_ms,
            vendor: Some(vendor),
            attempt: None,
            counts: false,
        })
    }

    fn again(&self, due_at_ms: u64, counts: bool) -> Settled {
        if due_at_ms >= self.wanted.not_after_ms {
            return Settled::Dropped;
        }
        Settled::Later {
            due_at_ms,
            vendor: None,
            attempt: None,
            counts,
        }
    }
}

impl Dispatcher {
    /// What becomes of a job after this outcome.
    pub(super) async fn settle(&self, desk: &Desk, tried: &Tried<'_>, outcome: &Outcome) -> Settled {
        let now_ms = self.clock.now_ms();
        match outcome {
            Outcome::Accepted { .. } if tried.wanted.kind() == Kind::Withdraw => Settled::Withdrawn,
            Outcome::Accepted { .. } => sent(desk, tried),
            Outcome::TokenInvalid { as_of_ms, .. } => {
                if tried.may_retire {
                    self.retire(tried, as_of_ms.unwrap_or(tried.sent_at_ms)).await;
                } else {
                    metrics::counter!("push_token_kept_total", "reason" => "mass_breaker").increment(1);
                    tracing::error!(
                        lane = tried.lane_name,
                        "too many tokens at once are called invalid: none is retired"
                    );
                }
                self.after_invalid(tried, now_ms).await
            }
            Outcome::Retry { after, code, .. } => retry(desk, tried, (now_ms, *after, code)),
            Outcome::QuotaDay { .. } => {
                let midnight_ms = lane::next_vendor_midnight_ms(now_ms);
                tried
                    .elsewhere(now_ms)
                    .unwrap_or_else(|| tried.again(midnight_ms, false))
            }
            Outcome::ContentRejected { .. } if !tried.wanted.neutral => {
                let neutral = Wanted {
                    neutral: true,
                    ..tried.wanted.clone()
                };
                Settled::Later {
                    due_at_ms: now_ms,
                    vendor: None,
                    attempt: Some(neutral.text()),
                    counts: true,
                }
            }
            Outcome::Misconfigured { code, detail } => {
                tracing::error!(
                    lane = tried.lane_name,
                    code,
                    detail,
                    "a vendor does not take our settings"
                );
                let rest_ms = now_ms.saturating_add(MISCONFIGURED_MS);
                tried.elsewhere(now_ms).unwrap_or_else(|| tried.again(rest_ms, false))
            }
            Outcome::Refused { code, detail } => {
                tracing::error!(
                    lane = tried.lane_name,
                    code,
                    detail,
                    "a vendor refused a push of ours for good"
                );
                tried.elsewhere(now_ms).unwrap_or(Settled::Dropped)
            }
            Outcome::Unsupported if tried.wanted.recalled && tried.wanted.kind() == Kind::Withdraw => Settled::Later {
                due_at_ms: now_ms,
                vendor: None,
                attempt: Some(tried.wanted.recall_in_words().text()),
                counts: false,
            },
            Outcome::ContentRejected { .. } | Outcome::Unsupported => {
                tried.elsewhere(now_ms).unwrap_or(Settled::Dropped)
            }
        }
    }

    /// By the vendor's word only, and only this very token, told before the vendor spoke of it.
    async fn retire(&self, tried: &Tried<'_>, before_ms: u64) {
        match self
            .registry
            .retire_push_token(tried.due.device, tried.token, (before_ms, "vendor"))
            .await
        {
            Ok(true) => {
                metrics::counter!("push_token_removed_total", "reason" => "vendor").increment(1);
                tracing::info!(
                    device = tried.due.device.0,
                    lane = tried.lane_name,
                    "a push token was retired"
                );
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a push token could not be retired"),
        }
    }

    /// A token that was told again meanwhile is tried; else the device's next vendor.
    async fn after_invalid(&self, tried: &Tried<'_>, now_ms: u64) -> Settled {
        let tokens = self.registry.push_tokens(tried.due.device).await.unwrap_or_default();
        let vendor = &tried.token.push.vendor;
        let renewed = tokens.iter().find(|token| token.push.vendor == *vendor);
        if renewed.is_some_and(|token| token.token_hash != tried.token.token_hash) {
            return tried.again(now_ms, true);
        }
        tried.elsewhere(now_ms).unwrap_or(Settled::Dropped)
    }
}

fn sent(desk: &Desk, tried: &Tried<'_>) -> Settled {
    let (first_ms, most_ms) = (desk.settings.window_ms, desk.settings.window_max_ms);
    Settled::Sent {
        seq: tried.wanted.seq,
        conv_seq: tried.wanted.conv_seq,
        messages: tried.due.messages,
        window_ms: match tried.wanted.kind() {
            // Systems let few silent pushes through.
            Kind::Background => (most_ms, most_ms),
            _ => (first_ms, most_ms),
        },
    }
}

fn retry(desk: &Desk, tried: &Tried<'_>, (now_ms, after, code): (u64, Option<Duration>, &str)) -> Settled {
    let counts = !NOT_TRIED.contains(&code);
    if tried.due.attempts + u32::from(counts) >= desk.settings.attempts_max
        && let Some(elsewhere) = tried.elsewhere(now_ms)
    {
        return elsewhere;
    }
    let named_ms = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let doublings = tried.due.attempts.min(16);
    let most_ms = (desk.settings.retry_ms << doublings).min(desk.settings.retry_max_ms);
    // A lane that named its time needs jitter all the same, or all come back at once.
    let pause_ms = named_ms.saturating_add(jitter(if counts { most_ms } else { 100 }, tried.chance));
    tried.again(now_ms.saturating_add(pause_ms.max(1)), counts)
}

/// Anything from half of it to all of it.
fn jitter(most_ms: u64, chance: u64) -> u64 {
    let half = most_ms / 2;
    half + chance % (most_ms - half).max(1)
}

/// Any number; the greatest where the host gives no randomness.
pub(super) fn chance() -> u64 {
    let mut random = [0; 8];
    match getrandom::fill(&mut random) {
        Ok(()) => u64::from_le_bytes(random),
        Err(_) => u64::MAX,
    }
}
