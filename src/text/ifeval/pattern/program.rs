//! The tree as a list of steps for the machine.

use super::super::python::{Fold, fold};
use super::Flags;
use super::parse::{Item, Kind, Node, Place, Set};

/// The steps; step 0 is the first.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) ignore_case: bool,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Takes one character of the set, goes on with the next step.
    One(Test),
    /// Goes on with the next step at such a place.
    At(Edge),
    /// Goes on with both, the first preferred.
    Fork(usize, usize),
    /// Goes on there.
    Jump(usize),
    /// The whole pattern fits.
    Match,
}

/// A set of characters, ready to be asked.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Only this one.
    Char(char),
    /// Only this one, in any case.
    Folded(Fold),
    /// One of a set (or of none of it).
    Set { negated: bool, members: Vec<Member> },
}

/// A part of a set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Member {
    Range(char, char),
    Folded(Fold),
    Kind { kind: Kind, negated: bool },
}

/// A place between two characters, flags applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    TextStart,
    TextEnd,
    /// The end, or before a line feed that ends the text.
    LastLineEnd,
    LineStart,
    LineEnd,
    Word {
        inside: bool,
    },
}

/// Steps of one pattern; `a{1000}` alone makes a thousand.
const MOST_STEPS: usize = 10_000;

/// Writes the tree down as steps.
pub(super) fn compile(node: &Node, flags: Flags) -> Result<Program, String> {
    let mut writer = Writer {
        steps: Vec::new(),
        flags,
    };
    writer.node(node)?;
    writer.push(Step::Match)?;
    Ok(Program {
        steps: writer.steps,
        ignore_case: flags.ignore_case,
    })
}

struct Writer {
    steps: Vec<Step>,
    flags: Flags,
}

impl Writer {
    fn push(&mut self, step: Step) -> Result<usize, String> {
        if self.steps.len() >= MOST_STEPS {
            return Err(format!(
                "is too long: it needs more than {MOST_STEPS} steps"
            ));
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::One(set) => {
                let test = self.test(set);
                self.push(Step::One(test))?;
            }
            Node::At(place) => {
                self.push(Step::At(self.edge(*place)))?;
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.node(node)?;
                }
            }
            Node::Choice(nodes) => self.choice(nodes)?,
            Node::Repeat {
                node,
                least,
                most,
                greedy,
            } => self.repeat(node, *least, *most, *greedy)?,
        }
        Ok(())
    }

    fn choice(&mut self, nodes: &[Node]) -> Result<(), String> {
        let mut jumps = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            if index + 1 == nodes.len() {
                self.node(node)?;
                break;
            }
            let fork = self.push(Step::Match)?;
            self.node(node)?;
            jumps.push(self.push(Step::Match)?);
            self.steps[fork] = Step::Fork(fork + 1, self.steps.len());
        }
        for jump in jumps {
            self.steps[jump] = Step::Jump(self.steps.len());
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        node: &Node,
        least: u32,
        most: Option<u32>,
        greedy: bool,
    ) -> Result<(), String> {
        for _ in 0..least {
            self.node(node)?;
        }
        match most {
            None => {
                let fork = self.push(Step::Match)?;
                self.node(node)?;
                self.push(Step::Jump(fork))?;
                self.steps[fork] = forked(fork + 1, self.steps.len(), greedy);
            }
            Some(most) => {
                let mut forks = Vec::new();
                for _ in least..most {
                    forks.push(self.push(Step::Match)?);
                    self.node(node)?;
                }
                for fork in forks {
                    self.steps[fork] = forked(fork + 1, self.steps.len(), greedy);
                }
            }
        }
        Ok(())
    }

    fn edge(&self, place: Place) -> Edge {
        match (place, self.flags.multi_line) {
            (Place::Start, true) => Edge::LineStart,
            (Place::Start, false) | (Place::TextStart, _) => Edge::TextStart,
            (Place::End, true) => Edge::LineEnd,
            (Place::End, false) => Edge::LastLineEnd,
            (Place::TextEnd, _) => Edge::TextEnd,
            (Place::WordEdge, _) => Edge::Word { inside: false },
            (Place::NoWordEdge, _) => Edge::Word { inside: true },
        }
    }

    fn test(&self, set: &Set) -> Test {
        if let (false, [Item::Char(c)]) = (set.negated, &set.items[..]) {
            return if self.flags.ignore_case {
                Test::Folded(fold(*c))
            } else {
                Test::Char(*c)
            };
        }
        let member = |item: &Item| match *item {
            Item::Char(c) if self.flags.ignore_case => Member::Folded(fold(c)),
            Item::Char(c) => Member::Range(c, c),
            Item::Range(first, last) => Member::Range(first, last),
            Item::Kind { kind, negated } => Member::Kind { kind, negated },
        };
        Test::Set {
            negated: set.negated,
            members: set.items.iter().map(member).collect(),
        }
    }
}

fn forked(again: usize, on: usize, greedy: bool) -> Step {
    if greedy {
        Step::Fork(again, on)
    } else {
        Step::Fork(on, again)
    }
}
