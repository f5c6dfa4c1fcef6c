//! What is not prose: text in, the byte ranges that no word is taken from.
//!
//! One pass from left to right; a range is never looked at twice, and every
//! search ends at the next delimiter of its kind, at a length limit, or is not
//! repeated once it found nothing. The text itself is not copied.
//!
//! Masked are code (fences, an unclosed one to the end; inline code), LaTeX
//! (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`, environments of formulas, commands with
//! their arguments), tags, special tokens, character references, addresses
//! (URL, e-mail) and JSON.
//!
//! A mask is where a policy hides the language it prefers to think in. With
//! [`Masking::Strict`] a range that reads as prose (see [`prose`]) counts as
//! prose; only its delimiters are masked.

mod latex;
mod markup;
mod prose;

use std::ops::Range;

/// Whether prose between the delimiters of code or formulas counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masking {
    /// It does.
    Strict,
    /// It does not.
    Plain,
}

/// What a range was masked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Stands within a sentence: inline code, a formula, an address.
    Inline,
    /// Stands between clauses: a tag, a display formula, JSON.
    Between,
    /// Stands between paragraphs: a code block.
    Block,
}

/// One masked range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

/// What a delimiter at the scanner's place opens.
struct Found {
    /// All that is masked, delimiters included.
    end: usize,
    /// The part between the delimiters, where prose may hide; empty if none can.
    inner: Range<usize>,
    kind: Kind,
}

impl Found {
    /// A range without room for prose.
    fn bare(end: usize, kind: Kind) -> Self {
        Self {
            end,
            inner: end..end,
            kind,
        }
    }
}

/// The scanner: where it is, and what it need not look for again.
struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// End of the last range; nothing before it can be masked.
    floor: usize,
    /// No `$$`, `\]`, `-->` lies behind the place where one was last missed.
    no_display_dollar: bool,
    no_display_bracket: bool,
    no_comment_end: bool,
    /// Neither an environment nor JSON opens before these places: a search
    /// from further left got so far and failed.
    environments_from: usize,
    json_from: usize,
}

/// The masked ranges of the text, in order, apart from each other.
pub(super) fn mask(text: &str, masking: Masking) -> Vec<Region> {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        floor: 0,
        no_display_dollar: false,
        no_display_bracket: false,
        no_comment_end: false,
        environments_from: 0,
        json_from: 0,
    };
    let mut regions = Vec::new();
    let mut at = 0;
    while at < scanner.bytes.len() {
        if !OPENS[scanner.bytes[at] as usize] {
            at += 1;
            continue;
        }
        let Some((start, found)) = scanner.open(at) else {
            at += 1;
            continue;
        };
        let Found { end, inner, kind } = found;
        let hidden = masking == Masking::Strict && prose::is_prose(&text[inner.clone()]);
        let masked = if hidden {
            [start..inner.start, inner.end..end]
        } else {
            [start..end, end..end]
        };
        for range in masked.into_iter().filter(|range| !range.is_empty()) {
            regions.push(Region { range, kind });
        }
        scanner.floor = end;
        at = end;
    }
    match masking {
        Masking::Strict => without_rows(text, regions),
        Masking::Plain => regions,
    }
}

/// Leaves out the rows of inline ranges that are prose in pieces: one word in
/// each pair of backticks.
fn without_rows(text: &str, regions: Vec<Region>) -> Vec<Region> {
    let follows = |left: &Region, right: &Region| {
        let between = &text[left.range.end..right.range.start];
        left.kind == Kind::Inline
            && right.kind == Kind::Inline
            && !between.chars().any(char::is_alphanumeric)
    };
    let mut kept = Vec::with_capacity(regions.len());
    for row in regions.chunk_by(follows) {
        let inside = row.iter().map(|region| region.range.clone());
        if row.len() < 2 || !prose::is_prose_in_pieces(inside.map(|range| &text[range])) {
            kept.extend_from_slice(row);
        }
    }
    kept
}

/// The bytes at which something may open.
static OPENS: [bool; 256] = {
    let mut opens = [false; 256];
    let bytes = b"`~$\\<&:w@{[";
    let mut index = 0;
    while index < bytes.len() {
        opens[bytes[index] as usize] = true;
        index += 1;
    }
    opens
};

