//! How much of something is taken.

use leptos::prelude::*;

/// A bar with its words: "2 of 4 vCPU".
#[component]
pub fn Meter(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] words: Signal<String>,
    #[prop(into)] value: Signal<f64>,
    /// In the unit of `value`, which counts as high from 80 % of it on.
    #[prop(into)]
    max: Signal<f64>,
) -> impl IntoView {
    view! {
        <div class="meter">
            <span class="meter-label">{label}</span>
            <span class="meter-words">{words}</span>
            <meter
                min="0"
                max=move || max.get().max(1.0)
                value=value
                high=move || max.get() * 0.8
                aria-label=move || format!("{}: {}", label.get(), words.get())
            ></meter>
        </div>
    }
}
