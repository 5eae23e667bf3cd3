//! A dialog over the page, for who has script; the same content has a page of its own for others.

use leptos::{html, prelude::*};

/// Shows while `open`; Escape and the backdrop ask to close it. What is in it is made anew each time.
#[component]
pub fn Dialog(
    #[prop(into)] open: Signal<bool>,
    /// Makes `open` false.
    on_close: Callback<()>,
    /// The id of the heading in it.
    labelled_by: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let is_open = open.get();
        let Some(dialog) = dialog.get() else { return };
        match is_open {
            true if !dialog.open() => {
                if let Err(error) = dialog.show_modal() {
                    leptos::logging::error!("a dialog could not open: {error:?}");
                }
            }
            false if dialog.open() => dialog.close(),
            _ => {}
        }
    });
    view! {
        <dialog
            class="dialog"
            node_ref=dialog
            aria-labelledby=labelled_by
            on:close=move |_| {
                if open.get_untracked() {
                    on_close.run(());
                }
            }
            on:click=move |event| {
                // Only the backdrop is outside of the content.
                let on_backdrop = event.target().as_deref() == event.current_target().as_deref();
                if on_backdrop {
                    on_close.run(());
                }
            }
        >
            <Show when=move || open.get()>
                <div class="dialog-body">{children()}</div>
            </Show>
        </dialog>
    }
}
