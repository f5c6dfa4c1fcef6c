//! One test binary; a module per subject, cases as data under `tests/data/`.

mod batch;
mod format;
mod reward;
mod rollout;
mod spec;
