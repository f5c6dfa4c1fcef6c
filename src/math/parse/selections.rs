//! Choices as they are written in China, Russia and elsewhere: `C_{10}^{3}` is 10
//! over 3, `A_5^3` and `P_5^3` the ordered ones.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::super::expr::{Arena, Id, Node};

/// The number of choices that a letter with a lower and an upper number stands
/// for, where the upper one is not the larger.
pub(super) fn selections(id: Id, tower: &[Id], arena: &mut Arena) -> Option<Id> {
    let [upper] = tower else { return None };
    let (Node::Symbol(name), Node::Number(chosen)) = (arena.node(id), arena.node(*upper)) else {
        return None;
    };
    let (letter, lower) = name.split_once('_')?;
    let from: u32 = lower.parse().ok()?;
    let within = *chosen >= BigRational::from_integer(BigInt::from(0))
        && *chosen <= BigRational::from_integer(BigInt::from(from));
    if !chosen.is_integer() || !within {
        return None;
    }
    let ordered = match letter {
        "C" => false,
        "A" | "P" => true,
        _ => return None,
    };
    let from = BigRational::from_integer(BigInt::from(from));
    let from = arena.add(Node::Number(from));
    let choices = arena.add(Node::Binomial(from, *upper));
    Some(match ordered {
        false => choices,
        true => {
            let orders = arena.add(Node::Factorial(*upper));
            arena.add(Node::Mul(Box::new([choices, orders])))
        }
    })
}
