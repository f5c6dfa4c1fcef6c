//! Tasks: problems by number, held-out problems apart, demonstrations that say
//! what they should.

use std::collections::HashSet;
use std::path::Path;

use goldstone::load;
use goldstone::rollout::{Rollout, Text};
use goldstone::train::folder::ModelFolder;
use goldstone::train::stage::{Demonstrations, Framing, Problems};
use goldstone::train::task::{
    AdditionFlaws, AdditionOptions, Asked, Chat, CountdownOptions, Fields, Generator, Part,
    Problem, Task, TaskOptions, Wording,
};
use goldstone::verdict::Outcome;

fn open(options: &TaskOptions, seed: u64) -> Task {
    Task::open("sums", options, Path::new(""), seed).expect("the task opens")
}

fn addition(part: Part, flaws: AdditionFlaws) -> TaskOptions {
    TaskOptions {
        generator: Some(Generator::Addition(AdditionOptions { digits: 3, flaws })),
        part,
        ..TaskOptions::default()
    }
}

fn countdown(part: Part, options: CountdownOptions) -> TaskOptions {
    TaskOptions {
        generator: Some(Generator::Countdown(options)),
        part,
        ..TaskOptions::default()
    }
}

fn plain(problem: &Problem) -> String {
    match &problem.rollout.prompt {
        Text::Plain(text) => text.clone(),
        Text::Chat(_) => panic!("a chat"),
    }
}

/// What a spec says of a demonstration, by its first verifier.
fn outcome(spec: &str, problem: &Problem, completion: &str) -> Option<Outcome> {
    let scorer = load::spec(spec).expect("a shipped spec");
    let rollout = Rollout {
        completion: completion.into(),
        ..problem.rollout.clone()
    };
    scorer.score(&rollout).terms[0].outcome
}

#[test]
fn a_problem_is_a_function_of_seed_and_number() {
    let options = addition(Part::Train, AdditionFlaws::default());
    let (one, same, other) = (open(&options, 1), open(&options, 1), open(&options, 2));
    let prompts = |task: &Task, order: &[u64]| -> Vec<String> {
        order
            .iter()
            .map(|index| plain(&task.problem(*index)))
            .collect()
    };
    let mut backwards = prompts(&same, &[9, 7, 5, 3, 1]);
    backwards.reverse();
    assert_eq!(prompts(&one, &[1, 3, 5, 7, 9]), backwards);
    assert_ne!(prompts(&one, &[1, 3, 5]), prompts(&other, &[1, 3, 5]));
}

#[test]
fn held_out_problems_are_never_trained_on() {
    let flaws = AdditionFlaws::default();
    let small = CountdownOptions::default();
    let pairs = [
        (addition(Part::Train, flaws), addition(Part::HeldOut, flaws)),
        (
            countdown(Part::Train, small.clone()),
            countdown(Part::HeldOut, small.clone()),
        ),
    ];
    for (train, held_out) in pairs {
        let (train, held_out) = (open(&train, 1), open(&held_out, 2));
        let trained: HashSet<String> = (0..3000).map(|i| plain(&train.problem(i))).collect();
        let asked: HashSet<String> = (0..300).map(|i| plain(&held_out.problem(i))).collect();
        assert!(asked.len() > 150, "only {} problems", asked.len());
        assert!(trained.is_disjoint(&asked));
        assert!(held_out.held_out_of(&train).is_ok());
    }
    // Without parts nothing keeps the two apart.
    let all = open(&addition(Part::All, flaws), 1);
    let held_out = open(&addition(Part::HeldOut, flaws), 1);
    let error = held_out.held_out_of(&all).expect_err("they overlap");
    assert!(error.to_string().contains("part = \"held_out\""), "{error}");
    // A smaller share left out of training does not cover what is asked.
    let smaller = TaskOptions {
        held_out: 0.05,
        ..addition(Part::Train, flaws)
    };
    assert!(held_out.held_out_of(&open(&smaller, 1)).is_err());
}

