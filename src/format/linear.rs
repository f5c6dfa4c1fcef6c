//! Whether a grammar takes linear time: rules as pest runs them in, the first
//! fault out.
//!
//! The rules are looked at after pest's optimizer, written out: references
//! followed, and the white space that pest skips between the parts of a
//! non-atomic rule counted as a repetition like any other. No rule refers to
//! itself (`safety.rs`), so this is a finite tree. An expression is *long* if
//! it holds a repetition or a search for a stop set, *short* otherwise; a
//! short one costs at most a constant. Checked for everything within a
//! repetition:
//!
//! 1. A repeated expression cannot match nothing.
//! 2. A predicate is short.
//! 3. Where the failure of a long expression leaves something to try in its
//!    place (an alternative, what follows an option or an inner repetition),
//!    no literal that it may begin with is a prefix of one that any of the
//!    rest may begin with, or the reverse. The rest is what comes next, and
//!    whatever follows that as long as it may match nothing, up to and
//!    including the next round of every repetition around it.
//!
//! Then the time is linear. *Proof.* Outside repetitions each expression of
//! the tree runs at most once, so it is enough to look at one run of an
//! outermost repetition. Call a failure dear if the failing expression is long
//! and one of its literals, outside predicates, had matched.
//!
//! Before the first dear failure, text that a long expression has matched is
//! never given back, for giving it back takes the failure of a long expression
//! around it. Predicates and failing short expressions cost a constant each.
//! By 1 each round advances, so no expression is tried at one place more often
//! than repetitions are nested around it, plus one. A search costs what it
//! advances. That is linear.
//!
//! Let the long X, begun at q, be the first dear failure. The text at q begins
//! with a literal of X, so by 3 nothing of the rest can match a literal at q:
//! it fails, or matches nothing, and by 1 the next round fails. If it fails,
//! so does the expression around it up to some X' with a rest of its own,
//! begun at q' ≤ q. X' is long, and a literal of it has matched at q' (that of
//! X, if q' = q), so the same holds for X'. After at most as many steps as the
//! tree is deep the outermost repetition has ended, and nothing was matched
//! meanwhile. ∎
//!
//! So each byte costs at most the size of the tree, times the depth of nested
//! repetitions plus one, in literals compared. Not promised: a small constant.

use std::collections::{BTreeMap, BTreeSet};

use pest_meta::ast::RuleType;
use pest_meta::optimizer::{OptimizedExpr as Expr, OptimizedRule as Rule};

use super::safety::Fault;

/// Largest character range that is written out as a set of beginnings.
const MAX_RANGE: u32 = 128;

/// Literals that something may begin with, in lower case; `None` where that is
/// not a small set.
type First = Option<BTreeSet<String>>;

/// What is known of an expression, or of a rule by its name.
#[derive(Clone, Debug)]
struct Known {
    long: bool,
    nullable: bool,
    first: First,
}

/// Checks all rules; `order` names each after those it refers to.
pub(super) fn check(rules: &[Rule], order: &[String]) -> Result<(), Fault> {
    let mut grammar = Grammar {
        rules: rules
            .iter()
            .map(|rule| (rule.name.as_str(), rule))
            .collect(),
        known: BTreeMap::new(),
        blank: None,
    };
    if let Some(blank) = grammar.rules.get("WHITESPACE").copied() {
        let known = grammar.follow(&blank.expr);
        if known.long || known.nullable {
            return Err(fault(
                blank,
                "",
                "WHITESPACE must be a choice of literals; pest repeats it by itself",
            ));
        }
        grammar.blank = Some(known.first);
    }
    for name in order {
        let Some(rule) = grammar.rules.get(name.as_str()).copied() else {
            continue;
        };
        let known = grammar.of(&rule.expr, grammar.skips(rule));
        grammar.known.insert(name.clone(), known);
    }
    for rule in rules {
        grammar.outermost(rule, &rule.expr)?;
    }
    Ok(())
}

fn fault(rule: &Rule, near: &'static str, message: impl Into<String>) -> Fault {
    Fault {
        rule: rule.name.clone(),
        near,
        message: message.into(),
    }
}

/// Whether pest may skip white space between the parts of an expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skips {
    Blank,
    Nothing,
}

struct Grammar<'r> {
    rules: BTreeMap<&'r str, &'r Rule>,
    known: BTreeMap<String, Known>,
    /// What white space begins with, where the grammar defines any.
    blank: Option<First>,
}

