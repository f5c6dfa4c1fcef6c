//! What runs jobs on one thread: an engine and the guests that are loaded.

use std::collections::HashMap;

use wasmtime::{Engine, Module};

use super::cache::Cache;
use super::instance::Image;
use super::{Job, Outcome, SandboxError, engine, imports, run};

/// Guests, ready to run on the thread that has [`engine::THREAD_STACK_BYTES`].
pub(super) struct Host {
    engine: Engine,
    cache: Cache,
    images: HashMap<String, Image>,
}

impl Host {
    /// A host with no guest yet, whose epoch ticks.
    pub(super) fn new(cache: Cache) -> Result<Self, SandboxError> {
        let engine =
            engine::runner().map_err(|error| SandboxError::failed("set up wasmtime", error))?;
        engine::tick(&engine).map_err(|error| SandboxError::failed("start its clock", error))?;
        Ok(Self {
            engine,
            cache,
            images: HashMap::new(),
        })
    }

    /// Makes the guest `name` ready from its compiled module. Its snapshot must have
    /// been compiled before (`Cache::prepare`) and have this sha256.
    pub(super) fn load(&mut self, name: &str, sha256: &str) -> Result<(), SandboxError> {
        if self
            .images
            .get(name)
            .is_some_and(|image| image.sha256 == sha256)
        {
            return Ok(());
        }
        let module = self.cache.load(&self.engine, sha256)?;
        let image = image(&self.engine, &module, sha256)
            .map_err(|error| SandboxError::failed(format!("use the guest `{name}`"), error))?;
        self.images.insert(name.to_owned(), image);
        Ok(())
    }

    /// Runs a job whose guest is loaded.
    pub(super) fn run(&self, job: &Job) -> Result<Outcome, SandboxError> {
        let image = self.images.get(&job.guest).ok_or_else(|| {
            let error = std::io::Error::other("it is not loaded");
            SandboxError::failed(format!("use the guest `{}`", job.guest), error)
        })?;
        run::run(image, job)
    }
}

/// A module as an image, where it is a guest.
fn image(engine: &Engine, module: &Module, sha256: &str) -> wasmtime::Result<Image> {
    let memory_bytes = imports::initial_memory_bytes(module)
        .ok_or_else(|| wasmtime::format_err!("it exports no `memory`"))?;
    let abi = imports::abi(module)
        .ok_or_else(|| wasmtime::format_err!("it does not export what an ABI of ours asks for"))?;
    let pre = imports::linker(engine, module)?.instantiate_pre(module)?;
    Ok(Image {
        pre,
        abi,
        sha256: sha256.to_owned(),
        memory_bytes,
    })
}
