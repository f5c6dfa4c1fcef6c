//! Tests of the ladder: pairs from a table, laws, hostile graphs.

mod builder;

mod laws;

mod short;

use super::{Decision, Limits, Proof, Secrets, compare, decide, display, is_constant, is_real};
use super::{sign, to_rational};
use builder::parse;

fn secrets() -> Secrets {
    static SECRETS: std::sync::LazyLock<Secrets> =
        std::sync::LazyLock::new(|| Secrets::from_seed([7, 11]));
    SECRETS.clone()
}

/// Decides both ways round, which must agree.
fn judge(a: &str, b: &str) -> Decision {
    let secrets = secrets();
    let (x, y) = (parse(a), parse(b));
    let one = decide(&x, &y, &secrets, &Limits::default());
    let other = decide(&y, &x, &secrets, &Limits::default());
    assert_eq!(
        kind(&one),
        kind(&other),
        "`{a}` against `{b}` is not symmetric: {one:?} {other:?}"
    );
    one
}

fn kind(decision: &Decision) -> String {
    match decision {
        Decision::Equal {
            proof: Proof::Exact,
            ..
        } => "exact".into(),
        Decision::Equal {
            proof: Proof::Probabilistic,
            ..
        } => "probable".into(),
        Decision::Equal {
            proof: Proof::Numeric { .. },
            ..
        } => "numeric".into(),
        Decision::Different { .. } => "different".into(),
        Decision::Unknown(_) => "unknown".into(),
        Decision::Undefined => "undefined".into(),
    }
}

/// The table: `kind | a | b`, one pair a line.
const PAIRS: &str = include_str!("pairs.txt");

