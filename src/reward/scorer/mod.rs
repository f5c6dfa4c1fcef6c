//! The engine behind every door: a compiled spec that turns rollouts into
//! scores. Here it is compiled and given what it needs; `describe` tells what it
//! is made of, `score` scores with it.

mod describe;
mod score;

use std::cell::RefCell;
use std::collections::BTreeMap;
#[cfg(any(feature = "sandbox", feature = "remote"))]
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::judge::GoldCache;
#[cfg(feature = "remote")]
use super::remote::Remote;
use super::spec::{self, Reward, Spec, SpecError, SpecSource};
#[cfg(feature = "sandbox")]
use crate::code::References;
#[cfg(feature = "sandbox")]
use crate::sandbox::Runner;
pub use score::Explanation;

/// A compiled reward spec.
///
/// [`Scorer::score`] is a pure function of the rollout: no clock, no global
/// state, no thread count and no order of rollouts decides a score. Cloning is
/// cheap; clones share the compiled parts.
///
/// ```
/// use goldstone::reward::{Scorer, SpecSource};
/// use goldstone::rollout::Rollout;
///
/// let scorer = Scorer::compile(SpecSource {
///     text: "version = 1\n[format]\ntemplate = \"r1\"\n[rewards.accuracy]\nmath = {}",
///     origin: "example.toml",
///     grammar: &|_| Err("no grammar files here".to_owned()),
/// })?;
/// let mut rollout = Rollout {
///     completion: "<think>6 * 7</think><answer>42</answer>".into(),
///     reference: Some("42".into()),
///     ..Rollout::default()
/// };
/// assert_eq!(scorer.score(&rollout).reward, Some(1.0));
///
/// // No answer tags, no answer: the reward is 0 and the reason says why.
/// rollout.completion = "It is 42.".into();
/// let score = scorer.score(&rollout);
/// assert_eq!(score.reward, Some(0.0));
/// assert_eq!(score.terms[0].reason, Some("missing_think_open"));
///
/// // No reference: nobody can say, so there is no reward at all.
/// rollout.reference = None;
/// assert_eq!(scorer.score(&rollout).reward, None);
/// # Ok::<(), goldstone::reward::SpecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scorer {
    compiled: Arc<Compiled>,
    #[cfg(feature = "sandbox")]
    sandbox: Option<Sandbox>,
    #[cfg(feature = "remote")]
    remote: Option<Asker>,
}

/// What puts questions to judges and reward models.
#[cfg(feature = "remote")]
#[derive(Clone)]
struct Asker(Arc<dyn Remote>);

#[cfg(feature = "remote")]
impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

/// What runs the programs of code tasks.
#[cfg(feature = "sandbox")]
#[derive(Clone)]
struct Sandbox(Arc<dyn Runner>);

#[cfg(feature = "sandbox")]
impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sandbox")
    }
}

#[derive(Debug)]
struct Compiled {
    spec: Spec,
    /// Reward indices, each after all that it waits for.
    order: Vec<usize>,
    names: Vec<Arc<str>>,
    /// One per reward.
    golds: Vec<GoldCache>,
    #[cfg(feature = "sandbox")]
    references: References,
    text: String,
    grammars: BTreeMap<String, String>,
    sha256: String,
}

impl Scorer {
    /// Compiles a spec.
    ///
    /// # Errors
    /// [`SpecError`] with every mistake of the spec.
    pub fn compile(source: SpecSource<'_>) -> Result<Self, SpecError> {
        // The grammars decide scores as much as the text that names them.
        let hash = RefCell::new(Sha256::new_with_prefix(source.text));
        let grammars = RefCell::new(BTreeMap::new());
        let grammar = |path: &str| {
            let text = (source.grammar)(path)?;
            grammars.borrow_mut().insert(path.to_owned(), text.clone());
            let mut hash = hash.borrow_mut();
            hash.update([0]);
            hash.update(&text);
            Ok(text)
        };
        let spec = spec::read(SpecSource {
            grammar: &grammar,
            ..source
        })?;
        let names = spec
            .rewards
            .iter()
            .map(|reward| Arc::clone(&reward.name))
            .collect();
        let digest = hash.into_inner().finalize();
        Ok(Self {
            compiled: Arc::new(Compiled {
                order: order(&spec.rewards),
                names,
                golds: spec.rewards.iter().map(|_| GoldCache::default()).collect(),
                #[cfg(feature = "sandbox")]
                references: References::default(),
                text: source.text.to_owned(),
                grammars: grammars.into_inner(),
                sha256: HEXLOWER.encode(&digest),
                spec,
            }),
            #[cfg(feature = "sandbox")]
            sandbox: None,
            #[cfg(feature = "remote")]
            remote: None,
        })
    }

