//! Code and LaTeX: what a backtick, a tilde, a dollar or a backslash opens.

use memchr::{memchr, memmem};

use super::{Found, Kind, Scanner, has_blank_line};

/// Longest inline code, `$…$` and `\(…\)`, in bytes.
const INLINE_BYTES: usize = 400;

/// Longest argument list of a command, and deepest nesting of its braces.
const ARGUMENT_BYTES: usize = 1000;
const ARGUMENT_DEPTH: usize = 32;

/// Longest environment, in bytes.
const ENVIRONMENT_BYTES: usize = 16_384;

/// Environments that hold formulas or code; all others hold prose.
const ENVIRONMENTS: [&str; 32] = [
    "Bmatrix",
    "Vmatrix",
    "align",
    "alignat",
    "aligned",
    "array",
    "bmatrix",
    "cases",
    "dcases",
    "displaymath",
    "eqnarray",
    "equation",
    "flalign",
    "gather",
    "gathered",
    "listing",
    "lstlisting",
    "math",
    "matrix",
    "minted",
    "multline",
    "multlined",
    "pmatrix",
    "smallmatrix",
    "split",
    "subequations",
    "substack",
    "tabular",
    "tikzcd",
    "tikzpicture",
    "verbatim",
    "vmatrix",
];

/// Commands whose argument is prose.
const PROSE_COMMANDS: [&str; 22] = [
    "caption",
    "emph",
    "footnote",
    "item",
    "mbox",
    "paragraph",
    "section",
    "subsection",
    "subsubsection",
    "text",
    "textbf",
    "textit",
    "textmd",
    "textnormal",
    "textrm",
    "textsc",
    "textsf",
    "textsl",
    "texttt",
    "title",
    "uline",
    "underline",
];

