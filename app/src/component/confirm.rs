//! Asking before something is gone for good; names the thing and the consequence.

use leptos::{prelude::*, server_fn::ServerFn};
use serde::de::DeserializeOwned;

use super::{Form, FormAlert, Submit};
use crate::model::AppError;

/// The question, with its form. On a page of its own, or in a [`Dialog`](super::Dialog).
#[component]
pub fn Confirm<S>(
    action: ServerAction<S>,
    /// "Delete web1?"
    #[prop(into)]
    title: String,
    /// "Its disk is gone for good."
    #[prop(into)]
    consequence: String,
    /// "Delete web1"
    #[prop(into)]
    verb: String,
    /// What the form sends: name and value.
    fields: Vec<(&'static str, String)>,
    /// Where "Cancel" leads without script.
    #[prop(into)]
    cancel: String,
    /// Closes the dialog this stands in.
    #[prop(optional, into)]
    on_cancel: Option<Callback<()>>,
    /// More to fill in.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView
where
    S: ServerFn<Error = AppError> + DeserializeOwned + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let hidden = |(name, value)| view! { <input type="hidden" name=name value=value /> };
    let on_click = move |event: leptos::ev::MouseEvent| {
        if let Some(on_cancel) = on_cancel {
            event.prevent_default();
            on_cancel.run(());
        }
    };
    view! {
        <Form action class="confirm">
            <h2 id="confirm-title">{title}</h2>
            <p>{consequence}</p>
            {fields.into_iter().map(hidden).collect_view()}
            {children.map(|children| children())}
            <FormAlert />
            <div class="form-actions">
                <a class="button quiet" href=cancel on:click=on_click>"Cancel"</a>
                <Submit class="button danger">{verb.clone()}</Submit>
            </div>
        </Form>
    }
}