#[test]
fn a_sum_is_held_out_with_its_operands_in_either_order() {
    // Of 100 pairs nearly all are drawn, in both orders.
    let small = |part| {
        let flaws = AdditionFlaws::default();
        open(
            &TaskOptions {
                generator: Some(Generator::Addition(AdditionOptions { digits: 1, flaws })),
                part,
                ..TaskOptions::default()
            },
            1,
        )
    };
    let sorted = |problem: &Problem| {
        let mut operands: Vec<char> = plain(problem)
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        operands.sort_unstable();
        operands
    };
    let (train, held_out) = (small(Part::Train), small(Part::HeldOut));
    let trained: HashSet<_> = (0..2000).map(|i| sorted(&train.problem(i))).collect();
    let asked: HashSet<_> = (0..500).map(|i| sorted(&held_out.problem(i))).collect();
    assert!(trained.len() > 30 && !asked.is_empty());
    assert!(trained.is_disjoint(&asked), "{asked:?}");
    // Both orders of a pair are asked: none is left out of both parts.
    let written: HashSet<String> = (0..500).map(|i| plain(&held_out.problem(i))).collect();
    assert!(written.len() > asked.len());
    assert_eq!(trained.len() + asked.len(), 55);
}

#[test]
fn demonstrations_of_addition_are_right_unless_flawed() {
    let task = open(&addition(Part::All, AdditionFlaws::default()), 1);
    for index in 0..200 {
        let shown = task.demonstration(index).expect("a generator demonstrates");
        let outcome = outcome("r1-zero", &shown.problem, &shown.completion);
        assert_eq!(outcome, Some(Outcome::Correct), "{}", shown.completion);
    }
    let forgetful = AdditionFlaws {
        carry: 1.0,
        ..AdditionFlaws::default()
    };
    let task = open(&addition(Part::All, forgetful), 1);
    let (mut right, mut wrong) = (0, 0);
    for index in 0..200 {
        let shown = task.demonstration(index).expect("a generator demonstrates");
        // Without a carry to forget, a forgetful sum is right.
        let prompt = plain(&shown.problem);
        let digits: Vec<u32> = prompt.chars().filter_map(|c| c.to_digit(10)).collect();
        let carries = (0..3).any(|i| digits[i] + digits[i + 3] > 9);
        match outcome("r1-zero", &shown.problem, &shown.completion) {
            Some(Outcome::Correct) => {
                assert!(!carries, "{prompt}{}", shown.completion);
                right += 1;
            }
            _ => {
                assert!(carries, "{prompt}{}", shown.completion);
                wrong += 1;
            }
        }
    }
    assert!(right > 20 && wrong > 80, "{right} right, {wrong} wrong");
}

#[test]
fn a_flaw_of_format_leaves_a_tag_out() {
    let flaws = AdditionFlaws {
        format: 1.0,
        ..AdditionFlaws::default()
    };
    let task = open(&addition(Part::All, flaws), 1);
    for index in 0..50 {
        let shown = task.demonstration(index).expect("a generator demonstrates");
        assert_eq!(
            shown.completion.matches('<').count(),
            3,
            "{}",
            shown.completion
        );
        assert_eq!(
            outcome("r1-zero", &shown.problem, &shown.completion),
            Some(Outcome::NoAnswer)
        );
    }
}

#[test]
fn every_countdown_can_be_solved() {
    for wording in [Wording::Short, Wording::Sentence] {
        for numbers in 2..=6 {
            let options = CountdownOptions {
                numbers,
                max_number: 20,
                wording,
                ..CountdownOptions::default()
            };
            let task = open(&countdown(Part::All, options), 3);
            for index in 0..60 {
                let shown = task.demonstration(index).expect("a generator demonstrates");
                let outcome = outcome("countdown", &shown.problem, &shown.completion);
                assert_eq!(outcome, Some(Outcome::Correct), "{}", shown.completion);
            }
        }
    }
}

