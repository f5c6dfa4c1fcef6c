//! A trial run of a user's grammar, in steps, not seconds: rules in, a
//! complaint out where the number of steps grows faster than the text.
//!
//! `linear.rs` proves that this cannot happen; a grammar runs on text that a
//! policy wrote, so the proof is not left alone. Every leaf of the rules
//! becomes a silent rule, which changes nothing but that pest reports it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pest_meta::ast::RuleType;
use pest_meta::optimizer::{OptimizedExpr as Expr, OptimizedRule as Rule};
use pest_vm::Vm;

/// Sizes of the texts, in bytes or a little less. They grow by four, so that
/// even a power of the size shows before it takes long.
const SIZES: [usize; 4] = [64, 256, 1_024, 4_096];

/// Steps per byte that no grammar of the allowed size should need.
const MAX_STEPS: usize = 20_000;

/// Steps per byte below which growth is not looked at.
const FEW_STEPS: usize = 100;

/// Most literals that texts are made of, and most that each is paired with.
const MAX_LITERALS: usize = 8;
const MAX_PAIRED: usize = 3;

/// Runs the grammar on texts made of its own literals.
pub(super) fn run(rules: &[Rule], root: &str) -> Result<(), String> {
    let literals = literals(rules);
    let counter = Counter::new(rules);
    let mut seeds: Vec<(&str, String)> = [" ", "a", "<"].map(|part| ("", part.to_owned())).into();
    for literal in &literals {
        seeds.extend([
            ("", literal.clone()),
            (literal.as_str(), "a".to_owned()),
            (literal.as_str(), " ".to_owned()),
        ]);
        for other in literals.iter().take(MAX_PAIRED) {
            seeds.push(("", format!("{literal}{other}")));
        }
    }
    for (start, part) in seeds {
        let mut before = usize::MAX;
        for size in SIZES {
            // Whole parts only, four times as many each time.
            let count = (SIZES[0] / part.len()).max(1) * (size / SIZES[0]);
            let text = format!("{start}{}", part.repeat(count));
            let steps = counter.steps(root, &text);
            // A linear grammar takes four times the steps, a quadratic one
            // sixteen times.
            let grows = size == SIZES[3]
                && steps > before.saturating_mul(8)
                && steps > FEW_STEPS * text.len();
            if grows || steps > MAX_STEPS * (text.len() + 1) {
                return Err(format!(
                    "takes more than linear time on `{start}` and many `{part}`: {steps} steps for {} bytes",
                    text.len()
                ));
            }
            before = steps;
        }
    }
    Ok(())
}

/// The literals of the rules, the first few by length.
fn literals(rules: &[Rule]) -> Vec<String> {
    let mut literals: Vec<String> = rules
        .iter()
        .flat_map(|rule| rule.expr.iter_top_down())
        .filter_map(|expr| match expr {
            Expr::Str(text) | Expr::Insens(text) if !text.is_empty() => Some(text),
            _ => None,
        })
        .collect();
    literals.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    literals.dedup();
    literals.truncate(MAX_LITERALS);
    literals
}

/// A grammar that counts its steps: leaves tried and bytes advanced.
struct Counter {
    vm: Vm,
    steps: Arc<AtomicUsize>,
    at: Arc<AtomicUsize>,
}

impl Counter {
    fn new(rules: &[Rule]) -> Self {
        let mut leaves: Vec<Rule> = Vec::new();
        let mut counted: Vec<Rule> = Vec::with_capacity(rules.len());
        for rule in rules {
            let expr = rule.expr.clone().map_bottom_up(|expr| match expr {
                Expr::Str(_) | Expr::Insens(_) | Expr::Range(..) | Expr::Skip(_) => {
                    // No rule of a grammar can have such a name.
                    let name = format!("#{}", leaves.len());
                    leaves.push(Rule {
                        name: name.clone(),
                        ty: RuleType::Silent,
                        expr,
                    });
                    Expr::Ident(name)
                }
                expr => expr,
            });
            counted.push(Rule {
                expr,
                ..rule.clone()
            });
        }
        counted.append(&mut leaves);
        let steps = Arc::new(AtomicUsize::new(0));
        let at = Arc::new(AtomicUsize::new(0));
        let (count, last) = (Arc::clone(&steps), Arc::clone(&at));
        let listener = move |_: String, position: &pest::Position<'_>| {
            let now = position.pos();
            let advance = now.saturating_sub(last.swap(now, Ordering::Relaxed));
            count.fetch_add(1 + advance, Ordering::Relaxed);
            false
        };
        Self {
            vm: Vm::new_with_listener(counted, Box::new(listener)),
            steps,
            at,
        }
    }

    fn steps(&self, root: &str, text: &str) -> usize {
        self.steps.store(0, Ordering::Relaxed);
        self.at.store(0, Ordering::Relaxed);
        // Whether it matches does not matter here.
        let _ = self.vm.parse(root, text).is_ok();
        self.steps.load(Ordering::Relaxed)
    }
}