impl Scanner<'_> {
    /// Three marks or more open a block, which runs to the next such mark or
    /// to the end; fewer backticks open inline code.
    pub(super) fn code(&mut self, at: usize, mark: u8) -> Option<Found> {
        let width = self.run(at, mark);
        let inside = at + width;
        if width >= 3 {
            let mut close = inside;
            while let Some(step) = memchr(mark, &self.bytes[close..]) {
                close += step;
                let closing = self.run(close, mark);
                if closing >= width {
                    return Some(Found {
                        end: close + closing,
                        inner: inside..close,
                        kind: Kind::Block,
                    });
                }
                close += closing;
            }
            let end = self.bytes.len();
            return Some(Found {
                end,
                inner: inside..end,
                kind: Kind::Block,
            });
        }
        if mark != b'`' {
            return None;
        }
        let limit = (inside + INLINE_BYTES).min(self.bytes.len());
        let mut close = inside;
        while let Some(step) = memchr(mark, &self.bytes[close..limit]) {
            close += step;
            let closing = self.run(close, mark);
            if closing == width {
                return self.inline(inside, close, width);
            }
            close = (close + closing).min(limit);
        }
        None
    }

    /// `$$…$$` of any length, or `$…$` as Pandoc has it: no space inside the
    /// dollars, no digit behind them. The very next dollar has to close.
    pub(super) fn dollar(&mut self, at: usize) -> Option<Found> {
        if self.bytes[at..].starts_with(b"$$") {
            if self.no_display_dollar {
                return None;
            }
            let found = self.display(at, b"$$");
            self.no_display_dollar = found.is_none();
            return found;
        }
        let inside = at + 1;
        let limit = (inside + INLINE_BYTES).min(self.bytes.len());
        let close = inside + memchr(b'$', &self.bytes[inside..limit])?;
        let inner = &self.bytes[inside..close];
        let (first, last) = (inner.first()?, inner.last()?);
        let digit_behind = self.bytes.get(close + 1).is_some_and(u8::is_ascii_digit);
        if first.is_ascii_whitespace() || last.is_ascii_whitespace() || digit_behind {
            return None;
        }
        self.inline(inside, close, 1)
    }

    /// `\(…\)`, `\[…\]`, an environment, or a command with its arguments.
    pub(super) fn backslash(&mut self, at: usize) -> Option<Found> {
        let inside = at + 2;
        match self.bytes.get(at + 1)? {
            b'(' => {
                let limit = (inside + INLINE_BYTES).min(self.bytes.len());
                match self.next_of(inside, limit, b"()")? {
                    (close, b')') => self.inline(inside, close, 2),
                    _ => None,
                }
            }
            b'[' if !self.no_display_bracket => {
                let Some((close, mark)) = self.next_of(inside, self.bytes.len(), b"[]") else {
                    self.no_display_bracket = true;
                    return None;
                };
                (mark == b']').then_some(Found {
                    end: close + 2,
                    inner: inside..close,
                    kind: Kind::Between,
                })
            }
            letter if letter.is_ascii_alphabetic() => self.command(at),
            _ => None,
        }
    }

    /// Inline code or an inline formula, unless an empty line lies in it.
    fn inline(&self, inside: usize, close: usize, width: usize) -> Option<Found> {
        (!has_blank_line(&self.bytes[inside..close])).then_some(Found {
            end: close + width,
            inner: inside..close,
            kind: Kind::Inline,
        })
    }

    fn display(&self, at: usize, mark: &[u8]) -> Option<Found> {
        let inside = at + mark.len();
        let close = inside + memmem::find(&self.bytes[inside..], mark)?;
        Some(Found {
            end: close + mark.len(),
            inner: inside..close,
            kind: Kind::Between,
        })
    }

    /// The next backslash before one of the marks, and that mark.
    fn next_of(&self, from: usize, limit: usize, marks: &[u8; 2]) -> Option<(usize, u8)> {
        let mut at = from;
        while let Some(step) = memchr(b'\\', &self.bytes[at..limit]) {
            at += step;
            match self.bytes.get(at + 1) {
                Some(mark) if marks.contains(mark) => return Some((at, *mark)),
                // The second backslash of a pair is not the first of another.
                Some(_) => at = (at + 2).min(limit),
                None => return None,
            }
        }
        None
    }

    fn command(&mut self, at: usize) -> Option<Found> {
        let name_end = at + 1 + letters(&self.bytes[at + 1..]);
        let name = &self.text[at + 1..name_end];
        let starred = name_end + usize::from(self.bytes.get(name_end) == Some(&b'*'));
        if name == "begin" || name == "end" {
            return Some(self.environment(at, name_end));
        }
        if PROSE_COMMANDS.binary_search(&name).is_ok() {
            return Some(Found::bare(starred, Kind::Inline));
        }
        let mut end = starred;
        while let Some(close) = self.group(end) {
            end = close;
        }
        Some(Found {
            end,
            inner: starred..end,
            kind: Kind::Inline,
        })
    }

    /// `\begin{name}…\end{name}` where the name is one of formulas or code and
    /// the environments in it are closed; otherwise the command alone.
    fn environment(&mut self, at: usize, name_end: usize) -> Found {
        let Some(inside) = self.group(name_end) else {
            return Found::bare(name_end, Kind::Between);
        };
        let alone = Found::bare(inside, Kind::Between);
        let name = self.text[name_end + 1..inside - 1].trim_end_matches('*');
        let opens = &self.bytes[at + 1..name_end] == b"begin";
        if !opens || at < self.environments_from || ENVIRONMENTS.binary_search(&name).is_err() {
            return alone;
        }
        let limit = (inside + ENVIRONMENT_BYTES).min(self.bytes.len());
        let mut depth = 1;
        let mut from = inside;
        while let Some(step) = memchr(b'\\', &self.bytes[from..limit]) {
            let mark = from + step;
            let rest = &self.bytes[mark..];
            from = (mark + 2).min(limit);
            if rest.starts_with(b"\\begin{") {
                depth += 1;
            } else if rest.starts_with(b"\\end{") {
                depth -= 1;
                if depth == 0 {
                    let end = self.group(mark + 4).unwrap_or(mark + 4);
                    return Found {
                        end,
                        inner: inside..mark,
                        kind: Kind::Between,
                    };
                }
            }
        }
        self.environments_from = limit;
        alone
    }

    /// The end of the group in braces or brackets that opens at `at`.
    fn group(&self, at: usize) -> Option<usize> {
        let (open, close) = match self.bytes.get(at)? {
            b'{' => (b'{', b'}'),
            b'[' => (b'[', b']'),
            _ => return None,
        };
        let limit = (at + ARGUMENT_BYTES).min(self.bytes.len());
        let mut depth = 0;
        for (offset, byte) in self.bytes[at..limit].iter().enumerate() {
            if *byte == open {
                depth += 1;
                if depth > ARGUMENT_DEPTH {
                    return None;
                }
            } else if *byte == close {
                depth -= 1;
                if depth == 0 {
                    return Some(at + offset + 1);
                }
            }
        }
        None
    }

    /// How often `mark` stands in a row.
    fn run(&self, at: usize, mark: u8) -> usize {
        self.bytes[at..]
            .iter()
            .take_while(|byte| **byte == mark)
            .count()
    }
}

fn letters(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(ENVIRONMENTS.is_sorted() && PROSE_COMMANDS.is_sorted());
    }
}
