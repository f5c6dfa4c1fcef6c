//! Rotation and causal attention of one sequence, or of one token beside a cache.
//!
//! The heads of q that share a head of k are stacked, so that one product serves
//! them all and sums their gradients: q is `[kv_heads, group * tokens, head_dim]`.
//! Rotation, softmax and what is between the products are f32; the products take the
//! type of their heads.

use candle_core::{D, DType, Device, Result, Tensor};

use super::super::super::ops::{AttentionShape, Positions};
use super::weights::product;

/// Cosines and sines of some rows: `[rows, 1, head_dim / 2]`.
#[derive(Clone, Debug)]
pub(super) struct Angles {
    cos: Tensor,
    sin: Tensor,
}

impl Angles {
    pub(super) fn new(positions: Positions<'_>, device: &Device) -> Result<Self> {
        let (cos, sin) = positions.angles();
        let rows = positions.of_rows.len();
        let shape = (rows, 1, cos.len() / rows.max(1));
        let tensor = |numbers| Tensor::from_vec(numbers, shape, device);
        Ok(Self {
            cos: tensor(cos)?,
            sin: tensor(sin)?,
        })
    }

    /// `(a, b) -> (a cos - b sin, b cos + a sin)` for the halves of `[rows, heads,
    /// head_dim]`.
    pub(super) fn turn(&self, x: &Tensor) -> Result<Tensor> {
        turn(x, &self.cos, &self.sin)
    }

    /// The other way round.
    pub(super) fn turn_back(&self, x: &Tensor) -> Result<Tensor> {
        turn(x, &self.cos, &self.sin.neg()?)
    }
}

fn turn(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    let half = x.dim(2)? / 2;
    let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
    let first = (a.broadcast_mul(cos)? - b.broadcast_mul(sin)?)?;
    let second = (b.broadcast_mul(cos)? + a.broadcast_mul(sin)?)?;
    Tensor::cat(&[first, second], 2)
}

/// What hides later tokens from earlier ones: 0 where token `i` sees token `j`, and
/// minus infinity where `j > i`. Made once for all sequences of a pass.
#[derive(Clone, Debug)]
pub(super) struct Causal {
    mask: Tensor,
}

impl Causal {
    /// For sequences of up to `longest` tokens.
    pub(super) fn new(longest: usize, device: &Device) -> Result<Self> {
        let seen = |i: usize, j: usize| if j > i { f32::NEG_INFINITY } else { 0.0 };
        let mask: Vec<f32> = (0..longest)
            .flat_map(|i| (0..longest).map(move |j| seen(i, j)))
            .collect();
        Ok(Self {
            mask: Tensor::from_vec(mask, (longest, longest), device)?,
        })
    }

    /// For one sequence: `[tokens, tokens]`.
    fn of(&self, tokens: usize) -> Result<Tensor> {
        self.mask.narrow(0, 0, tokens)?.narrow(1, 0, tokens)
    }
}

/// q, k and v of some rows: `[rows, heads, head_dim]`.
#[derive(Clone, Debug)]
pub(super) struct Heads {
    pub(super) q: Tensor,
    pub(super) k: Tensor,
    pub(super) v: Tensor,
}

impl Heads {
    /// Cuts `[rows, q | k | v]`.
    pub(super) fn cut(qkv: &Tensor, shape: AttentionShape) -> Result<Self> {
        let rows = qkv.dim(0)?;
        let part = |from: usize, heads: usize| {
            qkv.narrow(1, from * shape.head_dim, heads * shape.head_dim)?
                .reshape((rows, heads, shape.head_dim))
        };
        Ok(Self {
            q: part(0, shape.heads)?,
            k: part(shape.heads, shape.kv_heads)?,
            v: part(shape.heads + shape.kv_heads, shape.kv_heads)?,
        })
    }

    /// Puts them side by side again: `[rows, q | k | v]`.
    pub(super) fn join(&self) -> Result<Tensor> {
        let flat = |x: &Tensor| x.flatten_from(1);
        Tensor::cat(&[flat(&self.q)?, flat(&self.k)?, flat(&self.v)?], 1)
    }

    /// The same in another type.
    pub(super) fn to_dtype(&self, element: DType) -> Result<Self> {
        Ok(Self {
            q: self.q.to_dtype(element)?,
            k: self.k.to_dtype(element)?,
            v: self.v.to_dtype(element)?,
        })
    }

    /// Some of the rows.
    pub(super) fn rows(&self, start: usize, count: usize) -> Result<Self> {
        Ok(Self {
            q: self.q.narrow(0, start, count)?,
            k: self.k.narrow(0, start, count)?,
            v: self.v.narrow(0, start, count)?,
        })
    }

