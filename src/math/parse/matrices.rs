//! Matrices: literal ones, and sums, products, powers and transposes of them
//! carried out cell by cell.
//!
//! All cells of a computed matrix share one arena until they are cut out of it.
//! The number of products is counted against the limit on nodes.

use pest::iterators::Pair;

use super::super::expr::{Arena, Expr, Id, Node};
use super::super::typed::Typed;
use super::answer::split;
use super::arithmetic::{reciprocal, whole};
use super::linear::{determinant, inverse, map, plus, shape, times, transposed};
use super::scalar::{Builder, item_expression, only_expression, precedence, unparsed};
use super::{ParseFault, Rule};

/// A value of matrix arithmetic.
enum Block {
    Scalar(Id),
    Matrix(Vec<Vec<Id>>),
}

type Fault = ParseFault;

/// The highest power; higher ones are closed forms, not arithmetic.
const POWER: u32 = 8;

impl Builder<'_> {
    /// A matrix that stands alone.
    pub(super) fn matrix(&self, primary: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&primary);
        let mut rows = Vec::new();
        for row in cells(primary) {
            let mut cells = Vec::new();
            for cell in row {
                cells.push(self.expression(cell.ok_or(fault)?)?);
            }
            rows.push(cells);
        }
        self.checked(rows, fault)
    }

    /// `[[1, 2], [3, 4]]`
    pub(super) fn rows(&self, items: &[Pair<'_, Rule>]) -> Result<Typed, Fault> {
        let mut rows = Vec::new();
        let mut place = Fault::Limit;
        for item in items {
            let fault = unparsed(item);
            place = fault;
            let expr = item_expression(item.clone()).ok_or(fault)?;
            let operand = expr.into_inner().next().ok_or(fault)?;
            let bracket = super::structure::only_primary(&operand)
                .filter(|p| p.as_rule() == Rule::bracket)
                .ok_or(fault)?;
            let inner = bracket
                .into_inner()
                .find(|p| p.as_rule() == Rule::items)
                .ok_or(fault)?;
            let mut row = Vec::new();
            for cell in split(inner).0 {
                row.push(self.expression(item_expression(cell).ok_or(fault)?)?);
            }
            rows.push(row);
        }
        self.checked(rows, place)
    }

    /// Rows of equal length within the limit.
    fn checked(&self, rows: Vec<Vec<Expr>>, fault: Fault) -> Result<Typed, Fault> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.len() > self.limits.matrix || rows.iter().any(|row| row.len() > self.limits.matrix)
        {
            return Err(Fault::Limit);
        }
        match width > 0 && rows.iter().all(|row| row.len() == width) {
            true => Ok(Typed::Matrix(rows)),
            false => Err(fault),
        }
    }

    /// An expression with matrices in it; `None` where its value is a number.
    pub(super) fn computed_matrix(&self, expr: Pair<'_, Rule>) -> Result<Option<Typed>, Fault> {
        let fault = unparsed(&expr);
        let mut arena = Arena::default();
        let Block::Matrix(rows) = self.block(expr, &mut arena)? else {
            return Ok(None);
        };
        let mut cut = Vec::with_capacity(rows.len());
        for row in rows {
            let mut cells = Vec::with_capacity(row.len());
            for id in row {
                cells.push(self.cell(&arena, id)?);
            }
            cut.push(cells);
        }
        self.checked(cut, fault).map(Some)
    }

    /// One cell with an arena of its own.
    fn cell(&self, arena: &Arena, root: Id) -> Result<Expr, Fault> {
        let mut own = Arena::default();
        if let Node::Number(value) = arena.node(root) {
            self.count(1)?;
            let root = own.add(Node::Number(value.clone()));
            return Ok(Expr { arena: own, root });
        }
        self.count(arena.len())?;
        let shared = Expr {
            arena: arena.clone(),
            root,
        };
        let root = shared.copied_into(&mut own, &|_, _| None);
        Ok(Expr { arena: own, root })
    }

    /// The value of `\det M`, up to 3×3.
    pub(super) fn determinant(&self, pair: Pair<'_, Rule>, arena: &mut Arena) -> Result<Id, Fault> {
        let fault = unparsed(&pair);
        let matrix = match pair.as_rule() {
            Rule::det => pair.into_inner().next().ok_or(fault)?,
            _ if environment(&pair) == "vmatrix" => pair,
            _ => return Err(fault),
        };
        let rows = match matrix.as_rule() {
            Rule::matrix => self.literal(matrix, arena)?,
            _ => match self.bracketed(matrix, arena)? {
                Block::Matrix(rows) => rows,
                Block::Scalar(_) => return Err(fault),
            },
        };
        determinant(&rows, arena).ok_or(fault)
    }

    fn literal(&self, matrix: Pair<'_, Rule>, arena: &mut Arena) -> Result<Vec<Vec<Id>>, Fault> {
        let fault = unparsed(&matrix);
        let mut rows = Vec::new();
        for row in cells(matrix) {
            let mut ids = Vec::new();
            for cell in row {
                ids.push(self.expr(cell.ok_or(fault)?, arena)?);
            }
            rows.push(ids);
        }
        let width = rows.first().map_or(0, Vec::len);
        match width > 0
            && rows.len().max(width) <= self.limits.matrix
            && rows.iter().all(|row| row.len() == width)
        {
            true => Ok(rows),
            false => Err(fault),
        }
    }

    fn block(&self, expr: Pair<'_, Rule>, arena: &mut Arena) -> Result<Block, Fault> {
        let fault = unparsed(&expr);
        if expr.clone().into_inner().any(|part| {
            !matches!(
                part.as_rule(),
                Rule::signs
                    | Rule::operand
                    | Rule::add
                    | Rule::sub
                    | Rule::mul
                    | Rule::div
                    | Rule::implicit
            )
        }) {
            return Err(fault);
        }
        let cell = std::cell::RefCell::new(arena);
        precedence(self.settings.division)
            .map_primary(|operand| self.factor(operand, &mut cell.borrow_mut()))
            .map_prefix(|signs, value| {
                let minus = signs.as_str().matches('-').count() % 2 == 1;
                match (signs.as_str().contains(['±', '∓']), minus) {
                    (true, _) => Err(fault),
                    (false, false) => value,
                    (false, true) => self.scaled(-1, value?, &mut cell.borrow_mut()),
                }
            })
            .map_infix(|left, op, right| {
                let arena = &mut cell.borrow_mut();
                match op.as_rule() {
                    Rule::add => self.sum(left?, right?, fault, arena),
                    Rule::sub => {
                        let right = self.scaled(-1, right?, arena)?;
                        self.sum(left?, right, fault, arena)
                    }
                    Rule::div => match right? {
                        Block::Scalar(id) => {
                            let inverse = Block::Scalar(reciprocal(id, arena));
                            self.product(left?, inverse, fault, arena)
                        }
                        Block::Matrix(_) => Err(fault),
                    },
                    _ => self.product(left?, right?, fault, arena),
                }
            })
            .parse(expr.into_inner())
    }

    /// A matrix with `^T`, `^{-1}` or a power, or a scalar.
    fn factor(&self, operand: Pair<'_, Rule>, arena: &mut Arena) -> Result<Block, Fault> {
        let fault = unparsed(&operand);
        if !operand.as_str().contains("\\begin{") {
            return self.operand_id(operand, arena).map(Block::Scalar);
        }
        let whole_operand = operand.clone();
        let mut parts = operand.into_inner();
        let primary = parts.next().ok_or(fault)?;
        let block = match primary.as_rule() {
            Rule::matrix if is_plain(&primary) => Block::Matrix(self.literal(primary, arena)?),
            Rule::bracket | Rule::group => self.bracketed(primary, arena)?,
            // A determinant, a fraction with one.
            _ => return self.operand_id(whole_operand, arena).map(Block::Scalar),
        };
        let marks: Vec<_> = parts.collect();
        let (mark, rows) = match (marks.as_slice(), block) {
            ([], block) => return Ok(block),
            ([mark], Block::Matrix(rows)) if mark.as_rule() == Rule::sup => (mark, rows),
            _ => return self.operand_id(whole_operand, arena).map(Block::Scalar),
        };
        let exponent: String = mark
            .as_str()
            .chars()
            .filter(|c| !matches!(c, '^' | '{' | '}' | ' '))
            .collect();
        match exponent.as_str() {
            "T" => Ok(Block::Matrix(transposed(&rows))),
            "-1" => inverse(&rows, arena).map(Block::Matrix).ok_or(fault),
            power => {
                let power: u32 = power.parse().map_err(|_| fault)?;
                if !(1..=POWER).contains(&power) {
                    return Err(fault);
                }
                let mut value = Block::Matrix(rows.clone());
                for _ in 1..power {
                    value = self.product(value, Block::Matrix(rows.clone()), fault, arena)?;
                }
                Ok(value)
            }
        }
    }

    fn bracketed(&self, bracket: Pair<'_, Rule>, arena: &mut Arena) -> Result<Block, Fault> {
        let fault = unparsed(&bracket);
        let items = bracket
            .into_inner()
            .find(|part| part.as_rule() == Rule::items)
            .ok_or(fault)?;
        self.block(only_expression(items).ok_or(fault)?, arena)
    }

    fn scaled(&self, by: i32, block: Block, arena: &mut Arena) -> Result<Block, Fault> {
        let by = whole(by, arena);
        Ok(match block {
            Block::Scalar(id) => Block::Scalar(times(by, id, arena)),
            Block::Matrix(rows) => Block::Matrix(map(&rows, |id| times(by, id, arena))),
        })
    }

    /// `fault` where the shapes do not fit.
    fn sum(
        &self,
        left: Block,
        right: Block,
        fault: Fault,
        arena: &mut Arena,
    ) -> Result<Block, Fault> {
        match (left, right) {
            (Block::Scalar(a), Block::Scalar(b)) => Ok(Block::Scalar(plus(a, b, arena))),
            (Block::Matrix(a), Block::Matrix(b)) if shape(&a) == shape(&b) => {
                self.count(a.len() * a[0].len())?;
                let rows = a.iter().zip(&b).map(|(a, b)| {
                    let cells = a.iter().zip(b);
                    cells.map(|(a, b)| plus(*a, *b, arena)).collect()
                });
                Ok(Block::Matrix(rows.collect()))
            }
            _ => Err(fault),
        }
    }

    /// `fault` where the shapes do not fit.
    fn product(
        &self,
        left: Block,
        right: Block,
        fault: Fault,
        arena: &mut Arena,
    ) -> Result<Block, Fault> {
        match (left, right) {
            (Block::Scalar(a), Block::Scalar(b)) => Ok(Block::Scalar(times(a, b, arena))),
            (Block::Scalar(by), Block::Matrix(rows)) | (Block::Matrix(rows), Block::Scalar(by)) => {
                self.count(rows.len() * rows[0].len())?;
                Ok(Block::Matrix(map(&rows, |id| times(by, id, arena))))
            }
            (Block::Matrix(a), Block::Matrix(b)) if shape(&a).1 == shape(&b).0 => {
                self.count(a.len() * b.len() * b[0].len())?;
                let mut rows = Vec::with_capacity(a.len());
                for row in &a {
                    let mut cells = Vec::with_capacity(b[0].len());
                    for column in 0..b[0].len() {
                        let mut sum = times(row[0], b[0][column], arena);
                        for (left, right) in row.iter().zip(&b).skip(1) {
                            let term = times(*left, right[column], arena);
                            sum = plus(sum, term, arena);
                        }
                        cells.push(sum);
                    }
                    rows.push(cells);
                }
                Ok(Block::Matrix(rows))
            }
            _ => Err(fault),
        }
    }
}

