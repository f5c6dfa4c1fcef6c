//! Vector code chosen when the program runs: one kernel, compiled for the plain
//! processor, for AVX2 and for AVX-512.
//!
//! A kernel is written as loops over slices that the compiler can turn into
//! vector instructions; everything it calls must be `#[inline(always)]`, or that
//! part stays plain code.

#![allow(
    unsafe_code,
    reason = "a function compiled for AVX may only be called where it was found"
)]

/// Code that gains from wider vectors.
pub(crate) trait Kernel {
    /// What it gives back.
    type Output;

    /// Runs it. Implementations are `#[inline(always)]`.
    fn run<S: Simd>(self) -> Self::Output;
}

/// What the compiler may use in a kernel.
pub(crate) trait Simd {
    /// [`LANES`] numbers that are worked on together.
    type Vector: Copy;

    /// Whether there are registers for sixteen vectors and more.
    const IS_WIDE: bool;

    /// `a * b + c`, rounded once where the processor can.
    fn multiply_add(a: f32, b: f32, c: f32) -> f32;

    /// One number in all lanes.
    fn splat(number: f32) -> Self::Vector;

    /// The numbers of a slice.
    fn load(numbers: &[f32; LANES]) -> Self::Vector;

    /// Writes the lanes to a slice.
    fn store(vector: Self::Vector, numbers: &mut [f32; LANES]);

    /// `a * b + c` in every lane.
    fn multiply_add_all(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
}

/// Lanes as an array, for the compiler to make what it can of them.
macro_rules! array_simd {
    ($name:ident, $fused:expr) => {
        struct $name;

        impl Simd for $name {
            type Vector = [f32; LANES];

            const IS_WIDE: bool = false;

            #[inline(always)]
            fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
                if $fused { a.mul_add(b, c) } else { a * b + c }
            }

            #[inline(always)]
            fn splat(number: f32) -> Self::Vector {
                [number; LANES]
            }

            #[inline(always)]
            fn load(numbers: &[f32; LANES]) -> Self::Vector {
                *numbers
            }

            #[inline(always)]
            fn store(vector: Self::Vector, numbers: &mut [f32; LANES]) {
                *numbers = vector;
            }

            #[inline(always)]
            fn multiply_add_all(
                a: Self::Vector,
                b: Self::Vector,
                mut c: Self::Vector,
            ) -> Self::Vector {
                for lane in 0..LANES {
                    c[lane] = Self::multiply_add(a[lane], b[lane], c[lane]);
                }
                c
            }
        }
    };
}

#[cfg(not(target_arch = "aarch64"))]
array_simd!(Plain, false);
#[cfg(target_arch = "aarch64")]
array_simd!(Fused, true);

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! Vectors of x86-64, used only inside functions compiled for them.

    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps,
    };

    use super::{LANES, Simd};

    pub(super) struct Avx512;

    // SAFETY of all blocks: `run` alone names these types, in functions compiled for
    // the features that it found; loads and stores stay inside arrays of 16 numbers
    // and need no alignment.
    impl Simd for Avx512 {
        type Vector = __m512;

        const IS_WIDE: bool = true;

        #[inline(always)]
        fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }

        #[inline(always)]
        fn splat(number: f32) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_set1_ps(number) }
        }

        #[inline(always)]
        fn load(numbers: &[f32; LANES]) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
        }

        #[inline(always)]
        fn store(vector: __m512, numbers: &mut [f32; LANES]) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), vector) }
        }

        #[inline(always)]
        fn multiply_add_all(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
    }

    pub(super) struct Avx2;

    impl Simd for Avx2 {
        type Vector = [__m256; 2];

        const IS_WIDE: bool = false;

        #[inline(always)]
        fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }

        #[inline(always)]
        fn splat(number: f32) -> [__m256; 2] {
            // SAFETY: as above.
            unsafe { [_mm256_set1_ps(number); 2] }
        }

        #[inline(always)]
        fn load(numbers: &[f32; LANES]) -> [__m256; 2] {
            // SAFETY: as above.
            unsafe {
                [
                    _mm256_loadu_ps(numbers.as_ptr()),
                    _mm256_loadu_ps(numbers[8..].as_ptr()),
                ]
            }
        }

        #[inline(always)]
        fn store(vector: [__m256; 2], numbers: &mut [f32; LANES]) {
            // SAFETY: as above.
            unsafe {
                _mm256_storeu_ps(numbers.as_mut_ptr(), vector[0]);
                _mm256_storeu_ps(numbers[8..].as_mut_ptr(), vector[1]);
            }
        }

        #[inline(always)]
        fn multiply_add_all(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
            // SAFETY: as above.
            unsafe {
                [
                    _mm256_fmadd_ps(a[0], b[0], c[0]),
                    _mm256_fmadd_ps(a[1], b[1], c[1]),
                ]
            }
        }
    }
}