impl Grammar<'_> {
    /// A rule that is called by an atomic one skips nothing either; taken as
    /// if it did, it can only be refused.
    fn skips(&self, rule: &Rule) -> Skips {
        let atomic = matches!(rule.ty, RuleType::Atomic | RuleType::CompoundAtomic);
        match self.blank {
            Some(_) if !atomic && rule.name != "WHITESPACE" => Skips::Blank,
            _ => Skips::Nothing,
        }
    }

    /// The set, and white space where it may be skipped before.
    fn after_blank(&self, first: First, skips: Skips) -> First {
        match (&self.blank, skips) {
            (Some(blank), Skips::Blank) => union(first, blank.clone()),
            _ => first,
        }
    }

    /// What is known of an expression whose rules may not be known yet: those
    /// of WHITESPACE, which are few.
    fn follow(&self, expr: &Expr) -> Known {
        match expr {
            Expr::Ident(name) => match self.rules.get(name.as_str()) {
                Some(rule) => self.follow(&rule.expr),
                None => builtin(name),
            },
            Expr::Choice(left, right) => either(self.follow(left), self.follow(right)),
            expr => self.of(expr, Skips::Nothing),
        }
    }

    /// What is known of an expression. Recursive in the grammar's own depth,
    /// which is limited before; never in the text.
    fn of(&self, expr: &Expr, skips: Skips) -> Known {
        match expr {
            Expr::Str(text) | Expr::Insens(text) => leaf(text.is_empty(), literal(text)),
            Expr::Range(start, end) => leaf(false, range(start, end)),
            Expr::Ident(name) => match self.known.get(name) {
                Some(known) => known.clone(),
                None if self.rules.contains_key(name.as_str()) => UNKNOWN,
                None => builtin(name),
            },
            Expr::PosPred(inner) | Expr::NegPred(inner) => Known {
                nullable: true,
                first: Some(BTreeSet::new()),
                ..self.of(inner, skips)
            },
            Expr::Seq(left, right) => {
                let (left, right) = (self.of(left, skips), self.of(right, skips));
                Known {
                    long: left.long || right.long || skips == Skips::Blank,
                    nullable: left.nullable && right.nullable,
                    first: match left.nullable {
                        true => self.after_blank(union(left.first, right.first), skips),
                        false => left.first,
                    },
                }
            }
            Expr::Choice(left, right) => either(self.of(left, skips), self.of(right, skips)),
            Expr::Opt(inner) => Known {
                nullable: true,
                ..self.of(inner, skips)
            },
            Expr::Rep(inner) => Known {
                long: true,
                nullable: true,
                ..self.of(inner, skips)
            },
            // A search advances over anything; the rest is refused before.
            Expr::Skip(_) | Expr::Push(_) | Expr::PeekSlice(..) | Expr::RestoreOnErr(_) => UNKNOWN,
        }
    }

    /// Finds the repetitions that stand in no other one of this rule. Where
    /// another rule repeats this one, that walk comes through here again.
    fn outermost(&self, rule: &Rule, expr: &Expr) -> Result<(), Fault> {
        match expr {
            Expr::Rep(inner) => Within {
                grammar: self,
                rule,
            }
            .round(inner, Some(BTreeSet::new()), self.skips(rule)),
            Expr::Seq(left, right) | Expr::Choice(left, right) => {
                self.outermost(rule, left)?;
                self.outermost(rule, right)
            }
            Expr::Opt(inner) | Expr::PosPred(inner) | Expr::NegPred(inner) => {
                self.outermost(rule, inner)
            }
            _ => Ok(()),
        }
    }
}

/// A walk through what an outermost repetition of `rule` repeats.
struct Within<'g> {
    grammar: &'g Grammar<'g>,
    rule: &'g Rule,
}

