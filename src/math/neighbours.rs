//! What stands right beside a box: the box and its text in, whether it is the
//! whole of what is asserted out.
//!
//! An allow-list. A box that is a factor, an exponent, an argument, one side of
//! an inequality or struck out does not state its content as the answer; what
//! is not known to leave a box alone is refused. Linear in the text.

use std::ops::Range;

/// What belongs to a box or contradicts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// A percent sign, a degree sign, a base or a unit; part of the answer.
    pub(super) suffix: Option<Range<usize>>,
    /// What `=` equates the box to.
    pub(super) equated: Option<Range<usize>>,
    /// Where prose after the box begins.
    pub(super) after: usize,
}

/// The reason of a refusal.
pub(super) const IN_EXPRESSION: &str = "box_in_expression";

/// Commands that set text or a face and leave their argument what it is.
const FACES: &[&str] = &[
    "text",
    "textbf",
    "textit",
    "textrm",
    "mathbf",
    "mathrm",
    "boldsymbol",
    "bm",
    "mbox",
    "underline",
    "mathit",
    "emph",
];

/// Commands that may stand before a box.
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

/// Of these, the ones that begin a new statement.
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

/// Commands that may follow a box.
const TRAILING: &[&str] = &[
    "quad",
    "qquad",
    "right",
    "checkmark",
    "blacksquare",
    "square",
    "Box",
    "qed",
    "pmod",
    "hfill",
    "newline",
    "par",
    "end",
    "tag",
    "label",
    "hspace",
    "vspace",
    "bigr",
    "big",
    "Big",
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

/// Reads what stands beside the box at `whole`, within `region`.
pub(super) fn beside(
    text: &str,
    region: Range<usize>,
    whole: Range<usize>,
) -> Result<Beside, &'static str> {
    /// Deeper groups round a box are no layout.
    const GROUPS: usize = 4;
    struck_out(&text[region.start..whole.start])?;
    let (mut from, mut to) = (whole.start, whole.end);
    let open = open_groups(&text[region.start..whole.start]);
    if open.len() > GROUPS {
        return Err(IN_EXPRESSION);
    }
    for brace in open.into_iter().rev() {
        let brace = region.start + brace;
        left(&text[brace + 1..from])?;
        let close = to + text[to..region.end].find('}').ok_or(IN_EXPRESSION)?;
        let inner = text[to..close].trim();
        if !inner.chars().all(|c| matches!(c, '$' | '.' | '*' | ' ')) {
            return Err(IN_EXPRESSION);
        }
        let head = text[region.start..brace].trim_end();
        let name = command_at_end(head);
        match name {
            Some(name) if FACES.contains(&name) => {
                from = region.start + head.len() - name.len() - 1
            }
            Some(_) => return Err(IN_EXPRESSION),
            None if head.ends_with(['^', '_', '}']) => return Err(IN_EXPRESSION),
            None => from = brace,
        }
        to = close + 1;
    }
    left(&text[region.start..from])?;
    right(text, to, region.end)
}

/// `~~…~~`, `<s>`, `<del>` and comments that are open at the end of `before`.
fn struck_out(before: &str) -> Result<(), &'static str> {
    let strikes = before.matches("~~").count();
    let open = |start: &str, end: &str| {
        before
            .rfind(start)
            .is_some_and(|at| !before[at..].contains(end))
    };
    match strikes % 2 == 1
        || open("<!--", "-->")
        || open("<s>", "</s>")
        || open("<del>", "</del>")
        || open("<strike>", "</strike>")
    {
        true => Err("denied"),
        false => Ok(()),
    }
}

/// Where groups begin that are open at the end of `before`.
fn open_groups(before: &str) -> Vec<usize> {
    let mut open = Vec::new();
    let bytes = before.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'{' => open.push(at),
            b'}' => {
                open.pop();
            }
            _ => {}
        }
        at += 1;
    }
    open
}

/// The command that `text` ends with, without its backslash.
fn command_at_end(text: &str) -> Option<&str> {
    let name = text.len()
        - text
            .bytes()
            .rev()
            .take_while(u8::is_ascii_alphabetic)
            .count();
    (name < text.len() && text[..name].ends_with('\\')).then(|| &text[name..])
}

