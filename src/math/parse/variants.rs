//! Spellings that the eye can't decide: one canonical text in, one for each
//! way to read its commas and exponents out.

/// A text and the rule that made it.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) text: String,
    pub(super) rule: Option<&'static str>,
}

/// All ways to read commas between digits and `e` before a sign, the most usual
/// first.
pub(super) fn variants(text: &str) -> Vec<Variant> {
    let plain = |text: &str| Variant {
        text: text.to_owned(),
        rule: None,
    };
    if let Some(euler) = euler(text) {
        let latex = text.contains('\\');
        let euler = Variant {
            text: euler,
            rule: Some("euler"),
        };
        return match latex {
            true => vec![euler, plain(text)],
            false => vec![plain(text), euler],
        };
    }
    let commas = Commas::find(text);
    if let Some(grouped) = commas.without_groups(text) {
        let grouped = Variant {
            text: grouped,
            rule: Some("thousands_separator"),
        };
        return match (commas.only_numbers, commas.bracketed) {
            (true, _) => vec![grouped],
            (false, true) => vec![plain(text), grouped],
            (false, false) => vec![
                grouped,
                Variant {
                    rule: Some("list"),
                    ..plain(text)
                },
            ],
        };
    }
    match commas.with_point(text) {
        Some(point) => vec![
            plain(text),
            Variant {
                text: point,
                rule: Some("decimal_comma"),
            },
        ],
        None => std::iter::once(plain(text))
            .chain(point_names(text).map(|text| Variant {
                text,
                rule: Some("point_name"),
            }))
            .collect(),
    }
}

/// `A(1, 2)` as `A = (1, 2)`, and so for each of several points.
fn point_names(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 4);
    let (mut depth, mut commas, mut names) = (0_usize, 0_usize, 0_usize);
    let mut previous = ',';
    for (at, c) in text.char_indices() {
        match c {
            ' ' => {}
            // Another bracket than that of a point.
            '(' if depth > 0 || !previous.is_ascii_uppercase() => return None,
            '(' => {
                (depth, commas) = (1, 0);
                out.push('=');
            }
            ')' if depth == 0 || commas == 0 => return None,
            ')' => depth = 0,
            ',' if depth > 0 => commas += 1,
            ',' if previous != ')' => return None,
            'A'..='Z' if depth == 0 => {
                (previous == ',' && text[at + 1..].trim_start().starts_with('(')).then_some(())?;
                names += 1;
            }
            _ if depth == 0 && c != ',' => return None,
            _ => {}
        }
        out.push(c);
        if c != ' ' {
            previous = c;
        }
    }
    // `C(5, 2)` alone is a binomial coefficient.
    let chosen = names == 1 && text.starts_with("C(");
    (names > 0 && depth == 0 && previous == ')' && !chosen).then_some(out)
}

/// `2e-3` as 2e − 3; only where a sign follows.
fn euler(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let at = bytes.windows(4).position(|w| {
        w[0].is_ascii_digit()
            && w[1] == b'e'
            && matches!(w[2], b'-' | b'+')
            && w[3].is_ascii_digit()
    })?;
    Some(format!("{} {}", &text[..=at], &text[at + 1..]))
}

/// Runs of digits joined by commas without spaces.
#[derive(Default)]
struct Commas {
    /// Byte ranges of runs that read as one number in groups of three.
    groups: Vec<std::ops::Range<usize>>,
    /// Runs of exactly two parts that don't.
    pairs: Vec<std::ops::Range<usize>>,
    /// Some group can't be a number of its own, `1,000`.
    only_numbers: bool,
    /// Some run stands in brackets.
    bracketed: bool,
    /// Some run is neither.
    longer: bool,
}

