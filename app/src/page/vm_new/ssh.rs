//! Whether the new VM's own SSH server is published.

use leptos::prelude::*;

use crate::{component::FormState, model::VmOffer};

const HINT: &str = "Opens a port of the node that leads to the VM's own SSH server, with the keys of your account. \
    Without it, SSH by the gateway works all the same.";

/// What the form says of it. Which image is chosen is known only with script.
#[component]
pub fn SshPublish(offer: StoredValue<VmOffer>, image: RwSignal<String>) -> impl IntoView {
    let state = use_context::<FormState>();
    let typed = state.and_then(|state| state.typed("ssh_publish")).is_some();
    let message = state.map(|state| state.message("ssh_publish"));
    let scripted = RwSignal::new(false);
    Effect::new(move |_| scripted.set(true));
    let never = offer.with_value(|offer| offer.ssh_unavailable.clone());
    let keyless = never.is_some();
    let why_not = Signal::derive(move || {
        let never = offer.with_value(|offer| offer.ssh_unavailable.clone());
        never.or_else(|| match scripted.get() {
            true => offer.with_value(|offer| image.with(|image| without_server(offer, image))),
            false => None,
        })
    });
    view! {
        // Open where a plain form comes back with it chosen.
        <details class="more" open=typed>
            <summary>"More"</summary>
            <div class="field">
                <label class="choice">
                    <input
                        type="checkbox"
                        id="field-ssh_publish"
                        name="ssh_publish"
                        value="true"
                        checked=typed
                        disabled=move || why_not.get().is_some()
                        aria-describedby="field-ssh_publish-hint field-ssh_publish-error"
                    />
                    "Publish SSH (port 22)"
                </label>
                <p class="field-hint" id="field-ssh_publish-hint">
                    {move || why_not.get().unwrap_or_else(|| HINT.to_owned())}
                    {keyless.then(|| view! { " " <a href="/account#ssh">"Your keys"</a> })}
                </p>
                <p class="field-error" id="field-ssh_publish-error" aria-live="polite">{message}</p>
            </div>
        </details>
    }
}

/// Why it cannot be had with that image.
fn without_server(offer: &VmOffer, image: &str) -> Option<String> {
    let chosen = offer.images.iter().find(|one| one.name == image)?;
    if chosen.ssh_server.is_some() {
        return None;
    }
    let with = offer.images.iter().filter(|one| one.ssh_server.is_some());
    let names: Vec<&str> = with.map(|one| one.name.as_str()).collect();
    Some(match names.is_empty() {
        true => format!("The image {image} carries no SSH server to publish."),
        false => format!(
            "The image {image} carries no SSH server to publish; these do: {}.",
            names.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImageView, QuotaUsage, SshServer};

    #[test]
    fn an_image_without_a_server_says_which_have_one() {
        let image = |name: &str, ssh_server| ImageView {
            name: name.into(),
            reference: name.into(),
            summary: String::new(),
            default: false,
            present_on: 1,
            ssh_server,
        };
        let offer = VmOffer {
            suggested_name: "brave-otter".into(),
            flavors: Vec::new(),
            images: vec![
                image("alpine", None),
                image("base", Some(SshServer::Dropbear)),
            ],
            quota: QuotaUsage::default(),
            ssh_unavailable: None,
        };
        assert_eq!(without_server(&offer, "base"), None);
        let words = without_server(&offer, "alpine").unwrap();
        assert!(words.ends_with("these do: base."), "{words}");
    }
}
