//! What server, balancer and nodes log, live.

use leptos::prelude::*;

use super::{
    filter::{Filter, query_part},
    log_console::LogConsole,
    section::Section,
};
use crate::{
    component::{Field, Loaded, Select},
    model::{LogLevel, LogPage},
    server_fn::admin::log_list,
};

/// `/admin/logs`. The address has the filter; script follows what is logged.
#[component]
pub fn LogsPage() -> impl IntoView {
    let (source, level, text) = (
        query_part("source"),
        query_part("level"),
        query_part("text"),
    );
    let filters = Memo::new(move |_| (source.get(), level.get(), text.get()));
    // Only the first picture is asked for; a change of the filter goes to the socket.
    let first = Resource::new_blocking(
        move || filters.get_untracked(),
        |(source, level, text)| log_list(source, level, text),
    );
    let page = move || {
        view! {
            <Loaded
                data=first
                skeleton=|| view! { <div class="skeleton page" aria-busy="true"></div> }
                view=move |first| view! { <Logs first filters /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section title="Logs" page /> }
}

/// Source, level, text; empty parts match all.
pub type Filters = (String, String, String);

#[component]
fn Logs(first: LogPage, filters: Memo<Filters>) -> impl IntoView {
    let (source, level, text) = filters.get_untracked();
    let LogPage { records, sources } = first;
    view! {
        <Filter action="/admin/logs" label="Filter logs">
            <Select name="source" label="Source" options=source_names(sources, &source) value=source />
            <Select name="level" label="Level" options=levels() value=level />
            <Field name="text" label="Text" kind="search" value=text optional=true max_length=256 code=true />
        </Filter>
        <LogConsole records filters />
    }
}

/// Every source, and the one asked for where it has logged nothing.
fn source_names(mut sources: Vec<String>, asked: &str) -> Vec<(String, String)> {
    if !asked.is_empty() && !sources.iter().any(|source| source == asked) {
        sources.push(asked.to_owned());
    }
    let any = (String::new(), "All".to_owned());
    [any]
        .into_iter()
        .chain(sources.into_iter().map(|source| (source.clone(), source)))
        .collect()
}

fn levels() -> Vec<(String, String)> {
    let words = |level: LogLevel| match level {
        LogLevel::Trace => "Everything",
        LogLevel::Debug => "Debug and worse",
        LogLevel::Info => "Info and worse",
        LogLevel::Warn => "Warnings and errors",
        LogLevel::Error => "Errors",
    };
    let option = |level: LogLevel| {
        let value = if level == LogLevel::Trace {
            ""
        } else {
            level.word()
        };
        (value.to_owned(), words(level).to_owned())
    };
    LogLevel::ALL.map(option).into()
}

/// The socket that sends what matches.
#[cfg(any(test, feature = "hydrate"))]
pub fn socket_path((source, level, text): &Filters) -> String {
    use crate::nav::percent_encode;
    let level = LogLevel::from_word(level)
        .map(LogLevel::word)
        .unwrap_or_default();
    let parts = [
        ("source", source.trim()),
        ("level", level),
        ("text", text.trim()),
    ];
    let pairs: Vec<String> = parts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", percent_encode(value)))
        .collect();
    format!("/live/logs?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_asked_for_what_the_address_asks_for() {
        let filters = ("node-1".to_owned(), "warn".to_owned(), "a b".to_owned());
        assert_eq!(
            socket_path(&filters),
            "/live/logs?source=node-1&level=warn&text=a%20b"
        );
        let odd = (String::new(), "loud".to_owned(), " ".to_owned());
        assert_eq!(socket_path(&odd), "/live/logs?");
    }
}