    /// The rows of several, one after the other.
    pub(super) fn concatenate(all: &[Self]) -> Result<Self> {
        let cat =
            |of: fn(&Self) -> &Tensor| Tensor::cat(&all.iter().map(of).collect::<Vec<_>>(), 0);
        Ok(Self {
            q: cat(|heads| &heads.q)?,
            k: cat(|heads| &heads.k)?,
            v: cat(|heads| &heads.v)?,
        })
    }

    /// Attention of one sequence: `[tokens, heads * head_dim]`.
    pub(super) fn attend(&self, shape: AttentionShape, causal: &Causal) -> Result<Tensor> {
        let (q, k, v) = (
            stacked(&self.q, shape)?,
            by_head(&self.k)?,
            by_head(&self.v)?,
        );
        let shares = shares(&q, &k, shape, causal)?.to_dtype(v.dtype())?;
        unstacked(&shares.matmul(&v)?, shape)?.flatten_from(1)
    }

    /// The gradient by q, k and v of one sequence, in f32.
    pub(super) fn attend_backward(
        &self,
        shape: AttentionShape,
        causal: &Causal,
        d_out: &Tensor,
    ) -> Result<Self> {
        let (q, k, v) = (
            stacked(&self.q, shape)?,
            by_head(&self.k)?,
            by_head(&self.v)?,
        );
        let element = q.dtype();
        let d_out = d_out.reshape((d_out.dim(0)?, shape.heads, shape.head_dim))?;
        let d_out = stacked(&d_out, shape)?.to_dtype(element)?;
        let shares = shares(&q, &k, shape, causal)?;
        let d_v = product(&shares.to_dtype(element)?.t()?, &d_out)?;
        let d_shares = product(&d_out, &v.t()?)?;
        let mean = (&d_shares * &shares)?.sum_keepdim(D::Minus1)?;
        let d_scores = ((shares * d_shares.broadcast_sub(&mean)?)? * scale(shape))?;
        let d_scores = d_scores.to_dtype(element)?;
        let d_k = product(&d_scores.t()?, &q)?;
        Ok(Self {
            q: unstacked(&product(&d_scores, &k)?, shape)?,
            k: d_k.transpose(0, 1)?.contiguous()?,
            v: d_v.transpose(0, 1)?.contiguous()?,
        })
    }
}

/// One new token per row beside the keys and values of all before it: q `[rows,
/// heads, head_dim]`, keys and values `[rows, kv_heads, slots, head_dim]`, and a
/// mask `[rows, 1, 1, slots]` in f32 that is added to the scores.
pub(super) fn attend_step(
    q: &Tensor,
    (keys, values): (&Tensor, &Tensor),
    mask: &Tensor,
    shape: AttentionShape,
) -> Result<Tensor> {
    let rows = q.dim(0)?;
    let group = shape.heads / shape.kv_heads;
    let q = q.reshape((rows, shape.kv_heads, group, shape.head_dim))?;
    let scores = (product(&q.contiguous()?, &keys.transpose(2, 3)?)? * scale(shape))?;
    let shares = softmax(&scores.broadcast_add(mask)?)?.to_dtype(values.dtype())?;
    let out = shares.matmul(values)?;
    out.reshape((rows, shape.heads * shape.head_dim))
}

/// `[tokens, heads, head_dim]` to `[kv_heads, group * tokens, head_dim]`.
fn stacked(q: &Tensor, shape: AttentionShape) -> Result<Tensor> {
    by_head(q)?.reshape((shape.kv_heads, (), shape.head_dim))
}

/// The other way round.
fn unstacked(x: &Tensor, shape: AttentionShape) -> Result<Tensor> {
    x.reshape((shape.heads, (), shape.head_dim))?
        .transpose(0, 1)?
        .contiguous()
}

/// `[tokens, heads, head_dim]` to `[heads, tokens, head_dim]`.
fn by_head(x: &Tensor) -> Result<Tensor> {
    x.transpose(0, 1)?.contiguous()
}

/// How much each token takes of each before it, in f32: `[kv_heads, group * tokens,
/// tokens]`.
fn shares(q: &Tensor, k: &Tensor, shape: AttentionShape, causal: &Causal) -> Result<Tensor> {
    let tokens = k.dim(1)?;
    let scores = (product(q, &k.t()?)? * scale(shape))?;
    let by_group = scores.reshape((shape.kv_heads, (), tokens, tokens))?;
    let seen = by_group.broadcast_add(&causal.of(tokens)?)?;
    softmax(&seen)?.reshape(scores.shape())
}

fn softmax(scores: &Tensor) -> Result<Tensor> {
    let peak = scores.max_keepdim(D::Minus1)?;
    let powers = scores.broadcast_sub(&peak)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
}

fn scale(shape: AttentionShape) -> f64 {
    1.0 / (shape.head_dim as f64).sqrt()
}
