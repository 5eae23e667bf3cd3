//! The last 15 minutes of one measure as a line over an area, drawn on server and browser alike.

use leptos::prelude::*;

const WIDTH: f32 = 360.0;
const HEIGHT: f32 = 96.0;
/// Microseconds across the whole width.
const WINDOW: i64 = 15 * 60 * 1_000_000;

/// One line of a chart: its name and its points (time in microseconds, value).
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// For the legend, which there is where there are two lines.
    pub name: &'static str,
    /// Oldest first. Those of over 15 minutes ago are not drawn.
    pub points: Vec<(i64, f32)>,
}

/// What a chart shows at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// One or two.
    pub lines: Vec<Line>,
    /// The right edge.
    pub now: i64,
    /// The top edge; at least this high, more when a value is above it.
    pub top: f32,
}

/// A chart with its name, its newest value, and the top of its scale.
#[component]
pub fn Chart(
    title: &'static str,
    /// The newest value in words.
    #[prop(into)]
    reading: Signal<String>,
    picture: Signal<Picture>,
    /// Words for a value on the scale.
    words: fn(f32) -> String,
) -> impl IntoView {
    let top = Memo::new(move |_| picture.with(scale));
    let paths = Memo::new(move |_| picture.with(|picture| paths(picture, top.get())));
    let path = move |line: usize, part: usize| {
        paths.with(|paths| paths.get(line).map(|path: &[String; 2]| path[part].clone()))
    };
    let names = picture.with_untracked(|picture| {
        picture
            .lines
            .iter()
            .map(|line| line.name)
            .collect::<Vec<_>>()
    });
    let legend = (names.len() > 1).then(|| {
        let key = |(place, name)| {
            let class = if place == 0 { "chart-line" } else { "chart-line second" };
            view! {
                <span class="chart-key">
                    <svg viewBox="0 0 18 4"><path class=class d="M0 2h18" /></svg>
                    {name}
                </span>
            }
        };
        view! { <span class="chart-legend">{names.into_iter().enumerate().map(key).collect_view()}</span> }
    });
    let label = move || format!("{title}, last 15 minutes: now {}", reading.get());
    view! {
        <figure class="chart">
            <figcaption>
                <span class="chart-title">{title}</span>
                <span class="chart-reading">{reading}</span>
            </figcaption>
            <div class="chart-plot">
                <svg
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=label
                >
                    <path class="chart-grid" d=format!("M0 {0}H{WIDTH}M0 {1}H{WIDTH}", 0.5, HEIGHT / 2.0) />
                    <path class="chart-area" d=move || path(0, 1) />
                    <path class="chart-line" d=move || path(0, 0) />
                    <path class="chart-line second" d=move || path(1, 0) />
                </svg>
                <span class="chart-top" aria-hidden="true">{move || words(top.get())}</span>
            </div>
            <div class="chart-foot" aria-hidden="true">
                <span>"15 min ago"</span>
                {legend}
                <span>"now"</span>
            </div>
        </figure>
    }
}

/// The top of the scale: a round number over the highest value.
fn scale(picture: &Picture) -> f32 {
    let values = picture
        .lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|(_, value)| *value);
    let highest = values.fold(picture.top, f32::max);
    if highest <= picture.top {
        return picture.top;
    }
    let power = 2f32.powf(highest.max(1.0).log2().ceil());
    let three_quarters = power * 0.75;
    if highest <= three_quarters {
        three_quarters
    } else {
        power
    }
}

/// Line and area of each.
fn paths(picture: &Picture, top: f32) -> Vec<[String; 2]> {
    picture
        .lines
        .iter()
        .map(|line| trace(&line.points, picture.now, top))
        .collect()
}

fn trace(points: &[(i64, f32)], now: i64, top: f32) -> [String; 2] {
    let start = now - WINDOW;
    let place = |(at, value): &(i64, f32)| {
        let x = (at - start) as f32 / WINDOW as f32 * WIDTH;
        let y = HEIGHT - (value / top).clamp(0.0, 1.0) * (HEIGHT - 1.0);
        (x, y)
    };
    let seen: Vec<_> = points
        .iter()
        .filter(|(at, _)| *at >= start)
        .map(place)
        .collect();
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return [String::new(), String::new()];
    };
    let line: String = seen
        .iter()
        .map(|(x, y)| format!("L{x:.1} {y:.1}"))
        .collect();
    let line = line.replacen('L', "M", 1);
    let area = format!("{line}L{:.1} {HEIGHT}L{:.1} {HEIGHT}Z", last.0, first.0);
    [line, area]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(values: &[f32], top: f32) -> Picture {
        let at = |place: usize| WINDOW - (values.len() - 1 - place) as i64 * 5_000_000;
        let points = values
            .iter()
            .enumerate()
            .map(|(place, value)| (at(place), *value))
            .collect();
        Picture {
            lines: vec![Line {
                name: "cpu",
                points,
            }],
            now: WINDOW,
            top,
        }
    }

    #[test]
    fn the_newest_point_stands_at_the_right_edge() {
        let [line, area] = trace(
            &picture(&[0.0, 100.0], 100.0).lines[0].points,
            WINDOW,
            100.0,
        );
        assert_eq!(line, "M358.0 96.0L360.0 1.0");
        assert_eq!(area, "M358.0 96.0L360.0 1.0L360.0 96L358.0 96Z");
    }

    #[test]
    fn the_scale_grows_to_a_round_number() {
        assert_eq!(scale(&picture(&[3.0], 100.0)), 100.0);
        assert_eq!(scale(&picture(&[1500.0], 1024.0)), 1536.0);
        assert_eq!(scale(&picture(&[1600.0], 1024.0)), 2048.0);
    }

    #[test]
    fn a_chart_without_points_draws_nothing() {
        assert_eq!(trace(&[], WINDOW, 100.0), [String::new(), String::new()]);
    }
}
