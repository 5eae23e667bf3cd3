//! A page for what is refused before any page is drawn: the database does not answer, another host was asked for.

use leptos::prelude::*;

use crate::{component::ErrorView, model::AppError};

/// What a browser may load for it: no script, the style alone.
pub const REFUSAL_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The whole document: what happened, what to do, and to try again.
pub fn refusal_page(error: AppError) -> String {
    let page = move || {
        view! {
            <!DOCTYPE html>
            <html lang="en" data-theme="system">
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                    <meta name="color-scheme" content="light dark" />
                    <title>"MiniCloud"</title>
                    <link rel="stylesheet" href="/pkg/minicloud.css" />
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                </head>
                <body>
                    <main id="main">
                        <ErrorView error />
                    </main>
                </body>
            </html>
        }
    };
    // No script comes that would want to know where a view begins and ends.
    Owner::new().with(|| page().to_html().replace("<!>", ""))
}
