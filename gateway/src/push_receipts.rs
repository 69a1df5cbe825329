//! `/v1/push-receipts/{vendor}`: where vendors report what became of pushes. They have no credentials of the platform:
//! each report proves itself, by a signature or by a secret that went out with the push.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Origin;
use crate::body::{AnyBytes, Places};
use crate::door::Door;
use crate::problem::Problem;

/// Huawei's signature.
const SIGNATURE: &str = "x-huawei-callback-id";

/// What vendors want to hear.
#[derive(Serialize, ToSchema)]
pub(crate) struct Taken {
    /// `0`.
    code: &'static str,
    /// `success`.
    message: &'static str,
}

const TAKEN: Taken = Taken {
    code: "0",
    message: "success",
};

/// Report what became of pushes, as a vendor
///
/// Huawei signs in `X-HUAWEI-CALLBACK-ID`; Xiaomi, OPPO, vivo and Meizu bring back the secret of `callback`. A report that
/// was taken before changes nothing.
#[utoipa::path(post, path = "/v1/push-receipts/{vendor}", tag = "push", operation_id = "reportPushes",
    params(("vendor" = String, Path, description = "`huawei`, `xiaomi`, `oppo`, `vivo` or `meizu`")),
    request_body(content = String, description = "As the vendor posts it", content_type = "application/octet-stream"),
    responses((status = 200, body = Taken)), security(()))]
pub(crate) async fn report_pushes(
    State(door): State<Door>,
    origin: Origin,
    Places(vendor): Places<String>,
    headers: HeaderMap,
    AnyBytes(body): AnyBytes,
) -> Result<Json<Taken>, Problem> {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let dispatcher = door.dispatcher();
    let proved = match dispatcher.prove_vendor_report(&vendor, (signature, &body)) {
        Ok(proved) => proved,
        // Guessing is counted against where it comes from.
        Err(refused) => return origin.count_address(&door).and(Err(refused.into())),
    };
    let Some(report) = proved else {
        origin.count_address(&door)?;
        return Ok(Json(TAKEN));
    };
    if let Err(limited) = origin.count_vendor(&door, report.vendor()) {
        dispatcher.give_back_vendor_report(&report);
        return Err(limited);
    }
    dispatcher.keep_vendor_report(report).await?;
    Ok(Json(TAKEN))
}
