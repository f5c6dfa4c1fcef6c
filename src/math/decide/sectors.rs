//! Cells between lines through the origin: `\sqrt{r/(r + s)}` changes its branch
//! where r, s or r + s changes sign, so that each sector between those lines
//! needs a point of its own.

use num_rational::BigRational;

use super::points::Point;
use super::secrets::Secrets;

/// The zeros of `weights[0]·x + weights[1]·y`, for the symbols of two positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) symbols: [usize; 2],
    pub(super) weights: [f64; 2],
}

/// More lines are no formula.
const LINES: usize = 12;

/// A secret point in each sector between the lines and the axes of one pair of
/// symbols, for either sign of every other symbol; `None` where there are several
/// pairs or lines that may be one.
pub(super) fn points(
    lines: &[Line],
    symbols: &[Box<str>],
    secrets: &Secrets,
) -> Option<Vec<Point>> {
    let pair = lines.first()?.symbols;
    if lines.len() > LINES || lines.iter().any(|line| line.symbols != pair) {
        return None;
    }
    let turn = std::f64::consts::PI;
    // Directions along the lines, in half a turn; the axes are two of them.
    let mut angles: Vec<f64> = lines
        .iter()
        .map(|line| (-line.weights[0]).atan2(line.weights[1]).rem_euclid(turn))
        .chain([0.0, turn / 2.0, turn])
        .collect();
    angles.sort_by(f64::total_cmp);
    angles.dedup();
    let others: Vec<usize> = (0..symbols.len()).filter(|at| !pair.contains(at)).collect();
    let random = |key: usize| {
        let bits = secrets.number(&[0x7365_6374, key as u64]) >> 12;
        0.1 + 0.8 * (bits as f64 / (1u64 << 52) as f64)
    };
    let mut all = Vec::new();
    for (index, ends) in angles.windows(2).enumerate() {
        let gap = ends[1] - ends[0];
        // Lines that may be one line are not told apart here.
        if gap < 1e-6 {
            return None;
        }
        let angle = ends[0] + gap * random(index);
        for pattern in 0..2_usize << others.len() {
            let sign = |bit: usize| if pattern >> bit & 1 == 0 { 1.0 } else { -1.0 };
            let radius = sign(0) * (0.5 + 4.0 * random(64 + pattern + 16 * index));
            let mut place = vec![0.0; symbols.len()];
            place[pair[0]] = radius * angle.cos();
            place[pair[1]] = radius * angle.sin();
            for (bit, other) in others.iter().enumerate() {
                place[*other] = sign(bit + 1) * (0.5 + 2.0 * random(1024 + pattern + 16 * index));
            }
            let point: Option<Point> = symbols
                .iter()
                .zip(&place)
                .map(|(name, value)| Some((name.clone(), BigRational::from_float(*value)?)))
                .collect();
            all.push(point?);
        }
    }
    Some(all)
}
