//! What stands left of a box: nothing that makes the box a part of something.

use super::{FACES, IN_EXPRESSION, changes, command_at_end};

/// Commands that may stand before a box, beside those of [`CONCLUDES`].
const LEADING: &[&str] = &[
    "quad",
    "qquad",
    "displaystyle",
    "textstyle",
    "left",
    "bf",
    "rm",
    "large",
    "Large",
    "LARGE",
    "huge",
    "Huge",
    "hfill",
    "newline",
    "par",
    "centering",
    "item",
    "in",
    "equiv",
    "big",
    "Big",
    "bigl",
    "bigr",
    "noindent",
    "n",
];

/// Commands before a box that begin a new statement.
const CONCLUDES: &[&str] = &[
    "therefore",
    "implies",
    "Rightarrow",
    "Longrightarrow",
    "iff",
    "Leftrightarrow",
    "Longleftrightarrow",
    "to",
    "rightarrow",
    "longrightarrow",
    "leadsto",
];

/// Commands whose argument is layout.
const LAYOUT: &[&str] = &[
    "begin",
    "end",
    "tag",
    "label",
    "color",
    "hspace",
    "vspace",
    "textcolor",
];

/// Whether what stands left of a box leaves it alone.
pub(super) fn left(before: &str) -> Result<(), &'static str> {
    let refused = Err(IN_EXPRESSION);
    let mut rest = before;
    let (mut gap, mut line, mut delimiter) = (false, false, false);
    loop {
        let Some(c) = rest.chars().next_back() else {
            return Ok(());
        };
        let less = &rest[..rest.len() - c.len_utf8()];
        match c {
            '\n' => (gap, line, rest) = (true, true, less),
            c if c.is_whitespace() => (gap, rest) = (true, less),
            '$' => {
                delimiter = true;
                rest = less.strip_suffix('\\').unwrap_or(less);
            }
            '(' | '[' if less.ends_with('\\') => {
                delimiter = true;
                rest = &less[..less.len() - 1];
            }
            ')' | ']' if less.ends_with('\\') => return Ok(()),
            ',' | ';' | ':' | '!' | ' ' if less.ends_with('\\') => {
                rest = &less[..less.len() - 1];
            }
            '\\' if less.ends_with('\\') => {
                (gap, line, rest) = (true, true, &less[..less.len() - 1])
            }
            '&' => rest = less,
            '"' | '“' | '「' | '…' | '✅' | '✔' | '☑' | '→' | '⇒' | '⟹' | '∴' | '—'
            | '\u{fe0f}' | '👉' | '🎉' => {
                rest = less;
            }
            ':' | '：' | '。' | '，' | '！' | '？' | '；' | '、' => return Ok(()),
            '.' | '?' | '!' if gap => return Ok(()),
            ';' | ',' if delimiter || line => return Ok(()),
            ';' | ',' => {
                return match less.trim_end().ends_with(|c: char| c.is_alphabetic()) {
                    true => Ok(()),
                    false => refused,
                };
            }
            '=' => {
                let bad = less
                    .trim_end()
                    .ends_with(['!', '<', '>', '~', '≠', '/', '='])
                    || command_at_end(less.trim_end())
                        .is_some_and(|name| name == "not" || name == "stackrel");
                return if bad { refused } else { Ok(()) };
            }
            '(' => {
                let ahead = less.strip_suffix("\\left").unwrap_or(less);
                if !ahead.is_empty()
                    && !ahead.ends_with(|c: char| c.is_whitespace() || "$=:".contains(c))
                {
                    return refused;
                }
                (gap, rest) = (true, ahead);
            }
            '#' => return Ok(()),
            '*' => {
                let stars = rest.len() - rest.trim_end_matches('*').len();
                let ahead = &rest[..rest.len() - stars];
                let bullet = gap && stars == 1 && at_line_start(ahead);
                match stars {
                    1 if bullet => return Ok(()),
                    2 | 3 => rest = ahead,
                    n if n > 3 && at_line_start(ahead) => return Ok(()),
                    _ => return refused,
                }
            }
            '-' | '•' | '·' | '–' => {
                let dashes = rest.trim_end_matches('-').len();
                let rule = rest.len() - dashes >= 3 && line && at_line_start(&rest[..dashes]);
                let bullet = gap && at_line_start(less);
                return if rule || bullet { Ok(()) } else { refused };
            }
            '>' => {
                let arrow = less.ends_with(['-', '=']);
                let tag = less.rfind('<').map(|at| &less[at + 1..]);
                let plain = tag.is_some_and(|tag| {
                    let name = tag
                        .trim_start_matches('/')
                        .split(' ')
                        .next()
                        .unwrap_or_default();
                    [
                        "b", "strong", "center", "p", "div", "span", "br", "br/", "em", "i",
                        "answer", "u", "h1", "h2", "h3", "think", "final",
                    ]
                    .contains(&name)
                });
                return if arrow || plain || at_line_start(less) {
                    Ok(())
                } else {
                    refused
                };
            }
            '}' => {
                let Some((name, open)) = group_at_end(rest) else {
                    return refused;
                };
                match name {
                    // A text in front speaks; its words are judged elsewhere.
                    Some(name) if FACES.contains(&name) => {
                        let inside = &rest[open + 1..rest.len() - 1];
                        let said = format!("{}{inside}", &rest[..open - name.len() - 1]);
                        return match inside.contains(char::is_alphabetic) {
                            true => changes::before(&said),
                            false => refused,
                        };
                    }
                    Some(name) if LAYOUT.contains(&name) => {
                        gap = true;
                        line = true;
                        rest = &rest[..open - name.len() - 1];
                    }
                    // Boxes apart by blanks; `\boxed{2}\boxed{3}` may be 23 or 6.
                    Some("boxed" | "fbox") if gap => return Ok(()),
                    _ if line && delimiter => return Ok(()),
                    _ => return refused,
                }
            }
            ')' if gap && (line || label(less) || less.ends_with(char::is_alphabetic)) => {
                return Ok(());
            }
            c if c.is_ascii_digit() => return if line { Ok(()) } else { refused },
            c if c.is_alphabetic() => {
                if let Some(name) = command_at_end(rest) {
                    if !LEADING.contains(&name) && !CONCLUDES.contains(&name) {
                        return refused;
                    }
                    if matches!(name, "in" | "equiv") {
                        // `\not\in` and `\not\equiv` deny.
                        let ahead = rest[..rest.len() - name.len() - 1].trim_end();
                        return if ahead.ends_with("\\not") {
                            refused
                        } else {
                            Ok(())
                        };
                    }
                    if CONCLUDES.contains(&name) {
                        return Ok(());
                    }
                    gap = true;
                    rest = &rest[..rest.len() - name.len() - 1];
                    continue;
                }
                let word = rest.chars().rev().take_while(|c| c.is_alphabetic()).count();
                let spaceless = !c.is_ascii() && u32::from(c) >= 0x2e80;
                changes::before(rest)?;
                let prose = spaceless || ((gap || delimiter) && (word > 1 || line));
                return if prose { Ok(()) } else { refused };
            }
            _ if line && delimiter && !"+*/^<>=±×÷√≠≤≥≈~|−".contains(c) => {
                return Ok(());
            }
            _ => return refused,
        }
    }
}

/// `(a)` or `(2)` at the beginning of its line.
fn label(before: &str) -> bool {
    let inside = before.trim_end_matches(char::is_alphanumeric);
    before.len() - inside.len() <= 3 && inside.strip_suffix('(').is_some_and(at_line_start)
}

fn at_line_start(before: &str) -> bool {
    before.trim_end_matches([' ', '\t']).is_empty()
        || before.trim_end_matches([' ', '\t']).ends_with('\n')
}

/// The command and the opening brace of the group that `text` ends with.
fn group_at_end(text: &str) -> Option<(Option<&str>, usize)> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    for at in (0..bytes.len()).rev() {
        let escaped = at > 0 && bytes[at - 1] == b'\\';
        match bytes[at] {
            b'}' if !escaped => depth += 1,
            b'{' if !escaped => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((command_at_end(&text[..at]), at));
                }
            }
            _ => {}
        }
    }
    None
}
