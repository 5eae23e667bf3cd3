//! The document as one page of plain HTML, in the look of the other pages.

use std::fmt::Write as _;

use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::form;

/// The whole page.
pub fn page(document: &OpenApi) -> String {
    // What was made from types can be written.
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>API · MiniCloud</title><link rel=\"icon\" href=\"/favicon.svg\">\
         <link rel=\"stylesheet\" href=\"/pkg/minicloud.css\">\
         <script src=\"/api/docs.js\" defer></script></head><body><main class=\"api-docs\">\
         <h1>MiniCloud API</h1>",
    );
    let _ = write!(
        html,
        "<p>{}</p><p>Failures are <a href=\"#type-Problem\">Problem</a> with a status of 400 or more. \
         <a href=\"/api/openapi.json\">OpenAPI 3.1 document</a></p>",
        text(&document["info"]["description"])
    );
    form::token(&mut html);
    for (path, item) in fields(&document["paths"]) {
        for (method, operation) in fields(item) {
            section(&mut html, method, path, operation);
            form::form(&mut html, method, path, operation, &document);
            html.push_str("</section>");
        }
    }
    for (name, schema) in fields(&document["components"]["schemas"]) {
        let json = serde_json::to_string_pretty(schema).unwrap_or_default();
        let _ = write!(
            html,
            "<section id=\"type-{0}\"><h2>{0}</h2><pre tabindex=\"0\"><code>{1}</code></pre></section>",
            escape(name),
            escape(&json)
        );
    }
    html.push_str("</main></body></html>");
    html
}

/// What a call takes and answers; its section is left open.
fn section(html: &mut String, method: &str, path: &str, operation: &Value) {
    let _ = write!(
        html,
        "<section id=\"{}\"><h2><code>{} {}</code></h2><p>{} {}</p>",
        text(&operation["operationId"]),
        escape(&method.to_uppercase()),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"])
    );
    html.push_str("<dl>");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        fact(
            html,
            &format!("<code>{}</code>", text(&parameter["name"])),
            &text(&parameter["description"]),
        );
    }
    let body = named(&operation["requestBody"]);
    if !body.is_empty() {
        fact(html, "Body", &body);
    }
    // Failures are the same everywhere, and stand at the top.
    let answers = fields(&operation["responses"]).filter(|(status, _)| status.starts_with('2'));
    for (status, response) in answers {
        let answer = Some(named(response)).filter(|answer| !answer.is_empty());
        fact(
            html,
            &escape(status),
            &answer.unwrap_or_else(|| "no body".into()),
        );
    }
    html.push_str("</dl>");
}

fn fact(html: &mut String, name: &str, value: &str) {
    let _ = write!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
}

/// The types of a body or an answer, as links to them.
fn named(body: &Value) -> String {
    let types = fields(&body["content"]).map(|(kind, content)| {
        let schema = &content["schema"];
        let words = link(schema)
            .or_else(|| Some(format!("list of {}", link(&schema["items"])?)))
            .unwrap_or_default();
        format!("{words} ({})", escape(kind))
    });
    types.collect::<Vec<_>>().join(", ")
}

fn link(schema: &Value) -> Option<String> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    let name = escape(name);
    Some(format!("<a href=\"#type-{name}\">{name}</a>"))
}

/// Names and values of an object, in its order; nothing for anything else.
pub fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Words of the document; what stands between backticks is code.
pub fn text(value: &Value) -> String {
    let words = escape(value.as_str().unwrap_or_default());
    let parts = words.split('`').enumerate();
    parts
        .map(|(place, part)| match place.is_multiple_of(2) {
            true => part.to_owned(),
            false => format!("<code>{part}</code>"),
        })
        .collect()
}

/// For HTML, between tags and in attributes with double quotes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
