//! Sets, lists, tuples, vectors and matrices.

use std::borrow::Cow;

use crate::math::expr::Expr;
use crate::math::options::ListOrder;
use crate::math::typed::{Form, Scalar, Typed};

use super::equation::{component_names, names_agree};
use super::judgement::all;
use super::{Context, Judgement};

/// What brackets say about order and repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Neither counts.
    Set,
    /// No brackets: order by option.
    List,
    /// Both count.
    Tuple,
}

/// A collection: its kind and its members.
struct Members<'t> {
    kind: Kind,
    all: Vec<Cow<'t, Typed>>,
}

impl Context<'_> {
    /// Whether [`Context::collections`] compares these.
    pub(super) fn is_collections(&self, gold: &Typed, answer: &Typed) -> bool {
        matches!((gold, answer), (Typed::Matrix(_), Typed::Matrix(_)))
            || (members(gold).is_some() && members(answer).is_some())
    }

    /// Compares two collections.
    pub(super) fn collections(&self, gold: &Typed, answer: &Typed) -> Judgement {
        if let (Typed::Matrix(gold), Typed::Matrix(answer)) = (gold, answer) {
            return self.matrices(gold, answer);
        }
        let (Some(gold), Some(answer)) = (members(gold), members(answer)) else {
            return Judgement::Unknown("unsupported");
        };
        match (assignments(&gold), assignments(&answer)) {
            (Some(one), Some(other)) => return self.maps(&one, &other),
            // `x = 1, y = 2` for `(1, 2)`: in the order in which it is written.
            (Some(map), None) if gold.kind == Kind::List => {
                return self.map_and_members(&map, &answer, Side::Gold);
            }
            (None, Some(map)) if answer.kind == Kind::List => {
                return self.map_and_members(&map, &gold, Side::Answer);
            }
            _ => {}
        }
        // Families are joined before they are compared.
        if gold.kind != Kind::Tuple
            && answer.kind != Kind::Tuple
            && gold
                .all
                .iter()
                .chain(&answer.all)
                .any(|member| matches!(**member, Typed::Family { .. }))
        {
            let refs = |members: &Members<'_>| -> Vec<Typed> {
                members.all.iter().map(|m| m.clone().into_owned()).collect()
            };
            let (gold, answer) = (refs(&gold), refs(&answer));
            return self.families(
                &gold.iter().collect::<Vec<_>>(),
                &answer.iter().collect::<Vec<_>>(),
            );
        }
        match (gold.kind, answer.kind) {
            (Kind::Tuple, Kind::Tuple) => self.in_order("tuple", &gold, &answer),
            (Kind::Tuple, Kind::List) => self
                .in_order("tuple", &gold, &answer)
                .thanks_to("brackets_missing"),
            (Kind::List, Kind::Tuple) => self
                .in_order("tuple", &gold, &answer)
                .doubted("different_type"),
            (Kind::Set, Kind::Tuple) | (Kind::Tuple, Kind::Set) => {
                Judgement::wrong("different_type")
            }
            (Kind::List, Kind::List | Kind::Set) => {
                let rule = match answer.kind {
                    Kind::Set => "set",
                    _ => "list",
                };
                match self.options.list_order {
                    // Braces don't dodge the order that is asked for.
                    ListOrder::Significant => self.in_order(rule, &gold, &answer),
                    ListOrder::Ignored => self.as_sets(rule, &gold, &answer),
                }
            }
            (Kind::Set, Kind::Set | Kind::List) => self.as_sets("set", &gold, &answer),
        }
    }

    /// One answer beside several, or two types that exclude each other.
    pub(super) fn one_and_many(&self, gold: &Typed, answer: &Typed) -> Judgement {
        match (members(gold), members(answer)) {
            (Some(many), None) => match many.all.as_slice() {
                [] => Judgement::wrong("different_type"),
                [one] => self.typed(one, answer).doubted("different_type"),
                // `-1 \pm 0` is one number.
                [first, rest @ ..]
                    if many.kind != Kind::Tuple
                        && rest
                            .iter()
                            .all(|other| self.typed(first, other).is_correct()) =>
                {
                    let judged = self.typed(first, answer);
                    match many.kind {
                        // `2, 2` counts a double root.
                        Kind::List => judged.doubted("repeated_answers"),
                        _ => judged,
                    }
                }
                _ => Judgement::wrong("missing_answers"),
            },
            (None, Some(many)) => match many.all.as_slice() {
                [] => Judgement::wrong("different_type"),
                [one] => self.typed(gold, one).doubted("different_type"),
                // `3, 3` may be a double root; the other way round it is 3.
                all if many.kind != Kind::Tuple
                    && all.iter().all(|one| self.typed(gold, one).is_correct()) =>
                {
                    Judgement::Unknown("repeated_answers")
                }
                _ => Judgement::wrong("several_answers"),
            },
            _ => Judgement::wrong("different_type"),
        }
    }

    fn in_order(&self, rule: &'static str, gold: &Members<'_>, answer: &Members<'_>) -> Judgement {
        if gold.all.len() != answer.all.len() {
            return length(gold.all.len(), answer.all.len());
        }
        let pairs = gold.all.iter().zip(&answer.all);
        all(rule, pairs.map(|(gold, answer)| self.typed(gold, answer)))
    }

    /// Every member of one is a member of the other, and in lists each as often.
    /// Equality is an equivalence, so that taking the first equal member is right.
    fn as_sets(&self, rule: &'static str, gold: &Members<'_>, answer: &Members<'_>) -> Judgement {
        let mut used = vec![0_usize; answer.all.len()];
        let mut whole = Judgement::exact(rule);
        for (at, wanted) in gold.all.iter().enumerate() {
            let (judged, found) = self.member(wanted, &answer.all, at, &used);
            if let Some(found) = found {
                used[found] += 1;
            }
            whole = whole.and(|| judged);
            if matches!(whole, Judgement::Wrong { .. }) {
                return whole;
            }
        }
        for (at, offered) in answer.all.iter().enumerate() {
            if used[at] > 0 {
                continue;
            }
            let mut best = Judgement::wrong("extra_answers");
            for wanted in &gold.all {
                best = self.typed(wanted, offered).or(|| best);
                if best.is_correct() {
                    break;
                }
            }
            let judged = match best {
                Judgement::Wrong { .. } => Judgement::Wrong {
                    rule: "extra_answers",
                    witness: None,
                },
                other => other,
            };
            whole = whole.and(|| judged);
            if matches!(whole, Judgement::Wrong { .. }) {
                return whole;
            }
        }
        match whole.is_correct() {
            true => whole.and(|| repetition(gold, answer, &used)),
            false => whole,
        }
    }

    /// Looks for a member equal to `wanted`, the one at the same place first,
    /// unused ones before used ones.
    fn member(
        &self,
        wanted: &Typed,
        among: &[Cow<'_, Typed>],
        place: usize,
        used: &[usize],
    ) -> (Judgement, Option<usize>) {
        let mut unknown = None;
        let mut order: Vec<usize> = (0..among.len()).collect();
        order.sort_by_key(|at| (used[*at] > 0, *at != place, *at));
        for at in order {
            match self.typed(wanted, &among[at]) {
                judged @ Judgement::Correct { .. } => return (judged, Some(at)),
                judged @ Judgement::Unknown(_) => unknown = Some(judged),
                Judgement::Wrong { .. } => {}
            }
        }
        let missing = Judgement::wrong("missing_answers");
        (unknown.unwrap_or(missing), None)
    }

    /// Assignments by name.
    fn maps(&self, gold: &[(&str, &Typed)], answer: &[(&str, &Typed)]) -> Judgement {
        if gold.len() != answer.len() {
            return length(gold.len(), answer.len());
        }
        let mut whole = Judgement::exact("assignments");
        for (name, value) in gold {
            let other = answer.iter().find(|(other, _)| names_agree(name, other));
            whole = whole.and(|| match other {
                Some((_, other)) => self.typed(value, other),
                None => Judgement::wrong("different_name"),
            });
        }
        whole
    }

    fn map_and_members(
        &self,
        map: &[(&str, &Typed)],
        members: &Members<'_>,
        side: Side,
    ) -> Judgement {
        if map.len() != members.all.len() {
            return length(map.len(), members.all.len());
        }
        if members.kind == Kind::Set {
            return Judgement::Unknown("different_type");
        }
        // A bare value beside a named one could be either's.
        if members.all.iter().any(|member| is_named(member)) {
            return Judgement::Unknown("different_name");
        }
        let pair = |value: &Typed, member: &Typed| match side {
            Side::Gold => self.typed(value, member),
            Side::Answer => self.typed(member, value),
        };
        let written = all(
            "assignments",
            map.iter()
                .zip(&members.all)
                .map(|((_, value), member)| pair(value, member)),
        );
        // `y = 2, x = 1` for `(1, 2)` is probably meant, and `y = 1, x = 2` is not.
        let mut sorted = map.to_vec();
        if have_an_order(map) {
            sorted.sort_by_key(|(name, _)| *name);
        }
        let by_name = all(
            "assignments",
            sorted
                .iter()
                .zip(&members.all)
                .map(|((_, value), member)| pair(value, member)),
        );
        match (written.is_correct(), by_name.is_correct()) {
            (true, true) => written.thanks_to("name_missing"),
            (false, false) => written.and(|| by_name),
            (true, false) | (false, true) => Judgement::Unknown("different_name"),
        }
    }

    fn matrices(&self, gold: &[Vec<Expr>], answer: &[Vec<Expr>]) -> Judgement {
        let shape = |rows: &[Vec<Expr>]| (rows.len(), rows.first().map_or(0, Vec::len));
        if shape(gold) != shape(answer) {
            let ((n, m), (k, l)) = (shape(gold), shape(answer));
            return Judgement::Wrong {
                rule: "different_shape",
                witness: Some(format!("{k}×{l} for {n}×{m}")),
            };
        }
        let pairs = gold.iter().flatten().zip(answer.iter().flatten());
        all(
            "matrix",
            pairs.map(|(gold, answer)| self.equal(gold, answer)),
        )
    }
}