#[test]
fn flawed_countdowns_miss() {
    let options = CountdownOptions {
        flawed: 1.0,
        ..CountdownOptions::default()
    };
    let task = open(&countdown(Part::All, options), 3);
    let wrong = (0..100).filter(|index| {
        let shown = task
            .demonstration(*index)
            .expect("a generator demonstrates");
        outcome("countdown", &shown.problem, &shown.completion) == Some(Outcome::Wrong)
    });
    assert!(wrong.count() > 97);
}

/// A file of problems in a folder of its own.
fn file(name: &str, text: &str) -> (tempfile::TempDir, TaskOptions) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("writable");
    let options = TaskOptions {
        file: Some(path),
        ..TaskOptions::default()
    };
    (folder, options)
}

#[test]
fn rows_are_prompts_with_references() {
    let text = concat!(
        "\u{feff}{\"question\": \"1+1?\", \"answer\": 2, \"level\": {\"name\": \"easy\"}}\n",
        "\n",
        "{\"question\": [{\"role\": \"user\", \"content\": \"2+2?\"}], \"answer\": \"4\"}\n",
    );
    let (_folder, options) = file("problems.jsonl", text);
    let options = TaskOptions {
        fields: Fields {
            prompt: Some("/question".to_owned()),
            reference: Some("/answer".to_owned()),
            columns: Some(vec!["/level/name".to_owned()]),
            ..Fields::default()
        },
        template: Some("Q: {prompt}\nA:".to_owned()),
        prefill: Some("<think>\n".to_owned()),
        task: Some("math".to_owned()),
        ..options
    };
    let task = open(&options, 1);
    assert_eq!(task.count(), Some(2));
    let first = task.problem(0);
    assert_eq!(plain(&first), "Q: 1+1?\nA:");
    assert_eq!(first.rollout.reference, Some("2".into()));
    assert_eq!(first.rollout.extra["level"]["name"], "easy");
    assert_eq!(first.rollout.task.as_deref(), Some("math"));
    assert_eq!(first.prefill, "<think>\n");
    // The third line, for the blank one counts as a line.
    assert_eq!(task.problem(1).rollout.id, "3");
    assert!(matches!(task.problem(1).rollout.prompt, Text::Chat(_)));
    // Numbers past the end begin anew.
    assert_eq!(task.problem(2), first);
    // There is nothing to learn by heart from a bare problem.
    let error = task.demonstration(0).expect_err("no completion");
    assert!(error.to_string().contains("no completion"), "{error}");
}

#[test]
fn a_row_without_a_demonstration_is_of_the_file_that_was_opened() {
    let (folder, _) = file("problems.jsonl", "{\"prompt\": \"1+1=\"}\n");
    let options = TaskOptions {
        file: Some("problems.jsonl".into()),
        ..TaskOptions::default()
    };
    let task = Task::open("sums", &options, folder.path(), 1).expect("the task opens");
    let error = task
        .demonstration(0)
        .expect_err("no completion")
        .to_string();
    let path = folder.path().join("problems.jsonl");
    assert!(error.contains(&path.display().to_string()), "{error}");
}

#[test]
fn rows_demonstrate_as_pairs_and_as_conversations() {
    let text = concat!(
        r#"{"prompt": "1+1=", "completion": "2"}"#,
        "\n",
        r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4", "reasoning_content": "twice two"}]}"#,
        "\n",
    );
    let (_folder, options) = file("demonstrations.jsonl", text);
    let task = open(&options, 1);
    assert_eq!(task.demonstration(0).expect("a pair").completion, "2");
    let talk = task.demonstration(1).expect("a conversation");
    assert_eq!(talk.completion, "<think>\ntwice two\n</think>\n\n4");
    let Text::Chat(messages) = &talk.problem.rollout.prompt else {
        panic!("no chat")
    };
    assert_eq!(messages.len(), 2, "the answer is not part of the question");
}