    /// The same scorer with `runner` to run the programs of code tasks. Without
    /// one, a row with such a task is an error of the machinery.
    #[cfg(feature = "sandbox")]
    #[must_use]
    pub fn with_sandbox(self, runner: Arc<dyn Runner>) -> Self {
        Self {
            sandbox: Some(Sandbox(runner)),
            ..self
        }
    }

    /// The same scorer for training: what cannot be decided about an answer pays
    /// as what is wrong does, where the spec does not price it, and measures that
    /// abstain because of the completion pay the least that they may come to.
    ///
    /// A policy can write answers that nobody can decide. Were they `null`, and so
    /// left out of the baseline, they would be a shelter from being wrong. `null`
    /// is left for rows that are unusable themselves.
    ///
    /// ```
    /// use goldstone::reward::{Scorer, SpecSource};
    /// use goldstone::rollout::Rollout;
    ///
    /// let scorer = Scorer::compile(SpecSource {
    ///     text: "version = 1\n[rewards.accuracy]\nmath = { wrong = -1.0 }",
    ///     origin: "example.toml",
    ///     grammar: &|_| Err("no grammar files here".to_owned()),
    /// })?;
    /// let rollout = Rollout {
    ///     completion: r"\boxed{\int_0^1 x dx}".into(),
    ///     reference: Some("7".into()),
    ///     ..Rollout::default()
    /// };
    /// assert_eq!(scorer.score(&rollout).reward, None);
    /// let scorer = scorer.unknown_as_wrong();
    /// assert_eq!(scorer.score(&rollout).reward, Some(-1.0));
    /// # Ok::<(), goldstone::reward::SpecError>(())
    /// ```
    #[must_use]
    pub fn unknown_as_wrong(mut self) -> Self {
        let rewards = &self.compiled.spec.rewards;
        if rewards.iter().all(|reward| reward.unknown_is_wrong) {
            return self;
        }
        let mut spec = self.compiled.spec.clone();
        for reward in &mut spec.rewards {
            reward.unknown_is_wrong = true;
        }
        let compiled = Compiled {
            order: self.compiled.order.clone(),
            names: self.compiled.names.clone(),
            golds: spec.rewards.iter().map(|_| GoldCache::default()).collect(),
            #[cfg(feature = "sandbox")]
            references: References::default(),
            text: self.compiled.text.clone(),
            grammars: self.compiled.grammars.clone(),
            sha256: self.compiled.sha256.clone(),
            spec,
        };
        self.compiled = Arc::new(compiled);
        self
    }

    /// The same scorer with `remote` to ask judges and reward models. Without one, a
    /// row that they would be asked about is an error of the machinery.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn with_remote(self, remote: Arc<dyn Remote>) -> Self {
        Self {
            remote: Some(Asker(remote)),
            ..self
        }
    }
}

/// Reward indices in an order in which each follows what it waits for; the
/// spec has been checked for cycles.
fn order(rewards: &[Reward]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(rewards.len());
    while order.len() < rewards.len() {
        let next = (0..rewards.len()).find(|index| {
            let reward = &rewards[*index];
            let mut waits = reward.waits_for();
            !order.contains(index) && waits.all(|needed| order.contains(&needed))
        });
        order.push(next.expect("a checked spec has no cycle"));
    }
    order
}