/// Whether two collections of the same members hold each as often; `used` says of
/// how many members of the reference each one of the answer is the partner.
fn repetition(gold: &Members<'_>, answer: &Members<'_>, used: &[usize]) -> Judgement {
    let missing = used.iter().any(|used| *used > 1);
    let extra = used.contains(&0);
    // Numbers may be counted, solutions in several variables are not.
    let is_number = |member: &Cow<'_, Typed>| matches!(**member, Typed::Scalar(_));
    let counted = answer.all.iter().any(is_number);
    match (gold.kind, answer.kind) {
        // `2, 3, 3` for `2, 2, 3`
        (Kind::List, Kind::List) if missing && extra => Judgement::wrong("missing_answers"),
        // `2, 2` and `2`: a double root or the same answer twice.
        (Kind::List, Kind::List) if (missing || extra) && counted => {
            Judgement::Unknown("repeated_answers")
        }
        // A set can't say how often.
        (Kind::List, Kind::Set) if missing && counted => Judgement::Unknown("repeated_answers"),
        _ => Judgement::exact("set"),
    }
}

/// Which side an argument comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Gold,
    Answer,
}

fn length(gold: usize, answer: usize) -> Judgement {
    Judgement::Wrong {
        rule: match answer < gold {
            true => "missing_answers",
            false => "extra_answers",
        },
        witness: Some(format!("{answer} instead of {gold}")),
    }
}

