//! How much there is, and how that was over the last hour.

use leptos::prelude::*;

use crate::{
    component::Sparkline,
    format,
    model::{CountSample, NodeHealth, Overview},
};

/// A card for each count. Live.
#[component]
pub fn Counts(overview: RwSignal<Overview>) -> impl IntoView {
    let ready = move || {
        overview.with(|overview| {
            let ready = overview
                .nodes
                .iter()
                .filter(|node| node.health == NodeHealth::Ready)
                .count();
            format!("{ready} ready")
        })
    };
    let running = move || {
        overview.with(|overview| {
            let running = format!("{} running", overview.vms_running);
            let others = [
                (overview.vms_unknown, "unknown"),
                (overview.vms_failed, "failed"),
            ];
            let others = others.into_iter().filter(|(count, _)| *count > 0);
            let others = others.map(|(count, state)| format!("{count} {state}"));
            let words: Vec<String> = std::iter::once(running).chain(others).collect();
            words.join(", ")
        })
    };
    view! {
        <section class="counts" aria-label="Counts">
            <div class="count-cards">
                <Count overview href="/admin/vms" name="VMs" count=|counts| counts.vms note=Signal::derive(running) />
                <Count overview href="/admin/nodes" name="Nodes" count=|counts| counts.nodes note=Signal::derive(ready) />
                <Count overview href="/admin/users" name="Users" count=|counts| counts.users note="with an account" />
                <Count overview href="/admin/events?kind=shell_open" name="Shells" count=|counts| counts.shells note="open now" />
                <Count overview href="/admin/events?kind=login" name="Sign-ins" count=|counts| counts.login_sessions note="still valid" />
            </div>
            <p class="counts-foot muted">"The bars show each count over the last hour."</p>
        </section>
    }
}

/// The bars stand beside the link, not in it: what they say would make its name long.
#[component]
fn Count(
    overview: RwSignal<Overview>,
    href: &'static str,
    name: &'static str,
    count: fn(&CountSample) -> u32,
    #[prop(into)] note: Signal<String>,
) -> impl IntoView {
    let course = Memo::new(move |_| overview.with(|overview| course(overview, count)));
    let number = move || course.with(|course| course.last().copied().unwrap_or_default());
    let words = move || course.with(|course| course_words(name, course));
    let bars = Signal::derive(move || course.with(|course| heights(course)));
    view! {
        <div class="count">
            <a class="count-link" href=href>
                <span class="count-name">{name}</span>
                <span class="count-number numbers">{number}</span>
                <span class="count-note muted">{note}</span>
            </a>
            <span class="count-course" role="img" aria-label=words>
                <Sparkline values=bars />
            </span>
        </div>
    }
}

/// A count as it was, and last as it is.
fn course(overview: &Overview, count: fn(&CountSample) -> u32) -> Vec<u32> {
    let now = overview.counts();
    overview.history.iter().chain([&now]).map(count).collect()
}

/// Percent of a scale that begins at 0 and leaves air above the highest: a steady count is no full block.
fn heights(course: &[u32]) -> Vec<u8> {
    let highest = course.iter().copied().max().unwrap_or_default().max(1);
    let height = |count: &u32| (u64::from(*count) * 75 / u64::from(highest)) as u8;
    course.iter().map(height).collect()
}

/// What the bars show: "VMs over the last hour: from 3 to 12, at most 14".
fn course_words(name: &str, course: &[u32]) -> String {
    let [first, .., last] = course else {
        return format!("{name}: nothing is known of before");
    };
    let time = match course.len() - 1 {
        CountSample::KEPT.. => "hour".to_owned(),
        some => format::span(some as i64 * CountSample::EVERY),
    };
    let low = course.iter().min().unwrap_or(first);
    let high = course.iter().max().unwrap_or(first);
    if low == high {
        return format!("{name} over the last {time}: steady at {last}");
    }
    let mut words = format!("{name} over the last {time}: from {first} to {last}");
    if low < first.min(last) {
        words += &format!(", at least {low}");
    }
    if high > first.max(last) {
        words += &format!(", at most {high}");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_told_by_its_ends_and_by_what_went_beyond_them() {
        let hour = |counts: &[u32]| {
            let mut course = vec![counts[0]; CountSample::KEPT + 1 - counts.len()];
            course.extend(counts);
            course_words("VMs", &course)
        };
        for (counts, words) in [
            (&[3, 14, 12][..], "from 3 to 12, at most 14"),
            (&[3, 12][..], "from 3 to 12"),
            (&[12, 0, 3][..], "from 12 to 3, at least 0"),
            (&[2, 0, 5, 2][..], "from 2 to 2, at least 0, at most 5"),
            (&[2, 2][..], "steady at 2"),
        ] {
            assert_eq!(hour(counts), format!("VMs over the last hour: {words}"));
        }
    }

    #[test]
    fn a_course_that_has_just_begun_says_how_long_it_is() {
        for (counts, words) in [
            (&[4][..], "Users: nothing is known of before"),
            (&[4, 4][..], "Users over the last 2 min: steady at 4"),
            (&[4, 4, 5][..], "Users over the last 5 min: from 4 to 5"),
        ] {
            assert_eq!(course_words("Users", counts), words);
        }
    }

    #[test]
    fn bars_begin_at_zero_and_leave_air_above_the_highest() {
        assert_eq!(heights(&[0, 2, 4, 1]), [0, 37, 75, 18]);
        assert_eq!(heights(&[0, 0]), [0, 0]);
        assert_eq!(heights(&[1]), [75]);
        assert_eq!(heights(&[9, 9, 9]), [75, 75, 75]);
        assert_eq!(heights(&[u32::MAX]), [75]);
    }
}
