//! Prompt and response in one text, as tokenizers give them back: where the response
//! begins and ends.
//!
//! Nothing that the policy wrote may decide where its response begins: else it could
//! hide what it should be judged by. So the prompt itself is looked for where it is
//! known, and otherwise the first marker that a chat template writes. The Python
//! package finds prompts by the same rule (`goldstone/openrlhf.py`).

use unicode_normalization::UnicodeNormalization;

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

/// Longest name of a token in angle brackets that a tokenizer may put before a prompt,
/// such as `begin_of_text`, in characters.
const MAX_TOKEN: usize = 32;

/// Most tokens before a prompt.
const MAX_TOKENS: usize = 4;

/// How much of a prompt's end must be found for a prompt that was cut at the front, in
/// characters.
const LEAST_TAIL: usize = 32;

/// What follows `prompt` in `text`; `None` where `text` does not begin with it.
///
/// It begins with it as it is, or behind tokens that begin a text, or, where the trainer
/// has cut it at the front to fit, with its last 32 characters or more, if the prompt has
/// these once. As tokenizers do not keep all texts, Unicode's normal form C and other
/// white space count as the same. A prompt further behind is one that the policy wrote.
pub(super) fn after_prompt<'t>(text: &'t str, prompt: &str) -> Option<&'t str> {
    let composed: String = prompt.nfc().collect();
    let forms = match composed == prompt {
        true => vec![prompt],
        false => vec![prompt, &composed],
    };
    // A prompt that is there as a whole, whatever its white space, was not cut: an end of
    // it that the text begins with as well is its own beginning.
    let ways: [fn(&str, &str) -> Option<usize>; 3] = [behind_begin, behind_spaced, behind_tail];
    let ends = |way: fn(&str, &str) -> Option<usize>| forms.iter().find_map(|form| way(text, form));
    Some(&text[ways.into_iter().find_map(ends)?..])
}

/// Where the prompt ends, if nothing stands before it but tokens that begin a text.
fn behind_begin(text: &str, prompt: &str) -> Option<usize> {
    let start = text.find(prompt)?;
    is_begin(&text[..start]).then_some(start + prompt.len())
}

/// Whether a text is a few tokens such as `<s>`, `<|begin_of_text|>`, `[gMASK]<sop>`.
fn is_begin(mut text: &str) -> bool {
    for _ in 0..MAX_TOKENS {
        if text.is_empty() {
            return true;
        }
        let rest = text.strip_prefix("[gMASK]").or_else(|| {
            let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
            let is_name = (1..=MAX_TOKEN).contains(&name.chars().count())
                && !name.contains(|c: char| c == '<' || c.is_whitespace());
            is_name.then_some(rest)
        });
        let Some(rest) = rest else {
            return false;
        };
        text = rest;
    }
    text.is_empty()
}

/// Where a prompt ends that was cut at the front: behind the longest end of it that the
/// text begins with. `None` where the prompt has that end twice: the text may begin with
/// the first of them, and what follows be the rest of a prompt that a tokenizer changed.
fn behind_tail(text: &str, prompt: &str) -> Option<usize> {
    // A cut may fall into a character.
    let cut = text.trim_start_matches('\u{fffd}');
    let least = cut.char_indices().nth(LEAST_TAIL - 1);
    let least = least.map(|(at, last)| at + last.len_utf8())?;
    if !prompt.contains(&cut[..least]) {
        return None;
    }
    // Knuth, Morris and Pratt: how much of the text's beginning the prompt ends with.
    // Prompts repeat themselves, and to try every place would take a square of time.
    let wanted = &cut.as_bytes()[..cut.len().min(prompt.len())];
    let mut borders = vec![0; wanted.len()];
    for index in 1..wanted.len() {
        borders[index] = longer(wanted, &borders, borders[index - 1], wanted[index]);
    }
    let mut met = 0;
    for byte in prompt.bytes() {
        met = match met == wanted.len() {
            true => borders[met - 1],
            false => met,
        };
        met = longer(wanted, &borders, met, byte);
    }
    let is_found = met >= least && is_once(&cut[..met], prompt);
    is_found.then_some(text.len() - cut.len() + met)
}

