//! The form that tries a call from the page: a field for each parameter, a body to start from. Without
//! script it would send nothing, and is hidden.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::page::{escape, fields};

/// How deep types are looked into for an example of a body; those of requests are flat.
const DEPTH: usize = 8;

/// Where the token goes in, once for all forms.
pub fn token(html: &mut String) {
    html.push_str(
        "<div class=\"try\" hidden><div class=\"field\"><label for=\"token\">API token, to try calls</label>\
         <input class=\"input code\" id=\"token\" type=\"password\" autocomplete=\"off\" placeholder=\"mct_…\">\
         <p class=\"field-hint\">It stays in this page. Without one, calls are made as whoever is signed in \
         in this browser.</p></div></div>",
    );
}

/// The form of one call.
pub fn form(html: &mut String, method: &str, path: &str, operation: &Value, document: &Value) {
    let _ = write!(
        html,
        "<details class=\"try\" hidden><summary>Try it</summary>\
         <form data-method=\"{}\" data-path=\"{}\">",
        escape(&method.to_uppercase()),
        escape(path)
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        field(html, parameter);
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !schema.is_null() {
        body(html, &example(schema, document, DEPTH));
    }
    html.push_str("<button class=\"button accent\" type=\"submit\">Send</button></form></details>");
}

fn field(html: &mut String, parameter: &Value) {
    let place = parameter["in"].as_str().unwrap_or_default();
    let example = match &parameter["example"] {
        Value::String(text) => escape(text),
        Value::Null => String::new(),
        other => escape(&other.to_string()),
    };
    let _ = write!(
        html,
        "<label class=\"field\"><code>{0}</code><input class=\"input code\" name=\"{0}\" data-in=\"{1}\" \
         placeholder=\"{2}\" autocomplete=\"off\"{3}></label>",
        escape(parameter["name"].as_str().unwrap_or_default()),
        escape(place),
        example,
        if place == "path" { " required" } else { "" }
    );
}

fn body(html: &mut String, example: &Value) {
    // What was read from JSON can be written.
    let json = serde_json::to_string_pretty(example).unwrap_or_default();
    let _ = write!(
        html,
        "<label class=\"field\">Body<textarea class=\"input code\" name=\"body\" data-in=\"body\" \
         rows=\"{}\" spellcheck=\"false\">{}</textarea></label>",
        json.lines().count(),
        escape(&json)
    );
}

/// A value of the type to start from: what must be there as the least of its kind, what may be left out
/// as null.
fn example(schema: &Value, document: &Value, depth: usize) -> Value {
    let inner = |schema: &Value| match depth {
        0 => Value::Null,
        depth => example(schema, document, depth - 1),
    };
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return inner(&document["components"]["schemas"][name]);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.first().cloned().unwrap_or_default();
    }
    let choices = schema["oneOf"].as_array();
    if let Some(choices) = choices.filter(|choices| choices.iter().all(|one| one["type"] != "null"))
    {
        return choices.first().map(inner).unwrap_or_default();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let properties = fields(&schema["properties"]);
            Value::Object(
                properties
                    .map(|(name, schema)| (name.clone(), inner(schema)))
                    .collect::<Map<_, _>>(),
            )
        }
        Some("array") => json!([inner(&schema["items"])]),
        Some("string") => json!(""),
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(1),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_starts_with_what_must_be_there_and_null_for_the_rest() {
        let document = json!({ "components": { "schemas": {
            "Make": { "type": "object", "properties": {
                "name": { "type": "string" },
                "days": { "type": ["integer", "null"] },
                "role": { "$ref": "#/components/schemas/Role" },
                "size": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Role" }] },
                "argv": { "type": "array", "items": { "type": "string" } },
            } },
            "Role": { "type": "string", "enum": ["member", "admin"] },
        } } });
        let schema = json!({ "$ref": "#/components/schemas/Make" });
        assert_eq!(
            example(&schema, &document, DEPTH),
            json!({ "name": "", "days": null, "role": "member", "size": null, "argv": [""] })
        );
    }

    #[test]
    fn a_type_that_holds_itself_ends() {
        let document = json!({ "components": { "schemas": {
            "Loop": { "type": "array", "items": { "$ref": "#/components/schemas/Loop" } },
        } } });
        let schema = json!({ "$ref": "#/components/schemas/Loop" });
        assert!(example(&schema, &document, DEPTH).is_array());
    }

    #[test]
    fn every_parameter_of_a_call_has_a_field_and_none_can_leave_its_attribute() {
        let operation = json!({ "parameters": [
            { "name": "na\"me", "in": "path" },
            { "name": "wait", "in": "query", "example": "30s" },
        ] });
        let mut html = String::new();
        form(&mut html, "get", "/x/{na\"me}", &operation, &Value::Null);
        assert!(
            html.contains("name=\"na&quot;me\" data-in=\"path\"") && html.contains(" required>"),
            "{html}"
        );
        assert!(
            html.contains("data-in=\"query\" placeholder=\"30s\""),
            "{html}"
        );
        assert!(!html.contains("<textarea"), "{html}");
    }
}
