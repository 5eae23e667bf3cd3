//! Before every handler: which host, which page, which person. After it: cookies and the headers
//! that tell browsers to be careful.

use std::{
    any::Any,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    panic::AssertUnwindSafe,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use tracing::Instrument as _;

use super::{
    Auth, AuthError, Caller, address,
    credential::{Credential, credential_read, is_demo, scopes_needed},
    error, origin, token,
};
use app::model::{AppError, ErrorKind, Role};

/// Characters of a User-Agent that are kept.
const USER_AGENT_MAX: usize = 400;
/// When to try again what there is too much of at once, such as commands.
const TOO_MANY_WAIT_S: u64 = 1;
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer. Pages set their own content policy, with a nonce; whatever else is
/// opened as a page may do nothing.
const CAREFUL: [(HeaderName, HeaderValue); 7] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
        ),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
];

/// Makes the [`Caller`] and gives it to the handler as an extension, or refuses.
pub async fn caller(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let mut caller = Caller::anonymous(peer(&request), "");
    let span = tracing::info_span!("request", request_id = %caller.request_id);
    async move {
        // Taken apart, because a body cannot be looked at from two threads while this waits.
        let (parts, body) = request.into_parts();
        let mut response = match admit(&auth, &mut caller, &parts).await {
            Ok(()) => {
                let mut request = Request::from_parts(parts, body);
                request.extensions_mut().insert(caller.clone());
                // A panic would end the connection, and nobody would be told what to look for.
                let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
                answer.unwrap_or_else(|panic| panicked(&caller, panic.as_ref()))
            }
            Err(refusal) => refusal,
        };
        finish(&mut response, &caller);
        response
    }
    .instrument(span)
    .await
}

/// The peer as the accept loop says; without one, an address that nothing trusts.
fn peer(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip()
        })
}

/// Fills in who asks, from what the request says.
async fn admit(auth: &Auth, caller: &mut Caller, request: &Parts) -> Result<(), Response> {
    let headers = &request.headers;
    let proxies = &auth.config().trusted_proxies;
    let peer = caller.address;
    caller.address = address::client_address(peer, headers, proxies);
    caller.forwarded = address::is_forwarded(headers);
    caller.led_here = origin::is_led_here(&request.method, headers);
    caller.theme = token::theme_read(headers);
    caller.user_agent = user_agent(headers);
    caller.if_match = if_match(headers);
    let credential = credential_read(&request.method, request.uri.path(), headers);
    let host = host(auth, request, credential.as_ref());
    let host = host.map_err(|refusal| refuse(refusal, caller, headers))?;
    caller.host = host.name;
    caller.secure = host.https.unwrap_or_else(|| {
        address::forwarded_https(peer, headers, proxies).unwrap_or(auth.config().tls_cert.is_some())
    });
    let done = match credential {
        Some(credential) => present(auth, caller, request, credential).await,
        None => sign_in(auth, caller, request).await,
    };
    done.and_then(|()| count(auth, caller, request))
        .map_err(|error| refused(error.answer(caller)))
}

/// What the request wants to change in that version only; unreadable, it is in no version.
fn if_match(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::IF_MATCH)?;
    let text = value.to_str().unwrap_or("unreadable");
    Some(text.trim().trim_matches('"').to_owned())
}

/// Holds a user's programs to a rate. Pages are held to none: people are slow.
fn count(auth: &Auth, caller: &Caller, request: &Parts) -> Result<(), AuthError> {
    let path = request.uri.path();
    match &caller.actor {
        Some(actor) if path.starts_with("/api/v1/") || is_demo(path) => {
            let counted = auth.0.rates.call(&request.method, &actor.user_id);
            counted.map_err(AuthError::RateLimited)
        }
        _ => Ok(()),
    }
}

