//! Products of the small matrices inside attention: blocks of the result stay in
//! registers, and the widths are padded so that there is no rest.

use super::Simd;
use super::gemm::Output;
use super::simd::LANES;

/// Widths of right-hand sides are multiples of this.
pub(crate) const TILE: usize = LANES;

/// `numbers` rounded up to whole tiles.
pub(crate) const fn padded(numbers: usize) -> usize {
    numbers.next_multiple_of(TILE)
}

/// The left-hand side.
#[derive(Clone, Copy)]
pub(crate) enum Left<'d> {
    /// Rows that begin `stride` numbers apart.
    Rows {
        /// From the first row on.
        data: &'d [f32],
        /// At least the inner length.
        stride: usize,
    },
    /// Columns that begin `stride` numbers apart: the transposed of rows.
    Columns {
        /// From the first column on.
        data: &'d [f32],
        /// At least the rows.
        stride: usize,
    },
}

/// Rows, inner length and columns of a product; the columns are whole tiles.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
}

/// `out = a b` or `out += a b`; rows of `out` and `b` begin `out_stride` and
/// `b_stride` numbers apart.
#[inline(always)]
pub(crate) fn multiply<S: Simd>(
    (out, out_stride): (&mut [f32], usize),
    output: Output,
    a: Left<'_>,
    b: (&[f32], usize),
    size: Size,
) {
    let mut row = 0;
    while row < size.m {
        let out = (&mut out[row * out_stride..], out_stride);
        let a = a.below(row);
        // As many sums as there are registers for, and enough of them to hide how
        // long one takes.
        row += match size.m - row {
            8.. if S::IS_WIDE => rows::<S, 8, 2>(out, output, a, b, size),
            4.. if S::IS_WIDE => rows::<S, 4, 4>(out, output, a, b, size),
            4.. => rows::<S, 4, 1>(out, output, a, b, size),
            2.. => rows::<S, 2, 2>(out, output, a, b, size),
            _ => rows::<S, 1, 4>(out, output, a, b, size),
        };
    }
}

/// `R` rows, `C` tiles of them at a time, then the rest; gives `R`.
#[inline(always)]
fn rows<S: Simd, const R: usize, const C: usize>(
    (out, out_stride): (&mut [f32], usize),
    output: Output,
    a: Left<'_>,
    (b, b_stride): (&[f32], usize),
    size: Size,
) -> usize {
    let mut column = 0;
    while column + C * TILE <= size.n {
        let out = (&mut out[column..], out_stride);
        block::<S, R, C>(out, output, a, (&b[column..], b_stride), size.k);
        column += C * TILE;
    }
    while column < size.n {
        let out = (&mut out[column..], out_stride);
        block::<S, R, 1>(out, output, a, (&b[column..], b_stride), size.k);
        column += TILE;
    }
    R
}

#[inline(always)]
fn block<S: Simd, const R: usize, const C: usize>(
    (out, out_stride): (&mut [f32], usize),
    output: Output,
    a: Left<'_>,
    (b, b_stride): (&[f32], usize),
    k: usize,
) {
    let mut sums = [[S::splat(0.0); C]; R];
    match a {
        Left::Rows { data, stride } => {
            let mut rows: [&[f32]; R] = [&[]; R];
            for (r, row) in rows.iter_mut().enumerate() {
                *row = &data[r * stride..][..k];
            }
            for p in 0..k {
                let mut column = [0.0; R];
                for r in 0..R {
                    column[r] = rows[r][p];
                }
                add_outer::<S, R, C>(&mut sums, &column, &b[p * b_stride..]);
            }
        }
        Left::Columns { data, stride } => {
            for p in 0..k {
                let column = &data[p * stride..][..R].as_chunks::<R>().0[0];
                add_outer::<S, R, C>(&mut sums, column, &b[p * b_stride..]);
            }
        }
    }
    for r in 0..R {
        let tiles = out[r * out_stride..][..C * TILE].as_chunks_mut::<TILE>().0;
        for c in 0..C {
            let sum = match output {
                Output::Set => sums[r][c],
                Output::Add => S::multiply_add_all(S::splat(1.0), sums[r][c], S::load(&tiles[c])),
            };
            S::store(sum, &mut tiles[c]);
        }
    }
}

/// Adds the products of a column of the left and a row of the right.
#[inline(always)]
fn add_outer<S: Simd, const R: usize, const C: usize>(
    sums: &mut [[S::Vector; C]; R],
    left: &[f32; R],
    right: &[f32],
) {
    // No closures here: they would be functions of their own, without the vectors.
    let right = right[..C * TILE].as_chunks::<TILE>().0;
    let mut tiles = [S::splat(0.0); C];
    for c in 0..C {
        tiles[c] = S::load(&right[c]);
    }
    for r in 0..R {
        let left = S::splat(left[r]);
        for c in 0..C {
            sums[r][c] = S::multiply_add_all(left, tiles[c], sums[r][c]);
        }
    }
}

impl Left<'_> {
    /// Without the rows before `row`.
    #[inline(always)]
    fn below(self, row: usize) -> Self {
        match self {
            Self::Rows { data, stride } => Self::Rows {
                data: &data[row * stride..],
                stride,
            },
            Self::Columns { data, stride } => Self::Columns {
                data: &data[row..],
                stride,
            },
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::train::ops::Kernel;
    use crate::train::ops::simd::run_each;

    struct Multiply<'n> {
        a: Left<'n>,
        b: &'n [f32],
        output: Output,
        size: Size,
    }

    impl Kernel for Multiply<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let mut out = vec![1.0; self.size.m * self.size.n];
            let to = (&mut out[..], self.size.n);
            let b = (self.b, self.size.n);
            multiply::<S>(to, self.output, self.a, b, self.size);
            out
        }
    }

    #[test]
    fn products_are_right_for_all_sizes_with_all_vectors() {
        let number = |i: usize| ((i * 37 + i / 7) % 17) as f32 - 8.0;
        for (m, k, n) in [
            (1, 3, 16),
            (2, 5, 48),
            (3, 1, 80),
            (7, 9, 32),
            (13, 4, 96),
            (32, 6, 64),
        ] {
            let size = Size { m, k, n };
            let a: Vec<f32> = (0..m * k).map(number).collect();
            let b: Vec<f32> = (0..k * n).map(|i| number(i + 5)).collect();
            for output in [Output::Set, Output::Add] {
                let before = if output == Output::Set { 0.0 } else { 1.0 };
                let sides = [
                    Left::Rows {
                        data: &a,
                        stride: k,
                    },
                    Left::Columns {
                        data: &a,
                        stride: m,
                    },
                ];
                for (side, left) in sides.into_iter().enumerate() {
                    let at = |i: usize, p: usize| {
                        if side == 0 {
                            a[i * k + p]
                        } else {
                            a[p * m + i]
                        }
                    };
                    let product = |i: usize| -> f32 {
                        let terms = (0..k).map(|p| at(i / n, p) * b[p * n + i % n]);
                        before + terms.sum::<f32>()
                    };
                    let wanted: Vec<f32> = (0..m * n).map(product).collect();
                    let kernel = || Multiply {
                        a: left,
                        b: &b,
                        output,
                        size,
                    };
                    // Small whole numbers: exact in any order.
                    for found in run_each(kernel) {
                        assert_eq!(found, wanted, "{m} {k} {n}");
                    }
                }
            }
        }
    }
}
