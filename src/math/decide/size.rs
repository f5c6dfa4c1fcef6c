//! How many modular tests an identity takes: degrees and coefficient sizes.

use std::collections::BTreeMap;

use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

use super::budget::Stop;
use super::form::{Atom, Form, FormId};
use super::modular::{Key, Plan, generator};

/// Degree of a difference at most.
const DEGREE: f64 = (1u64 << 20) as f64;

/// Bits of the coefficients of a difference at most.
const HEIGHT: f64 = (1u64 << 32) as f64;

/// Bits of certainty.
const CERTAINTY: f64 = 81.0;

/// Degrees and logarithms of coefficient sums of a numerator and denominator.
#[derive(Clone, Copy)]
struct Size {
    degree: [f64; 2],
    log: [f64; 2],
}

impl Plan<'_, '_> {
    /// The number of tests that certainty takes.
    pub(super) fn tests(&self, a: FormId, b: FormId) -> Result<u32, Stop> {
        let mut sizes: BTreeMap<FormId, Size> = BTreeMap::new();
        let mut halvings = 0.0;
        for id in &self.order {
            let size = match self.forms.node(*id) {
                Form::Number(value) => Size {
                    degree: [0.0; 2],
                    log: [value.numer().bits() as f64, value.denom().bits() as f64],
                },
                Form::Atom(_) => self.atom_size(*id, &BigRational::one(), &sizes),
                Form::Sum(list) => {
                    let mut total = Size {
                        degree: [0.0; 2],
                        log: [0.0; 2],
                    };
                    for (t, c) in list {
                        let term = sizes[t];
                        let c = [c.numer().bits() as f64, c.denom().bits() as f64];
                        let log = [term.log[0] + c[0], term.log[1] + c[1]];
                        total = Size {
                            degree: [
                                (total.degree[0] + term.degree[1])
                                    .max(term.degree[0] + total.degree[1]),
                                total.degree[1] + term.degree[1],
                            ],
                            log: [
                                (total.log[0] + log[1]).max(log[0] + total.log[1]),
                                total.log[1] + log[1],
                            ],
                        };
                    }
                    total.log[0] += (list.len() as f64).log2() + 1.0;
                    total
                }
                Form::Product(list) => {
                    let mut total = Size {
                        degree: [0.0; 2],
                        log: [0.0; 2],
                    };
                    for (base, q) in list {
                        let mut factor = match self.forms.node(*base) {
                            Form::Atom(_) => self.atom_size(*base, q, &sizes),
                            _ => {
                                let size = sizes[base];
                                let times = q.abs().to_f64().unwrap_or(f64::INFINITY).max(1.0);
                                Size {
                                    degree: size.degree.map(|d| d * times),
                                    log: size.log.map(|d| d * times),
                                }
                            }
                        };
                        if q.is_negative() && !matches!(self.forms.node(*base), Form::Atom(_)) {
                            factor.degree.swap(0, 1);
                            factor.log.swap(0, 1);
                        }
                        for part in 0..2 {
                            total.degree[part] += factor.degree[part];
                            total.log[part] += factor.log[part];
                        }
                    }
                    total
                }
            };
            if let Form::Atom(Atom::Prime(..)) = self.forms.node(*id)
                && self
                    .denominators
                    .get(&Key::Atom(*id))
                    .is_some_and(|d| *d > 1)
            {
                halvings += 1.0;
            }
            sizes.insert(*id, size);
        }
        let conjugates = self.choices() as f64 * 2f64.powf(halvings);
        let degree: f64 = [a, b].iter().flat_map(|id| sizes[id].degree).sum::<f64>() * conjugates;
        let log: f64 = ([a, b].iter().flat_map(|id| sizes[id].log).sum::<f64>() + 2.0) * conjugates;
        if !(degree <= DEGREE && log <= HEIGHT) {
            return Err(Stop::Limit);
        }
        let by_degree = 58.0 - (degree + 1.0).log2();
        let by_prime = 48.0 - halvings - (log / 60.0 + 1.0).log2();
        let each = by_degree.min(by_prime);
        if each < 8.0 {
            return Err(Stop::Limit);
        }
        Ok(((CERTAINTY / each).ceil() as u32).max(3))
    }

    /// The size of `atom^q`.
    fn atom_size(&self, id: FormId, q: &BigRational, sizes: &BTreeMap<FormId, Size>) -> Size {
        let times = q.abs().to_f64().unwrap_or(f64::INFINITY);
        let part = usize::from(q.is_negative());
        let mut size = Size {
            degree: [0.0; 2],
            log: [0.0; 2],
        };
        match self.forms.node(id) {
            Form::Atom(Atom::Prime(prime, _)) => {
                size.log[part] = prime.bits() as f64 * times.max(1.0)
            }
            Form::Atom(Atom::I) => {}
            Form::Atom(Atom::RealRoot(_, inner)) => {
                let inner = sizes[inner];
                size.degree = [times.max(1.0) * inner.degree.iter().sum::<f64>(); 2];
                size.log = [times.max(1.0) * inner.log.iter().sum::<f64>(); 2];
            }
            _ => {
                let (key, part_of) = generator(self.forms, id);
                let whole = self.denominators.get(&key).copied().unwrap_or(1);
                size.degree[part] = times * whole as f64 / part_of as f64;
            }
        }
        size
    }
}
