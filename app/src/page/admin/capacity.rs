//! What may be promised as a bar: used, promised, free. The words beside it say the same.

use leptos::prelude::*;

const WIDTH: f64 = 200.0;

/// A bar of one capacity.
#[component]
pub fn CapacityBar(
    /// What is read out in place of the bar.
    #[prop(into)]
    label: Signal<String>,
    /// The whole width; in the same unit as the parts.
    #[prop(into)]
    total: Signal<f64>,
    #[prop(into)] promised: Signal<f64>,
    /// Left out where it cannot be told.
    #[prop(optional, into)]
    used: Option<Signal<f64>>,
) -> impl IntoView {
    let promised = move || width(promised.get(), total.get());
    let used = used.map(|used| {
        view! { <rect class="capacity-used" width=move || width(used.get(), total.get()) height="8" /> }
    });
    view! {
        <svg
            class="capacity"
            viewBox=format!("0 0 {WIDTH} 8")
            preserveAspectRatio="none"
            role="img"
            aria-label=label
        >
            <rect class="capacity-promised" width=promised height="8" />
            {used}
        </svg>
    }
}

/// What the colours mean.
#[component]
pub fn CapacityLegend() -> impl IntoView {
    view! {
        <ul class="legend" role="list">
            <li class="legend-used">"used"</li>
            <li class="legend-promised">"promised"</li>
            <li class="legend-free">"free"</li>
        </ul>
    }
}

fn width(part: f64, total: f64) -> String {
    let share = if total > 0.0 {
        (part / total).clamp(0.0, 1.0)
    } else {
        0.0
    };
    format!("{:.1}", share * WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_longer() {
        assert_eq!(width(1.0, 4.0), "50.0");
        assert_eq!(width(5.0, 4.0), "200.0");
        assert_eq!(width(1.0, 0.0), "0.0");
    }
}
