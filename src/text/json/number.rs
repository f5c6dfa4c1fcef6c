//! Numbers that a double or a 64-bit integer cannot hold, in valid JSON.

/// Significant decimal digits up to which a double is told from its neighbours.
const DIGITS: usize = 17;

/// The first number of `json`, a valid JSON text, whose value would be rounded
/// away: not finite, an integer beyond 64 bits, nonzero but read as 0, or of more
/// than 17 significant digits.
pub(super) fn beyond_double(json: &str) -> Option<&str> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let start = at;
                while at < bytes.len()
                    && matches!(bytes[at], b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
                {
                    at += 1;
                }
                let number = &json[start..at];
                if !is_held(number) {
                    return Some(number);
                }
            }
            _ => at += 1,
        }
    }
    None
}

fn is_held(number: &str) -> bool {
    if !number.contains(['.', 'e', 'E']) {
        return number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    }
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_matches('0').len();
    let read: f64 = number.parse().unwrap_or(f64::INFINITY);
    read.is_finite() && significant <= DIGITS && (read != 0.0 || significant == 0)
}
