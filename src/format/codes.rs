//! The reasons why a completion is invalid, in order of precedence.

pub(super) const TOO_LONG: &str = "too_long";
pub(super) const EMPTY_TEXT: &str = "empty_text";
pub(super) const DUPLICATE_TAG: &str = "duplicate_tag";
pub(super) const MISSING_THINK_OPEN: &str = "missing_think_open";
pub(super) const MISSING_THINK_CLOSE: &str = "missing_think_close";
pub(super) const MISSING_ANSWER_OPEN: &str = "missing_answer_open";
pub(super) const MISSING_ANSWER_CLOSE: &str = "missing_answer_close";
pub(super) const BAD_ORDER: &str = "bad_order";
pub(super) const LEADING_TEXT: &str = "leading_text";
pub(super) const MIDDLE_TEXT: &str = "middle_text";
pub(super) const TRAILING_TEXT: &str = "trailing_text";
pub(super) const MISSING_CHANNEL: &str = "missing_channel";
pub(super) const UNKNOWN_CHANNEL: &str = "unknown_channel";
pub(super) const UNKNOWN_ROLE: &str = "unknown_role";
pub(super) const BAD_HEADER: &str = "bad_header";
pub(super) const MISSING_MESSAGE: &str = "missing_message";
pub(super) const UNTERMINATED_MESSAGE: &str = "unterminated_message";
pub(super) const BAD_TERMINATOR: &str = "bad_terminator";
pub(super) const DUPLICATE_FINAL: &str = "duplicate_final";
pub(super) const MISSING_FINAL: &str = "missing_final";
pub(super) const EMPTY_THINK: &str = "empty_think";
pub(super) const EMPTY_ANSWER: &str = "empty_answer";
pub(super) const MISSING_CODE: &str = "missing_code";
pub(super) const UNCLOSED_CODE: &str = "unclosed_code";
pub(super) const DUPLICATE_BOXED: &str = "duplicate_boxed";
pub(super) const MISSING_BOXED: &str = "missing_boxed";
pub(super) const UNBALANCED_BOXED: &str = "unbalanced_boxed";
pub(super) const EMPTY_BOXED: &str = "empty_boxed";
pub(super) const SHORT_THINK: &str = "short_think";
pub(super) const LONG_ANSWER: &str = "long_answer";
pub(super) const NO_MATCH: &str = "no_match";
pub(super) const MISSING_SECTION: &str = "missing_section";
pub(super) const DUPLICATE_SECTION: &str = "duplicate_section";

/// Every code of [`Violation::code`](super::Violation::code). Where several
/// rules are broken, the first in this order is named; among the rules of
/// harmony's messages, the first in the text.
///
/// - `too_long`: more bytes than `max_bytes`; nothing else is looked at.
/// - `empty_text`: white space only.
/// - `duplicate_tag`: a tag occurs twice, or once more than the prompt wrote.
/// - `missing_think_open`, `missing_think_close`, `missing_answer_open`,
///   `missing_answer_close`: the tag does not occur.
/// - `bad_order`: the tags occur in another order; for harmony, a message
///   after the final one.
/// - `leading_text`, `middle_text`, `trailing_text`: text before, between,
///   after the blocks.
/// - `missing_channel`, `unknown_channel`, `unknown_role`, `bad_header`,
///   `missing_message`, `unterminated_message`, `bad_terminator`,
///   `duplicate_final`, `missing_final`: a harmony message is malformed, or
///   there is not exactly one final one.
/// - `empty_think`, `empty_answer`: a section is white space only.
/// - `missing_code`, `unclosed_code`: no code block labelled `python` in the
///   answer, or one that is never closed.
/// - `duplicate_boxed`, `missing_boxed`, `unbalanced_boxed`, `empty_boxed`:
///   not exactly one balanced, non-empty `\boxed{…}` after the thinking.
/// - `short_think`, `long_answer`: `min_think_words`, `max_answer_chars`.
/// - `no_match`: a grammar does not match the text.
/// - `missing_section`, `duplicate_section`: a user grammar matches, but its
///   section does not occur, or occurs twice.
pub const REASON_CODES: &[&str] = &[
    TOO_LONG,
    EMPTY_TEXT,
    DUPLICATE_TAG,
    MISSING_THINK_OPEN,
    MISSING_THINK_CLOSE,
    MISSING_ANSWER_OPEN,
    MISSING_ANSWER_CLOSE,
    BAD_ORDER,
    LEADING_TEXT,
    MIDDLE_TEXT,
    TRAILING_TEXT,
    MISSING_CHANNEL,
    UNKNOWN_CHANNEL,
    UNKNOWN_ROLE,
    BAD_HEADER,
    MISSING_MESSAGE,
    UNTERMINATED_MESSAGE,
    BAD_TERMINATOR,
    DUPLICATE_FINAL,
    MISSING_FINAL,
    NO_MATCH,
    MISSING_SECTION,
    DUPLICATE_SECTION,
    EMPTY_THINK,
    EMPTY_ANSWER,
    MISSING_CODE,
    UNCLOSED_CODE,
    DUPLICATE_BOXED,
    MISSING_BOXED,
    UNBALANCED_BOXED,
    EMPTY_BOXED,
    SHORT_THINK,
    LONG_ANSWER,
];
