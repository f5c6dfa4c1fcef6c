//! What scoring cost: the slowest rows and those that took most fuel.
//!
//! Time is no part of a score: it is measured beside, and only a run that scores
//! can tell it. Fuel stands in the rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::ranges::{Range, Ranges};

/// Rows that are listed.
const LISTED: usize = 10;
/// Microseconds of a second.
const MICROS: f64 = 1e6;

/// Time by wall clock, that of waiting for the sandbox included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeFindings {
    /// Rows whose time was measured; those before a resume are not.
    pub rows: u64,
    /// Their sum over all threads.
    pub seconds: f64,
    /// Rows by microseconds.
    pub micros: Vec<Range>,
    /// The slowest, first.
    pub slowest: Vec<CostlyRow>,
}

/// Instructions of programs in the sandbox.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FuelFindings {
    /// Rows that ran a program.
    pub rows: u64,
    /// Their sum.
    pub fuel: u64,
    /// The largest, first.
    pub most: Vec<CostlyRow>,
}

/// A row that cost much.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostlyRow {
    /// Its number, from 1.
    pub row: u64,
    /// Its name.
    pub id: String,
    /// Its task.
    pub task: Option<String>,
    /// Wall time, where it was measured.
    pub seconds: Option<f64>,
    /// Fuel, where a program ran.
    pub fuel: Option<u64>,
}

#[derive(Default)]
pub(super) struct Costs {
    timed: u64,
    micros: u64,
    by_micros: Ranges,
    slowest: Listed,
    fuelled: u64,
    fuel: u64,
    most_fuel: Listed,
}

/// The rows of the largest numbers; of equal ones the first.
#[derive(Default)]
struct Listed(BinaryHeap<Reverse<(u64, Reverse<u64>, Cost)>>);

/// What is kept of a listed row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    id: String,
    task: Option<String>,
    micros: Option<u64>,
    fuel: Option<u64>,
}

impl Costs {
    pub(super) fn add(
        &mut self,
        row: u64,
        (id, task): (&str, Option<&str>),
        seconds: Option<f64>,
        fuel: Option<u64>,
    ) {
        let micros = seconds.map(|seconds| (seconds * MICROS).round() as u64);
        let cost = || Cost {
            id: id.chars().take(80).collect(),
            task: task.map(|task| task.chars().take(80).collect()),
            micros,
            fuel,
        };
        if let Some(micros) = micros {
            self.timed += 1;
            self.micros += micros;
            self.by_micros.add(micros, None);
            self.slowest.offer(micros, row, cost);
        }
        if let Some(fuel) = fuel {
            self.fuelled += 1;
            self.fuel = self.fuel.saturating_add(fuel);
            self.most_fuel.offer(fuel, row, cost);
        }
    }

    pub(super) fn time(&self) -> Option<TimeFindings> {
        (self.timed > 0).then(|| TimeFindings {
            rows: self.timed,
            seconds: self.micros as f64 / MICROS,
            micros: self.by_micros.finish(),
            slowest: self.slowest.rows(),
        })
    }

    pub(super) fn fuel(&self) -> Option<FuelFindings> {
        (self.fuelled > 0).then(|| FuelFindings {
            rows: self.fuelled,
            fuel: self.fuel,
            most: self.most_fuel.rows(),
        })
    }
}

impl Listed {
    fn offer(&mut self, size: u64, row: u64, cost: impl FnOnce() -> Cost) {
        let is_full = self.0.len() == LISTED;
        if is_full
            && self
                .0
                .peek()
                .is_some_and(|Reverse((least, ..))| *least >= size)
        {
            return;
        }
        self.0.push(Reverse((size, Reverse(row), cost())));
        if self.0.len() > LISTED {
            self.0.pop();
        }
    }

    fn rows(&self) -> Vec<CostlyRow> {
        let mut rows: Vec<_> = self.0.iter().map(|Reverse(row)| row).collect();
        rows.sort_by(|a, b| b.cmp(a));
        let costly = rows.into_iter().map(|(_, Reverse(row), cost)| CostlyRow {
            row: *row,
            id: cost.id.clone(),
            task: cost.task.clone(),
            seconds: cost.micros.map(|micros| micros as f64 / MICROS),
            fuel: cost.fuel,
        });
        costly.collect()
    }
}