/// The members of a collection; a matrix of one row or column is a tuple.
fn members(value: &Typed) -> Option<Members<'_>> {
    match value {
        Typed::Set(all) => Some(borrowed(Kind::Set, all)),
        Typed::Tuple(all) => Some(borrowed(Kind::Tuple, all)),
        Typed::List(all) => match periods(all) {
            Some(blocks) => Some(Members {
                kind: Kind::List,
                all: blocks.into_iter().map(Cow::Owned).collect(),
            }),
            None => Some(borrowed(Kind::List, all)),
        },
        Typed::Named { name, value } => match &**value {
            // `(x, y) = (1, 2)` assigns to each name; see `assignments`.
            Typed::Tuple(all) => {
                let names = component_names(name)?;
                (names.len() == all.len()).then(|| Members {
                    kind: Kind::List,
                    all: names
                        .into_iter()
                        .zip(all)
                        .map(|(name, value)| {
                            Cow::Owned(Typed::Named {
                                name,
                                value: Box::new(value.clone()),
                            })
                        })
                        .collect(),
                })
            }
            _ => None,
        },
        Typed::Matrix(rows) if rows.len() == 1 || rows.iter().all(|row| row.len() == 1) => {
            Some(Members {
                kind: Kind::Tuple,
                all: rows
                    .iter()
                    .flatten()
                    .map(|entry| {
                        Cow::Owned(Typed::Scalar(Scalar {
                            value: entry.clone(),
                            form: Form::Plain,
                            unit: None,
                        }))
                    })
                    .collect(),
            })
        }
        _ => None,
    }
}