/// Whether what stands left of a box leaves it alone.
fn left(before: &str) -> Result<(), &'static str> {
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
                        return match rest[open..].contains(char::is_alphabetic) {
                            true => Ok(()),
                            false => refused,
                        };
                    }
                    Some(name) if LAYOUT.contains(&name) => {
                        gap = true;
                        line = true;
                        rest = &rest[..open - name.len() - 1];
                    }
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
                    if !LEADING.contains(&name) {
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

/// Whether what stands right of a box leaves it alone, and what it adds.
fn right(text: &str, from: usize, end: usize) -> Result<Beside, &'static str> {
    let refused = Err(IN_EXPRESSION);
    let mut beside = Beside {
        after: from,
        ..Beside::default()
    };
    let mut at = from;
    let (mut gap, mut delimiter) = (false, false);
    while let Some(c) = text[at..end].chars().next() {
        let rest = &text[at..end];
        let next = rest[c.len_utf8()..].chars().next();
        beside.after = at;
        match c {
            '\n' => return Ok(beside),
            c if c.is_whitespace() => gap = true,
            '$' | '"' | '”' | '」' | ')' | ']' | '&' | '✅' | '✔' | '☑' | '🎉' | '\u{fe0f}' => {
                delimiter = true
            }
            '*' if rest.starts_with("**") => {
                // `**2` is a power.
                if rest
                    .trim_start_matches('*')
                    .starts_with(|c: char| c.is_ascii_digit() || c == '(')
                {
                    return refused;
                }
                at += 1;
                delimiter = true;
            }
            '%' => {
                beside.suffix = Some(at..at + 1);
                at += 1;
                beside.after = at;
                return Ok(beside);
            }
            '°' => {
                beside.suffix = Some(at..at + 2);
                beside.after = at + 2;
                return Ok(beside);
            }
            '^' => {
                let degree = ["^\\circ", "^{\\circ}", "^°", "^{°}"]
                    .iter()
                    .find(|d| rest.starts_with(**d));
                let Some(degree) = degree else { return refused };
                beside.suffix = Some(at..at + degree.len());
                at += degree.len();
                beside.after = at;
                return Ok(beside);
            }
            '_' => {
                let base = base(rest).ok_or(IN_EXPRESSION)?;
                beside.suffix = Some(at..at + base);
                beside.after = at + base;
                return Ok(beside);
            }
            '=' => {
                let from = at + 1;
                let length = rest[1..].find(['$', '\n']).unwrap_or(rest.len() - 1);
                let side = &text[from..from + length];
                let cut = ["\\]", "\\)", "\\\\", "\\end"]
                    .iter()
                    .filter_map(|m| side.find(m))
                    .min()
                    .unwrap_or(side.len());
                let side = side[..cut].trim_end_matches(['.', ' ', ',']);
                beside.equated = Some(from..from + side.len());
                beside.after = from + length;
                return Ok(beside);
            }
            '.' => {
                return if next.is_some_and(|c| c.is_ascii_digit()) {
                    refused
                } else {
                    Ok(beside)
                };
            }
            ',' | ';' | ':' | '，' | '、' => {
                let listed =
                    rest[c.len_utf8()..].trim_start_matches([' ', '$', '\\', '(', '-', '*']);
                return match listed.starts_with(|c: char| c.is_numeric()) {
                    true => Err("several_answers"),
                    false => Ok(beside),
                };
            }
            '!' => {
                return if delimiter || gap {
                    Ok(beside)
                } else {
                    refused
                };
            }
            '?' | '。' | '！' | '？' | '；' | '#' | '❌' | '✗' | '✘' => return Ok(beside),
            '(' => {
                let words = rest[1..].split(')').next().unwrap_or_default();
                let prose = words
                    .split(|c: char| !c.is_alphabetic())
                    .any(|word| word.chars().count() > 1)
                    && !words.contains('\\');
                return if (gap || delimiter) && prose {
                    Ok(beside)
                } else {
                    refused
                };
            }
            '—' | '–' => {
                return if gap || delimiter {
                    Ok(beside)
                } else {
                    refused
                };
            }
            '-' => {
                let word = rest[1..]
                    .trim_start()
                    .chars()
                    .take_while(|c| c.is_alphabetic())
                    .count();
                let spaced = (gap || delimiter) && next.is_some_and(char::is_whitespace);
                return if spaced && word > 1 {
                    Ok(beside)
                } else {
                    refused
                };
            }
            '<' => {
                let tag = rest[1..]
                    .starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '|');
                return if tag && rest.contains('>') {
                    Ok(beside)
                } else {
                    refused
                };
            }
            '\\' => {
                let name: &str = &rest[1..1 + rest[1..]
                    .bytes()
                    .take_while(u8::is_ascii_alphabetic)
                    .count()];
                match name {
                    "" => match next {
                        Some(')' | ']') => {
                            delimiter = true;
                            at += 1;
                        }
                        Some(',' | ';' | ':' | '!' | ' ') => {
                            gap = true;
                            at += 1;
                        }
                        Some('%') => {
                            beside.suffix = Some(at..at + 2);
                            beside.after = at + 2;
                            return Ok(beside);
                        }
                        Some('\\') => return Ok(beside),
                        _ => return refused,
                    },
                    "text" | "textbf" | "textrm" | "mathrm" | "mbox" | "textit" => {
                        let Some(close) = rest.find('}') else {
                            return refused;
                        };
                        beside.suffix = Some(at..at + close + 1 + power(&rest[close + 1..]));
                        return Ok(beside);
                    }
                    "pmod" | "end" | "tag" => return Ok(beside),
                    name if TRAILING.contains(&name) => {
                        gap = true;
                        at += name.len();
                    }
                    _ => return refused,
                }
            }
            c if c.is_numeric() => return refused,
            c if c.is_alphabetic() => {
                let length = rest
                    .find(|c: char| !c.is_alphabetic())
                    .unwrap_or(rest.len());
                let spaceless = !c.is_ascii() && u32::from(c) >= 0x2e80;
                if !spaceless && (rest[..length].chars().count() < 2 && !delimiter) {
                    return refused;
                }
                // "in" is hardly ever inches.
                if &rest[..length] != "in" {
                    beside.suffix = Some(at..at + length);
                }
                return Ok(beside);
            }
            _ => return refused,
        }
        at += text[at..].chars().next().map_or(0, char::len_utf8);
        beside.after = at;
    }
    Ok(beside)
}

/// The length of `_8` or `_{8}`.
fn base(rest: &str) -> Option<usize> {
    let inside = rest[1..]
        .trim_start_matches("{")
        .trim_start_matches("\\text{");
    let skipped = rest.len() - inside.len();
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let close = inside[digits..].bytes().take_while(|b| *b == b'}').count();
    (digits > 0 && digits <= 2).then_some(skipped + digits + close)
}

/// The length of `^2` or `^{3}` after a unit.
fn power(rest: &str) -> usize {
    ["^2", "^3", "^{2}", "^{3}"]
        .iter()
        .find(|power| rest.starts_with(**power))
        .map_or(0, |p| p.len())
}
