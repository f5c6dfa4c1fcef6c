//! What a comparison says, and how the judgements of parts make one of a whole.

use super::Proof;

/// The outcome of comparing two typed answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::math) enum Judgement {
    /// Equal.
    Correct {
        /// The rule that decided, a reason code.
        rule: &'static str,
        /// The weakest proof that was needed.
        proof: Proof,
        /// The policy switches without which it would not be equal.
        policy: Vec<&'static str>,
    },
    /// Proved different, or refused by a documented rule.
    Wrong {
        /// The rule that decided, a reason code.
        rule: &'static str,
        /// What shows it, for a person.
        witness: Option<String>,
    },
    /// Neither; the reason says why.
    Unknown(&'static str),
}

impl Judgement {
    /// Equal by an exact rule.
    pub(super) fn exact(rule: &'static str) -> Self {
        Self::Correct {
            rule,
            proof: Proof::Exact,
            policy: Vec::new(),
        }
    }

    pub(super) fn wrong(rule: &'static str) -> Self {
        Self::Wrong {
            rule,
            witness: None,
        }
    }

    pub(super) fn is_correct(&self) -> bool {
        matches!(self, Self::Correct { .. })
    }

    /// The same judgement; where it is Correct, by another rule.
    pub(super) fn by(self, name: &'static str) -> Self {
        match self {
            Self::Correct { proof, policy, .. } => Self::Correct {
                rule: name,
                proof,
                policy,
            },
            other => other,
        }
    }

    /// The same judgement; where it is Correct, thanks to a policy switch.
    pub(super) fn thanks_to(mut self, switch: &'static str) -> Self {
        if let Self::Correct { policy, .. } = &mut self
            && !policy.contains(&switch)
        {
            policy.push(switch);
        }
        self
    }

    /// The same judgement; where it is Correct, unknown for that reason.
    pub(super) fn doubted(self, reason: &'static str) -> Self {
        match self {
            Self::Correct { .. } => Self::Unknown(reason),
            other => other,
        }
    }

    /// Correct where both are, with the weaker proof; Wrong where one is.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Wrong { .. } => self,
            Self::Unknown(_) => match other() {
                wrong @ Self::Wrong { .. } => wrong,
                _ => self,
            },
            Self::Correct {
                rule,
                proof,
                mut policy,
            } => match other() {
                Self::Correct {
                    proof: second,
                    policy: more,
                    ..
                } => {
                    for switch in more {
                        if !policy.contains(&switch) {
                            policy.push(switch);
                        }
                    }
                    Self::Correct {
                        rule,
                        proof: weaker(proof, second),
                        policy,
                    }
                }
                other => other,
            },
        }
    }

    /// The first that is Correct, else unknown where one is, else the first.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Correct { .. } => self,
            Self::Unknown(_) => match other() {
                right @ Self::Correct { .. } => right,
                _ => self,
            },
            Self::Wrong { rule, .. } => match other() {
                Self::Wrong { rule: second, .. }
                    if rule != "different_type" || second == "different_type" =>
                {
                    self
                }
                other => other,
            },
        }
    }
}

/// All parts must be equal; the whole then is, by `rule`. Stops at the first
/// that is wrong.
pub(super) fn all(rule: &'static str, parts: impl IntoIterator<Item = Judgement>) -> Judgement {
    let mut whole = Judgement::exact(rule);
    for part in parts {
        whole = whole.and(|| part);
        if matches!(whole, Judgement::Wrong { .. }) {
            break;
        }
    }
    whole
}

/// The proof that says less.
pub(super) fn weaker(one: Proof, other: Proof) -> Proof {
    match (one, other) {
        (Proof::Numeric { bits }, Proof::Numeric { bits: second }) => Proof::Numeric {
            bits: bits.min(second),
        },
        (numeric @ Proof::Numeric { .. }, _) | (_, numeric @ Proof::Numeric { .. }) => numeric,
        (Proof::Probabilistic, _) | (_, Proof::Probabilistic) => Proof::Probabilistic,
        (Proof::Exact, Proof::Exact) => Proof::Exact,
    }
}