impl Within<'_> {
    /// Walks what is repeated; `rest` may follow the repetition.
    fn round(&self, inner: &Expr, rest: First, skips: Skips) -> Result<(), Fault> {
        let known = self.grammar.of(inner, skips);
        if known.nullable {
            return Err(fault(
                self.rule,
                "",
                "what is repeated could match nothing, so the repetition might not advance",
            ));
        }
        let again = self.grammar.after_blank(known.first, skips);
        self.walk(inner, union(again, rest), skips)
    }

    /// Walks an expression before which `rest` may come in its place or after
    /// it, references included.
    fn walk(&self, expr: &Expr, rest: First, skips: Skips) -> Result<(), Fault> {
        let known = |expr| self.grammar.of(expr, skips);
        match expr {
            Expr::Seq(left, right) => {
                let after = known(right);
                let follow = match after.nullable {
                    true => union(after.first, rest.clone()),
                    false => after.first,
                };
                self.walk(left, self.grammar.after_blank(follow, skips), skips)?;
                self.walk(right, rest, skips)
            }
            Expr::Choice(left, right) => {
                let (one, other) = (known(left), known(right));
                let instead = match other.nullable {
                    true => union(other.first, rest.clone()),
                    false => other.first,
                };
                if one.long && !disjoint(one.first.as_ref(), instead.as_ref()) {
                    return Err(self.slow(
                        "|",
                        "alternatives within a repetition must begin with different literals, and so must what follows one that may match nothing",
                    ));
                }
                self.walk(left, rest.clone(), skips)?;
                self.walk(right, rest, skips)
            }
            Expr::Opt(inner) => {
                let known = known(inner);
                if known.long && !disjoint(known.first.as_ref(), rest.as_ref()) {
                    return Err(self.slow("", OPTIONAL));
                }
                self.walk(inner, rest, skips)
            }
            Expr::Rep(inner) => {
                let known = known(inner);
                if skips == Skips::Blank {
                    return Err(self.slow(
                        "",
                        "beside WHITESPACE a repetition within a repetition must stand in an atomic rule, `@{…}` or `${…}`",
                    ));
                }
                if known.long && !disjoint(known.first.as_ref(), rest.as_ref()) {
                    return Err(self.slow("", OPTIONAL));
                }
                self.round(inner, rest, skips)
            }
            Expr::PosPred(inner) | Expr::NegPred(inner) => match known(inner).long {
                true => Err(self.slow(
                    "!",
                    "a predicate within a repetition must not repeat anything itself",
                )),
                false => Ok(()),
            },
            Expr::Ident(name) => match self.grammar.rules.get(name.as_str()) {
                Some(rule) => self.walk(&rule.expr, rest, self.grammar.skips(rule)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn slow(&self, near: &'static str, what: &str) -> Fault {
        fault(
            self.rule,
            near,
            format!("{what}; otherwise text can be built that takes quadratic time"),
        )
    }
}

const OPTIONAL: &str = "an optional or repeated part within a repetition must begin with another literal than what may follow it";

/// The worst that can be: whatever it stands for, it is refused or it fits.
const UNKNOWN: Known = Known {
    long: true,
    nullable: true,
    first: None,
};

/// Whether no text can begin with a literal of both sets.
fn disjoint(left: Option<&BTreeSet<String>>, right: Option<&BTreeSet<String>>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return false;
    };
    left.iter().all(|a| {
        right
            .iter()
            .all(|b| !a.starts_with(b.as_str()) && !b.starts_with(a))
    })
}

/// Both sets together, unknown if either is.
fn union(left: First, right: First) -> First {
    let mut all = left?;
    all.extend(right?);
    Some(all)
}

fn either(left: Known, right: Known) -> Known {
    Known {
        long: left.long || right.long,
        nullable: left.nullable || right.nullable,
        first: union(left.first, right.first),
    }
}

fn leaf(nullable: bool, first: First) -> Known {
    Known {
        long: false,
        nullable,
        first,
    }
}

/// Only ASCII letters are folded, as pest does: Unicode's rules for lower case
/// look at the neighbours and would break prefixes.
fn literal(text: &str) -> First {
    let known = (!text.is_empty()).then(|| text.to_ascii_lowercase());
    Some(known.into_iter().collect())
}

fn range(start: &str, end: &str) -> First {
    let (start, end) = (start.chars().next()?, end.chars().next()?);
    if u32::from(end).saturating_sub(u32::from(start)) >= MAX_RANGE {
        return None;
    }
    Some(
        (start..=end)
            .map(|c| c.to_ascii_lowercase().to_string())
            .collect(),
    )
}

fn builtin(name: &str) -> Known {
    let ranges: &[(&str, &str)] = match name {
        "SOI" | "EOI" => return leaf(true, Some(BTreeSet::new())),
        "ASCII_DIGIT" => &[("0", "9")],
        "ASCII_NONZERO_DIGIT" => &[("1", "9")],
        "ASCII_BIN_DIGIT" => &[("0", "1")],
        "ASCII_OCT_DIGIT" => &[("0", "7")],
        "ASCII_HEX_DIGIT" => &[("0", "9"), ("a", "f")],
        "ASCII_ALPHA" | "ASCII_ALPHA_LOWER" | "ASCII_ALPHA_UPPER" => &[("a", "z")],
        "ASCII_ALPHANUMERIC" => &[("a", "z"), ("0", "9")],
        "NEWLINE" => &[("\n", "\n"), ("\r", "\r")],
        _ => return leaf(false, None),
    };
    let first = ranges
        .iter()
        .filter_map(|(start, end)| range(start, end))
        .flatten()
        .collect();
    leaf(false, Some(first))
}
