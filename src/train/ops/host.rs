//! The numbers of a candle tensor in the processor's memory.

use std::ops::Deref;
use std::sync::Mutex;
use std::sync::PoisonError;

use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor};

use super::super::TrainError;

/// The numbers of a tensor, held for reading.
pub(crate) struct HostSlice<G> {
    guard: G,
    start: usize,
    end: usize,
}

impl<G: Deref<Target = Storage>> Deref for HostSlice<G> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.guard {
            Storage::Cpu(CpuStorage::F32(numbers)) => &numbers[self.start..self.end],
            _ => unreachable!("checked when it was made"),
        }
    }
}

/// The numbers of a contiguous f32 tensor in the processor's memory.
///
/// # Errors
/// When it is none.
pub(crate) fn host(tensor: &Tensor) -> Result<HostSlice<impl Deref<Target = Storage>>, TrainError> {
    let (guard, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        return Err(not_host(tensor, "strided"));
    };
    match &*guard {
        Storage::Cpu(CpuStorage::F32(_)) => Ok(HostSlice { guard, start, end }),
        _ => Err(not_host(tensor, "elsewhere")),
    }
}

/// Changes the numbers of such a tensor where they stand, for all who share them.
///
/// # Errors
/// When it is no contiguous f32 tensor in the processor's memory.
pub(crate) fn update<F: FnOnce(&mut [f32])>(tensor: &Tensor, change: F) -> Result<(), TrainError> {
    drop(host(tensor)?);
    tensor.inplace_op1(&Update(Mutex::new(Some(change))))?;
    Ok(())
}

struct Update<F>(Mutex<Option<F>>);

impl<F: FnOnce(&mut [f32])> InplaceOp1 for Update<F> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let offsets = layout.contiguous_offsets();
        let mut change = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (CpuStorage::F32(numbers), Some((start, end)), Some(change)) =
            (storage, offsets, change.take())
        {
            change(&mut numbers[start..end]);
        }
        Ok(())
    }
}

fn not_host(tensor: &Tensor, found: &str) -> TrainError {
    TrainError::Parameter {
        name: format!("{:?}", tensor.shape().dims()),
        found: format!("{found}, {:?}", tensor.dtype()),
        wanted: "a contiguous f32 tensor in the processor's memory".to_owned(),
    }
}