#[test]
fn pairs() {
    let mut failures = Vec::new();
    for line in PAIRS.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let [want, a, b] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("not a pair: {line}");
        };
        let decision = judge(a, b);
        let got = kind(&decision);
        let fits = match want {
            "equal" => matches!(decision, Decision::Equal { .. }),
            _ => got == want,
        };
        if !fits {
            failures.push(format!("{line}\n    {decision:?}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} pairs:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn secrets_are_drawn_anew_and_replayed_by_seed() {
    let drawn = [Secrets::draw().unwrap(), Secrets::draw().unwrap()];
    assert_ne!(drawn[0].number(&[1]), drawn[1].number(&[1]));
    assert_eq!(secrets().number(&[1]), secrets().number(&[1]));
    for prime in &drawn[0].primes {
        assert!(super::secrets::is_prime(prime.p) && prime.p >> 60 == 1);
        // A residue has all roots of a degree or none, and they are roots.
        for degree in [2, 3, 4, 6, 24] {
            for residue in [2, 3, 5, 7, 10, prime.p - 1] {
                let roots = prime.roots(residue, degree);
                assert!(roots.is_empty() || roots.len() as u64 == degree);
                assert!(
                    roots
                        .iter()
                        .all(|root| prime.power(*root, degree) == residue)
                );
            }
            let power = prime.power(12345, degree);
            assert!(prime.roots(power, degree).contains(&12345));
        }
    }
}

#[test]
fn constants_are_ordered() {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (secrets, limits) = (secrets(), Limits::default());
    let cases = [
        ("1/3", "1/2", Some(Less)),
        (
            "sqrt(2)",
            "1.4142135623730950488016887242096980785696",
            Some(Greater),
        ),
        (
            "sqrt(2)",
            "1.4142135623730950488016887242096980785697",
            Some(Less),
        ),
        ("sqrt(8)", "2*sqrt(2)", Some(Equal)),
        ("pi", "ln(640320^3+744)/sqrt(163)", Some(Less)),
        ("-e", "-3", Some(Greater)),
        ("2^1000", "3^600", Some(Greater)),
        ("i", "1", None),
        ("i", "i", None),
        ("x", "1", None),
        ("1/0", "1/0", None),
    ];
    for (a, b, want) in cases {
        let (x, y) = (parse(a), parse(b));
        assert_eq!(compare(&x, &y, &secrets, &limits), want, "{a} against {b}");
        let turned = want.map(std::cmp::Ordering::reverse);
        assert_eq!(
            compare(&y, &x, &secrets, &limits),
            turned,
            "{b} against {a}"
        );
    }
    assert_eq!(sign(&parse("sqrt(2) - 3/2"), &secrets, &limits), Some(Less));
    assert_eq!(
        sign(&parse("sqrt(8) - 2*sqrt(2)"), &secrets, &limits),
        Some(Equal)
    );
    assert_eq!(sign(&parse("f(2)"), &secrets, &limits), None);
}

#[test]
fn rational_values_are_found() {
    let limits = Limits::default();
    let value = |text: &str| to_rational(&parse(text), &limits).map(|value| value.to_string());
    assert_eq!(value("sqrt(9/4)").as_deref(), Some("3/2"));
    assert_eq!(value("(sqrt(2)+1)*(sqrt(2)-1)").as_deref(), Some("1"));
    assert_eq!(value("1/(sqrt(2)-1) - sqrt(2)").as_deref(), Some("1"));
    assert_eq!(value("log(2, 8)").as_deref(), Some("3"));
    assert_eq!(value("sqrt(2)"), None);
    assert_eq!(value("1/0"), None);
    assert_eq!(value("0*(1/(sqrt(8)-2*sqrt(2)))"), None);
    assert_eq!(value("x"), None);
}

#[test]
fn expressions_are_described() {
    let limits = Limits::default();
    assert!(is_constant(&parse("pi + sqrt(2)")) && !is_constant(&parse("f(2)")));
    assert!(is_real(&parse("x^2 + e^x"), &limits) && !is_real(&parse("x + i"), &limits));
    let shown = |text: &str| display(&parse(text));
    assert_eq!(shown("sqrt(2)/2 + x^2"), "sqrt(2)/2 + x^2");
    assert_eq!(shown("a - b"), "a - b");
    assert_eq!(shown("-(a+b)*c"), "(-(a + b))*c");
    assert_eq!(shown("(1+2*i)/(a*b)"), "(1 + 2*i)/(a*b)");
    assert_eq!(shown("(x+1)^(2*n)"), "(x + 1)^(2*n)");
    assert_eq!(shown("abs(x)!*binom(n,2)"), "|x|!*binomial(n, 2)");
    assert_eq!(shown("-1/2*x"), "-x/2");
    assert_eq!(shown("x^(-1/2)"), "x^(-1/2)");
}

/// Balls against digits computed elsewhere (OEIS A000796, A001113, A002162).
#[test]
fn transcendental_digits() {
    let digits = [
        (
            "pi",
            "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899",
        ),
        (
            "e",
            "2.71828182845904523536028747135266249775724709369995957496696762772407663035354759",
        ),
        (
            "ln(2)",
            "0.69314718055994530941723212145817656807550013436025525412068000949339362196969471",
        ),
    ];
    let (secrets, limits) = (secrets(), Limits::default());
    for (name, text) in digits {
        let below = parse(text);
        let above = parse(&format!("{text} + 10^(-80)"));
        let value = parse(name);
        assert_eq!(
            compare(&below, &value, &secrets, &limits),
            Some(std::cmp::Ordering::Less),
            "{name}"
        );
        assert_eq!(
            compare(&value, &above, &secrets, &limits),
            Some(std::cmp::Ordering::Less),
            "{name}"
        );
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "measured with --nocapture")]
fn long_sums_are_identities() {
    let series = |skip: usize| {
        let terms: Vec<String> = (0..800)
            .filter(|k| *k != skip)
            .map(|k| format!("r^{k}"))
            .collect();
        parse(&terms.join(" + "))
    };
    let (secrets, limits) = (secrets(), Limits::default());
    let closed = parse("(1 - r^800)/(1 - r)");
    let start = std::time::Instant::now();
    let decision = decide(&closed, &series(800), &secrets, &limits);
    eprintln!("800 terms: {:?} {decision:?}", start.elapsed());
    assert_eq!(kind(&decision), "probable");
    for skip in [0, 1, 400, 799] {
        assert_eq!(
            kind(&decide(&closed, &series(skip), &secrets, &limits)),
            "different",
            "without {skip}"
        );
    }
}

/// Expressions that are built to be expensive; the time is measured apart.
fn hostile() -> Vec<(
    &'static str,
    crate::math::expr::Expr,
    crate::math::expr::Expr,
)> {
    use crate::math::expr::{Arena, Constant, Expr, Function, Node};
    use num_bigint::BigInt;
    use num_rational::BigRational;
    let integer = |n: BigInt| Node::Number(BigRational::from_integer(n));
    let chain =
        |step: &dyn Fn(&mut Arena, crate::math::expr::Id) -> Node, count: usize, last: i64| {
            let mut arena = Arena::default();
            let mut id = arena.add(Node::Symbol("x".into()));
            for _ in 0..count {
                let node = step(&mut arena, id);
                id = arena.add(node);
            }
            let offset = arena.add(integer(last.into()));
            let root = arena.add(Node::Add([id, offset].into()));
            Expr { arena, root }
        };
    let long = |last: i64| {
        let mut arena = Arena::default();
        let value = (BigInt::from(1) << 100_000) + last;
        let root = arena.add(integer(value));
        Expr { arena, root }
    };
    let fraction = |last: i64| {
        let mut arena = Arena::default();
        let numer: BigInt = (BigInt::from(3) << 50_000) + last;
        let denom: BigInt = (BigInt::from(5) << 50_000) + 1;
        let value = arena.add(Node::Number(BigRational::new_raw(numer, denom)));
        let pi = arena.add(Node::Constant(Constant::Pi));
        let product = arena.add(Node::Mul([value, value, pi].into()));
        let root = arena.add(Node::Add([product, value].into()));
        Expr { arena, root }
    };
    let double = |arena: &mut Arena, id| {
        let one = arena.add(integer(1.into()));
        let left = arena.add(Node::Add([id, one].into()));
        Node::Mul([left, id].into())
    };
    let both = |_: &mut Arena, id| Node::Add([id, id].into());
    let squared = |arena: &mut Arena, id| {
        let square = arena.add(Node::Mul([id, id].into()));
        let one = arena.add(integer(1.into()));
        Node::Add([square, id, one].into())
    };
    let roots = |arena: &mut Arena, id| {
        let one = arena.add(integer(1.into()));
        let sum = arena.add(Node::Add([id, one].into()));
        Node::Root {
            degree: 2,
            radicand: sum,
        }
    };
    let sines = |_: &mut Arena, id| Node::Apply(Function::Sin, id);
    let absolute = |arena: &mut Arena, id| {
        let minus = arena.add(integer((-3).into()));
        let sum = arena.add(Node::Add([id, minus].into()));
        Node::Apply(Function::Abs, sum)
    };
    let inverse = |arena: &mut Arena, id| {
        let minus = arena.add(integer((-1).into()));
        let one = arena.add(integer(1.into()));
        let sum = arena.add(Node::Add([id, one].into()));
        Node::Pow(sum, minus)
    };
    let tower = |_: &mut Arena, id| Node::Pow(id, id);
    let texts = [
        ("tower of numbers", "9^(9^(9^(9^9)))", "9^(9^(9^(9^9))) + 1"),
        ("tower of towers", "(10^(10^10))^(10^(10^10))", "10^(10^10)"),
        ("near one", "2^(1/2^1000)", "2^(1/2^1001)"),
        ("sine of a tower", "sin(10^(10^10))", "cos(10^(10^10))"),
        ("factorial", "30000!/29999!", "30001"),
        ("large factorial", "100000000!", "100000001!"),
        (
            "binomial",
            "binom(1000000000, 500000000)",
            "binom(1000000000, 500000001)",
        ),
        (
            "power of a sum",
            "(x+y+1)^1000000",
            "(x+y+1)^999999*(x+y+1)",
        ),
        (
            "power of roots",
            "(sqrt(2)+sqrt(3)+sqrt(5)+sqrt(7))^200",
            "(sqrt(2)+sqrt(3)+sqrt(5)+sqrt(7))^199",
        ),
        (
            "many roots",
            "sqrt(2+sqrt(3+sqrt(5+sqrt(7+sqrt(11+sqrt(13+sqrt(17)))))))",
            "sqrt(2+sqrt(3+sqrt(5+sqrt(7+sqrt(11+sqrt(13+sqrt(17)))))))*1.0000000000000000000000000000001",
        ),
        (
            "long fraction",
            "(1/3+1/7+1/11+1/13+1/17+1/19+1/23)^5000",
            "(1/3+1/7+1/11+1/13+1/17+1/19+1/23)^5001",
        ),
    ];
    let mut list: Vec<_> = texts
        .iter()
        .map(|(name, a, b)| (*name, parse(a), parse(b)))
        .collect();
    list.push(("long literal", long(0), long(1)));
    list.push(("long fraction with pi", fraction(0), fraction(1)));
    list.push((
        "doubling paths",
        chain(&both, 2000, 0),
        chain(&both, 2000, 1),
    ));
    list.push((
        "squaring paths",
        chain(&squared, 1300, 0),
        chain(&squared, 1300, 1),
    ));
    list.push((
        "products of sums",
        chain(&double, 1300, 0),
        chain(&double, 1300, 1),
    ));
    list.push((
        "nested roots",
        chain(&roots, 1300, 0),
        chain(&roots, 1300, 1),
    ));
    list.push((
        "nested sines",
        chain(&sines, 4000, 0),
        chain(&sines, 4000, 1),
    ));
    list.push((
        "nested absolutes",
        chain(&absolute, 1300, 0),
        chain(&absolute, 1300, 1),
    ));
    list.push((
        "continued fraction",
        chain(&inverse, 1300, 0),
        chain(&inverse, 1300, 1),
    ));
    list.push((
        "self powers",
        chain(&tower, 1000, 0),
        chain(&tower, 1000, 1),
    ));
    list
}

/// Hostile pairs are never equal, equal themselves or stay undecided, and end.
#[test]
fn hostile_graphs_end_and_are_never_equal() {
    let (secrets, limits) = (secrets(), Limits::default());
    for (name, a, b) in hostile() {
        let start = std::time::Instant::now();
        let decision = decide(&a, &b, &secrets, &limits);
        let between = start.elapsed();
        assert!(
            !matches!(decision, Decision::Equal { .. }) || name == "power of a sum",
            "{name}: {decision:?}"
        );
        let itself = decide(&a, &a, &secrets, &limits);
        assert!(
            !matches!(itself, Decision::Different { .. }),
            "{name}: {itself:?}"
        );
        let shown = super::display(&a);
        assert!(shown.len() <= 300, "{name}: {} bytes shown", shown.len());
        #[allow(clippy::print_stderr, reason = "measured with --nocapture")]
        {
            eprintln!(
                "{name}: {between:?} {:?}; itself {:?} {}",
                kind(&decision),
                start.elapsed() - between,
                kind(&itself)
            );
        }
    }
}

/// Microseconds per decision, by the rule that decides; run with
/// `--release --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
#[allow(clippy::print_stderr, reason = "prints a measurement")]
fn time_by_rule() {
    let start = std::time::Instant::now();
    std::hint::black_box(Secrets::from_seed([1, 2]));
    eprintln!("secrets: {:?}", start.elapsed());
    let (secrets, limits) = (secrets(), Limits::default());
    let mut rules: std::collections::BTreeMap<String, Vec<(f64, &str)>> = Default::default();
    for line in PAIRS
        .lines()
        .filter(|line| line.contains('|') && !line.starts_with('#'))
    {
        let [_, a, b] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            continue;
        };
        let (x, y) = (parse(a), parse(b));
        let decision = decide(&x, &y, &secrets, &limits);
        let start = std::time::Instant::now();
        for _ in 0..20 {
            std::hint::black_box(decide(&x, &y, &secrets, &limits));
        }
        let micros = start.elapsed().as_secs_f64() * 1e6 / 20.0;
        let rule = match &decision {
            Decision::Equal { rule, .. } => format!("equal {rule}"),
            Decision::Different { rule, .. } => format!("different {rule}"),
            Decision::Unknown(why) => format!("unknown {why}"),
            Decision::Undefined => "undefined".into(),
        };
        rules.entry(rule).or_default().push((micros, line));
    }
    for (rule, mut times) in rules {
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (most, line) = times[times.len() - 1];
        let middle = times[times.len() / 2].0;
        eprintln!(
            "{rule}: {} pairs, median {middle:.1} µs, most {most:.0} µs ({line})",
            times.len()
        );
    }
}
