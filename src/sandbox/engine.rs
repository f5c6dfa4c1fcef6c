//! How wasmtime is set up: settings that the compiled code depends on, which are
//! the same everywhere, and those of the allocator of instances.

use std::thread;
use std::time::Duration;

use wasmtime::{
    Collector, Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OperatorCost,
    PoolingAllocationConfig,
};

/// Native stack that one guest may use. CPython takes about 0.5 kB of it for each
/// level of its own C recursion, and its limit on that is 20,000 levels.
pub(super) const WASM_STACK_BYTES: usize = 96 << 20;

/// Stack of a thread that runs guests: a tester, on top of it a candidate, and
/// what the host needs for itself.
pub(super) const THREAD_STACK_BYTES: usize = 2 * WASM_STACK_BYTES + (16 << 20);

/// All that a 32-bit linear memory can be.
pub(super) const MEMORY_MAXIMUM_BYTES: u64 = 4 << 30;

/// Elements of a table; CPython has about 10,000 functions in its own.
pub(super) const TABLE_ELEMENTS: usize = 140_000;

/// Instances alive at a time: a tester and a candidate, and as many again, so that
/// the slots of two guests in turn stay warm.
const INSTANCES: u32 = 4;

/// Snapshots up to this size are mapped, not copied.
const DENSE_IMAGE_BYTES: u64 = 512 << 20;

/// Pages of linear memory that stay mapped from one run to the next. Only with the
/// kernel's list of pages written to; without it all of them would be reset.
const KEPT_MEMORY_BYTES: usize = 256 << 20;

/// The same for tables.
const KEPT_TABLE_BYTES: usize = 1 << 20;

/// Fuel for each 64 KiB of memory that a guest asks for.
const GROWTH_FUEL_PER_PAGE: u8 = 10;

/// Time between two ticks of the epoch; how exact the wall clock is.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Settings that compiled code depends on. What a snapshot is taken with is the
/// same as what it is run with.
pub(in crate::sandbox) fn config() -> Config {
    let mut cost = OperatorCost::new();
    cost.variable.memory_grow_per_page = GROWTH_FUEL_PER_PAGE;
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(cost)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(WASM_STACK_BYTES + (2 << 20))
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(DENSE_IMAGE_BYTES)
        .memory_reservation(MEMORY_MAXIMUM_BYTES)
        .wasm_backtrace_max_frames(None)
        // The same program must do the same on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_threads(false)
        // Nothing a guest of ours needs; less to trust.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .collector(Collector::Null);
    config
}

/// An engine that only compiles.
pub(in crate::sandbox) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

/// An engine that runs instances, on one thread.
pub(super) fn runner() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(INSTANCES)
        .total_tables(INSTANCES)
        .total_core_instances(INSTANCES)
        .total_stacks(1)
        .total_gc_heaps(INSTANCES)
        .max_unused_warm_slots(INSTANCES)
        .max_memory_size(MEMORY_MAXIMUM_BYTES as usize)
        .max_tables_per_module(4)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(2 << 20)
        .decommit_batch_size(1);
    if lists_written_pages() {
        pool.pagemap_scan(Enabled::Yes)
            .linear_memory_keep_resident(KEPT_MEMORY_BYTES)
            .table_keep_resident(KEPT_TABLE_BYTES);
    }
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// Whether the kernel tells which pages have been written to (Linux 6.7). wasmtime
/// opens the file that it needs for this once, the first time that this is asked: a
/// process that is about to lose its sight of files must ask before.
pub(super) fn lists_written_pages() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// Moves the epoch of an engine on, for as long as there is one.
pub(super) fn tick(engine: &Engine) -> std::io::Result<()> {
    let engine: EngineWeak = engine.weak();
    thread::Builder::new()
        .name("sandbox-epoch".into())
        .stack_size(64 << 10)
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
    Ok(())
}

/// Ticks after which at least `wall` has passed.
pub(super) fn ticks(wall: Duration) -> u64 {
    let ticks = wall.as_nanos() / TICK.as_nanos();
    // One more, since the first may come at once; kept from overflowing the epoch.
    u64::try_from(ticks).map_or(u64::MAX / 4, |ticks| ticks.min(u64::MAX / 4) + 1)
}
