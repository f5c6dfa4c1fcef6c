//! Parquet files: rows as lines of JSON in, scored rows out.

mod fold;
mod guard;
mod rows;
mod text;
mod thrift;

pub(super) use rows::{Rows, Taken};
