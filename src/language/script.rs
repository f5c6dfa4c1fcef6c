//! The script of a letter: a character in, a [`Script`] out.
//!
//! Blocks of Unicode 17, grouped by what the scorer must tell apart. A script
//! with one language that is known decides that language by itself.

/// A writing system, as far as the scorer tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Devanagari,
    Bengali,
    Thai,
    Han,
    Kana,
    Hangul,
    /// Letters of any other script.
    Other,
    /// A word whose letters come from scripts that look alike.
    Mixed,
}

/// What a character is to the word scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter that can begin a word.
    Letter(Script),
    /// Belongs to the word before it: marks, joiners, controls of direction.
    Mark,
    /// Ends a word.
    Break,
}

impl Script {
    /// Whether words of the script are found by dictionary: it writes no spaces.
    pub(super) fn has_no_spaces(self) -> bool {
        matches!(self, Script::Han | Script::Kana | Script::Thai)
    }

    /// Whether letters of the two scripts can stand in for each other, so that
    /// one word of both is a disguise and not two words.
    pub(super) fn looks_like(self, other: Script) -> bool {
        let alike = |script| {
            matches!(
                script,
                Script::Latin | Script::Cyrillic | Script::Greek | Script::Other | Script::Mixed
            )
        };
        alike(self) && alike(other)
    }
}

/// What `c` is to the word scanner.
pub(super) fn kind(c: char) -> Kind {
    use Kind::{Break, Letter, Mark};
    use Script::*;
    match c as u32 {
        0x41..=0x5A | 0x61..=0x7A => Letter(Latin),
        0..=0xA9 => Break,
        0xAD => Mark,
        0xAA | 0xBA => Letter(Latin),
        0xC0..=0x24F => match c {
            '×' | '÷' => Break,
            _ => Letter(Latin),
        },
        0x250..=0x2AF => Letter(Latin),
        0x300..=0x36F => Mark,
        0x37E | 0x387 => Break,
        // The common letters first: asking whether a character is one is slow.
        0x388..=0x3F5 => Letter(Greek),
        0x370..=0x3FF | 0x1F00..=0x1FFF => letter_of(c, Greek),
        0x483..=0x489 => Mark,
        0x400..=0x52F | 0x1C80..=0x1C8F | 0xA640..=0xA66E | 0xA680..=0xA69D => Letter(Cyrillic),
        0x2DE0..=0x2DFF | 0xA66F..=0xA67F | 0xA69E | 0xA69F => Mark,
        0x591..=0x5BD | 0x5BF | 0x5C1 | 0x5C2 | 0x5C4 | 0x5C5 | 0x5C7 => Mark,
        0x5D0..=0x5F2 | 0xFB1D..=0xFB4F => Letter(Hebrew),
        0x610..=0x61A | 0x61C | 0x640 | 0x64B..=0x65F | 0x670 => Mark,
        0x6D6..=0x6DC | 0x6DF..=0x6E4 | 0x6E7 | 0x6E8 | 0x6EA..=0x6ED | 0x8CA..=0x8FF => Mark,
        0x620..=0x64A | 0x671..=0x6D3 => Letter(Arabic),
        0x620..=0x6FF | 0x750..=0x77F | 0x870..=0x8C9 | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => {
            letter_of(c, Arabic)
        }
        0x964..=0x96F | 0x9E6..=0x9EF => Break,
        0x900..=0x903 | 0x93A..=0x93C | 0x93E..=0x94F | 0x951..=0x957 | 0x962 | 0x963 => Mark,
        0x904..=0x97F | 0xA8E0..=0xA8FF => Letter(Devanagari),
        0x981..=0x983 | 0x9BC | 0x9BE..=0x9CD | 0x9D7 | 0x9E2 | 0x9E3 => Mark,
        0x985..=0x9B9 => Letter(Bengali),
        0x980..=0x9FE => letter_of(c, Bengali),
        0xE3F | 0xE4F..=0xE5B => Break,
        0xE01..=0xE4E => Letter(Thai),
        0x1100..=0x11FF | 0x3131..=0x318E | 0xA960..=0xA97C | 0xAC00..=0xD7FB => Letter(Hangul),
        0x3005 | 0x3007 | 0x303B => Letter(Han),
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Letter(Han),
        0x3041..=0x3096 | 0x309B..=0x309F | 0x30A1..=0x30FA | 0x30FC..=0x30FF => Letter(Kana),
        0x31F0..=0x31FF | 0xFF66..=0xFF9F | 0x1B000..=0x1B16F => Letter(Kana),
        0x3099 | 0x309A => Mark,
        0x1E00..=0x1EFF | 0x2C60..=0x2C7F | 0xA722..=0xA7FF | 0xAB30..=0xAB6F => Letter(Latin),
        0xFB00..=0xFB06 | 0xFF21..=0xFF3A | 0xFF41..=0xFF5A => Letter(Latin),
        // Letters in disguise: circled, squared, and the mathematical alphabets.
        0x24B6..=0x24E9 | 0x1D400..=0x1D6A5 | 0x1F110..=0x1F189 => Letter(Latin),
        0x1D6A8..=0x1D7CB => Letter(Greek),
        0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => Mark,
        0xFE20..=0xFE2F | 0xE0100..=0xE01EF => Mark,
        // Joiners and controls of direction: UAX #29 looks through them.
        0x200C..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFEFF => Mark,
        // Letter-like symbols and numerals (ℝ, Ⅳ) are notation, not words.
        0x2100..=0x2188 => Break,
        _ => letter_of(c, Other),
    }
}

fn letter_of(c: char, script: Script) -> Kind {
    match c.is_alphabetic() {
        true => Kind::Letter(script),
        false => Kind::Break,
    }
}
