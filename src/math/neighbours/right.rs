//! What stands right of a box: what belongs to it, or takes it back.

use super::{Beside, IN_EXPRESSION, changes, doubted};

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

/// Whether what stands right of a box leaves it alone, and what it adds.
pub(super) fn right(text: &str, from: usize, end: usize) -> Result<Beside, &'static str> {
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
                // `$\boxed{5}! = 120$` is a factorial; in prose only what follows tells.
                match (delimiter || gap, is_mathematics(&text[..from], rest)) {
                    (true, _) => {}
                    (false, true) => return refused,
                    (false, false) if opens_sentence(&rest[1..]) => {}
                    (false, false) => beside.open = Some("exclamation"),
                }
                return Ok(beside);
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
                        beside.open = doubted(changes::behind(&text[..from], rest))?;
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
            // A brace that closes nothing, at the end of the formula.
            '}' => {
                let ends = rest[1..].trim_start_matches([' ', '.', '$', '*']);
                let closes = ["\\)", "\\]", "\n"].iter().any(|end| ends.starts_with(end));
                return match ends.is_empty() || closes {
                    true => Ok(beside),
                    false => refused,
                };
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
                beside.open = doubted(changes::behind(&text[..from], rest))?;
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

/// Whether the delimiters of mathematics that are open at the end of a text close in
/// what follows.
fn is_mathematics(before: &str, rest: &str) -> bool {
    let rest = &rest[..rest.find("\n\n").unwrap_or(rest.len())];
    let line = &before[before.rfind("\n\n").unwrap_or(0)..];
    let open = |start: &str, end: &str| {
        line.rfind(start)
            .is_some_and(|at| !line[at..].contains(end))
    };
    let dollars = line.matches('$').count() - line.matches("\\$").count();
    let displayed = line.matches("$$").count() % 2 == 1;
    (dollars % 2 == 1 || displayed) && rest.contains('$')
        || open("\\(", "\\)")
        || open("\\[", "\\]")
}

/// Whether a text begins with a new sentence: " Great job!"
fn opens_sentence(rest: &str) -> bool {
    let sentence = rest.trim_start();
    let word: Vec<char> = sentence.chars().take_while(|c| c.is_alphabetic()).collect();
    let is_capital = word.len() > 1 && word[0].is_uppercase() && !word[1].is_uppercase();
    sentence.len() < rest.len() && is_capital
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
