//! Who calls: an app with an access token or a device with its own. Routes say what they let through by one call.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use godwit_dispatcher::Sender;
use godwit_model::Refusal;
use godwit_registry::{Account, App, Device, Scope};

use crate::door::Door;
use crate::frame::Course;
use crate::problem::Problem;
use crate::rate_limit::Key;

/// How every device token begins; access tokens of apps do not.
const DEVICE_TOKEN_PREFIX: &str = "gwd_";

/// An authenticated caller, counted against its own limit.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    App(Arc<App>),
    Device(Arc<Device>),
}

impl Caller {
    /// An app with this scope; nobody else.
    pub(crate) fn app(self, scope: Scope) -> Result<Arc<App>, Problem> {
        match self {
            Self::App(app) => scoped(app, scope),
            Self::Device(_) => Err(Problem::new(
                Refusal::Forbidden,
                "only an app calls this, with its access token",
            )),
        }
    }

    /// The device itself, or an app with this scope.
    pub(crate) fn device_or_app(self, device_id: &str, scope: Scope) -> Result<Self, Problem> {
        match self {
            Self::App(app) => scoped(app, scope).map(Self::App),
            Self::Device(device) if *device.device_id == *device_id => Ok(Self::Device(device)),
            Self::Device(_) => Err(Problem::new(
                Refusal::Forbidden,
                "a device's token is for that device only",
            )),
        }
    }

    /// A device of the account with this id, or an app with this scope. `None` leaves it to the caller to find the
    /// account in the app's tenant.
    pub(crate) fn account_or_app(self, account_id: &str, scope: Scope) -> Result<AccountOrApp, Problem> {
        match self {
            Self::App(app) => scoped(app, scope).map(AccountOrApp::App),
            Self::Device(device) if *device.account.account_id == *account_id => {
                Ok(AccountOrApp::Account(Arc::clone(&device.account)))
            }
            Self::Device(_) => Err(Problem::new(Refusal::Forbidden, "a device reads its own account only")),
        }
    }

    /// A device acting as its user, or an app with this scope acting for its tenant.
    pub(crate) fn sender(self, scope: Scope) -> Result<Sender, Problem> {
        match self {
            Self::App(app) => scoped(app, scope).map(Sender::App),
            Self::Device(device) => Ok(Sender::Device(device)),
        }
    }

    fn key(&self) -> Key {
        match self {
            Self::App(app) => Key::App(app.no),
            Self::Device(device) => Key::Device(device.no),
        }
    }
}

/// Who may read an account.
pub(crate) enum AccountOrApp {
    Account(Arc<Account>),
    App(Arc<App>),
}

fn scoped(app: Arc<App>, scope: Scope) -> Result<Arc<App>, Problem> {
    if app.scopes.contains(scope) {
        return Ok(app);
    }
    let challenge = format!("Bearer realm=\"godwit\", error=\"insufficient_scope\", scope=\"{scope}\"");
    let problem = Problem::new(Refusal::Forbidden, format!("needs the scope `{scope}`"));
    Err(match HeaderValue::from_str(&challenge) {
        Ok(challenge) => problem.with_header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    })
}

impl FromRequestParts<Door> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let found = match bearer(&parts.headers) {
            Some(token) => authenticate(door, token).await,
            None => Err(Problem::new(
                Refusal::Unauthenticated,
                "send `Authorization: Bearer` with an access token (POST /oauth/token) or a device token",
            )),
        };
        match found {
            Ok(caller) => {
                note(door, parts, &caller);
                count(door, parts.extensions.get(), caller.key()).map(|()| caller)
            }
            // Guessing is counted, too, against where it comes from.
            Err(problem) => count_address(door, parts).and(Err(problem)),
        }
    }
}

async fn authenticate(door: &Door, token: &str) -> Result<Caller, Problem> {
    let found = if token.starts_with(DEVICE_TOKEN_PREFIX) {
        let device = door.registry().authenticate_device_token(token).await;
        device.map(Caller::Device)
    } else {
        door.registry().authenticate_app(token).await.map(Caller::App)
    };
    found.map_err(|error| {
        let is_no = error.refusal() == Some(Refusal::Unauthenticated);
        let problem = Problem::from(error);
        let challenge = HeaderValue::from_static("Bearer realm=\"godwit\", error=\"invalid_token\"");
        if is_no {
            problem.with_header(header::WWW_AUTHENTICATE, challenge)
        } else {
            problem
        }
    })
}

/// Somebody without credentials of the platform, counted against the address it comes from.
/// Its bearer token, if it shows one, is for the route to judge.
pub(crate) struct Guest {
    pub(crate) bearer: Option<String>,
}

impl FromRequestParts<Door> for Guest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        count_address(door, parts)?;
        Ok(Self {
            bearer: bearer(&parts.headers).map(str::to_owned),
        })
    }
}

/// Where a request comes from, for routes that judge themselves whom to count.
pub(crate) struct Origin {
    address: IpAddr,
    course: Option<Course>,
}

impl FromRequestParts<Door> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Infallible> {
        Ok(Self {
            address: address(door, parts),
            course: parts.extensions.get::<Course>().cloned(),
        })
    }
}

impl Origin {
    /// Counts it against its address.
    pub(crate) fn count_address(&self, door: &Door) -> Result<(), Problem> {
        count(door, self.course.as_ref(), Key::Address(self.address))
    }

    /// Counts it against the push vendor that it proved to be.
    pub(crate) fn count_vendor(&self, door: &Door, vendor: &'static str) -> Result<(), Problem> {
        count(door, self.course.as_ref(), Key::Vendor(vendor))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Notes for the audit who calls, and from where.
fn note(door: &Door, parts: &Parts, caller: &Caller) {
    if let (Caller::App(app), Some(course)) = (caller, parts.extensions.get::<Course>()) {
        course.note_app(app, address(door, parts));
    }
}

fn count_address(door: &Door, parts: &Parts) -> Result<(), Problem> {
    count(door, parts.extensions.get(), Key::Address(address(door, parts)))
}

fn count(door: &Door, course: Option<&Course>, key: Key) -> Result<(), Problem> {
    let (allowance, result) = door.rate_limits.count(key);
    if let Some(course) = course {
        course.note(allowance);
    }
    result
}

/// Where the request comes from: the socket, or what the outermost trusted proxy saw.
fn address(door: &Door, parts: &Parts) -> IpAddr {
    let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let socket = socket.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    forwarded(&parts.headers, door.settings().trusted_proxies).unwrap_or(socket)
}

/// Each trusted proxy appends the address it saw, so the outermost one's is that many places from the end.
fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    let place = trusted_proxies.checked_sub(1)?;
    let values = headers.get_all(HeaderName::from_static("x-forwarded-for"));
    let seen: Vec<&str> = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    seen.iter().rev().nth(place)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 192.0.2.7".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        let seen = |proxies| forwarded(&headers, proxies).map(|address| address.to_string());
        assert_eq!(seen(0), None);
        assert_eq!(seen(1).as_deref(), Some("10.0.0.1"));
        assert_eq!(seen(2).as_deref(), Some("192.0.2.7"));
        assert_eq!(seen(4), None);
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bearer "), None);
    }
}
