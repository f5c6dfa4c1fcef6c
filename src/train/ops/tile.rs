//! Products of the small matrices inside attention: blocks of the result stay in
//! registers, and the widths are padded so that there is no rest.

use super::Simd;
use super::gemm::Output;

/// Widths of right-hand sides are multiples of this.
pub(crate) const TILE: usize = 16;

/// `numbers` rounded up to whole tiles.
pub(crate) const fn padded(numbers: usize) -> usize {
    numbers.next_multiple_of(TILE)
}

/// The left-hand side: element `(i, p)` is `data[i * row_stride + p * column_stride]`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'d> {
    pub(crate) data: &'d [f32],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
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
    (b, b_stride): (&[f32], usize),
    size: Size,
) {
    let mut i = 0;
    while i < size.m {
        let left = Left {
            data: &a.data[(i * a.row_stride).min(a.data.len())..],
            ..a
        };
        let rows = (size.m - i).min(4);
        let mut j = 0;
        while j < size.n {
            let out = (&mut out[i * out_stride + j..], out_stride);
            let b = (&b[j.min(b.len())..], b_stride);
            if rows == 4 && j + 2 * TILE <= size.n {
                block::<S, 4, 32>(out, output, left, b, size.k);
                j += 2 * TILE;
            } else {
                if rows == 4 {
                    block::<S, 4, 16>(out, output, left, b, size.k);
                } else {
                    some_rows::<S>(out, output, left, b, (rows, size.k));
                }
                j += TILE;
            }
        }
        i += rows;
    }
}

/// Fewer than four rows of one tile.
#[inline(always)]
fn some_rows<S: Simd>(
    (out, out_stride): (&mut [f32], usize),
    output: Output,
    a: Left<'_>,
    b: (&[f32], usize),
    (rows, k): (usize, usize),
) {
    for row in 0..rows {
        let left = Left {
            data: &a.data[row * a.row_stride..],
            ..a
        };
        let out = (&mut out[row * out_stride..], out_stride);
        block::<S, 1, 16>(out, output, left, b, k);
    }
}

#[inline(always)]
fn block<S: Simd, const R: usize, const C: usize>(
    (out, out_stride): (&mut [f32], usize),
    output: Output,
    a: Left<'_>,
    (b, b_stride): (&[f32], usize),
    k: usize,
) {
    let mut sums = [[0.0_f32; C]; R];
    for p in 0..k {
        let b = &b[p * b_stride..][..C];
        for r in 0..R {
            let a = a.data[r * a.row_stride + p * a.column_stride];
            for c in 0..C {
                sums[r][c] = S::multiply_add(a, b[c], sums[r][c]);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let out = &mut out[r * out_stride..][..C];
        for c in 0..C {
            out[c] = match output {
                Output::Set => sums[c],
                Output::Add => out[c] + sums[c],
            };
        }
    }
}
