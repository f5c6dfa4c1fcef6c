//! Linear memory as the host sees it during a call: every access checked.

use wasmtime::Caller;

use super::Errno;
use crate::sandbox::guest::Guest;

/// Linear memory. Addresses and lengths come from the guest and may be anything.
pub(in crate::sandbox) struct View<'m>(&'m mut [u8]);

impl<'m> View<'m> {
    /// The memory of the calling instance, and its state.
    ///
    /// # Errors
    /// [`Errno::Fault`] before the instance is complete, and what `work` returns.
    pub(in crate::sandbox) fn with<T>(
        caller: &mut Caller<'_, Guest>,
        work: impl FnOnce(&mut View<'_>, &mut Guest) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let memory = caller.data().memory.ok_or(Errno::Fault)?;
        let (bytes, guest) = memory.data_and_store_mut(caller);
        work(&mut View(bytes), guest)
    }

    /// `length` bytes at `at`.
    pub(in crate::sandbox) fn bytes(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        let at = at as usize;
        self.0.get(at..at + length as usize).ok_or(Errno::Fault)
    }

    /// `length` bytes at `at`, to be written to.
    pub(super) fn bytes_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8], Errno> {
        let at = at as usize;
        self.0.get_mut(at..at + length as usize).ok_or(Errno::Fault)
    }

    pub(in crate::sandbox) fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(at, length)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn read<const N: usize>(&self, at: u32) -> Result<[u8; N], Errno> {
        let bytes = self.bytes(at, N as u32)?;
        Ok(bytes
            .try_into()
            .expect("`bytes` gives as many as asked for"))
    }

    pub(super) fn read_u32(&self, at: u32) -> Result<u32, Errno> {
        Ok(u32::from_le_bytes(self.read(at)?))
    }

    pub(in crate::sandbox) fn write_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.write(at, &value.to_le_bytes())
    }
}
