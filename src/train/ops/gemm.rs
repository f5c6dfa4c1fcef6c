//! Products of matrices on the processor, written into memory that is there.

#![allow(
    unsafe_code,
    reason = "the multiplication takes pointers and strides; the bounds are checked here"
)]

use gemm::Parallelism;

/// A matrix to read: element `(i, j)` is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'d> {
    data: &'d [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'d> View<'d> {
    /// Rows one after the other.
    pub(crate) fn new(data: &'d [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows that begin `row_stride` numbers apart.
    ///
    /// # Panics
    /// When `data` is too short.
    pub(crate) fn strided(data: &'d [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(rows == 0 || columns == 0 || (rows - 1) * row_stride + columns <= data.len());
        Self {
            data,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// Rows become columns.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// What happens to what stands in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// It is replaced.
    Set,
    /// The product is added to it.
    Add,
}

/// `out = a b` or `out += a b`; the rows of `out` begin `out_stride` numbers apart.
///
/// Large products are shared among all threads, by parts of the output.
///
/// # Panics
/// When the shapes do not fit, or `out` is too short.
pub(crate) fn gemm(out: &mut [f32], out_stride: usize, output: Output, a: View<'_>, b: View<'_>) {
    assert_eq!(a.columns, b.rows);
    let (m, n, k) = (a.rows, b.columns, a.columns);
    if m == 0 || n == 0 {
        return;
    }
    assert!(n <= out_stride && (m - 1) * out_stride + n <= out.len());
    let parallelism = if rayon::current_num_threads() > 1 {
        Parallelism::Rayon(0)
    } else {
        Parallelism::None
    };
    // SAFETY: the views were checked when they were made and the output above, so
    // every address is inside its slice; the output is borrowed mutably, so it
    // overlaps neither input.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            output == Output::Add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
