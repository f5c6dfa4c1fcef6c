//! verifiers 0.4 and prime-rl: episodes, in which each agent leaves a trace.
//!
//! A trace is a graph of messages, each with its predecessor. Its last branch, from
//! the root to the last message that nobody follows, is the conversation; what stands
//! before the first message that a model has written is the prompt. Traces in which
//! no model has written anything are left out. Each is judged by its own task, which
//! is that of the episode where it names none.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::record::raw_text;
use super::conversations::joined;
use super::plan::{Failed, Field, Plan, Source, member, name_of, raw_number, text_of};
use super::{fault, truth};
use crate::rollout::RolloutError;

#[derive(Deserialize)]
struct Trace<'l> {
    #[serde(borrow, default)]
    id: Option<&'l RawValue>,
    #[serde(borrow, default)]
    task: Option<&'l RawValue>,
    #[serde(borrow, default)]
    agent: Option<&'l RawValue>,
    #[serde(borrow, default)]
    nodes: Vec<Node<'l>>,
    #[serde(default)]
    calls: Vec<Call>,
    #[serde(borrow, default)]
    rewards: Option<&'l RawValue>,
    #[serde(borrow, default)]
    metrics: Option<&'l RawValue>,
    #[serde(borrow, default)]
    info: Option<&'l RawValue>,
    #[serde(borrow, default)]
    root_reply: Option<&'l RawValue>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Node<'l> {
    #[serde(default)]
    parent: Option<usize>,
    #[serde(borrow)]
    message: &'l RawValue,
    #[serde(default)]
    sampled: bool,
    #[serde(default)]
    mask: Vec<bool>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    node: Option<usize>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

pub(super) fn traces<'l>(source: &Source<'_, 'l>) -> Result<Plan<'l>, RolloutError> {
    let traces: Vec<Trace<'l>> = serde_json::from_str(source.need("traces")?.get())
        .map_err(|error| fault("traces", format!("is unusable: {}", without_place(&error))))?;
    let answered: Vec<&Trace<'l>> = traces
        .iter()
        .filter(|trace| !trace.errors.is_empty() || trace.nodes.iter().any(|node| node.sampled))
        .collect();
    if answered.is_empty() {
        let problem = match text_of_errors(source) {
            Some(text) => format!("has no answer of a model: the episode failed: {text}"),
            None => "has no answer of a model".to_owned(),
        };
        return Err(fault("traces", problem));
    }
    let mut agents: Vec<String> = answered.iter().map(|trace| trace.agent()).collect();
    agents.sort_unstable();
    agents.dedup();
    let task = source.get("task");
    let of_task = |name: &str| task.and_then(|task| member(task, name));
    let group = source.get("group").and_then(|group| member(group, "id"));
    let group = group.or_else(|| of_task("key")).or_else(|| of_task("hash"));
    let completions = answered.iter().map(|trace| {
        if let Some(last) = trace.errors.last() {
            return Err(trace.failed(last));
        }
        let mut fields = trace.fields()?;
        fields.extend(truth(trace.task.or(task)));
        if let Some(group) = group.and_then(name_of) {
            // Agents have tasks of their own; they are not samples of one prompt.
            let group = match agents.len() {
                1 => group,
                _ => format!("{group}/{}", trace.agent()),
            };
            fields.push(("group", Cow::Owned(raw_text(&group))));
        }
        Ok(fields)
    });
    let environment = source
        .get("env")
        .and_then(|env| member(env, "name").or(member(env, "id")));
    let mut plan = Plan {
        id: source.get("id").and_then(name_of),
        completions: completions.collect(),
        is_list: true,
        left_out: vec![
            "traces",
            "group",
            "num_input_tokens",
            "num_output_tokens",
            "num_total_tokens",
        ],
        ..Plan::default()
    };
    // The task's own object gives way to its name.
    if let Some(task) = task {
        plan.shared.push(("task_record", Cow::Borrowed(task)));
    }
    Ok(plan
        .set("task", of_task("type"))
        .set("data_source", environment))
}

impl<'l> Trace<'l> {
    fn agent(&self) -> String {
        let name = self.agent.and_then(|agent| member(agent, "name"));
        name.and_then(text_of).unwrap_or_else(|| "agent".to_owned())
    }

    /// What failed, with its completion under another name, so that it is an error again
    /// when it is scored again.
    fn failed(&self, last: &Failure) -> Failed<'l> {
        let problem = format!("has one that failed: {}: {}", last.kind, last.message);
        // It may have failed before there was anything.
        let fields = self.fields().unwrap_or_default().into_iter();
        let fields = fields.map(|(name, value)| match name {
            "completion" => ("logged_completion", value),
            name => (name, value),
        });
        Failed {
            problem: fault("traces", problem),
            fields: fields.collect(),
        }
    }

    fn fields(&self) -> Result<Vec<Field<'l>>, RolloutError> {
        let branch = self.branch()?;
        let begun = branch.iter().position(|&at| self.nodes[at].sampled);
        let Some(begun) = begun else {
            return Err(fault(
                "traces",
                "has one whose last branch is without a model's answer",
            ));
        };
        let messages: Vec<&RawValue> = branch.iter().map(|&at| self.nodes[at].message).collect();
        let (prompt, completion) = messages.split_at(begun);
        let completion = match self.root_reply {
            // Branches of other agents hang below it; this is the root's last word.
            Some(reply) => Cow::Borrowed(reply),
            None => joined(completion),
        };
        let mut fields = vec![("prompt", joined(prompt)), ("completion", completion)];
        fields.push(("agent", Cow::Owned(raw_text(&self.agent()))));
        fields.extend(self.id.map(|id| ("trace", Cow::Borrowed(id))));
        let calls = || {
            let is_of_branch = |at: usize| branch.binary_search(&at).is_ok();
            self.calls
                .iter()
                .filter(move |call| call.node.is_some_and(is_of_branch))
        };
        let finish = calls()
            .next_back()
            .and_then(|call| call.finish_reason.as_deref());
        fields.extend(finish.map(|finish| ("finish_reason", Cow::Owned(raw_text(finish)))));
        let tokens = match self.tokens(&branch) {
            0 => calls()
                .filter_map(|call| call.usage.as_ref())
                .map(|usage| usage.completion_tokens)
                .sum(),
            tokens => tokens,
        };
        if let Some(tokens) = usize::try_from(tokens).ok().filter(|&tokens| tokens > 0) {
            fields.push(("n_tokens", Cow::Owned(raw_number(tokens))));
        }
        for (name, value) in [
            ("logged_rewards", self.rewards),
            ("logged_metrics", self.metrics),
            ("info", self.info),
        ] {
            fields.extend(value.map(|value| (name, Cow::Borrowed(value))));
        }
        Ok(fields)
    }

    /// The nodes from the root to the last one that nobody follows.
    fn branch(&self) -> Result<Vec<usize>, RolloutError> {
        // The graph grows at its end: nobody follows the last node.
        let mut next = self.nodes.len().checked_sub(1);
        let mut branch = Vec::new();
        while let Some(at) = next {
            branch.push(at);
            next = self.nodes[at].parent;
            if next.is_some_and(|parent| parent >= at) {
                return Err(fault(
                    "traces",
                    "has a message that comes before its predecessor",
                ));
            }
        }
        branch.reverse();
        Ok(branch)
    }

    /// Tokens that a model has sampled, where the trace has tokens.
    fn tokens(&self, branch: &[usize]) -> u64 {
        let sampled = branch
            .iter()
            .map(|&at| &self.nodes[at])
            .filter(|node| node.sampled);
        let counts = sampled.map(|node| node.mask.iter().filter(|sampled| **sampled).count());
        counts.sum::<usize>() as u64
    }
}

/// What a task's data says the answer is.
fn truth(task: Option<&RawValue>) -> Vec<Field<'_>> {
    let data = task.and_then(|task| member(task, "data"));
    let of_data = |name: &str| data.and_then(|data| member(data, name));
    let truth = of_data("answer").or_else(|| of_data("ground_truth"));
    truth.map(truth::fields).unwrap_or_default()
}

/// serde_json's message without its line: a record is one line.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    message.to_owned()
}

/// What made an episode fail.
fn text_of_errors(source: &Source<'_, '_>) -> Option<String> {
    let errors: Vec<Failure> = serde_json::from_str(source.get("errors")?.get()).ok()?;
    let last = errors.last()?;
    Some(format!("{}: {}", last.kind, last.message))
}
