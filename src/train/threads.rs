//! How many threads compute.

/// Lets so many threads compute, all that there are for 0, and says how many it
/// will be. The first call decides: threads once started stay.
pub fn use_threads(count: usize) -> usize {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(count);
    // Fails only where threads have been started before.
    drop(builder.build_global());
    rayon::current_num_threads()
}
