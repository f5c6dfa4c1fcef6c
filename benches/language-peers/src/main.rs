//! Language detection next to its peers: lingua, whatlang, whichlang.
//!
//! `cargo run --release --manifest-path benches/language-peers/Cargo.toml -- training/language`
//!
//! No part of ordinary builds: a workspace of its own.
//!
//! Accuracy on windows of five words (ten characters of Chinese and Japanese,
//! twenty of Thai) of the held-out lines, for each language; then the time for
//! texts of 4 kB, each on one thread, and the peak of resident memory so far.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use goldstone::language::train::is_held_out;
use goldstone::language::{Language, LanguageOptions, detect, measure};
use lingua::{LanguageDetector, LanguageDetectorBuilder};

/// Bytes of a text whose time is taken.
const TEXT_BYTES: usize = 4096;

fn main() {
    let folder = std::env::args().nth(1).expect("name the folder of text");
    let mut held_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for language in Language::all() {
        let path = format!("{folder}/{}.sentences.txt", language.code());
        if let Ok(text) = fs::read_to_string(path) {
            let lines = text.lines().filter(|line| is_held_out(line));
            held_out.insert(language.code(), lines.map(str::to_owned).collect());
        }
    }
    let ours = |text: &str| detect(text).map_or("-", |(language, _)| language.code());
    println!("goldstone {:.1} MB", peak_megabytes());
    let whichlang = |text: &str| short(whichlang::detect_language(text).three_letter_code());
    let whatlang =
        |text: &str| whatlang::detect(text).map_or("-", |found| short(found.lang().code()));
    let detector: LanguageDetector = LanguageDetectorBuilder::from_all_languages()
        .with_preloaded_language_models()
        .build();
    let lingua = |text: &str| match detector.detect_language_of(text) {
        Some(language) => code(&language.iso_code_639_1().to_string()),
        None => "-",
    };
    let peers: [(&str, &dyn Fn(&str) -> &'static str); 4] = [
        ("goldstone", &ours),
        ("whichlang", &whichlang),
        ("whatlang", &whatlang),
        ("lingua", &lingua),
    ];
    println!(
        "| | windows | goldstone | whichlang | whatlang | lingua |\n| --- | --- | --- | --- | --- | --- |"
    );
    let mut totals = [0; 4];
    let mut all = 0;
    for (language, lines) in &held_out {
        let windows: Vec<String> = lines
            .iter()
            .flat_map(|line| windows(language, line))
            .collect();
        let mut row = format!("| {language} | {} |", windows.len());
        for ((_, detect), total) in peers.iter().zip(&mut totals) {
            let right = windows
                .iter()
                .filter(|window| detect(window) == *language)
                .count();
            *total += right;
            row += &format!(" {:.3} |", right as f64 / windows.len() as f64);
        }
        all += windows.len();
        println!("{row}");
    }
    let shares = totals.map(|total| format!("{:.4}", total as f64 / f64::from(all as u32)));
    println!("| all | {all} | {} |\n", shares.join(" | "));

    println!(
        "| 4 kB texts | goldstone `measure` | whichlang | whatlang | lingua |\n| --- | --- | --- | --- | --- |"
    );
    for (language, lines) in &held_out {
        let text = lines.join("\n").repeat(3);
        let text = &text[..text.floor_char_boundary(TEXT_BYTES)];
        let target: Language = language.parse().expect("a code");
        let options = LanguageOptions::default();
        let scored = |text: &str| match measure(text, target, &options).score() {
            Some(_) => "scored",
            None => "-",
        };
        let mut row = format!("| {language} |");
        let timed: [&dyn Fn(&str) -> &'static str; 4] = [&scored, &whichlang, &whatlang, &lingua];
        for detect in timed {
            row += &format!(" {:.2} MB/s |", megabytes_per_second(text, detect));
        }
        println!("{row}");
    }
    println!(
        "\npeak memory with all peers loaded: {:.0} MB",
        peak_megabytes()
    );
}

/// The best of nine rounds of at least 60 ms, by the time that the thread had a
/// core: a busy machine changes it little.
fn megabytes_per_second(text: &str, detect: &dyn Fn(&str) -> &'static str) -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..9 {
        let start = Instant::now();
        let begin = core_seconds();
        let mut bytes = 0;
        while start.elapsed().as_millis() < 60 {
            std::hint::black_box(detect(std::hint::black_box(text)));
            bytes += text.len();
        }
        let seconds = match (begin, core_seconds()) {
            (Some(begin), Some(end)) => end - begin,
            _ => start.elapsed().as_secs_f64(),
        };
        best = best.max(bytes as f64 / seconds / 1e6);
    }
    best
}

/// Seconds that this thread has run so far, where Linux tells.
fn core_seconds() -> Option<f64> {
    let status = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = status.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

fn windows(language: &str, line: &str) -> Vec<String> {
    let characters = match language {
        "zh" | "ja" => 10,
        "th" => 20,
        _ => {
            let words: Vec<&str> = line.split_whitespace().collect();
            return words.chunks_exact(5).map(|words| words.join(" ")).collect();
        }
    };
    let line: Vec<char> = line.chars().collect();
    let windows = line.chunks_exact(characters);
    windows.map(|window| window.iter().collect()).collect()
}

/// Our code for a three-letter one.
fn short(three: &str) -> &'static str {
    code(three)
}

fn code(text: &str) -> &'static str {
    text.parse::<Language>()
        .map_or("?", |language| language.base().code())
}

fn peak_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
