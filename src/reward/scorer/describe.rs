//! What a compiled spec is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Scorer;
#[cfg(feature = "remote")]
use crate::reward::remote::{Endpoint, Remote, Usage};
#[cfg(any(feature = "remote", feature = "sandbox"))]
use crate::reward::spec::Kind;
#[cfg(feature = "remote")]
use crate::reward::spec::MeasureKind;
use crate::reward::spec::{Reward, Rule};
use crate::rollout::FieldMap;

impl Scorer {
    /// The guests that the spec's code rewards run in, each once; empty where
    /// the spec needs no sandbox.
    #[cfg(feature = "sandbox")]
    #[must_use]
    pub fn guests(&self) -> Vec<&str> {
        let mut guests: Vec<&str> = Vec::new();
        for reward in &self.compiled.spec.rewards {
            if let Kind::Code(options) = &reward.kind
                && !guests.contains(&options.guest())
            {
                guests.push(options.guest());
            }
        }
        guests
    }

    /// The rewards that ask an endpoint, and which, in the spec's order; empty where
    /// the spec needs no network.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn endpoints(&self) -> Vec<(&str, Endpoint)> {
        let rewards = self.compiled.spec.rewards.iter();
        let asking = rewards.filter_map(|reward| match &reward.kind {
            Kind::Measure(MeasureKind::Remote(options)) => {
                Some((&*reward.name, options.endpoint()))
            }
            _ => None,
        });
        asking.collect()
    }

    /// What it asks judges and reward models with.
    #[cfg(feature = "remote")]
    pub(crate) fn remote(&self) -> Option<&Arc<dyn Remote>> {
        self.remote.as_ref().map(|asker| &asker.0)
    }

    /// What has been asked of each endpoint so far, each once.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn usage(&self) -> Vec<(Endpoint, Usage)> {
        let mut used: Vec<(Endpoint, Usage)> = Vec::new();
        for (_, endpoint) in self.endpoints() {
            if let Some(asker) = &self.remote
                && used.iter().all(|(known, _)| *known != endpoint)
            {
                let usage = asker.0.usage(&endpoint);
                used.push((endpoint, usage));
            }
        }
        used
    }

    /// How many rows may wait for endpoints at a time; 0 where the spec asks none. A
    /// thread that waits needs no core.
    #[must_use]
    pub fn waiting_rows(&self) -> usize {
        #[cfg(feature = "remote")]
        let rows = self
            .endpoints()
            .iter()
            .map(|(_, endpoint)| endpoint.concurrency * endpoint.batch)
            .sum();
        #[cfg(not(feature = "remote"))]
        let rows = 0;
        rows
    }

    /// What of the spec works and is still not wise, each with its line and a caret.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.compiled.spec.warnings
    }

    /// The spec's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.compiled.spec.name
    }

    /// The spec's description; empty if it has none.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.compiled.spec.description
    }

    /// The spec's TOML text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// The texts of the grammars that the spec names, by their names in it.
    #[must_use]
    pub fn grammars(&self) -> &BTreeMap<String, String> {
        &self.compiled.grammars
    }

    /// SHA-256 of the images that the spec's programs run in, in hexadecimal, by the
    /// guest's name; empty where the spec needs no sandbox. `None` stands for one that
    /// the runner cannot tell.
    #[must_use]
    pub fn guest_sha256s(&self) -> BTreeMap<String, Option<String>> {
        #[cfg(feature = "sandbox")]
        {
            let guests = self.guests().into_iter().map(|guest| {
                let runner = self.sandbox.as_ref();
                let image = runner.and_then(|sandbox| sandbox.0.guest_sha256(guest));
                (guest.to_owned(), image)
            });
            guests.collect()
        }
        #[cfg(not(feature = "sandbox"))]
        BTreeMap::new()
    }

    /// SHA-256 of the spec's text and of the grammars it names, in hexadecimal.
    /// A spec without grammars has the hash of its file.
    #[must_use]
    pub fn spec_sha256(&self) -> &str {
        &self.compiled.sha256
    }

    /// Where records have the fields that this spec reads.
    #[must_use]
    pub fn fields(&self) -> &FieldMap {
        &self.compiled.spec.fields
    }

    /// The names of the rewards, in the spec's order.
    #[must_use]
    pub fn rewards(&self) -> &[Arc<str>] {
        &self.compiled.names
    }

    /// The weight of every reward, in the order of [`Scorer::rewards`].
    pub fn weights(&self) -> impl Iterator<Item = f64> {
        let rewards = self.compiled.spec.rewards.iter();
        rewards.map(|reward| reward.weight)
    }

    /// The rewards whose verdict says that a rollout is solved: those that
    /// judge the answer against a reference, in the spec's order. A row counts
    /// by the first of them that applies to it.
    pub fn solvers(&self) -> impl Iterator<Item = &Arc<str>> {
        let verifiers = self
            .compiled
            .spec
            .rewards
            .iter()
            .filter(|reward| reward.kind.is_verifier());
        verifiers.map(|reward| &reward.name)
    }

    /// Whether a row can count by a solver whose verdicts name answers; see
    /// [`Scorer::names_answers_of`].
    #[must_use]
    pub fn names_answers(&self) -> bool {
        let rewards = self.compiled.spec.rewards.iter();
        let mut solvers = rewards.filter(|reward| reward.kind.is_verifier());
        // No row gets past a solver that applies to all.
        let decides = |reward: &&Reward| {
            let is_for_all =
                reward.when.is_empty() && reward.unless.is_empty() && reward.of.is_none();
            is_for_all || reward.kind.names_answers()
        };
        solvers
            .find(decides)
            .is_some_and(|reward| reward.kind.names_answers())
    }

    /// Whether verdicts of this reward name the answer that they judge, by which
    /// samples of a prompt can vote.
    #[must_use]
    pub fn names_answers_of(&self, reward: &str) -> bool {
        let mut rewards = self.compiled.spec.rewards.iter();
        rewards.any(|known| &*known.name == reward && known.kind.names_answers())
    }

    /// Whether a total is the sum of its terms: no gate, no table, no clip.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let combine = &self.compiled.spec.combine;
        matches!(combine.rule, Rule::Sum) && combine.clip.is_none()
    }

    /// Whether a reward of the spec compares the rollouts of a group: then
    /// whole groups are scored, with [`Scorer::score_all`], or with
    /// [`Scorer::begin`] and [`Scorer::settle`].
    #[must_use]
    pub fn needs_groups(&self) -> bool {
        let mut rewards = self.compiled.spec.rewards.iter();
        rewards.any(|reward| reward.kind.needs_group())
    }
}
