//! Going from page to page: on the server by redirect, in the browser by router or page load.

use leptos::prelude::*;
#[cfg(feature = "hydrate")]
use leptos_router::hooks::use_navigate;

/// Sends the visitor to `to`, a path of this site.
#[component]
pub fn Go(#[prop(into)] to: String) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::response::redirect(&to);
    #[cfg(feature = "hydrate")]
    use_navigate()(
        &to,
        leptos_router::NavigateOptions {
            replace: true,
            ..Default::default()
        },
    );
    #[cfg(not(any(feature = "ssr", feature = "hydrate")))]
    let _ = to;
}

/// Sends the visitor to the sign-in page and back here afterwards. A new page is loaded, because
/// who is asking has changed.
#[component]
pub fn GoSignIn() -> impl IntoView {
    let to = sign_in_path();
    #[cfg(feature = "ssr")]
    crate::response::redirect(&to);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| leave(&to));
    #[cfg(not(any(feature = "ssr", feature = "hydrate")))]
    let _ = to;
}

/// Loads a page anew, for what changes who is asking.
pub fn leave(to: &str) {
    #[cfg(feature = "hydrate")]
    if let Err(error) = window().location().assign(to) {
        leptos::logging::error!("could not go to {to}: {error:?}");
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = to;
}

/// Has the browser show another address for this page, which a reload then asks for, and whoever comes back to it.
pub fn readdress(to: &str) {
    #[cfg(feature = "hydrate")]
    if let Err(error) = replace_address(to) {
        leptos::logging::error!("the address stays as it is: {error:?}");
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = to;
}

#[cfg(feature = "hydrate")]
fn replace_address(to: &str) -> Result<(), wasm_bindgen::JsValue> {
    let history = window().history()?;
    history.replace_state_with_url(&history.state()?, "", Some(to))
}

/// Loads this page again, which then asks to sign in: for who lost access while looking at it. A
/// terminal says so itself, and its last screen is not taken away.
#[cfg(feature = "hydrate")]
pub(crate) fn reload_revoked() {
    if document().get_elements_by_tag_name("mc-terminal").length() == 0 {
        reload();
    }
}

/// Loads this page again.
pub fn reload() {
    #[cfg(feature = "hydrate")]
    if let Err(error) = window().location().reload() {
        leptos::logging::error!("could not reload: {error:?}");
    }
}

/// Puts the focus on the element of that id, for what script is drawing; text in a field is
/// selected.
pub fn focus(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        // What waited for data gets into the page only after this.
        let id = id.to_owned();
        request_animation_frame(move || focus_now(&id));
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

#[cfg(feature = "hydrate")]
fn focus_now(id: &str) {
    use wasm_bindgen::JsCast;
    let Some(element) = document().get_element_by_id(id) else {
        return;
    };
    if let Some(field) = element.dyn_ref::<web_sys::HtmlInputElement>() {
        field.select();
    }
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        // Only an element that is gone refuses.
        let _ = element.focus();
    }
}

/// Sets the response's status; nothing in the browser.
pub fn set_status(status: u16) {
    #[cfg(feature = "ssr")]
    crate::response::set_status(status);
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}

/// `/login`, and back here afterwards.
fn sign_in_path() -> String {
    let here = leptos_router::hooks::use_location();
    let path = here.pathname.get_untracked();
    let next = match path.as_str() {
        "/" | "/login" => "",
        path => path,
    };
    way_in("/login", next)
}

/// The address of a way in (`/login`, `/register`) that leads on to `next`; home where that is empty.
pub fn way_in(page: &str, next: &str) -> String {
    match next {
        "" => page.to_owned(),
        next => format!("{page}?next={}", percent_encode(next)),
    }
}

/// Escapes what may not stand in a query value or path segment.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(byte.into());
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// `path` when it is an address of this site, so that a link cannot lead a sign-in elsewhere.
pub fn local_path(path: &str) -> Option<&str> {
    let plain = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let local = path.starts_with('/') && !path.starts_with("//");
    let length = path.len() <= 512;
    (plain && local && length).then_some(path)
}

/// The address that the browser shows, without query.
#[cfg(feature = "hydrate")]
pub(crate) fn path() -> String {
    // Only a document without a window has none.
    window().location().pathname().unwrap_or_default()
}

/// Marks the document as one whose script runs, for controls that need it.
#[cfg(feature = "hydrate")]
pub(crate) fn mark_script() {
    let root = document().document_element();
    if let Some(root) = root {
        // Only a document without elements refuses an attribute.
        let _ = root.set_attribute("data-script", "on");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_site_is_gone_to_after_sign_in() {
        assert_eq!(local_path("/vms/web1?x=1"), Some("/vms/web1?x=1"));
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "vms",
            "/a b",
            "/\n",
        ] {
            assert_eq!(local_path(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn what_a_query_may_not_hold_is_escaped() {
        assert_eq!(percent_encode("/vms/a b&c"), "/vms/a%20b%26c");
    }
}
