//! Prompt and response in one text, as tokenizers give them back: where the response
//! begins and ends.
//!
//! Nothing that the policy wrote may decide where its response begins: else it could
//! hide what it should be judged by. So the prompt itself is looked for where it is
//! known, and otherwise the first marker that a chat template writes.

/// Tokens that end a turn, or fill a batch up. The policy wrote them to say that it has
/// ended; they are not part of the answer.
const ENDS: &[&str] = &[
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|finetune_right_pad_id|>",
    "<|end|>",
    "<|return|>",
    "</s>",
    "<pad>",
    "<eos>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<|eom_id|>",
];

/// What chat templates write before a response.
const BEGINS: &[&str] = &[
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<start_of_turn>model\n",
    "<｜Assistant｜>",
    "<|Assistant|>",
    "[/INST]",
    "<|assistant|>\n",
];

/// Longest text that a tokenizer may put before a prompt, such as `<|begin_of_text|>`.
const MAX_BEFORE: usize = 40;

/// What follows `prompt` in `text`; `None` where `text` does not begin with it.
pub(super) fn after_prompt<'t>(text: &'t str, prompt: &str) -> Option<&'t str> {
    if let Some(response) = text.strip_prefix(prompt) {
        return Some(response);
    }
    if prompt.is_empty() {
        return Some(text);
    }
    let at = text.find(prompt).filter(|at| *at <= MAX_BEFORE)?;
    Some(&text[at + prompt.len()..])
}

/// Prompt and response of a text with the marks of a chat template, or with `split`
/// between them; `None` without either.
pub(super) fn split<'t>(text: &'t str, split: Option<&str>) -> Option<(&'t str, &'t str)> {
    let ends = |mark: &str| Some(text.find(mark)? + mark.len());
    let end = match split {
        Some(mark) => ends(mark),
        None => BEGINS.iter().filter_map(|mark| ends(mark)).min(),
    }?;
    Some(text.split_at(end))
}

/// A response without the tokens after its end.
pub(super) fn without_end(mut response: &str) -> &str {
    while let Some(shorter) = ENDS.iter().find_map(|end| response.strip_suffix(end)) {
        response = shorter;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_is_found_at_the_beginning_only() {
        let cases = [
            ("2+2=4", "2+2=", Some("4")),
            ("<|begin_of_text|>2+2=4", "2+2=", Some("4")),
            ("4", "", Some("4")),
            // The policy repeats its prompt: that is its response, not a new one.
            ("2+2=5, no: 2+2=4", "2+2=", Some("5, no: 2+2=4")),
            ("something else", "2+2=", None),
            (
                "a text of more than forty characters, with 2+2=4",
                "2+2=",
                None,
            ),
        ];
        for (text, prompt, expected) in cases {
            assert_eq!(after_prompt(text, prompt), expected, "{text}");
        }
    }

    #[test]
    fn the_first_marker_ends_the_prompt() {
        let text =
            "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n5<|im_start|>assistant\n4";
        let (prompt, response) = split(text, None).expect("a marker");
        assert!(prompt.ends_with("assistant\n"));
        assert_eq!(response, "5<|im_start|>assistant\n4");
        assert_eq!(
            split("Q: 2+2? A: 4", Some("A:")),
            Some(("Q: 2+2? A:", " 4"))
        );
        assert_eq!(split("Q: 2+2? A: 4", None), None);
        assert_eq!(split("Q: 2+2? A: 4", Some("B:")), None);
    }

    #[test]
    fn ends_are_taken_off_and_nothing_else() {
        assert_eq!(without_end("4<|im_end|><|endoftext|><|endoftext|>"), "4");
        assert_eq!(without_end("4</s> "), "4</s> ");
        assert_eq!(without_end("</answer>"), "</answer>");
        assert_eq!(without_end("</s>"), "");
    }
}
