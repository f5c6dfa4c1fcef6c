//! One test binary; a module per subject, cases as data under `tests/data/`.

mod format;
mod math;
mod reward;
mod rollout;
mod spec;
