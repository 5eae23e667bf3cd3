//! Tables that become cards on phones. Roles are written out, because browsers drop them from a
//! table that is laid out otherwise.

use leptos::prelude::*;

/// A table with its column heads. On phones a cell shows its `data-label` beside it.
#[component]
pub fn Table(
    /// Names it for those who do not see it.
    label: &'static str,
    /// The last may be "Actions", which is only read out.
    columns: &'static [&'static str],
    children: Children,
) -> impl IntoView {
    let head = |column: &'static str| {
        let class = (column == "Actions").then_some("visually-hidden");
        view! { <th role="columnheader" scope="col"><span class=class>{column}</span></th> }
    };
    view! {
        <div class="table-box">
            <table class="table" role="table" aria-label=label>
                <thead role="rowgroup">
                    <tr role="row">{columns.iter().copied().map(head).collect_view()}</tr>
                </thead>
                <tbody role="rowgroup">{children()}</tbody>
            </table>
        </div>
    }
}

/// How many there are, where not all are shown.
#[component]
pub fn Shown(
    /// Lines in the table; under `matching` where that is more than a page takes.
    #[prop(into)]
    shown: Signal<usize>,
    #[prop(into)] matching: Signal<u32>,
    #[prop(into)] total: Signal<u32>,
    /// "user", "VM"
    noun: &'static str,
) -> impl IntoView {
    let words = move || shown_words(shown.get(), matching.get(), total.get(), noun);
    view! { <p class="muted numbers table-foot" role="status">{words}</p> }
}

fn shown_words(shown: usize, matching: u32, total: u32, noun: &str) -> String {
    let all = crate::format::count(total, noun);
    match (shown, matching) {
        (_, 0) if total > 0 => format!("None of {all} matches. Change the filter."),
        (shown, matching) if shown < matching as usize => {
            format!(
                "The first {shown} of {matching} that match, of {all}. Narrow the filter to see others."
            )
        }
        (_, matching) if matching < total => format!("{matching} of {all}"),
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(shown_words(3, 3, 3, "user"), "3 users");
        assert_eq!(shown_words(1, 1, 3, "user"), "1 of 3 users");
        assert_eq!(
            shown_words(0, 0, 3, "user"),
            "None of 3 users matches. Change the filter."
        );
        assert!(shown_words(200, 900, 1000, "VM").starts_with("The first 200 of 900"));
    }
}