/// Whether a prompt ends with `tail` and has it nowhere else, white space and composition
/// aside.
fn is_once(tail: &str, prompt: &str) -> bool {
    let bare = |text: &str| -> String { text.nfc().filter(|c| !c.is_whitespace()).collect() };
    let (tail, prompt) = (bare(tail), bare(prompt));
    let first = prompt.find(&tail);
    first.is_some_and(|first| first + tail.len() == prompt.len())
}

/// The longest beginning of `wanted` that ends with `byte`, after one of length `met`.
fn longer(wanted: &[u8], borders: &[usize], mut met: usize, byte: u8) -> usize {
    while met > 0 && wanted[met] != byte {
        met = borders[met - 1];
    }
    met + usize::from(wanted[met] == byte)
}

/// Where the prompt ends in a text that begins with it, white space aside.
fn behind_spaced(text: &str, prompt: &str) -> Option<usize> {
    let mut wanted = prompt.chars().filter(|c| !c.is_whitespace()).peekable();
    for (at, found) in text.char_indices() {
        let Some(next) = wanted.peek() else {
            return Some(at);
        };
        if found.is_whitespace() {
            continue;
        }
        if found != *next {
            return None;
        }
        wanted.next();
    }
    wanted.peek().is_none().then_some(text.len())
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
        let long = "What is the sum of two and two? Answer with one number: ";
        let cut = format!("\u{fffd}{}4", &long[9..]);
        let (twice, begun) = (long.repeat(2), format!("{long}{}", &long[..20]));
        let repeated = format!("{long}\n\nAgain:\n{long}");
        let respaced = format!("{long}\nAgain:\n{long} 4");
        let spread = repeated.replacen("of two", "of  two", 1);
        let accented = format!("{long}E\u{301}t\u{e9}:{long}");
        let recomposed = format!("{long}\u{c9}t\u{e9}:{long} 4");
        let cases = [
            ("2+2=4", "2+2=", Some("4")),
            ("<|begin_of_text|>2+2=4", "2+2=", Some("4")),
            ("[gMASK]<sop>2+2=4", "2+2=", Some("4")),
            ("<s><｜begin▁of▁sentence｜>2+2=4", "2+2=", Some("4")),
            ("<a><b><c><d><e>2+2=4", "2+2=", None),
            ("<not a token>2+2=4", "2+2=", None),
            ("<>2+2=4", "2+2=", None),
            ("4", "", Some("4")),
            ("", "", Some("")),
            ("2+2=", "2+2=", Some("")),
            // The policy repeats its prompt: that is its response, not a new one.
            ("2+2=5, no: 2+2=4", "2+2=", Some("5, no: 2+2=4")),
            ("something else", "2+2=", None),
            ("xx2+2=4", "2+2=", None),
            // What tokenizers change.
            ("2 + 2 =4", "2 +\n2\u{a0}=", Some("4")),
            ("Un \u{e9}t\u{e9}:4", "Un e\u{301}te\u{301}:", Some("4")),
            // Changed otherwise, the prompt that the policy repeats is not the prompt.
            ("2\u{2212}2=5 2-2=0", "2-2=", None),
            (&cut, long, Some("4")),
            // A prompt that ends as it begins: the whole of it where it is there, whatever
            // its white space; where it is not, nobody knows which of its ends this is.
            (&respaced, &repeated, Some("  4")),
            (&recomposed, &accented, Some(" 4")),
            (&begun, &twice, None),
            (&respaced[9..], &repeated, None),
            (&repeated[9..], &spread, None),
            (&repeated[9..], &repeated, Some("")),
            (&long[..31], long, None),
            (&long[40..], long, None),
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
