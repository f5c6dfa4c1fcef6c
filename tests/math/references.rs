//! Which references make a row an error, and what the error says.

use goldstone::math::{Gold, MathOptions};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    reference: String,
    /// What the error says; the reference is taken where nothing is given.
    says: Option<String>,
}

#[test]
fn references_are_refused_for_what_is_wrong_with_them() {
    let table: Table = toml::from_str(include_str!("../data/math/references.toml")).unwrap();
    assert!(!table.case.is_empty());
    for case in table.case {
        let reference = &case.reference;
        let error = Gold::compile(reference, &MathOptions::default()).err();
        let error = error.map(|error| error.to_string());
        match (&error, &case.says) {
            (None, None) => {}
            (Some(error), Some(says)) if error.contains(says) => {}
            _ => panic!("`{reference}`: {error:?}, expected {:?}", case.says),
        }
    }
}
