//! The machine: all ways a pattern can go on are followed at once, so that no
//! text makes it go back.
//!
//! Source: Russ Cox, "Regular Expression Matching: the Virtual Machine
//! Approach" (2009), after Thompson and Pike. The order of the ways is their
//! preference, which gives the match that a backtracking engine finds.

use super::super::python::{Fold, fold, is_digit, is_space, is_word, small};
use super::parse::Kind;
use super::program::{Edge, Member, Program, Step, Test};

/// The end of the leftmost match that starts at `from` or later.
pub(super) fn find_end(program: &Program, text: &str, from: usize) -> Option<usize> {
    let mut now = Ways::new(program);
    let mut then = Ways::new(program);
    let mut before = text[..from].chars().next_back();
    let mut at = from;
    let mut rest = text[from..].chars();
    let mut here = rest.next();
    let mut found = None;
    loop {
        if found.is_none() {
            now.add(program, 0, &Gap::new(before, here, rest.as_str()));
        }
        if now.order.is_empty() && found.is_some() {
            return found;
        }
        let next_at = at + here.map_or(0, char::len_utf8);
        let mut after = rest.clone();
        let next_gap = Gap::new(here, after.next(), after.as_str());
        let case = here.filter(|_| program.ignore_case).map(fold);
        for index in 0..now.order.len() {
            let step = now.order[index];
            match &program.steps[step] {
                Step::Match => {
                    found = Some(at);
                    break;
                }
                Step::One(test) if here.is_some_and(|c| test.accepts(c, case)) => {
                    then.add(program, step + 1, &next_gap);
                }
                _ => {}
            }
        }
        if here.is_none() {
            return found;
        }
        std::mem::swap(&mut now, &mut then);
        then.clear();
        (before, at, here) = (here, next_at, rest.next());
    }
}

/// The place between two characters.
struct Gap {
    before: Option<char>,
    after: Option<char>,
    /// `after` is the last character of the text.
    last: bool,
}

impl Gap {
    fn new(before: Option<char>, after: Option<char>, rest: &str) -> Self {
        Self {
            before,
            after,
            last: rest.is_empty(),
        }
    }

    fn is(&self, edge: Edge) -> bool {
        match edge {
            Edge::TextStart => self.before.is_none(),
            Edge::TextEnd => self.after.is_none(),
            Edge::LastLineEnd => self.after.is_none() || (self.after == Some('\n') && self.last),
            Edge::LineStart => matches!(self.before, None | Some('\n')),
            Edge::LineEnd => matches!(self.after, None | Some('\n')),
            Edge::Word { inside } => {
                let edge = self.before.is_some_and(is_word) != self.after.is_some_and(is_word);
                edge != inside
            }
        }
    }
}

/// The steps that are under way at one place, each once, the preferred first.
struct Ways {
    order: Vec<usize>,
    seen: Vec<bool>,
    /// Every step that was seen, to forget it again.
    touched: Vec<usize>,
    stack: Vec<usize>,
}

impl Ways {
    fn new(program: &Program) -> Self {
        Self {
            order: Vec::new(),
            seen: vec![false; program.steps.len()],
            touched: Vec::new(),
            stack: Vec::new(),
        }
    }

    fn clear(&mut self) {
        self.order.clear();
        for step in self.touched.drain(..) {
            self.seen[step] = false;
        }
    }

    /// Adds a step, or what it leads to without taking a character.
    fn add(&mut self, program: &Program, first: usize, gap: &Gap) {
        self.stack.push(first);
        while let Some(step) = self.stack.pop() {
            if std::mem::replace(&mut self.seen[step], true) {
                continue;
            }
            self.touched.push(step);
            match program.steps[step] {
                Step::One(_) | Step::Match => self.order.push(step),
                Step::At(edge) if gap.is(edge) => self.stack.push(step + 1),
                Step::At(_) => {}
                Step::Fork(preferred, other) => self.stack.extend([other, preferred]),
                Step::Jump(to) => self.stack.push(to),
            }
        }
    }
}

impl Test {
    /// `case` is the class of `c` where case does not count.
    fn accepts(&self, c: char, case: Option<Fold>) -> bool {
        match self {
            Test::Char(only) => c == *only,
            Test::Folded(only) => case == Some(*only),
            Test::Set { negated, members } => {
                members.iter().any(|member| member.holds(c, case)) != *negated
            }
        }
    }
}

impl Member {
    fn holds(&self, c: char, case: Option<Fold>) -> bool {
        let small_c = if case.is_some() { small(c) } else { c };
        match *self {
            Member::Folded(only) => case == Some(only),
            Member::Range(first, last) => {
                let within = |c: char| (first..=last).contains(&c);
                within(c) || (case.is_some() && other_cases(c).any(within))
            }
            Member::Kind { kind, negated } => kind.holds(small_c) != negated,
        }
    }
}

/// The characters that are `c` in another case, as far as a range may hold them.
fn other_cases(c: char) -> impl Iterator<Item = char> {
    let capital = fold(c)[0];
    let more: &[char] = match capital {
        'I' => &['ı', 'İ'],
        'S' => &['ſ'],
        'K' => &['\u{212a}'],
        'Å' => &['\u{212b}'],
        'Ω' => &['\u{2126}'],
        _ => &[],
    };
    [small(c), capital, small(capital)]
        .into_iter()
        .chain(more.iter().copied())
}

impl Kind {
    fn holds(self, c: char) -> bool {
        match self {
            Kind::Digit => is_digit(c),
            Kind::Space => is_space(c),
            Kind::Word => is_word(c),
        }
    }
}
