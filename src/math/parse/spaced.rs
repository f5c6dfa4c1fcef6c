//! Equations that a wide gap sets apart: `AB = 2 \quad BC = 6`. Nobody goes on with a
//! product behind such a gap, whatever follows it.

use super::symbols;

/// What prints nothing or a blank; longer commands before those they begin with.
const GAPS: [&str; 20] = [
    "\\thinspace",
    "\\enspace",
    "\\qquad",
    "\\quad",
    "\\text{ }",
    "\\\\",
    "\\,",
    "\\;",
    "\\:",
    "\\!",
    "\\ ",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "$",
    "~",
    "\u{200b}",
    " ",
    "\n",
];

/// Commands that begin a term, beside Greek letters.
const TERMS: [&str; 27] = [
    "frac",
    "dfrac",
    "tfrac",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "cot",
    "sec",
    "csc",
    "log",
    "ln",
    "lg",
    "angle",
    "triangle",
    "overline",
    "bar",
    "vec",
    "hat",
    "mathbf",
    "mathrm",
    "overrightarrow",
    "left",
    "lvert",
    "arcsin",
    "arccos",
    "arctan",
];

/// Words of two letters that are no product.
const WORDS: [&str; 8] = ["if", "or", "so", "at", "as", "by", "in", "is"];

/// The text with commas between equations that a wide gap sets apart; `None` where
/// there are none.
pub(super) fn listed(text: &str) -> Option<String> {
    // Most texts have no such gap, and are many.
    if text.matches('=').nth(1).is_none() || !is_wide(text) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let (mut from, mut at, mut depth) = (0, 0, 0_u32);
    while let Some(c) = text[at..].chars().next() {
        let gap = leading_gap(&text[at..]);
        if gap > 0 {
            let before = &text[from..at];
            if depth == 0
                && is_wide(&text[at..at + gap])
                && ends_equation(before)
                && begins_equation(&text[at + gap..])
            {
                out.push_str(before.trim_end_matches('.'));
                out.push_str(", ");
                from = at + gap;
            }
            at += gap;
            continue;
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    out.push_str(&text[from..]);
    (from > 0).then_some(out)
}

/// The text without the gap that it ends with.
pub(super) fn without_gap(text: &str) -> &str {
    let mut rest = text;
    loop {
        let gaps = GAPS.iter().filter_map(|gap| rest.strip_suffix(gap));
        // A blank behind a line break, `\\ `, is no `\ `.
        let without = gaps
            .clone()
            .find(|before| !(rest.ends_with("\\ ") && before.ends_with('\\')));
        let without = without.or_else(|| rest.strip_suffix(char::is_whitespace));
        // A full stop, where something follows it.
        let without =
            without.or_else(|| rest.strip_suffix('.').filter(|_| rest.len() < text.len()));
        match without {
            Some(shorter) => rest = shorter,
            None => return rest,
        }
    }
}

/// How many bytes of gaps a text begins with.
fn leading_gap(text: &str) -> usize {
    let begins_gap = |c: char| c.is_whitespace() || matches!(c, '\\' | '$' | '~' | '\u{200b}');
    let mut rest = text;
    loop {
        if !rest.starts_with(begins_gap) {
            return text.len() - rest.len();
        }
        let space = |rest: &str| Some(rest.strip_prefix("\\hspace{")?.split_once('}')?.1.len());
        let shorter = GAPS
            .iter()
            .find_map(|gap| {
                let after = rest.strip_prefix(gap)?;
                let is_longer = gap.ends_with(|c: char| c.is_ascii_alphabetic())
                    && after.starts_with(|c: char| c.is_ascii_alphabetic());
                (!is_longer).then_some(after.len())
            })
            .or_else(|| space(rest))
            .or_else(|| Some(rest.strip_prefix(char::is_whitespace)?.len()));
        match shorter {
            Some(left) => rest = &rest[rest.len() - left..],
            None => return text.len() - rest.len(),
        }
    }
}

fn is_wide(gap: &str) -> bool {
    ["quad", "enspace", "hspace"]
        .iter()
        .any(|wide| gap.contains(wide))
        || gap.matches('$').count() > 1
        || gap.contains("\\)") && gap.contains("\\(")
}

/// Whether an equation may end here.
fn ends_equation(before: &str) -> bool {
    let Some((_, value)) = before.trim_end_matches('.').rsplit_once('=') else {
        return false;
    };
    let name = value.rsplit('\\').next().filter(|_| value.contains('\\'));
    let operator = name.is_some_and(|name| {
        name.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !matches!(name, "pi" | "infty" | "circ" | "degree")
            && symbols::greek(name).is_none()
    });
    let ends_value = value
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || "})]!%'|°′π∞".contains(c));
    ends_value && !operator && !has_words(value)
}

/// Whether an equation begins here.
fn begins_equation(after: &str) -> bool {
    let Some((left, _)) = after.split_once('=') else {
        return false;
    };
    let left = left.trim_end();
    let term = left.strip_prefix('-').unwrap_or(left).trim_start();
    let begins_term = match term.strip_prefix('\\') {
        Some(command) => {
            let end = command.find(|c: char| !c.is_ascii_alphabetic());
            let name = &command[..end.unwrap_or(command.len())];
            TERMS.contains(&name) || symbols::greek(name).is_some()
        }
        None => term.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '|')),
    };
    let level = |open: char, close: char| left.matches(open).count() == left.matches(close).count();
    let is_word = left.chars().all(char::is_alphabetic);
    begins_term
        && left.contains(char::is_alphabetic)
        && level('(', ')')
        && level('[', ']')
        && level('{', '}')
        && left.find(['<', '>', ',', ';', ':']).is_none()
        && (is_word || !has_words(left))
}

/// Whether words stand in a side: "2 when", "2 if". Points are no words.
pub(super) fn has_words(side: &str) -> bool {
    /// Products have fewer letters.
    const LETTERS: usize = 3;
    let is_word = |run: &str| {
        let is_long = run.chars().count() >= LETTERS && !run.chars().all(char::is_uppercase);
        is_long || WORDS.contains(&run)
    };
    let mut previous = ' ';
    let mut run = None;
    let mut found = side.contains("\\text") || side.contains("\\mbox");
    for (at, c) in side.char_indices().chain([(side.len(), ' ')]) {
        match (c.is_alphabetic(), run) {
            (true, None) => run = Some((at, previous == '\\')),
            (false, Some((start, is_command))) => {
                found |= !is_command && is_word(&side[start..at]);
                run = None;
            }
            _ => {}
        }
        previous = c;
    }
    found
}
