//! API tokens: who has which, a new one, its secret once.

use leptos::prelude::*;

use crate::{
    component::{
        Ago, Alert, AlertKind, CopyFact, Failure, Field, Form, FormAlert, Icon, IconName, Loaded,
        Select, Submit, empty_form, on_gone, on_success,
    },
    format,
    model::{AppError, Role, TokenView},
    server_fn::{Dated, TokenCreate, TokenDelete},
};

const FORM: &str = "token-create-form";

/// Asked by the page, and again after each change.
pub type TokenResource = Resource<Result<Dated<Vec<TokenView>>, AppError>>;

/// The tokens, and a form for one more, whose secret is shown once. `role` says which scopes are offered.
#[component]
pub fn Tokens(tokens: TokenResource, role: Role) -> impl IntoView {
    let delete = ServerAction::<TokenDelete>::new();
    let create = ServerAction::<TokenCreate>::new();
    on_gone(delete, move || tokens.refetch());
    on_success(create, move |_| {
        tokens.refetch();
        empty_form(FORM);
    });
    let shown = move |tokens: Dated<Vec<TokenView>>| {
        let as_of = tokens.as_of;
        let item = move |token| view! { <Token token as_of action=delete /> };
        let items = tokens.value.into_iter().map(item).collect_view();
        view! { <ul class="session-list" role="list">{items}</ul> }.into_any()
    };
    view! {
        <section class="card" id="tokens" aria-labelledby="tokens-title">
            <h2 id="tokens-title">"API tokens"</h2>
            <p class="muted">
                "For scripts and the " <code>"minicloud"</code> " command, in place of your password. "
                <a href="/api/docs" rel="external">"What they can ask"</a>
            </p>
            <Failure action=delete gone="That token was revoked already." />
            <Loaded data=tokens skeleton=|| view! { <div class="skeleton events"></div> } view=shown />
            <Create action=create role />
        </section>
    }
}

#[component]
fn Token(token: TokenView, as_of: i64, action: ServerAction<TokenDelete>) -> impl IntoView {
    let label = format!("Revoke {}", token.name);
    let until = match token.expires_at {
        Some(at) if at <= as_of => "ended".to_owned(),
        Some(at) => format!("until {}", format::day(at)),
        None => "does not end by itself".to_owned(),
    };
    view! {
        <li class="session-item">
            <Icon name=IconName::Terminal />
            <span class="session-facts">
                <strong>{token.name}</strong>
                <span class="muted">
                    {scope_words(&token.scopes)} " · " {until} " · "
                    {match token.used_at {
                        Some(at) => view! { "used " <Ago at as_of /> }.into_any(),
                        None => "never used".into_any(),
                    }}
                </span>
            </span>
            <Form action class="inline" label>
                <input type="hidden" name="id" value=token.id />
                <Submit class="button small quiet">"Revoke"</Submit>
            </Form>
        </li>
    }
}

#[component]
fn Create(action: ServerAction<TokenCreate>, role: Role) -> impl IntoView {
    let answered = action.value();
    let given = take_given();
    let secret = move || answered.get().and_then(Result::ok).or(given.clone());
    let mut scopes = vec!["read write", "read"];
    if role == Role::Admin {
        scopes.push("read write admin");
    }
    let scopes = scopes
        .into_iter()
        .map(|scopes| (scopes.to_owned(), scope_words(scopes).to_owned()));
    let days = [
        ("90", "90 days"),
        ("30", "30 days"),
        ("365", "A year"),
        ("", "No end"),
    ];
    let days = days.map(|(value, words)| (value.to_owned(), words.to_owned()));
    view! {
        {move || secret().map(|secret| view! { <Given secret /> })}
        <Form action class="form" label="New API token" id=FORM>
            <FormAlert fields=&["name", "scopes", "days"] />
            <Field name="name" label="Name" hint="What it is for, such as the script's name." max_length=64 />
            <Select name="scopes" label="May" options=scopes.collect() />
            <Select name="days" label="Good for" options=days.into() value="90" />
            <div class="form-actions"><Submit class="button" busy="Making it…">"New token"</Submit></div>
        </Form>
    }
}

#[component]
fn Given(secret: String) -> impl IntoView {
    view! {
        <Alert kind=AlertKind::Good>
            <p>"The token is shown only now. Copy it to where it is used."</p>
            <CopyFact text=secret what="token" />
        </Alert>
    }
}

fn scope_words(scopes: &str) -> &'static str {
    match scopes {
        "read" => "Look at things",
        "read write" => "Look at and change things",
        "write" => "Change things",
        _ => "All that an admin may",
    }
}

/// The secret that the plain form before this page made; only the server knows it, and once.
fn take_given() -> Option<String> {
    #[cfg(feature = "ssr")]
    return crate::response::once::take("/account");
    #[cfg(not(feature = "ssr"))]
    None
}
