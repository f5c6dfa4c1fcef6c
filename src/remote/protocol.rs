//! What goes over the wire: questions in a request body, and a reply's body as what
//! was said.
//!
//! Sources: OpenAI's chat completions; the remote reward model of OpenRLHF 0.11;
//! LLaMA-Factory's reward API (`scores`); `/classify` and `/pooling` of vLLM's server
//! (`vllm/entrypoints/pooling/{classify,pooling}/protocol.py`, read in November 2026:
//! `data[i].probs`, and `data[i].data` as a list, or a list of lists where a model
//! rewards every token, which is no one number). Its `/score` compares two texts and
//! is not spoken here.

use serde_json::{Map, Value, json};

use crate::reward::{Endpoint, InputForm, Protocol, RemoteFailure, RemoteFault, Said};

/// One per question.
pub(super) type Answers = Vec<Result<Said, RemoteFailure>>;

/// A reply that is what the protocol promises.
pub(super) struct Read {
    pub(super) answers: Answers,
    /// 0 where the reply does not say.
    pub(super) prompt_tokens: u64,
    /// 0 where the reply does not say.
    pub(super) completion_tokens: u64,
}

/// No request has more tokens: a server that claims more does not spoil the sum.
const MOST_TOKENS: u64 = 1 << 32;

/// The request that asks `items`; of a judge there is one.
pub(super) fn body(endpoint: &Endpoint, items: &[&Value]) -> Vec<u8> {
    let all = || Value::from_iter(items.iter().map(|item| (*item).clone()));
    let column = |name: &str| {
        let entries = items.iter().map(|item| item[name].clone());
        entries.collect::<Value>()
    };
    let body = match endpoint.protocol {
        Protocol::Chat => items.first().map_or(Value::Null, |item| (*item).clone()),
        Protocol::Openrlhf => json!({
            "query": column("query"),
            "prompts": column("prompt"),
            "labels": column("label"),
        }),
        Protocol::Scores => {
            let name = match endpoint.input {
                InputForm::Messages => "messages",
                InputForm::Text => "input",
            };
            named(endpoint, name, all())
        }
        Protocol::Classify | Protocol::Pooling => named(endpoint, "input", all()),
    };
    body.to_string().into_bytes()
}

fn named(endpoint: &Endpoint, name: &str, items: Value) -> Value {
    let mut body = Map::new();
    if let Some(model) = &endpoint.model {
        body.insert("model".to_owned(), model.as_str().into());
    }
    body.insert(name.to_owned(), items);
    body.into()
}

/// What was said to each of `count` questions.
///
/// # Errors
/// [`RemoteFault::Reply`] where the reply as a whole is not what the protocol
/// promises.
pub(super) fn read(endpoint: &Endpoint, reply: &[u8], count: usize) -> Result<Read, RemoteFailure> {
    let wrong = |problem: &str| RemoteFailure {
        fault: RemoteFault::Reply,
        message: format!("`{}` {problem}", endpoint.url),
    };
    let reply: Value =
        serde_json::from_slice(reply).map_err(|_| wrong("replied with what is no JSON"))?;
    let read = |answers| {
        let tokens = |name: &str| {
            let said = reply
                .get("usage")
                .and_then(|usage| usage.get(name)?.as_u64());
            said.unwrap_or(0).min(MOST_TOKENS)
        };
        Read {
            answers,
            prompt_tokens: tokens("prompt_tokens"),
            completion_tokens: tokens("completion_tokens"),
        }
    };
    let numbers = match endpoint.protocol {
        Protocol::Chat => {
            let said = judged(&reply).ok_or_else(|| wrong("replied without a message"))?;
            return Ok(read(vec![Ok(said)]));
        }
        Protocol::Scores => list(&reply, "scores"),
        Protocol::Openrlhf => list(&reply, "rewards"),
        Protocol::Classify => data(&reply, |entry| probability(entry, endpoint.class)),
        Protocol::Pooling => data(&reply, |entry| single(entry.get("data")?)),
    };
    let numbers = numbers.ok_or_else(|| wrong("replied without the list of scores"))?;
    if numbers.len() != count {
        let problem = format!("gave {} scores for {count} texts", numbers.len());
        return Err(wrong(&problem));
    }
    let answers = numbers.into_iter().map(|number| match number {
        Some(number) => Ok(Said::Number(number)),
        None => Err(wrong("gave no number for one text")),
    });
    Ok(read(answers.collect()))
}

