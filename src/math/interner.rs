//! Equal values, one number: the store behind both expression graphs.
//!
//! Most graphs have a dozen or two of nodes, and comparing those is cheaper than
//! hashing one; only beyond that is there a table.

use std::collections::HashMap;
use std::hash::Hash;

/// Values up to which the store is searched in turn.
const FEW: usize = 40;

/// Distinct values in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Interner<T> {
    values: Vec<T>,
    /// Places by value; empty as long as the values are few.
    places: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner {
            values: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    /// An empty store with room for a few values.
    pub(super) fn with_room() -> Self {
        Interner {
            values: Vec::with_capacity(FEW),
            places: HashMap::new(),
        }
    }

    /// The place of a value that is there.
    pub(super) fn find(&self, value: &T) -> Option<u32> {
        if self.values.len() > FEW {
            return self.places.get(value).copied();
        }
        let place = self.values.iter().position(|known| known == value)?;
        u32::try_from(place).ok()
    }

    /// Adds a value that is not there yet; its place.
    pub(super) fn push(&mut self, value: T) -> u32 {
        let place = u32::try_from(self.values.len()).expect("limits bound the nodes");
        if self.values.len() == FEW {
            let places = (0..).zip(&self.values);
            self.places = places.map(|(n, known)| (known.clone(), n)).collect();
        }
        if self.values.len() >= FEW {
            self.places.insert(value.clone(), place);
        }
        self.values.push(value);
        place
    }

    /// All values, in the order of their places.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }
}
