//! Laws on random expressions: rewriting keeps them equal, a changed literal
//! never does.

use proptest::prelude::*;

use super::super::budget::Fuel;
use super::super::numeric::{self, Relation};
use super::super::precision::Context;
use super::{Decision, Limits, Secrets, decide, judge, parse};

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (1i64..12).prop_map(|n| n.to_string()),
        (1i64..9, 2i64..9).prop_map(|(n, d)| format!("({n}/{d})")),
        Just("x".to_owned()),
        Just("y".to_owned()),
        Just("sqrt(2)".to_owned()),
        Just("sqrt(5)".to_owned()),
        Just("cbrt(3)".to_owned()),
        Just("pi".to_owned()),
        Just("e".to_owned()),
        Just("i".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} + {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} - {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} * {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} / ({b} + 20))")),
            (inner.clone(), 2u8..4).prop_map(|(a, n)| format!("({a})^{n}")),
            inner.clone().prop_map(|a| format!("sin({a})")),
            inner.clone().prop_map(|a| format!("e^({a})")),
            inner.clone().prop_map(|a| format!("sqrt({a} + 3)")),
            inner.prop_map(|a| format!("2^({a})")),
        ]
    })
}

/// A decision that does not contradict equality.
fn may_be_equal(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::Equal { .. } | Decision::Unknown(_) | Decision::Undefined
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rewriting_keeps_equality(a in expression(), b in expression(), c in expression()) {
        let pairs = [
            (format!("{a} * ({b} + {c})"), format!("{a}*{b} + {c}*{a}")),
            (format!("({a} + {b})^2"), format!("({b})^2 + 2*{a}*{b} + ({a})^2")),
            (format!("{a} - {b}"), format!("-({b} - {a})")),
            (format!("sin({a} + {b})"), format!("sin({a})*cos({b}) + cos({a})*sin({b})")),
            (format!("e^({a} + {b})"), format!("e^({b})*e^({a})")),
            (a.clone(), format!("({a} + {b}) - {b}")),
        ];
        for (one, other) in pairs {
            let decision = judge(&one, &other);
            prop_assert!(may_be_equal(&decision), "{} | {}: {:?}", one, other, decision);
        }
    }

    #[test]
    fn another_literal_is_never_equal(a in expression(), b in expression(), n in 1i64..50, d in 1i64..9) {
        let pairs = [
            (format!("{a} + {n}"), format!("{a} + {}", n + d)),
            (format!("{a} + {n}*x"), format!("{a} + {}*x", n + d)),
            (format!("{a}*0 + {b} + {n}/7"), format!("{b} + {}/7", n + d)),
            (format!("{a} + sin({n}*x)"), format!("{a} + sin({}*x)", n + d)),
            (format!("{a} + sqrt(x^2 + {n})"), format!("{a} + sqrt(x^2 + {})", n + d)),
            (format!("{a} + 2^{n}*10^(-30)"), format!("{a} + 2^{}*10^(-30)", n + d)),
        ];
        for (one, other) in pairs {
            let decision = judge(&one, &other);
            prop_assert!(!matches!(decision, Decision::Equal { .. }), "{} | {}: {:?}", one, other, decision);
        }
    }

    #[test]
    fn an_expression_equals_itself_or_has_no_value(a in expression()) {
        let decision = judge(&a, &a);
        let plain = matches!(decision, Decision::Equal { .. } | Decision::Undefined | Decision::Unknown(_));
        prop_assert!(plain, "{}: {:?}", a, decision);
    }

    #[test]
    fn secrets_do_not_change_a_decision(a in expression(), b in expression(), seed in any::<[u64; 2]>()) {
        let limits = Limits::default();
        let (x, y) = (parse(&a), parse(&b));
        let one = decide(&x, &y, &super::secrets(), &limits);
        let other = decide(&x, &y, &Secrets::from_seed(seed), &limits);
        prop_assert_eq!(super::kind(&one), super::kind(&other), "{} | {}", a, b);
    }

    /// A ball at low precision and one at high precision hold the same number.
    #[test]
    fn balls_of_any_precision_meet(a in expression(), n in 1i64..4000, d in 1i64..60) {
        let functions = ["ln", "sin", "cos", "arctan", "exp", "sqrt", "tan", "sinh", "cbrt", "tanh"];
        let plain = a.replace(['x', 'y'], "7");
        let mut texts: Vec<String> = functions.iter().map(|f| format!("{f}({n}/{d})")).collect();
        texts.push(plain);
        for text in texts {
            let limits = Limits::default();
            let fuel = Fuel::new(u64::MAX, &limits);
            let mut c = Context::new(&fuel);
            let expr = parse(&text);
            let mut values = Vec::new();
            for bits in [64, 128, 200, 1024] {
                c.bits = bits;
                let value = numeric::evaluate(&expr, &Default::default(), &Default::default(), &mut c);
                values.extend(value.ok());
            }
            for pair in values.windows(2) {
                let relation = numeric::relate(&pair[0].value, &pair[1].value, &c).unwrap();
                prop_assert_ne!(relation, Relation::Disjoint, "{}", text);
            }
        }
    }
}