/// The host that was asked for. A browser lends no page a token, so that whose page it was need not
/// be asked; it may lend name and password.
fn host(
    auth: &Auth,
    request: &Parts,
    credential: Option<&Credential>,
) -> Result<origin::Host, origin::Refusal> {
    let (method, uri, headers) = (&request.method, &request.uri, &request.headers);
    match credential {
        Some(Credential::Bearer(_)) => auth.origins().host(uri, headers),
        Some(_) => auth.origins().check(method, uri, headers, false),
        None => {
            let cookie = token::token_present(headers);
            auth.origins().check(method, uri, headers, cookie)
        }
    }
}

/// Takes the credential that came with the request, and no cookie beside it.
async fn present(
    auth: &Auth,
    caller: &mut Caller,
    request: &Parts,
    credential: Credential,
) -> Result<(), AuthError> {
    match credential {
        Credential::Bearer(secret) => auth.token_resume(caller, &secret).await?,
        Credential::Basic { name, secret } => auth.basic_resume(caller, &name, &secret).await?,
        Credential::Unreadable => return Err(AuthError::CredentialUnreadable),
    }
    let Some(token) = &caller.token else {
        return Ok(());
    };
    let upgrade = origin::is_upgrade(&request.headers);
    let mut needed = scopes_needed(&request.method, request.uri.path(), upgrade);
    // Who is no admin gets the answer of what does not exist, whatever the token says.
    needed.admin &= caller.actor.as_ref().is_some_and(|actor| actor.is_admin());
    if !needed.within(token.scopes) {
        return Err(AuthError::ScopeMissing(needed.words()));
    }
    if let (false, Some(actor)) = (token.scopes.admin, &mut caller.actor) {
        actor.role = Role::Member;
    }
    Ok(())
}

/// Reads the cookie: one query, and none without a cookie.
async fn sign_in(auth: &Auth, caller: &mut Caller, request: &Parts) -> Result<(), AuthError> {
    match token::token_read(&request.headers, caller.secure) {
        Some(token) => auth.resume(caller, &token, is_page(request)).await,
        None => Ok(()),
    }
}

/// The answer to a request whose handler panicked. Where it did stands in the line that the panic wrote.
fn panicked(caller: &Caller, panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let words = text.or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(
        request_id = %caller.request_id,
        "a request's handler panicked: {}",
        words.unwrap_or("it did not say why")
    );
    refused(error::internal(caller))
}

/// A refusal in words; the error goes along for whoever puts it into another form.
fn refused(error: AppError) -> Response {
    let status = StatusCode::from_u16(error.kind.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, error.message.clone()).into_response();
    response.extensions_mut().insert(error);
    response
}

fn refuse(refusal: origin::Refusal, caller: &Caller, headers: &HeaderMap) -> Response {
    let said = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    tracing::warn!(
        address = %caller.address,
        host = ?said(header::HOST),
        origin = ?said(header::ORIGIN),
        "a request was refused: {refusal}"
    );
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
    let error = AppError::new(ErrorKind::Forbidden, refusal.code(), refusal.to_string());
    let mut response = (status, error.message.clone()).into_response();
    response.extensions_mut().insert(error);
    response
}

/// True for what a person opens, in contrast to a program's call.
fn is_page(request: &Parts) -> bool {
    let accept = request
        .headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    request.method == Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn user_agent(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    value
        .unwrap_or_default()
        .chars()
        .take(USER_AGENT_MAX)
        .collect()
}

/// In how many seconds to try again where nothing said it: what there is too much of may have ended by then.
fn wait(status: StatusCode) -> Option<u64> {
    (status == StatusCode::TOO_MANY_REQUESTS).then_some(TOO_MANY_WAIT_S)
}

/// Adds to the answer what the request gathered, and what every answer carries.
fn finish(response: &mut Response, caller: &Caller) {
    let wait = caller.retry_after().or(wait(response.status()));
    let headers = response.headers_mut();
    let cookies = caller.cookies_take();
    let personal = caller.actor.is_some() || !cookies.is_empty();
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    if personal {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Ok(id) = HeaderValue::from_str(&caller.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in CAREFUL {
        headers.entry(name).or_insert(value);
    }
}
