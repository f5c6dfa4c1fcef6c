//! Parquet files: rows as lines of JSON in, scored rows out.
//!
//! Reading: [`Rows`] checks what a file claims (`guard`, `thrift`), decodes its
//! row groups batch by batch and makes each row a line (`text`, `fold`).
//! Writing: [`Segments`] makes row groups of lines (`columns`, `table`).

mod columns;
mod fold;
mod guard;
mod numbers;
mod rows;
mod segments;
mod table;
mod text;
mod thrift;

pub(super) use rows::{Rows, Taken};
pub(super) use segments::{Segments, boundaries, segment_rows};
