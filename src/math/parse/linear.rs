//! Arithmetic of matrices of expressions: cells in one arena in, cells out.
//!
//! Short numbers are folded, so that a product of literals is a literal.
//! Whoever calls counts the products.

use num_rational::BigRational;

use super::super::expr::{Arena, Id, Node};
use super::super::value::bits;
use super::arithmetic::{reciprocal, whole};

pub(super) fn shape(rows: &[Vec<Id>]) -> (usize, usize) {
    (rows.len(), rows.first().map_or(0, Vec::len))
}

pub(super) fn map(rows: &[Vec<Id>], mut cell: impl FnMut(Id) -> Id) -> Vec<Vec<Id>> {
    let mut row = |row: &Vec<Id>| row.iter().map(|id| cell(*id)).collect();
    rows.iter().map(&mut row).collect()
}

pub(super) fn transposed(rows: &[Vec<Id>]) -> Vec<Vec<Id>> {
    let width = rows.first().map_or(0, Vec::len);
    let column = |at: usize| rows.iter().map(|row| row[at]).collect();
    (0..width).map(column).collect()
}

/// The adjugate over the determinant, up to 3×3.
pub(super) fn inverse(rows: &[Vec<Id>], arena: &mut Arena) -> Option<Vec<Vec<Id>>> {
    let size = rows.len();
    let whole_matrix = determinant(rows, arena)?;
    let over = reciprocal(whole_matrix, arena);
    let mut result = vec![vec![over; size]; size];
    if size == 1 {
        return Some(result);
    }
    for (row, column) in (0..size).flat_map(|row| (0..size).map(move |column| (row, column))) {
        // Entry (i, j) of the adjugate leaves out row j and column i.
        let minor: Vec<Vec<Id>> = (0..size)
            .filter(|at| *at != column)
            .map(|at| {
                (0..size)
                    .filter(|at| *at != row)
                    .map(|c| rows[at][c])
                    .collect()
            })
            .collect();
        let sign = whole(if (row + column) % 2 == 0 { 1 } else { -1 }, arena);
        let minor = determinant(&minor, arena)?;
        let cofactor = times(sign, minor, arena);
        result[row][column] = times(over, cofactor, arena);
    }
    Some(result)
}

/// The determinant of a square matrix up to 3×3.
pub(super) fn determinant(rows: &[Vec<Id>], arena: &mut Arena) -> Option<Id> {
    // Even permutations first, then odd ones.
    let permutations: &[&[usize]] = match rows.len() {
        1 => &[&[0]],
        2 => &[&[0, 1], &[1, 0]],
        3 => &[
            &[0, 1, 2],
            &[1, 2, 0],
            &[2, 0, 1],
            &[0, 2, 1],
            &[2, 1, 0],
            &[1, 0, 2],
        ],
        _ => return None,
    };
    if rows.iter().any(|row| row.len() != rows.len()) {
        return None;
    }
    let odd = permutations.len().div_ceil(2);
    let mut sum: Option<Id> = None;
    for (n, permutation) in permutations.iter().enumerate() {
        let mut term = whole(if n >= odd { -1 } else { 1 }, arena);
        for (column, row) in permutation.iter().zip(rows) {
            term = times(term, row[*column], arena);
        }
        sum = Some(match sum {
            None => term,
            Some(sum) => plus(sum, term, arena),
        });
    }
    sum
}

/// Longer numbers stay products.
const FOLDED_BITS: u64 = 4096;

/// The numbers of two nodes, where both are and their product is short.
fn numbers(a: Id, b: Id, arena: &Arena) -> Option<(&BigRational, &BigRational)> {
    match (arena.node(a), arena.node(b)) {
        (Node::Number(a), Node::Number(b)) if bits(a) + bits(b) <= FOLDED_BITS => Some((a, b)),
        _ => None,
    }
}

pub(super) fn times(a: Id, b: Id, arena: &mut Arena) -> Id {
    let node = match numbers(a, b, arena) {
        Some((a, b)) => Node::Number(a * b),
        None => Node::Mul(Box::new([a, b])),
    };
    arena.add(node)
}

pub(super) fn plus(a: Id, b: Id, arena: &mut Arena) -> Id {
    let node = match numbers(a, b, arena) {
        Some((a, b)) => Node::Number(a + b),
        None => Node::Add(Box::new([a, b])),
    };
    arena.add(node)
}
