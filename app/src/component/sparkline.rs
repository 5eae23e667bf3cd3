//! A few minutes of CPU in the height of a line.

use leptos::prelude::*;

const WIDTH: f32 = 72.0;
const HEIGHT: f32 = 20.0;
/// Values there is room for.
const ROOM: usize = 24;

/// Bars of 0..=100, newest at the right. Decoration: the figure stands beside it.
#[component]
pub fn Sparkline(#[prop(into)] values: Signal<Vec<u8>>) -> impl IntoView {
    let path = Memo::new(move |_| values.with(|values| bars(values)));
    view! {
        <svg class="sparkline" viewBox=format!("0 0 {WIDTH} {HEIGHT}") aria-hidden="true">
            <path d=path />
        </svg>
    }
}

/// One thin bar a value; an idle machine still shows a line.
fn bars(values: &[u8]) -> String {
    let newest = &values[values.len().saturating_sub(ROOM)..];
    let step = WIDTH / ROOM as f32;
    let first = ROOM - newest.len();
    let bar = |(place, value): (usize, &u8)| {
        let x = (first + place) as f32 * step + step / 2.0;
        let height = 1.0 + f32::from((*value).min(100)) / 100.0 * (HEIGHT - 1.0);
        format!("M{x:.1} {HEIGHT}v-{height:.1}")
    };
    newest.iter().enumerate().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_stands_at_the_right() {
        assert_eq!(bars(&[100]), "M70.5 20v-20.0");
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[0; 40]).matches('M').count(), ROOM);
    }
}