fn judged(reply: &Value) -> Option<Said> {
    let choice = reply.get("choices")?.get(0)?;
    let text = choice.get("message")?.get("content")?.as_str()?;
    let finish = choice.get("finish_reason").and_then(Value::as_str);
    Some(Said::Text {
        text: text.to_owned(),
        is_whole: finish.is_none_or(|finish| finish == "stop"),
    })
}

fn list(reply: &Value, name: &str) -> Option<Vec<Option<f64>>> {
    let list = reply.get(name)?.as_array()?;
    Some(list.iter().map(single).collect())
}

/// The entries of `data`, each of which says which text it is about.
fn data(reply: &Value, read: impl Fn(&Value) -> Option<f64>) -> Option<Vec<Option<f64>>> {
    let data = reply.get("data")?.as_array()?;
    let mut numbers = vec![None; data.len()];
    let mut is_seen = vec![false; data.len()];
    for (position, entry) in data.iter().enumerate() {
        let index = entry.get("index").map_or(Some(position), |index| {
            index.as_u64().and_then(|index| usize::try_from(index).ok())
        })?;
        // The same text twice, and so another not at all.
        if std::mem::replace(is_seen.get_mut(index)?, true) {
            return None;
        }
        numbers[index] = read(entry);
    }
    Some(numbers)
}

/// The probability of the class, which need not be named where there is one.
fn probability(entry: &Value, class: Option<usize>) -> Option<f64> {
    let probabilities = entry.get("probs")?.as_array()?;
    match (class, &probabilities[..]) {
        (Some(class), all) => all.get(class)?.as_f64(),
        (None, [only]) => only.as_f64(),
        (None, _) => None,
    }
}

/// A number, be it alone in lists: `0.5`, `[0.5]`, `[[0.5]]`.
fn single(value: &Value) -> Option<f64> {
    let mut value = value;
    for _ in 0..2 {
        value = match value.as_array().map(Vec::as_slice) {
            Some([only]) => only,
            Some(_) => return None,
            None => break,
        };
    }
    value.as_f64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{data, judged, probability, single};
    use crate::reward::Said;

    #[test]
    fn a_score_is_one_number() {
        for value in [json!(0.5), json!([0.5]), json!([[0.5]])] {
            assert_eq!(single(&value), Some(0.5));
        }
        for value in [
            json!([0.5, 1.0]),
            json!([]),
            json!([[[0.5]]]),
            json!(null),
            json!("0.5"),
        ] {
            assert_eq!(single(&value), None, "{value}");
        }
    }

    #[test]
    fn entries_stand_at_their_index() {
        let read = |reply| data(&reply, |entry| entry["data"].as_f64());
        let swapped = json!({"data": [{"index": 1, "data": 1.0}, {"index": 0, "data": 0.0}]});
        assert_eq!(read(swapped), Some(vec![Some(0.0), Some(1.0)]));
        let twice = json!({"data": [{"index": 0, "data": 1.0}, {"index": 0, "data": 0.0}]});
        assert_eq!(read(twice), None);
        let beyond = json!({"data": [{"index": 7, "data": 1.0}]});
        assert_eq!(read(beyond), None);
    }

    #[test]
    fn of_several_classes_one_is_named() {
        let entry = json!({"probs": [0.9, 0.1]});
        assert_eq!(probability(&entry, None), None);
        assert_eq!(probability(&entry, Some(1)), Some(0.1));
        assert_eq!(probability(&entry, Some(2)), None);
    }

    #[test]
    fn a_message_that_was_cut_off_is_not_whole() {
        let whole = |finish| {
            let reply =
                json!({"choices": [{"message": {"content": "x"}, "finish_reason": finish}]});
            match judged(&reply) {
                Some(Said::Text { is_whole, .. }) => Some(is_whole),
                _ => None,
            }
        };
        assert_eq!(whole(json!("stop")), Some(true));
        assert_eq!(whole(json!(null)), Some(true));
        assert_eq!(whole(json!("length")), Some(false));
        assert_eq!(whole(json!("content_filter")), Some(false));
        assert_eq!(judged(&json!({"choices": []})), None);
        assert_eq!(judged(&json!({"error": "busy"})), None);
    }
}
