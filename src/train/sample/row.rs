//! A completion in the making.

use super::{Completion, Finish, Prompt, SampleOptions, Vocabulary};
use crate::train::error::TrainError;
use crate::train::policy::ModelConfig;

/// One row of a batch.
pub(super) struct Row<'p> {
    /// Index of its prompt.
    pub(super) index: usize,
    pub(super) prompt: Prompt<'p>,
    tokens: Vec<u32>,
    logps: Vec<f32>,
    pub(super) finish: Option<Finish>,
    /// Whether the last token is an end token, which has no text.
    has_end: bool,
    text: Decoded,
}

/// The text of a row, token by token; kept only where stop texts are looked for.
#[derive(Default)]
struct Decoded {
    text: String,
    /// The tokens before this one are in `text` for good.
    settled: usize,
    /// The tokens from `from` to `settled` are decoded again with what follows: a
    /// tokenizer may write a token differently at the beginning of a text.
    from: usize,
}

impl<'p> Row<'p> {
    pub(super) fn new(index: usize, prompt: &Prompt<'p>) -> Self {
        Self {
            index,
            prompt: *prompt,
            tokens: Vec::new(),
            logps: Vec::new(),
            finish: None,
            has_end: false,
            text: Decoded::default(),
        }
    }

    /// The number of the token that comes next, from 0.
    pub(super) fn position(&self) -> u64 {
        self.tokens.len() as u64
    }

    pub(super) fn push(&mut self, token: u32, logp: f32) {
        self.tokens.push(token);
        self.logps.push(logp);
    }

    /// The last token that was drawn.
    pub(super) fn last(&self) -> u32 {
        *self.tokens.last().expect("a row that goes on has a token")
    }

    /// Whether the row ends with its last token, and why.
    pub(super) fn finish(
        &mut self,
        vocabulary: &dyn Vocabulary,
        options: &SampleOptions,
        config: &ModelConfig,
    ) -> Result<Option<Finish>, TrainError> {
        let last = self.last();
        if vocabulary.end_ids().contains(&last) || options.stop_ids.contains(&last) {
            self.has_end = true;
            return Ok(Some(Finish::Stop));
        }
        if self.text.meets(&options.stop, &self.tokens, vocabulary)? {
            return Ok(Some(Finish::Stop));
        }
        let length = self.tokens.len();
        let is_full = self.prompt.tokens.len() + length >= config.max_positions;
        Ok((length >= options.max_tokens || is_full).then_some(Finish::Length))
    }

    pub(super) fn complete(self, vocabulary: &dyn Vocabulary) -> Result<Completion, TrainError> {
        let written = self.tokens.len() - usize::from(self.has_end);
        Ok(Completion {
            text: vocabulary.decode(&self.tokens[..written])?,
            tokens: self.tokens,
            has_end: self.has_end,
            logps: self.logps,
            finish: self.finish.unwrap_or(Finish::Length),
        })
    }
}

impl Decoded {
    /// Whether one of the texts stands in what the last token added, or across
    /// the border to what was there before.
    fn meets(
        &mut self,
        stops: &[String],
        tokens: &[u32],
        vocabulary: &dyn Vocabulary,
    ) -> Result<bool, TrainError> {
        let Some(longest) = stops.iter().map(String::len).max() else {
            return Ok(false);
        };
        let before = vocabulary.decode(&tokens[self.from..self.settled])?;
        let with = vocabulary.decode(&tokens[self.from..])?;
        // A character may be cut: its bytes come with the next tokens.
        let is_whole = !with.ends_with(char::REPLACEMENT_CHARACTER);
        let added = with.strip_prefix(&before).unwrap_or(&with);
        let begin = floor(&self.text, self.text.len().saturating_sub(longest));
        let mut window = self.text[begin..].to_owned();
        window.push_str(added);
        if is_whole {
            self.text.push_str(added);
            self.from = self.settled;
            self.settled = tokens.len();
        }
        Ok(stops.iter().any(|stop| window.contains(stop)))
    }
}

/// The greatest border of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}