impl Commas {
    fn find(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut found = Self::default();
        let mut depth = 0_i32;
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                _ if text[at..].starts_with(['⦃', '⟨']) => depth += 1,
                _ if text[at..].starts_with(['⦄', '⟩']) => depth -= 1,
                b'0'..=b'9' => {
                    let end = at
                        + text[at..]
                            .find(|c: char| !c.is_ascii_digit() && c != ',')
                            .unwrap_or(text.len() - at);
                    let run = text[at..end].trim_end_matches(',');
                    let free = at == 0 || !matches!(bytes[at - 1], b'.' | b'_' | b'^');
                    let end = at + run.len();
                    found.add(run, at..end, free, depth > 0, bytes.get(end) == Some(&b'.'));
                    at = end;
                    continue;
                }
                _ => {}
            }
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
        found
    }

    fn add(
        &mut self,
        run: &str,
        range: std::ops::Range<usize>,
        free: bool,
        bracketed: bool,
        point: bool,
    ) {
        let parts: Vec<&str> = run.split(',').collect();
        let [first, more @ ..] = parts.as_slice() else {
            return;
        };
        if more.is_empty() {
            return;
        }
        self.bracketed |= bracketed;
        let grouped = free
            && first.len() <= 3
            && !first.starts_with('0')
            && more.iter().all(|part| part.len() == 3);
        if grouped {
            // `1,000` and `1,234.5` are no lists.
            self.only_numbers |= point || more.iter().any(|part| part.starts_with('0'));
            self.groups.push(range);
        } else if more.len() == 1 && free && !point && !bracketed {
            self.pairs.push(range);
        } else {
            self.longer = true;
        }
    }

    /// The text with its groups of thousands joined.
    fn without_groups(&self, text: &str) -> Option<String> {
        if self.groups.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for range in &self.groups {
            out.push_str(&text[from..range.start]);
            out.extend(text[range.clone()].chars().filter(|c| *c != ','));
            from = range.end;
        }
        out.push_str(&text[from..]);
        Some(out)
    }

    /// The text with its only comma as a point.
    fn with_point(&self, text: &str) -> Option<String> {
        match self.pairs.as_slice() {
            [range]
                if !self.longer
                    && !text.contains("\\begin")
                    && !text.contains('.')
                    && text.matches(',').count() == 1 =>
            {
                let inside = text[range.clone()].replace(',', ".");
                Some(format!(
                    "{}{inside}{}",
                    &text[..range.start],
                    &text[range.end..]
                ))
            }
            _ => None,
        }
    }
}

/// Whether a product without a sign may belong to a divisor: `1/2x`.
pub(super) fn divides_a_product(text: &str) -> bool {
    text.match_indices('/').any(|(at, _)| {
        let rest = text[at + 1..].trim_start();
        let divisor = match rest.chars().next() {
            Some(c) if c.is_ascii_digit() => rest.find(|c: char| !c.is_ascii_digit() && c != '.'),
            Some(c) if c.is_alphabetic() => Some(c.len_utf8()),
            _ => None,
        };
        let next = divisor.and_then(|end| rest[end..].trim_start().chars().next());
        next.is_some_and(|c| c.is_alphabetic() || matches!(c, '(' | '\\' | '⟦' | '^' | '!'))
            && !divisor.is_some_and(|end| {
                ["\\text", "\\end", "\\\\"]
                    .iter()
                    .any(|other| rest[end..].trim_start().starts_with(other))
            })
    })
}

/// Whether two values in round brackets may be an open interval.
pub(super) fn has_pair(text: &str) -> bool {
    let text = text.rsplit(['=', '∈']).next().unwrap_or(text).trim();
    let inside = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    inside.is_some_and(|inside| {
        let mut depth = 0_i32;
        let mut commas = 0;
        for c in inside.chars() {
            match c {
                '(' | '[' | '{' | '⦃' => depth += 1,
                ')' | ']' | '}' | '⦄' => depth -= 1,
                ',' if depth == 0 => commas += 1,
                // A pair of pairs is no interval.
                ',' => return false,
                _ => {}
            }
            if depth < 0 {
                return false;
            }
        }
        commas == 1 && !inside.contains('∞')
    })
}

/// Whether all that is written are capital letters of choices.
pub(super) fn has_choice_letters(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    letters > 0
        && text.chars().all(|c| {
            matches!(
                c,
                'A'..='J' | ',' | ' ' | '(' | ')' | '{' | '}' | '∧' | '∨' | '⋀' | '⋁'
            )
        })
        && !text
            .as_bytes()
            .windows(2)
            .any(|w| w[0].is_ascii_uppercase() && w[1].is_ascii_uppercase())
}