/// The expressions of a matrix, row by row.
fn cells<'i>(
    matrix: Pair<'i, Rule>,
) -> impl Iterator<Item = impl Iterator<Item = Option<Pair<'i, Rule>>>> {
    let rows = matrix
        .into_inner()
        .filter(|part| part.as_rule() == Rule::row);
    rows.map(|row| row.into_inner().map(|cell| cell.into_inner().next()))
}

/// The environment of a matrix; empty where its ends do not agree.
fn environment<'i>(matrix: &Pair<'i, Rule>) -> &'i str {
    let names: Vec<_> = matrix
        .clone()
        .into_inner()
        .filter(|part| part.as_rule() == Rule::environment)
        .map(|part| part.as_str())
        .collect();
    match names.as_slice() {
        [one, other] if one == other => one,
        _ => "",
    }
}

/// Brackets of every kind print the same matrix; bars make a determinant.
pub(super) fn is_plain(matrix: &Pair<'_, Rule>) -> bool {
    matches!(
        environment(matrix),
        "pmatrix" | "bmatrix" | "matrix" | "Bmatrix" | "smallmatrix" | "array"
    )
}

/// Whether an expression may compute with matrices.
pub(super) fn has_matrix(expr: &Pair<'_, Rule>) -> bool {
    const NAMES: [&str; 6] = [
        "{pmatrix}",
        "{bmatrix}",
        "{matrix}",
        "{Bmatrix}",
        "{smallmatrix}",
        "{array}",
    ];
    NAMES.iter().any(|name| expr.as_str().contains(name))
}
