//! What both versions of MQTT say in the same words, on types that the MQTT client has twice.

/// Everything that differs in types alone. The module that says it has `AsyncClient`, `Event`, `EventLoop`, `Outgoing` and
/// `QoS` of its version, and the functions `filter`, `publication`, `heard`, `referred` and `end`.
macro_rules! speech {
    () => {
        /// Subscribes to the inbox with QoS 1 and to hints with QoS 0. False if nothing more can be written.
        pub(super) fn subscribe(client: &AsyncClient, inbox: &str, hints: [&str; 2]) -> bool {
            let mut filters = vec![filter(inbox, QoS::AtLeastOnce)];
            filters.extend(hints.map(|topic| filter(topic, QoS::AtMostOnce)));
            client.try_subscribe_many(filters).is_ok()
        }

        /// Publishes with QoS 1 what is to be acknowledged, and with QoS 0 the rest.
        pub(super) fn publish(client: &AsyncClient, topic: &str, payload: String, is_acknowledged: bool) -> bool {
            let qos = if is_acknowledged {
                QoS::AtLeastOnce
            } else {
                QoS::AtMostOnce
            };
            client
                .try_publish(topic, qos, false, payload.into_bytes())
                .is_ok()
        }

        pub(super) fn acknowledge(client: &AsyncClient, packet: u16) -> bool {
            let mut delivery = publication();
            delivery.pkid = packet;
            client.try_ack(&delivery).is_ok()
        }

        pub(super) fn disconnect(client: &AsyncClient) -> bool {
            client.try_disconnect().is_ok()
        }

        /// Turns the connection until it ends, and tells what it says.
        pub(super) async fn pump(mut connection: EventLoop, says: mpsc::Sender<Heard>) {
            loop {
                match connection.poll().await {
                    Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
                    Ok(event) => {
                        if let Some(heard) = heard(event)
                            && says.send(heard).await.is_err()
                        {
                            return;
                        }
                    }
                    Err(error) => {
                        let mut end = end(&error);
                        // What was read together with the end of the connection counts.
                        for event in std::mem::take(&mut connection.state.events) {
                            if let Some(other) = referred(&event) {
                                end = other;
                            } else if let Some(heard) = heard(event)
                                && says.send(heard).await.is_err()
                            {
                                return;
                            }
                        }
                        let _ = says.send(Heard::Ended(end)).await;
                        return;
                    }
                }
            }
        }
    };
}

pub(super) use speech;