impl Scanner<'_> {
    /// What opens at `at`, and where it starts: addresses start before the
    /// character that gives them away.
    fn open(&mut self, at: usize) -> Option<(usize, Found)> {
        let found = match self.bytes[at] {
            b'`' => self.code(at, b'`'),
            b'~' if self.begins_line(at) => self.code(at, b'~'),
            b'$' => self.dollar(at),
            b'\\' => self.backslash(at),
            b'<' => self.angle(at),
            b'&' => self.reference(at),
            b'{' | b'[' => self.json(at),
            b':' => return self.url(at),
            b'w' => return self.www(at),
            b'@' => return self.email(at),
            _ => None,
        };
        found.map(|found| (at, found))
    }

    /// Whether only spaces and marks of quotes stand before `at` on its line.
    fn begins_line(&self, at: usize) -> bool {
        let from = at.saturating_sub(16).max(self.floor);
        let before = &self.bytes[from..at];
        match before.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => blank(&before[newline + 1..]),
            None => from == 0 && blank(before),
        }
    }
}

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'>'))
}

/// Whether an empty line lies in the range.
fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with each masked range shown as `_`.
    fn shown(text: &str, masking: Masking) -> String {
        let mut shown = String::new();
        let mut at = 0;
        for region in mask(text, masking) {
            shown += &text[at..region.range.start];
            shown.push('_');
            at = region.range.end;
        }
        shown + &text[at..]
    }

    #[test]
    fn masks() {
        for (text, expected) in [
            ("a `b c` d", "a _ d"),
            ("a ``b ` c`` d", "a _ d"),
            ("a ` b", "a ` b"),
            ("x\n```py\ncode\n``` y", "x\n_ y"),
            ("x ```never closed", "x _"),
            ("let $x$ be", "let _ be"),
            ("$5 and $6", "$5 and $6"),
            ("cost $5, tax $2 each", "cost $5, tax $2 each"),
            ("$$a$$ b $$c", "_ b $$c"),
            ("\\(a\\) b \\(c", "_ b \\(c"),
            ("\\[a\\] b \\[c", "_ b \\[c"),
            ("\\[a \\[b\\]", "\\[a _"),
            ("so \\frac{1}{2} is", "so _ is"),
            ("\\textbf{so it} is", "_{so it} is"),
            (
                "\\begin{align}a\\begin{cases}b\\end{cases}\\end{align} c",
                "_ c",
            ),
            ("\\begin{align}a", "_a"),
            ("\\begin{quote}so it is\\end{quote}", "_so it is_"),
            ("<think>hm</think>", "_hm_"),
            ("a < b and c > d", "a < b and c > d"),
            ("x<y and y>z", "x<y and y>z"),
            ("<p class=\"a\">so", "_so"),
            ("<|im_end|> so", "_ so"),
            ("<｜end｜> so", "_ so"),
            ("<!-- a --> so <!-- b", "_ so <!-- b"),
            ("see https://a.org/b?c=d, now", "see _, now"),
            ("see www.a.org, now", "see _, now"),
            ("mail me@a.org now", "mail _ now"),
            ("so me@ is", "so me@ is"),
            ("a &amp; b & c", "a _ b & c"),
            ("{\"a\": [1, \"b\"]} so", "_ so"),
            ("{\"a\" so}", "{\"a\" so}"),
            ("{so it is}", "{so it is}"),
        ] {
            assert_eq!(shown(text, Masking::Plain), expected, "{text}");
        }
    }

    #[test]
    fn strict_masking_finds_prose() {
        let pieces = "`first` `we` `add` `both` `of` `the` `numbers` `and` `divide`";
        assert_eq!(shown(pieces, Masking::Strict), pieces);
        assert!(!shown(pieces, Masking::Plain).contains("both"));
        let names = "$a$, $b$, $c$, $d$, $e$, $f$, $g$, $h$, $i$ and `get`, `set`";
        assert!(!shown(names, Masking::Strict).contains("$"));
        let hidden = "```\nfirst we add both of the numbers and then divide\n```";
        assert!(shown(hidden, Masking::Strict).contains("both of the numbers"));
        assert!(!shown(hidden, Masking::Plain).contains("both"));
        let code = "```\ndef f(a, b):\n    # the sum of both numbers\n    return a + b\n```";
        assert!(!shown(code, Masking::Strict).contains("sum"));
    }
}
