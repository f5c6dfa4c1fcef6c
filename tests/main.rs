//! One test binary; a module per subject, cases as data under `tests/data/`.

mod text;
