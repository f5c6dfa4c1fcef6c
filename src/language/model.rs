//! The linear model: a word in, a score for each language of its script out.
//!
//! `model.bin` holds one table for each group of languages that share a script;
//! a row for each hashed feature, a column for each language, one signed byte
//! each, in sixteenths of a nat. A word's scores are the sums of its rows. The
//! file is made by [`super::train`]; it is data, nothing is parsed.

use super::features::Letters;
use super::script::Script;
use super::tag::Language;

/// Columns that a group can have.
pub(super) const COLUMNS: usize = 16;

/// Scores of one word, by column.
pub(super) type Scores = [i16; COLUMNS];

/// Units of a score in one nat.
pub(super) const NAT: i32 = 16;

/// Languages that share a script, and their table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) languages: &'static [Language],
    /// The table has `1 << bits` rows.
    pub(super) bits: u32,
    /// Bytes of one row: the languages, filled up to a power of two.
    pub(super) stride: usize,
    /// Where the table starts in the file.
    pub(super) offset: usize,
}

/// Latin, Cyrillic, Arabic, and Han with kana.
pub(super) static GROUPS: [Group; 4] = {
    use Language::*;
    const LATIN: usize = 16 << 15;
    const CYRILLIC: usize = 4 << 14;
    const ARABIC: usize = 2 << 14;
    [
        Group {
            languages: &[En, Es, Fr, De, It, Pt, Nl, Pl, Tr, Sv, Id, Vi],
            bits: 15,
            stride: 16,
            offset: 0,
        },
        Group {
            languages: &[Ru, Uk, Bg],
            bits: 14,
            stride: 4,
            offset: LATIN,
        },
        Group {
            languages: &[Ar, Fa],
            bits: 14,
            stride: 2,
            offset: LATIN + CYRILLIC,
        },
        Group {
            languages: &[Zh, Ja],
            bits: 14,
            stride: 2,
            offset: LATIN + CYRILLIC + ARABIC,
        },
    ]
};

/// Bytes of the model.
pub(super) const BYTES: usize = (16 << 15) + (4 << 14) + (2 << 14) + (2 << 14);

/// The shipped weights.
static WEIGHTS: &[u8; BYTES] = include_bytes!("model.bin");

impl Group {
    /// The group whose languages write this script; `None` where the script
    /// decides by itself.
    pub(super) fn of(script: Script) -> Option<&'static Group> {
        match script {
            Script::Latin => Some(&GROUPS[0]),
            Script::Cyrillic => Some(&GROUPS[1]),
            Script::Arabic => Some(&GROUPS[2]),
            Script::Han | Script::Kana => Some(&GROUPS[3]),
            _ => None,
        }
    }

    /// The column of a language.
    pub(super) fn column(&self, language: Language) -> Option<usize> {
        self.languages.iter().position(|other| *other == language)
    }

    /// The scores of a word; columns without a language score 0.
    pub(super) fn scores(&self, word: &str) -> Scores {
        match self.stride {
            16 => self.sums::<16>(word),
            4 => self.sums::<4>(word),
            _ => self.sums::<2>(word),
        }
    }

    /// The sums of a word's rows, whose width is known when compiling, so that
    /// all columns are added at once.
    fn sums<const STRIDE: usize>(&self, word: &str) -> Scores {
        let table = &WEIGHTS[self.offset..self.offset + (STRIDE << self.bits)];
        let table = table.as_chunks::<STRIDE>().0;
        let mut sums = [0_i16; STRIDE];
        Letters::of(word).rows(self.bits, |row| {
            for (sum, weight) in sums.iter_mut().zip(table[row]) {
                *sum += i16::from(weight as i8);
            }
        });
        let mut scores = [0; COLUMNS];
        scores[..STRIDE].copy_from_slice(&sums);
        scores
    }
}

/// The language that a script decides by itself.
pub(super) fn of_script(script: Script) -> Option<Language> {
    match script {
        Script::Greek => Some(Language::El),
        Script::Hebrew => Some(Language::He),
        Script::Devanagari => Some(Language::Hi),
        Script::Bengali => Some(Language::Bn),
        Script::Thai => Some(Language::Th),
        Script::Hangul => Some(Language::Ko),
        _ => None,
    }
}
