//! `/try`: two demo phones and a backend in one page, to see the platform work without writing a line.
//!
//! The page gives demo credentials to whoever opens it. So it is there only when the setting says so, and answers only
//! pages of this machine (`own_page.rs`). Its files are part of the binary (`assets.rs`); it loads nothing from elsewhere.

mod assets;
mod notifications;
mod own_page;
mod session;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use godwit_model::Refusal;

use crate::door::Door;
use crate::problem::Problem;

pub(crate) fn router() -> Router<Door> {
    Router::new()
        .route("/try", get(page))
        .route("/try/", get(async || Redirect::permanent("/try")))
        .route("/try/assets/{*file}", get(asset))
        .route("/try/session", post(session::begin))
        .route("/try/notifications", get(notifications::read))
}

async fn page(State(door): State<Door>, headers: HeaderMap) -> Result<Response, Problem> {
    is_on(&door)?;
    asset(Path(assets::PAGE.to_owned()), headers).await
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let answer = assets::answer(&file, &headers);
    answer.map_or_else(
        || Err(Problem::of_status(StatusCode::NOT_FOUND)),
        |found| Ok(found.into_response()),
    )
}

fn is_on(door: &Door) -> Result<(), Problem> {
    if door.settings().try_page {
        return Ok(());
    }
    Err(Problem::new(
        Refusal::Forbidden,
        "the page to try the platform is off: it gives demo phones to whoever opens it. By itself it is there only \
         where this machine alone can connect; the setting `http.try_page` decides",
    ))
}