#[test]
fn unusable_rows_are_named() {
    let cases = [
        ("{\"prompt\": \"a\"}\n{\"prompt\": 7}\n", "line 2"),
        ("{\"prompt\": \"a\"}\n{\"pro\n", "line 2"),
        ("{\"question\": \"a\"}\n", "line 1"),
        ("\n", "no problem"),
    ];
    for (text, wanted) in cases {
        let (_folder, options) = file("problems.jsonl", text);
        let error = Task::open("t", &options, Path::new(""), 1).expect_err(text);
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn a_dash_is_a_name_like_any_other() {
    let options = TaskOptions {
        file: Some("-".into()),
        ..TaskOptions::default()
    };
    let error = Task::open("t", &options, Path::new(""), 1).expect_err("no such file");
    assert_eq!(error.to_string(), "cannot read `-`");
}

#[test]
fn shared_rows_of_two_files_are_refused() {
    let (_one, trained) = file(
        "train.jsonl",
        "{\"prompt\": \"a\"}\n{\"prompt\": \" b \"}\n",
    );
    let (_two, asked) = file("test.jsonl", "{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n");
    let error = open(&asked, 1)
        .held_out_of(&open(&trained, 1))
        .expect_err("b is in both");
    assert!(error.to_string().contains("`b`"), "{error}");
    let (_three, apart) = file("apart.jsonl", "{\"prompt\": \"d\"}\n");
    assert!(open(&apart, 1).held_out_of(&open(&trained, 1)).is_ok());
    // One file, split by its rows' hashes.
    let text: String = (0..400)
        .map(|i| format!("{{\"prompt\": \"{i}\"}}\n"))
        .collect();
    let (_four, all) = file("all.jsonl", &text);
    let part = |part| TaskOptions {
        part,
        ..all.clone()
    };
    let (train, held_out) = (open(&part(Part::Train), 1), open(&part(Part::HeldOut), 1));
    assert!(held_out.held_out_of(&train).is_ok());
    let (kept, asked) = (
        train.count().expect("a file"),
        held_out.count().expect("a file"),
    );
    assert_eq!(kept + asked, 400);
    assert!((20..60).contains(&asked), "{asked} of 400 are held out");
}

/// A template in the manner of Qwen's; `begun` is what it writes for the assistant.
fn template(begun: &str) -> Option<goldstone::train::folder::ChatTemplate> {
    let mut model = ModelFolder::load(&super::fixture::folder("qwen2")).expect("the fixture loads");
    let source = format!(
        "{{% for m in messages %}}[{{{{ m.role }}}}]{{{{ m.content }}}}\n{{% endfor %}}\
         {{% if add_generation_prompt %}}[assistant]{begun}{{% endif %}}"
    );
    model
        .set_chat_template(&source)
        .expect("the template parses");
    model.chat
}

#[test]
fn the_scorer_sees_what_stands_before_the_answer() {
    let (_folder, options) = file(
        "problems.jsonl",
        "{\"prompt\": \"1+1?\", \"reference\": \"2\"}\n",
    );
    let put = |options: &TaskOptions, begun: Option<&str>| {
        let chat = begun.and_then(template);
        Asked::new(open(options, 1), chat)
            .problem(0)
            .expect("the problem is put")
    };
    // Without a template the prompt is what it is.
    let plain = put(&options, None);
    assert_eq!(plain.prompt, "1+1?");
    assert_eq!(plain.rollout.prompt.tail(), "1+1?");
    // A template heads the turn: nothing of that is the assistant's.
    let chat = put(&options, Some(""));
    assert_eq!(chat.prompt, "[user]1+1?\n[assistant]");
    assert_eq!(chat.rollout.prompt.tail(), "");
    // One that begins the thinking, and a prefill of the recipe.
    let begun = put(&options, Some("<think>\n"));
    assert_eq!(begun.prompt, "[user]1+1?\n[assistant]<think>\n");
    assert_eq!(begun.rollout.prompt.tail(), "<think>\n");
    let prefilled = TaskOptions {
        prefill: Some("<think>".to_owned()),
        system: Some("Think.".to_owned()),
        ..options.clone()
    };
    let prefilled = put(&prefilled, Some(""));
    assert_eq!(
        prefilled.prompt,
        "[system]Think.\n[user]1+1?\n[assistant]<think>"
    );
    assert_eq!(prefilled.rollout.prompt.tail(), "<think>");
    // A recipe may want none of it.
    let never = TaskOptions {
        chat: Chat::Never,
        ..options
    };
    assert_eq!(put(&never, Some("<think>\n")).prompt, "1+1?");
    // Messages need a template.
    let (_chat, chat) = file(
        "chat.jsonl",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"a\"}]}\n",
    );
    let error = Asked::new(open(&chat, 1), None)
        .problem(0)
        .expect_err("no template");
    assert!(error.contains("no chat template"), "{error}");
}

#[test]
fn a_begun_answer_is_not_learned_twice() {
    for (prefill, begun, completion, learned) in [
        (None, Some("<think>\n"), "<think>\na</think>b", "a</think>b"),
        (None, Some("<think>\n"), "<think>a</think>b", "a</think>b"),
        (None, Some("<think>"), "<think>\na</think>b", "\na</think>b"),
        (None, Some("<think>\n"), "a</think>b", "a</think>b"),
        (None, Some(""), "<think>\na</think>b", "<think>\na</think>b"),
        (Some("So"), Some("<think>\n"), "<think>So a", " a"),
        (Some("So"), Some("<think>\n"), "So a", " a"),
        (Some("<think>\n"), None, "<think> a", "a"),
        (Some("<think>\n"), None, "<thin a", "<thin a"),
    ] {
        let line = serde_json::json!({ "prompt": "1+1?", "completion": completion });
        let (_folder, options) = file("shown.jsonl", &format!("{line}\n"));
        let options = TaskOptions {
            prefill: prefill.map(str::to_owned),
            ..options
        };
        let asked = Asked::new(open(&options, 1), begun.and_then(template));
        let shown = asked.demonstration(0).expect("the row has a completion");
        assert_eq!(
            shown.completion, learned,
            "{prefill:?} {begun:?} {completion:?}"
        );
    }
}

#[test]
fn only_what_no_template_frames_is_a_document() {
    let (_folder, options) = file("problems.jsonl", "{\"prompt\": \"1+1?\"}\n");
    let framing = |chat: Chat, begun: Option<&str>| {
        let options = TaskOptions {
            chat,
            ..options.clone()
        };
        let asked = Asked::new(open(&options, 1), begun.and_then(template));
        asked.problem(0).expect("the problem is put").framing
    };
    assert_eq!(framing(Chat::Auto, Some("")), Framing::Chat);
    assert_eq!(framing(Chat::Auto, None), Framing::Document);
    assert_eq!(framing(Chat::Never, Some("")), Framing::Document);
}

#[test]
fn a_part_with_almost_nothing_is_refused() {
    let part = |part: Part, held_out: f64, generator: Generator| {
        let options = TaskOptions {
            generator: Some(generator),
            part,
            held_out,
            ..TaskOptions::default()
        };
        Task::open("sums", &options, Path::new(""), 1)
    };
    let sums = || Generator::Addition(AdditionOptions::default());
    let games = || Generator::Countdown(CountdownOptions::default());
    for (of, held_out) in [
        (Part::HeldOut, 0.0),
        (Part::HeldOut, 1e-9),
        (Part::Train, 1.0),
    ] {
        for generator in [sums(), games()] {
            let error = part(of, held_out, generator).expect_err("nothing is there");
            assert!(error.to_string().contains("`held_out`"), "{error}");
        }
    }
    for (of, held_out) in [(Part::HeldOut, 0.01), (Part::Train, 0.99), (Part::All, 0.0)] {
        assert!(part(of, held_out, sums()).is_ok());
        assert!(part(of, held_out, games()).is_ok());
    }
}
