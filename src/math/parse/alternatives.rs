//! Which readings a text may have: the settings to try.

use super::settings::{Calls, Division, Letters, LogBase, Operators, Pairs, Settings};
use super::variants;

/// The settings under which a text reads differently, the most usual first.
pub(super) fn alternatives(text: &str, letters: Letters) -> Vec<(Settings, Option<&'static str>)> {
    let usual = Settings {
        letters,
        ..Settings::default()
    };
    let mut all = vec![(usual.clone(), None)];
    let bare_log = text
        .match_indices("\\log")
        .any(|(at, log)| !text[at + log.len()..].starts_with('_'));
    if bare_log {
        all.push((
            Settings {
                log: LogBase::Natural,
                ..usual.clone()
            },
            Some("log_natural"),
        ));
    }
    if variants::divides_a_product(text) {
        all.push((
            Settings {
                division: Division::ProductFirst,
                ..usual.clone()
            },
            Some("product_first"),
        ));
    }
    let calls = ["f(", "g(", "h(", "F(", "G(", "P(", "Q("]
        .iter()
        .any(|call| text.contains(call));
    if calls && !text.contains(['=', '≤', '<', '>', '≥']) {
        all.push((
            Settings {
                calls: Calls::Products,
                ..usual.clone()
            },
            Some("call_as_product"),
        ));
    }
    if text.contains("\\sum") || text.contains("\\prod") {
        all.push((
            Settings {
                operators: Operators::CarriedOut,
                ..usual.clone()
            },
            Some("carried_out"),
        ));
    }
    if variants::has_pair(text) {
        all.push((
            Settings {
                pairs: Pairs::OpenIntervals,
                ..usual.clone()
            },
            Some("open_interval"),
        ));
    }
    if variants::has_choice_letters(text) && letters == Letters::Variables {
        all.push((
            Settings {
                letters: Letters::Choices,
                ..usual
            },
            Some("choice_letter"),
        ));
    }
    all
}