/// Runs a kernel with the widest vectors that the processor has.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("fma")
        {
            // SAFETY: the processor has every feature that the function asks for.
            return unsafe { run_avx512(kernel) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            return unsafe { run_avx2(kernel) };
        }
        kernel.run::<Plain>()
    }
    #[cfg(target_arch = "aarch64")]
    {
        kernel.run::<Fused>()
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        kernel.run::<Plain>()
    }
}

/// What a kernel gives with every kind of vectors that this processor has.
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) fn run_each<K: Kernel>(kernel: impl Fn() -> K) -> Vec<K::Output> {
    let mut outputs = vec![kernel().run::<Plain>(), run(kernel())];
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has every feature that the function asks for.
        outputs.push(unsafe { run_avx2(kernel()) });
    }
    outputs
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<x86::Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<x86::Avx2>()
}

/// Partial sums that a reduction keeps side by side.
pub(crate) const LANES: usize = 16;

/// The dot product of two slices of one length.
#[inline(always)]
pub(crate) fn dot<S: Simd>(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (a_rest, b_rest) = (a_lanes.remainder(), b_lanes.remainder());
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            lanes[lane] = S::multiply_add(a[lane], b[lane], lanes[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sum_lanes(lanes) + rest
}

/// The largest number of a slice; minus infinity for an empty one.
#[inline(always)]
pub(crate) fn largest(numbers: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = numbers.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], chunk[lane]);
        }
    }
    let all = lanes.into_iter().fold(f32::NEG_INFINITY, larger);
    rest.iter().copied().fold(all, larger)
}

/// The larger of two; the second where the first is NaN. One instruction, which
/// `f32::max` is not.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Adds the lanes by halves, always in the same order.
#[inline(always)]
pub(crate) fn sum_lanes(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// `e^x` to about 1e-7 relative; 0 below -87, the value at 88 above it.
///
/// Cephes' `expf`: `x = n ln 2 + f`, a polynomial of degree 7 for `e^f`, and `n`
/// goes into the exponent.
#[inline(always)]
pub(crate) fn exp<S: Simd>(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few enough bits that `n` times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = if x > 88.0 { 88.0 } else { x };
    let clamped = if clamped < -87.0 { -87.0 } else { clamped };
    let rounded = S::multiply_add(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let f = S::multiply_add(n, -LN2_HIGH, clamped);
    let f = S::multiply_add(n, -LN2_LOW, f);
    let mut p = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
    ] {
        p = S::multiply_add(p, f, coefficient);
    }
    let y = S::multiply_add(p * f, f, f) + 1.0;
    // The whole number stands in the low bits of the sum.
    let exponent = rounded.to_bits().wrapping_sub(ROUND.to_bits());
    let power = f32::from_bits(exponent.wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { power * y }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    struct Exponentials;

    impl Kernel for Exponentials {
        type Output = f32;

        /// The worst relative error between -87 and 88.
        #[inline(always)]
        fn run<S: Simd>(self) -> f32 {
            let error = |i: i32| {
                let x = i as f32 * 0.0137;
                let wanted = f64::from(x).exp();
                ((f64::from(exp::<S>(x)) - wanted) / wanted).abs() as f32
            };
            (-6_350..6_420).map(error).fold(0.0, f32::max)
        }
    }

    struct Ends;

    impl Kernel for Ends {
        type Output = [f32; 4];

        #[inline(always)]
        fn run<S: Simd>(self) -> [f32; 4] {
            [f32::NEG_INFINITY, -88.0, 0.0, f32::INFINITY].map(exp::<S>)
        }
    }

    #[test]
    fn exponentials_are_right_with_all_vectors() {
        for error in run_each(|| Exponentials) {
            assert!(error < 3e-7, "{error}");
        }
        for [lowest, low, zero, highest] in run_each(|| Ends) {
            assert_eq!([lowest, low, zero], [0.0, 0.0, 1.0]);
            assert!(highest.is_finite() && highest > 1e38);
        }
    }
}
