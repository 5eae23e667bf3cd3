//! What VMs may reach, as it stands in the file.

use node_api::reach::VmReach;
use serde::Deserialize;

/// `["192.168.1.10", "10.2.0.0/16"]`, the same with commas in one text, or `"all"`.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "what VMs may reach is a list of texts, such as [\"192.168.1.10\", \"10.2.0.0/16\"], or \"all\""
)]
enum Written {
    List(Vec<String>),
    Text(String),
}

/// For a field's `deserialize_with`.
pub(super) fn list_or_text<'de, D: serde::Deserializer<'de>>(
    reader: D,
) -> Result<VmReach, D::Error> {
    let text = match Written::deserialize(reader)? {
        Written::List(words) => words.join(","),
        Written::Text(text) => text,
    };
    text.parse().map_err(serde::de::Error::custom)
}
