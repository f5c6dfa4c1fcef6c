//! Rows of the corpora: their fields, and their tests in the verifier's forms.

use serde_json::{Value, json};

pub(crate) fn word<'j>(row: &'j Value, name: &str) -> &'j str {
    row[name].as_str().unwrap_or_default()
}

/// A row's tests as one of the verifier's forms.
pub(crate) fn tests(row: &Value) -> Value {
    let tests = &row["tests"];
    let with = |mut fields: Value, kind: &str| {
        fields["type"] = json!(kind);
        fields["entry_point"] = row["entry_point"].clone();
        fields
    };
    match word(row, "test_format") {
        "humaneval_check" => {
            json!({"type": "check", "entry_point": row["entry_point"], "code": tests, "prelude": row["prompt"]})
        }
        "assert_list" => {
            let mut fields = with(tests.clone(), "asserts");
            if let Some(more) = tests["challenge"].as_array() {
                let all: Vec<Value> = tests["asserts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .chain(more)
                    .cloned()
                    .collect();
                fields["asserts"] = json!(all);
            }
            fields
        }
        "call_pylit" => with(tests.clone(), "calls"),
        "unittest_module" => with(tests.clone(), "unittest"),
        "lcb" => {
            json!({"type": "livecodebench", "encoded": tests["encoded_original"], "fn_name": tests["fn_name"]})
        }
        _ => {
            let mut fields = with(tests.clone(), "stdio");
            if tests["checker"]["kind"] == "custom" {
                fields["checker"]["code"] = json!(checker(word(&tests["checker"], "name")));
            }
            fields
        }
    }
}

/// The forms of a cheat's tests: as the program that it is, and as calls.
pub(crate) fn forms(row: &Value) -> Vec<(&'static str, Value)> {
    let entry_point = &row["entry_point"];
    let mut forms = Vec::new();
    match word(row, "format") {
        "check" => forms.push(("check", json!({"type": "check", "entry_point": entry_point, "code": row["tests"], "prelude": row["prelude"]}))),
        "asserts" => forms.push(("asserts", json!({"type": "asserts", "entry_point": entry_point, "asserts": [row["tests"]]}))),
        "unittest" => forms.push(("unittest", json!({"type": "unittest", "code": row["tests"]}))),
        _ => {
            let mut tests = row["tests"].clone();
            tests["type"] = json!("stdio");
            forms.push(("stdio", tests));
        }
    }
    if row["cases"].is_array() {
        forms.push(("calls", json!({"type": "calls", "entry_point": entry_point, "cases": row["cases"], "oracle": row["oracle"]})));
        if word(row, "format") == "check" {
            // The same tests in a form that the host does not read.
            let code = format!("_ = [0 for _ in '']\n{}", word(row, "tests"));
            forms.push(("split", json!({"type": "check", "entry_point": entry_point, "code": code, "prelude": row["prelude"]})));
        }
    }
    forms
}

/// The checkers that rows name.
fn checker(name: &str) -> &'static str {
    match name {
        "derangement" => {
            "def check(input, expected, output):\n    n = int(input)\n    got = output.split()\n    return sorted(got) == sorted(str(i) for i in range(1, n + 1)) and all(int(x) != i for i, x in enumerate(got, 1))\n"
        }
        "wcd" => {
            "def check(input, expected, output):\n    words = input.split()\n    n = int(words[0])\n    pairs = [(int(words[1 + 2 * i]), int(words[2 + 2 * i])) for i in range(n)]\n    got = output.split()\n    if len(got) != 1:\n        return False\n    if expected.split() == ['-1'] or got == ['-1']:\n        return got == expected.split()\n    if not (got[0].isascii() and got[0].isdigit()):\n        return False\n    x = int(got[0])\n    return x > 1 and all(a % x == 0 or b % x == 0 for a, b in pairs)\n"
        }
        _ => "def check(input, expected, output):\n    return output.split() == expected.split()\n",
    }
}
