//! References of a schema: that they stay inside it and never come back to
//! themselves.
//!
//! A schema that refers to itself lets the judged value decide how long it is
//! judged: with two branches at each level a value of depth 60 takes 2^60 steps,
//! and one that refers to itself at the same place never ends.

use std::collections::BTreeMap;

use serde_json::Value;

/// Keywords whose targets are only known while a value is judged.
const REFUSED: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$dynamicAnchor"];

/// What is wrong with the references of a schema; `None` where nothing is.
pub(super) fn fault(schema: &Value) -> Option<String> {
    let mut walk = Walk {
        root: schema,
        state: BTreeMap::new(),
    };
    walk.visit("", 0).err()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
}

struct Walk<'s> {
    root: &'s Value,
    /// By the pointer of the subschema.
    state: BTreeMap<String, State>,
}

/// References that lead to references; more make no sense by hand.
const LONGEST_CHAIN: usize = 64;

impl Walk<'_> {
    fn visit(&mut self, pointer: &str, chain: usize) -> Result<(), String> {
        match self.state.get(pointer) {
            Some(State::Done) => return Ok(()),
            Some(State::Open) => {
                return Err(format!(
                    "`$ref` to `#{pointer}` comes back to itself; a recursive schema has no bound \
                     on the work it takes, so write its levels out"
                ));
            }
            None => {}
        }
        if chain > LONGEST_CHAIN {
            return Err(format!(
                "more than {LONGEST_CHAIN} references follow each other"
            ));
        }
        let Some(part) = self.root.pointer(pointer) else {
            return Err(format!(
                "`$ref` to `#{pointer}`, which is not in the schema"
            ));
        };
        self.state.insert(pointer.to_owned(), State::Open);
        let mut targets = Vec::new();
        self.collect(part, &mut targets)?;
        for target in targets {
            self.visit(&target, chain + 1)?;
        }
        self.state.insert(pointer.to_owned(), State::Done);
        Ok(())
    }

    /// The pointers of all references at and below `part`, by an explicit stack.
    fn collect(&self, part: &Value, targets: &mut Vec<String>) -> Result<(), String> {
        let mut rest = vec![part];
        while let Some(value) = rest.pop() {
            match value {
                Value::Array(items) => rest.extend(items),
                Value::Object(map) => {
                    let is_root = std::ptr::eq(value, self.root);
                    for (key, inner) in map {
                        match inner {
                            Value::String(target) if key == "$ref" => targets.push(local(target)?),
                            Value::String(_) if REFUSED.contains(&key.as_str()) => {
                                return Err(format!(
                                    "`{key}` is not read; use `$ref` to a place in the schema"
                                ));
                            }
                            Value::String(_) if !is_root && self.names_a_part(key) => {
                                return Err(format!(
                                    "`{key}` inside the schema would change what `$ref` means"
                                ));
                            }
                            _ => rest.push(inner),
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether `key` gives a subschema a name of its own.
    fn names_a_part(&self, key: &str) -> bool {
        let is_draft4 = || {
            let draft = self.root.get("$schema").and_then(Value::as_str);
            draft.is_some_and(|draft| draft.contains("draft-04"))
        };
        matches!(key, "$id" | "$anchor") || (key == "id" && is_draft4())
    }
}

fn local(target: &str) -> Result<String, String> {
    match target.strip_prefix('#') {
        Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
            // A `%` would be decoded by the validator, and by us differently.
            if pointer.contains('%') {
                return Err(format!("`$ref` to `{target}`: write it without `%`"));
            }
            Ok(pointer.to_owned())
        }
        _ => Err(format!(
            "`$ref` to `{target}`: only a place in the schema itself, such as `#/$defs/item`, can \
             be named; nothing is fetched"
        )),
    }
}
