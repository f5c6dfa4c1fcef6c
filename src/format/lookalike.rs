//! Counts what looks like a marker and is none: `<THINK>`, `< think >`,
//! `[think]`, `&lt;think&gt;`, `＜think＞`, a Cyrillic letter, a zero-width
//! space inside.
//!
//! A metric, never a rule: a look-alike is ordinary text. Many of them show
//! that a policy (or a tokenizer) writes tags that nobody will count.

/// Finds the words of the markers between anything like brackets.
#[derive(Clone, Debug)]
pub(super) struct Lookalikes {
    /// In lower case, the longest first.
    words: Vec<String>,
    /// Whether a byte may come after a bracket: all but these are passed over
    /// at once, as a text can be full of brackets.
    follows: Box<[bool; 256]>,
}

impl Lookalikes {
    /// For these markers.
    pub(super) fn new<'m>(markers: impl Iterator<Item = &'m str>) -> Self {
        let mut words: Vec<String> = markers
            .map(|marker| {
                let letters = marker.chars().filter(|c| c.is_alphanumeric() || *c == '_');
                letters.map(|c| c.to_ascii_lowercase()).collect()
            })
            .collect();
        words.sort_unstable_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        words.dedup();
        let mut follows = Box::new([false; 256]);
        for byte in u8::MIN..=u8::MAX {
            let begins =
                |word: &String| word.as_bytes().first() == Some(&byte.to_ascii_lowercase());
            follows[usize::from(byte)] = !byte.is_ascii()
                || matches!(byte, b' ' | b'/' | b'|' | b'\\' | b'\t' | b'l' | b'L')
                || words.iter().any(begins);
        }
        Self { words, follows }
    }

    /// How many there are beside the `exact` true markers.
    ///
    /// Every one begins with a bracket, so only brackets are searched for, and
    /// what follows one is read up to the next at most.
    pub(super) fn count(&self, text: &str, exact: usize) -> usize {
        let bytes = text.as_bytes();
        let ascii = memchr::memchr3_iter(b'<', b'[', b'&', bytes);
        let mut found = ascii
            .filter(|at| {
                let next = bytes.get(at + 1);
                next.is_some_and(|next| self.follows[usize::from(*next)])
                    && self.begins(&text[*at..])
            })
            .count();
        if !text.is_ascii() {
            // The first bytes of everything that imitates a bracket.
            let wide = memchr::memchr3_iter(0xe2, 0xe3, 0xef, bytes);
            found += wide.filter(|at| self.begins(&text[*at..])).count();
        }
        found.saturating_sub(exact)
    }

    /// Whether the text begins with a bracket, a word and a closing bracket.
    fn begins(&self, text: &str) -> bool {
        // What follows an invisible character is found at its own place.
        if text.chars().next().and_then(imitated).is_none() {
            return false;
        }
        let mut rest = Imitated(text);
        let opens = match rest.next() {
            Some('<' | '[') => true,
            Some('&') => rest.takes("lt;"),
            _ => false,
        };
        if !opens {
            return false;
        }
        rest.skip_filling();
        self.words.iter().any(|word| {
            let mut after = rest.clone();
            after.takes(word) && after.closes()
        })
    }
}

/// Longest filling (` `, `/`, `|`) between bracket and word.
const FILLING: usize = 4;

/// Longest name of an attribute.
const ATTRIBUTE: usize = 16;

/// A text as it looks: its characters replaced by what they imitate.
#[derive(Clone)]
struct Imitated<'t>(&'t str);

impl Iterator for Imitated<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let seen = chars.by_ref().find_map(imitated);
        self.0 = chars.as_str();
        seen
    }
}

impl Imitated<'_> {
    /// Takes a word, in letters of either case, or a part of it.
    fn takes(&mut self, word: &str) -> bool {
        word.chars().all(|wanted| {
            self.next()
                .is_some_and(|c| c.to_ascii_lowercase() == wanted)
        })
    }

    /// How many characters of filling it takes.
    fn skip_filling(&mut self) -> usize {
        let mut skipped = 0;
        while skipped < FILLING {
            let mut after = self.clone();
            match after.next() {
                Some(' ' | '/' | '|' | '\\' | '\t') => *self = after,
                _ => break,
            }
            skipped += 1;
        }
        skipped
    }

    /// Whether a bracket closes here, or an attribute follows.
    fn closes(mut self) -> bool {
        let filled = self.skip_filling() > 0;
        match self.next() {
            Some('>' | ']') => true,
            Some('&') => self.takes("gt;"),
            Some(c) if filled && c.is_ascii_alphabetic() => {
                let name = self.take(ATTRIBUTE);
                let mut after = name.skip_while(char::is_ascii_alphabetic);
                after.next() == Some('=')
            }
            _ => false,
        }
    }
}

/// The imitated character; `None` for an invisible one.
fn imitated(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c);
    }
    Some(match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return None,
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        '‹' | '⟨' | '〈' | '《' | '◁' | '【' => '<',
        '›' | '⟩' | '〉' | '》' | '▷' | '】' => '>',
        // Full-width forms stand in ASCII order.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        'а' | 'α' | 'А' => 'a',
        'е' | 'ε' | 'Е' => 'e',
        'һ' | 'Н' => 'h',
        'і' | 'ι' | 'ı' | 'І' => 'i',
        'к' | 'κ' | 'К' => 'k',
        'п' | 'ո' | 'ν' => 'n',
        'о' | 'ο' | 'О' => 'o',
        'р' | 'ρ' | 'г' => 'r',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'τ' | 'Т' => 't',
        'ѡ' | 'ԝ' | 'ω' => 'w',
        _ => c,
    })
}
