//! A dialog over the page, for who has script; the same content has a page of its own for others.

use leptos::{ev, html, prelude::*};

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
            on:cancel=move |event: ev::Event| {
                // Closed by who opened it. By itself it would be closed before `open` is false: who asks for it anew
                // in that moment would change nothing.
                event.prevent_default();
                on_close.run(());
            }
            on:close=move |_| {
                // Told a moment later, when it may be open again.
                let is_closed = dialog.get_untracked().is_some_and(|dialog| !dialog.open());
                if is_closed && open.get_untracked() {
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
