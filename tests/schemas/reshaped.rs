//! Real rollouts in the shape of every schema: the scores are those of native rows.
//!
//! The rollouts are 100 groups of four (`examples/rollouts/gsm8k.jsonl`), or those of
//! the file that `GOLDSTONE_ROLLOUTS` names.

use std::env;
use std::fs;

use goldstone::rollout::schema::{Schema, SchemaChoice};
use serde_json::{Value, json};

use super::Run;

/// The rows of one prompt.
type Group = Vec<Value>;

fn groups() -> Vec<Group> {
    let path = env::var("GOLDSTONE_ROLLOUTS");
    let path = path.unwrap_or_else(|_| "examples/rollouts/gsm8k.jsonl".to_owned());
    let mut groups: Vec<Group> = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        match groups
            .iter_mut()
            .rfind(|group| group[0]["group"] == row["group"])
        {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// The lines that a tool would have written of a group.
fn lines(schema: Schema, group: &Group) -> Vec<Value> {
    let first = &group[0];
    let (prompt, reference) = (&first["prompt"], &first["reference"]);
    let chat = json!([{"role": "user", "content": prompt}]);
    let answers: Vec<&Value> = group.iter().map(|row| &row["completion"]).collect();
    let message = |answer: &Value| json!({"role": "assistant", "content": answer});
    let each = |line: &dyn Fn(&Value) -> Value| answers.iter().map(|answer| line(answer)).collect();
    match schema {
        Schema::Trl => vec![json!({"prompt": chat, "completions": answers, "answer": reference})],
        Schema::TrlLog => each(&|answer| {
            json!({"step": 1, "prompt": chat, "completion": [message(answer)], "accuracy": 0.5,
                "ground_truth": reference, "advantage": 0.0})
        }),
        Schema::Verl => vec![
            json!({"data_source": "openai/gsm8k", "prompt": chat, "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": reference},
            "extra_info": {"index": 1}, "responses": answers}),
        ],
        Schema::VerlDump => each(
            &|answer| json!({"input": prompt, "output": answer, "gts": reference, "score": 0.5, "step": 1}),
        ),
        Schema::Verifiers => each(&|answer| {
            json!({"example_id": 1, "prompt": chat, "completion": [message(answer)],
                "answer": reference, "reward": 0.5, "error": null, "is_truncated": false})
        }),
        Schema::Traces => {
            let trace = |answer: &&Value| {
                json!({"agent": {"name": "agent"}, "errors": [], "nodes": [
                    {"message": chat[0], "sampled": false},
                    {"parent": 0, "message": message(answer), "sampled": true}]})
            };
            let traces: Vec<Value> = answers.iter().map(trace).collect();
            vec![
                json!({"id": "e", "env": {"id": "gsm8k"}, "group": {"id": first["group"]},
                "task": {"type": "T", "data": {"answer": reference}}, "traces": traces}),
            ]
        }
        Schema::Openr1 => vec![
            json!({"problem": prompt, "solution": "long", "answer": reference,
            "uuid": first["group"], "generations": answers}),
        ],
        Schema::OpenInstruct => each(&|answer| {
            json!({"messages": [chat[0], message(answer)], "ground_truth": [reference],
                "dataset": ["gsm8k"]})
        }),
        Schema::Skyrl => vec![
            json!({"data_source": "gsm8k", "prompt": chat, "env_class": "gsm8k",
            "reward_spec": {"method": "rule", "ground_truth": reference}, "responses": answers}),
        ],
        Schema::SkyrlDump => each(&|answer| {
            json!({"input_prompt": prompt, "output_response": answer, "score": 0.5,
                "stop_reason": "stop", "env_class": "gsm8k",
                "env_extras": {"reward_spec": {"ground_truth": reference}}})
        }),
        Schema::LmEval => vec![json!({"doc_id": 1, "doc": {}, "target": reference,
            "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": []}}},
            "resps": [answers], "filter": "none"})],
        Schema::Pairs => answers
            .chunks(2)
            .map(|pair| {
                json!({"prompt": chat, "chosen": [message(pair[0])],
                    "rejected": [message(pair[pair.len() - 1])], "answer": reference})
            })
            .collect(),
        Schema::Responses => {
            each(&|answer| json!({"prompt": prompt, "response": answer, "label": reference}))
        }
        _ => group.clone(),
    }
}

fn text<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    values
        .into_iter()
        .map(|value| format!("{value}\n"))
        .collect()
}

#[test]
fn every_shape_of_real_rollouts_has_the_native_scores() {
    let groups = groups();
    let score = |run: &Run, text: &str| -> Vec<Value> {
        let rows = run.score_text(text);
        rows.iter()
            .map(|row| json!([row["reward"], row["status"], row["terms"]]))
            .collect()
    };
    let native = score(&Run::new("gsm8k"), &text(groups.iter().flatten()));
    let right = native.iter().filter(|row| row[0] == 1.0).count();
    assert!(0 < right && right < native.len());
    for schema in Schema::ALL {
        let shaped: Vec<Value> = groups
            .iter()
            .flat_map(|group| lines(schema, group))
            .collect();
        let shaped = text(&shaped);
        let mut run = Run::new("gsm8k");
        let detected = score(&run, &shaped);
        assert_eq!(detected.len(), native.len(), "{schema}");
        assert!(detected == native, "{schema}");
        run.options.schema = SchemaChoice::Named(schema);
        assert!(score(&run, &shaped) == native, "{schema}");
    }
}
