//! Signs of which nothing says whether they belong together: `\pm 1 \pm \sqrt{2}`.

use super::super::typed::Readings;

/// The rule of a reading that takes all signs of a value for the same one.
pub(in crate::math) const LINKED: &str = "linked_signs";

/// Marks the readings of a text in which some value holds several `±`: two values
/// or four. A `∓` beside them says that they are linked.
pub(super) fn mark(mut all: Readings, text: &str) -> Readings {
    if has_several(text) {
        for reading in &mut all.0 {
            reading.rule = Some(LINKED);
        }
    }
    all
}

fn has_several(text: &str) -> bool {
    let (mut depth, mut several, mut linked) = (0_u32, 0_u32, false);
    for c in text.chars() {
        match c {
            '(' | '[' | '⟨' => depth += 1,
            ')' | ']' | '⟩' => depth = depth.saturating_sub(1),
            '±' => several += 1,
            '∓' => linked = true,
            ',' | ';' | '=' | '∧' | '∨' | '⋀' | '⋁' if depth == 0 => {
                if several > 1 && !linked {
                    return true;
                }
                (several, linked) = (0, false);
            }
            _ => {}
        }
    }
    several > 1 && !linked
}
