//! A curve in a line of text.

/// From the least to the greatest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve as `width` characters: means of equal parts of it, the least value at
/// the bottom and the greatest at the top. Parts without a number are blank, and
/// a curve that does not change lies in the middle.
pub(super) fn spark(points: &[(f64, f64)], width: usize) -> String {
    let parts = width.min(points.len());
    let means: Vec<Option<f64>> = (0..parts)
        .map(|part| {
            let (from, to) = (
                part * points.len() / parts,
                (part + 1) * points.len() / parts,
            );
            let values: Vec<f64> = points[from..to]
                .iter()
                .map(|&(_, value)| value)
                .filter(|value| value.is_finite())
                .collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        })
        .collect();
    let known = || means.iter().flatten().copied();
    let least = known().fold(f64::INFINITY, f64::min);
    let span = known().fold(f64::NEG_INFINITY, f64::max) - least;
    // Rounding is no change.
    let is_flat = span <= least.abs() * 1e-9;
    means
        .iter()
        .map(|mean| match mean {
            None => ' ',
            Some(_) if is_flat => BARS[3],
            Some(mean) => BARS[((mean - least) / span * 7.0).round() as usize],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::spark;

    fn of(values: &[f64], width: usize) -> String {
        let points: Vec<(f64, f64)> = values.iter().map(|&value| (0.0, value)).collect();
        spark(&points, width)
    }

    #[test]
    fn curves_fill_their_height() {
        assert_eq!(of(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8), "▁▂▃▄▅▆▇█");
        assert_eq!(of(&[0.0, 0.0, 7.0, 7.0], 2), "▁█");
        assert_eq!(of(&[0.0, f64::NAN, 1.0], 3), "▁ █");
    }

    #[test]
    fn nothing_and_no_change_are_no_fault() {
        assert_eq!(of(&[], 8), "");
        assert_eq!(of(&[0.3, 0.3], 8), "▄▄");
        assert_eq!(of(&[f64::NAN], 8), " ");
        assert_eq!(of(&[1.0], 0), "");
    }
}
