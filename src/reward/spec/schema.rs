//! The JSON Schema of the spec language, for editors.

use schemars::{JsonSchema, schema_for};

use super::tables::SpecTable;

/// The JSON Schema (draft 2020-12) of a reward spec, pretty-printed.
///
/// Editors with TOML support (Taplo, Even Better TOML) complete and check
/// specs by it: put `#:schema goldstone.schema.json` on the first line.
#[must_use]
pub fn json_schema() -> String {
    serde_json::to_string_pretty(&schema_for!(SpecTable))
        .expect("a schema is plain JSON with string keys")
}

/// The keys of a table, as its schema lists them.
pub(super) fn keys<T: JsonSchema>() -> Vec<String> {
    let schema = schema_for!(T);
    match schema
        .get("properties")
        .and_then(|properties| properties.as_object())
    {
        Some(properties) => properties.keys().cloned().collect(),
        None => Vec::new(),
    }
}
