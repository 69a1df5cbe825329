//! JSON-RPC of the request topic: one file per method, each a struct of parameters and a `call`.

mod conversation_mute;
mod conversation_read;
mod conversation_unread;
mod device_deregister;
mod device_set_push;
mod group_add_members;
mod group_approve_join;
mod group_change_role;
mod group_create;
mod group_dissolve;
mod group_get;
mod group_join;
mod group_join_requests;
mod group_leave;
mod group_list;
mod group_mute_members;
mod group_refuse_join;
mod group_remove_members;
mod group_update;
mod group_view;
mod history;
mod inbox;
mod message_recall;
mod push_wishes;
mod schedule_cancel;
mod schedule_change;
mod schedule_list;

use std::sync::Arc;

use godwit_model::{Refusal, Refused};
use godwit_protocol::rpc::{self, Request};
use godwit_registry::Device;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Dispatcher;

/// The answer to a request.
#[derive(Debug)]
pub struct Reply {
    /// JSON-RPC; `None` when the request was a notification.
    pub json: Option<String>,
    /// Whether the session must end once the answer is sent: its device is gone.
    pub ends_session: bool,
}

impl Dispatcher {
    /// Answers one request of a device. Never fails: a request that cannot be read is answered with `malformed`.
    pub async fn request(&self, device: &Arc<Device>, bytes: &[u8]) -> Reply {
        let request = match Request::decode(bytes) {
            Ok(request) => request,
            Err(refused) => {
                return Reply {
                    json: Some(rpc::encode_refusal(None, &refused)),
                    ends_session: false,
                };
            }
        };
        let result = self.call(device, &request).await;
        let ends_session = result.is_ok() && request.method == device_deregister::METHOD;
        let json = request.id.map(|id| match &result {
            Ok(result) => rpc::encode_result(id, result),
            Err(refused) => rpc::encode_refusal(Some(id), refused),
        });
        Reply { json, ends_session }
    }

    async fn call(&self, device: &Arc<Device>, request: &Request<'_>) -> Result<String, Refused> {
        let (id, params) = (request.id.map(RawValue::get), request.params);
        match &*request.method {
            inbox::METHOD => answer(inbox::call(self, device, read(params)?).await),
            history::METHOD => answer(history::call(self, device, read(params)?).await),
            message_recall::METHOD => answer(message_recall::call(self, device, read(params)?).await),
            group_create::METHOD => answer(group_create::call(self, device, id, read(params)?).await),
            group_get::METHOD => answer(group_get::call(self, device, read(params)?).await),
            group_list::METHOD => answer(group_list::call(self, device).await),
            group_add_members::METHOD => answer(group_add_members::call(self, device, read(params)?).await),
            group_remove_members::METHOD => answer(group_remove_members::call(self, device, read(params)?).await),
            group_change_role::METHOD => answer(group_change_role::call(self, device, read(params)?).await),
            group_join::METHOD => answer(group_join::call(self, device, read(params)?).await),
            group_join_requests::METHOD => answer(group_join_requests::call(self, device, read(params)?).await),
            group_approve_join::METHOD => answer(group_approve_join::call(self, device, read(params)?).await),
            group_refuse_join::METHOD => answer(group_refuse_join::call(self, device, read(params)?).await),
            group_update::METHOD => answer(group_update::call(self, device, read(params)?).await),
            group_mute_members::METHOD => answer(group_mute_members::call(self, device, read(params)?).await),
            group_leave::METHOD => answer(group_leave::call(self, device, read(params)?).await),
            group_dissolve::METHOD => answer(group_dissolve::call(self, device, read(params)?).await),
            conversation_read::METHOD => answer(conversation_read::call(self, device, read(params)?).await),
            conversation_unread::METHOD => answer(conversation_unread::call(self, device).await),
            conversation_mute::METHOD => answer(conversation_mute::call(self, device, read(params)?).await),
            push_wishes::METHOD => answer(push_wishes::call(self, device, read(params)?).await),
            schedule_list::METHOD => answer(schedule_list::call(self, device, read(params)?).await),
            schedule_change::METHOD => answer(schedule_change::call(self, device, read(params)?).await),
            schedule_cancel::METHOD => answer(schedule_cancel::call(self, device, read(params)?).await),
            device_set_push::METHOD => answer(device_set_push::call(self, device, read(params)?).await),
            device_deregister::METHOD => answer(device_deregister::call(self, device).await),
            unknown => Err(Refused::new(Refusal::NotFound, format!("no method {unknown:?}"))),
        }
    }
}

fn read<P: DeserializeOwned>(params: &str) -> Result<P, Refused> {
    serde_json::from_str(params).map_err(|e| Refused::new(Refusal::InvalidField, format!("`params`: {e}")))
}

fn answer<R: Serialize>(result: Result<R, Refused>) -> Result<String, Refused> {
    serde_json::to_string(&result?).map_err(|e| Refused::new(Refusal::Overloaded, e.to_string()))
}

/// The answer of methods that have nothing to say.
#[derive(Serialize)]
struct Done {}

fn parse<T>(field: &str, text: &str) -> Result<T, Refused>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|e| Refused::new(Refusal::InvalidField, format!("`{field}`: {text:?} {e}")))
}

fn parse_all<T>(field: &str, texts: &[String]) -> Result<Vec<T>, Refused>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    texts.iter().map(|text| parse(field, text)).collect()
}
