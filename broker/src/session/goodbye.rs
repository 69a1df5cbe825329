//! How a session ends: by the client, by the platform, or because the server goes down.

use crate::codec::write::{self, Farewell};
use crate::codec::{DecodeError, Disconnect, Reason, Version};
use crate::session::{ConnectRefusal, End, Phase, Request, Session};

impl Session {
    pub(super) fn disconnect(&mut self, disconnect: Disconnect) -> Option<Request<'static>> {
        if let Some(seconds) = disconnect.session_expiry_s {
            if self.asked_expiry_s == 0 && seconds != 0 {
                return self.broken(DecodeError::Protocol("a session expiry where CONNECT had none"));
            }
            self.expiry_s = seconds.min(self.limits.session_expiry_max_s);
        }
        if disconnect.reason == Reason::SUCCESS {
            self.will = None;
        }
        self.phase = Phase::Ended(End::Disconnected);
        None
    }

    pub(super) fn broken(&mut self, error: DecodeError) -> Option<Request<'static>> {
        self.finish(End::Undecodable(error));
        None
    }

    /// Ends the session from this side: takeover, a retired device, a failure. An MQTT 5 client is told why.
    /// Does nothing once the session has ended.
    pub fn finish(&mut self, end: End) {
        match self.phase {
            Phase::Ended(_) => return,
            Phase::Open | Phase::Draining { .. } if self.version == Version::V5 => {
                if let Some(reason) = end.reason() {
                    let farewell = Farewell {
                        reason,
                        text: end.text(),
                        server_reference: "",
                    };
                    self.say_farewell(end, farewell);
                }
            }
            _ => {}
        }
        self.phase = Phase::Ended(end);
    }

    fn say_farewell(&mut self, end: End, farewell: Farewell<'_>) {
        let limits = std::sync::Arc::clone(&self.limits);
        let farewell = match (&limits.server_reference, end) {
            (Some(elsewhere), End::ShuttingDown) => Farewell {
                reason: Reason::USE_ANOTHER_SERVER,
                server_reference: elsewhere,
                ..farewell
            },
            _ => farewell,
        };
        let farewell = farewell.fitting(self.downlink.packet_bytes_max());
        write::disconnect(&mut self.outbox, &farewell);
    }

    /// The server goes down: nothing more is read, and the session ends when what is pending is answered, at the
    /// latest at `deadline`. Who has not been let in is told where else to go, if there is such a place.
    pub fn drain(&mut self, deadline: u64) {
        match self.phase {
            Phase::Open if !self.uplink.is_empty() => self.phase = Phase::Draining { deadline },
            Phase::Draining { .. } => {}
            Phase::Connecting { deadline: own, .. } if self.limits.server_reference.is_some() => {
                let deadline = own.min(deadline);
                self.phase = Phase::Connecting {
                    deadline,
                    closing: true,
                };
            }
            Phase::Authenticating { .. } => self.refuse_connect(ConnectRefusal::Closing),
            _ => self.finish(End::ShuttingDown),
        }
    }
}
