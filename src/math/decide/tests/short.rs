//! Shortcuts say what the long way says: machine words and big numbers, a
//! constant multiple and the products crosswise.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Zero};
use proptest::prelude::*;

use super::super::budget::{Fuel, Stop};
use super::super::rational;
use super::{Limits, parse};
use crate::math::decide::is_multiple;

/// Numbers at the ends of a machine word and beyond, and small ones.
fn integer() -> impl Strategy<Value = BigInt> {
    prop_oneof![
        (-12i64..12).prop_map(BigInt::from),
        any::<i64>().prop_map(BigInt::from),
        (-3i64..3).prop_map(|n| BigInt::from(i64::MAX) + n),
        (-3i64..3).prop_map(|n| BigInt::from(i64::MIN) + n),
        any::<i128>().prop_map(BigInt::from),
    ]
}

fn fraction() -> impl Strategy<Value = BigRational> {
    (integer(), integer())
        .prop_filter("a denominator", |(_, d)| !d.is_zero())
        .prop_map(|(n, d)| BigRational::new(n, d))
}

/// Equal part by part, which lowest terms are.
fn same(a: &BigRational, b: &BigRational) -> bool {
    a.numer() == b.numer() && a.denom() == b.denom()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn short_arithmetic_is_arithmetic(a in fraction(), b in fraction()) {
        let limit = 1 << 16;
        let (sum, product) = (rational::add(&a, &b, limit), rational::mul(&a, &b, limit));
        prop_assert!(sum.is_some_and(|sum| same(&sum, &(&a + &b))), "{} + {}", a, b);
        prop_assert!(product.is_some_and(|product| same(&product, &(&a * &b))), "{} * {}", a, b);
        let (floor, rest) = rational::split(&a);
        prop_assert_eq!(&floor, &a.floor().to_integer());
        prop_assert!(same(&rest, &(&a - BigRational::from_integer(floor))), "{}", a);
    }

    #[test]
    fn content_leaves_coprime_integers(list in prop::collection::vec(fraction(), 1..5)) {
        prop_assume!(list.iter().all(|c| !c.is_zero()));
        let content = rational::content(list.iter());
        let whole: Vec<BigRational> = list.iter().map(|c| c / &content).collect();
        prop_assert!(whole.iter().all(BigRational::is_integer));
        let common = whole.iter().fold(BigInt::zero(), |known, c| known.gcd(c.numer()));
        prop_assert!(common.is_one());
        prop_assert!(same(&content, &BigRational::new(content.numer().clone(), content.denom().clone())));
    }
}

#[test]
fn multiples_are_seen_and_nothing_else() {
    let seen = |f: &str, g: &str| is_multiple(&parse(f), &parse(g), &Limits::default());
    assert!(seen("2*x + 4*y - 6", "x + 2*y - 3"));
    assert!(seen("x - 1/2", "1 - 2*x"));
    assert!(!seen("2*x + 4*y - 6", "x + 2*y - 4"));
    assert!(!seen("2*x + 4*y - 6", "x + 3*y - 3"));
    assert!(!seen("x + y", "x - y"));
    assert!(!seen("x + y", "x + z"));
    assert!(!seen("x + y", "x + y + 1"));
    // A divisor may be zero.
    assert!(!seen("1/x + y", "2/x + 2*y"));
}

#[test]
fn stages_share_the_fuel_of_a_decision() {
    let limits = Limits {
        fuel: 100,
        ..Limits::default()
    };
    assert_eq!(Fuel::new(80, &limits).spend(80), Ok(()));
    let second = Fuel::new(80, &limits);
    assert_eq!(second.spend(21), Err(Stop::Limit));
    assert_eq!(second.spend(20), Ok(()));
}
