//! The pictures that people see, as text.

use ratatui::backend::TestBackend;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::fit::wrapped;
use super::lines;
use super::picture::{Palette, draw, height};
use super::state::{State, clock};
use crate::train::watch::{CompletionRecord, Kind, RunInfo, StageInfo, StepRecord};

fn record(kind: Kind, step: u64, metrics: &[(&str, f64)]) -> StepRecord {
    StepRecord {
        stage: "reasoning".to_owned(),
        kind,
        step: 60 + step,
        stage_step: step,
        stage_steps: 200,
        time: 100.0 + 1.5 * step as f64,
        metrics: metrics
            .iter()
            .map(|&(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

/// A run in its second stage.
fn state() -> State {
    let stage = |name: &str, kind: &str, steps| StageInfo {
        name: name.to_owned(),
        kind: kind.to_owned(),
        steps,
    };
    let run = RunInfo {
        name: "addition".to_owned(),
        model: "qwen2, 4 layers of 128".to_owned(),
        parameters: 871_296,
        device: "cpu, 2 threads".to_owned(),
        stages: vec![
            stage("cold-start", "sft", 60),
            stage("reasoning", "grpo", 200),
        ],
        headline: Some("greedy/accuracy".to_owned()),
        ..RunInfo::default()
    };
    let mut state = State::new(run, 10.0);
    for step in 1..=40 {
        let share = step as f64 / 40.0;
        state.add(&record(
            Kind::Train,
            step,
            &[
                ("loss", f64::NAN),
                ("reward", 0.3 + 0.6 * share),
                ("rewards/accuracy/mean", 0.2 + 0.6 * share),
                ("completions/mean_length", 41.25),
                ("completions/clipped_ratio", 0.03 * (1.0 - share)),
                ("entropy", 1.0 - share),
                ("kl", 0.01 * share * share),
                ("learning_rate", 5e-4),
                ("grad_norm", 0.5),
                ("tokens_per_second", 12_034.4),
                ("unheard_of", 1.0),
            ],
        ));
        if step % 10 == 0 {
            let value = if step == 30 { 0.75 } else { 0.5 * share };
            state.add(&record(
                Kind::Evaluation,
                step,
                &[
                    ("greedy/accuracy", value),
                    ("greedy/accuracy/low", value - 0.06),
                    ("greedy/accuracy/high", value + 0.06),
                    ("pass@8", 0.9),
                ],
            ));
        }
    }
    state.completion = Some(CompletionRecord {
        step: 100,
        stage: "reasoning".to_owned(),
        prompt: "What is 12+34?\n".to_owned(),
        completion: "<think>\u{1b}[31m2+4=6; 1+3=4</think><answer>46</answer> 漢字 ".repeat(5),
        reward: Some(1.1),
        advantage: Some(0.7),
        reason: Some("accuracy: correct".to_owned()),
        n_tokens: 41,
        ..CompletionRecord::default()
    });
    state.activity = Some(("sampling".to_owned(), 96, 128));
    state
}

fn picture(state: &State, columns: u16, rows: u16) -> String {
    let options = TerminalOptions {
        viewport: Viewport::Inline(height(columns, rows)),
    };
    let backend = TestBackend::new(columns, rows);
    let mut terminal = Terminal::with_options(backend, options).unwrap();
    terminal
        .draw(|frame| draw(frame, state, 170.0, Palette::PLAIN))
        .unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_run_in_a_small_terminal() {
    insta::assert_snapshot!(picture(&state(), 80, 24));
}

#[test]
fn a_run_in_a_wide_terminal() {
    insta::assert_snapshot!(picture(&state(), 130, 40));
}

#[test]
fn no_size_is_too_small() {
    let (empty, full) = (State::default(), state());
    for columns in (1..=40).step_by(3).chain([79, 80, 117, 118, 200]) {
        for rows in [1, 2, 3, 5, 12, 24, 36, 60] {
            picture(&full, columns, rows);
            picture(&empty, columns, rows);
        }
    }
}

#[test]
fn lines_say_the_same() {
    let state = state();
    let last = state.last.clone().unwrap();
    insta::assert_snapshot!(
        lines::line(&state, &last),
        @"reasoning 40/200  step 100  reward 0.900  accuracy reward 0.800  loss –  mean length 41.2  cut off 0.0 %  KL 0.0100  entropy 0  gradient's norm 0.500  4:00 left"
    );
    insta::assert_snapshot!(
        lines::line(&state, state.evaluation.as_ref().unwrap()),
        @"reasoning 40/200  step 100  evaluation: greedy accuracy 50.0 % (44.0–56.0 %), pass@8 90.0 %"
    );
}

#[test]
fn clocks_count_hours_when_there_are_any() {
    assert_eq!(clock(59.9), "0:59");
    assert_eq!(clock(-1.0), "0:00");
    assert_eq!(clock(3723.0), "1:02:03");
}

#[test]
fn long_lines_are_wrapped_at_spaces_and_cut() {
    assert_eq!(wrapped("one two three", 8, 3), ["one two ", "three"]);
    assert_eq!(wrapped("incomprehensible", 6, 2), ["incomp", "rehen…"]);
    assert_eq!(wrapped("漢字漢字", 5, 3), ["漢字", "漢字"]);
    assert_eq!(wrapped("", 5, 3), [""]);
}