/// Whether names are listed by the alphabet: `x, y`, `a, b, c`, `x_1, x_2`; for
/// `x, p` the order is that in which they are written.
fn have_an_order(map: &[(&str, &Typed)]) -> bool {
    /// `a, c` have one, too.
    const APART: u32 = 2;
    let mut letters: Vec<u32> = map
        .iter()
        .filter_map(|(name, _)| name.chars().next().map(u32::from))
        .collect();
    letters.sort_unstable();
    letters.windows(2).all(|pair| pair[1] - pair[0] <= APART)
}

/// Whether a member says what it is the value of.
fn is_named(member: &Typed) -> bool {
    matches!(member, Typed::Named { .. })
}

fn borrowed(kind: Kind, all: &[Typed]) -> Members<'_> {
    Members {
        kind,
        all: all.iter().map(Cow::Borrowed).collect(),
    }
}

/// `p = 5, q = 2; p = 7, q = 2` as two assignments of two names each.
fn periods(all: &[Typed]) -> Option<Vec<Typed>> {
    let name = |value: &Typed| match value {
        Typed::Named { name, .. } => Some(name.clone()),
        _ => None,
    };
    let names: Vec<String> = all.iter().map(name).collect::<Option<_>>()?;
    let first = names.first()?;
    let period = names.iter().skip(1).position(|other| other == first)? + 1;
    let periodic = period > 1
        && names.len().is_multiple_of(period)
        && (0..names.len()).all(|at| names[at] == names[at % period]);
    periodic.then(|| {
        all.chunks(period)
            .map(|block| Typed::List(block.to_vec()))
            .collect()
    })
}

/// The names and values, where every member has a name and no two the same.
fn assignments<'m>(members: &'m Members<'_>) -> Option<Vec<(&'m str, &'m Typed)>> {
    if members.all.is_empty() {
        return None;
    }
    let mut map: Vec<(&str, &Typed)> = Vec::with_capacity(members.all.len());
    for member in &members.all {
        match &**member {
            Typed::Named { name, value } if map.iter().all(|(other, _)| other != name) => {
                map.push((name, value));
            }
            _ => return None,
        }
    }
    // `x = 1 or y = 2` assigns nothing to both.
    (members.kind == Kind::List || are_roots(&map)).then_some(map)
}

/// `x_1 = 2 or x_2 = 3`: the values of one unknown, numbered.
fn are_roots(map: &[(&str, &Typed)]) -> bool {
    let unknown = |name: &str| {
        let (letter, _) = name.split_once('_')?;
        matches!(letter, "x" | "y" | "z" | "t").then(|| letter.to_owned())
    };
    let first = map.first().and_then(|(name, _)| unknown(name));
    first.is_some() && map.iter().all(|(name, _)| unknown(name) == first)
}
