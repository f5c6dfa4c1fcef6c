//! Trains the language model from labelled text.
//!
//! `cargo run --release --example train_language -- training/language src/language/model.bin`
//!
//! With `--check` behind it nothing is written: the command fails if the file is
//! not what the text gives.
//!
//! Reads every `CODE.KIND.txt` of the folder (one text per line) and the table
//! `hans_to_hant.txt`, leaves out the lines that are held out, and writes the
//! model: the same bytes for the same text, on any machine. See the folder's
//! README for where the text is from.
#![expect(clippy::print_stdout, reason = "the counts are its output")]

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use goldstone::language::Language;
use goldstone::language::train::{Sample, is_held_out, train};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let mut path = || args.next().map(PathBuf::from);
    let (Some(folder), Some(output)) = (path(), path()) else {
        return Err("name the folder of text and the file to write".into());
    };
    let traditional: HashMap<char, char> = fs::read_to_string(folder.join("hans_to_hant.txt"))?
        .lines()
        .filter_map(|line| {
            let mut pair = line.chars();
            Some((pair.next()?, pair.next()?))
        })
        .collect();
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    files.sort();
    let mut lines: Vec<(Language, String)> = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let [code, _kind, "txt"] = name.split('.').collect::<Vec<_>>()[..] else {
            continue;
        };
        let language: Language = code.parse()?;
        for line in fs::read_to_string(file)?.lines() {
            if line.trim().is_empty() || is_held_out(line) {
                continue;
            }
            *counts.entry(language.code()).or_default() += 1;
            lines.push((language, line.to_owned()));
            if language == Language::Zh {
                let copy = |c| traditional.get(&c).copied().unwrap_or(c);
                lines.push((language, line.chars().map(copy).collect()));
            }
        }
    }
    let samples: Vec<Sample<'_>> = lines
        .iter()
        .map(|(language, text)| Sample {
            language: *language,
            text,
        })
        .collect();
    println!("lines: {counts:?}");
    let model = train(&samples);
    if args.next().is_some_and(|flag| flag == "--check") {
        if fs::read(&output)? != model {
            return Err("the model is not what the text gives; train it again".into());
        }
        println!("{} is what the text gives", output.display());
        return Ok(());
    }
    fs::write(&output, &model)?;
    println!("{} bytes written to {}", model.len(), output.display());
    Ok(())
}
