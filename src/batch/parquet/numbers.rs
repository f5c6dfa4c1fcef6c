//! Numbers as JSON has them, and whether 64 bits hold them.
//!
//! A number is exact if the shortest text of what holds it (a whole number of 64
//! bits, or a float) is the number's own text; a number with an exponent may be the
//! same number in another notation, since writers differ there.

/// Whether every number in this JSON is exact.
pub(super) fn are_exact(json: &str) -> bool {
    let bytes = json.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at += string_bytes(&bytes[at..]),
            b'-' | b'0'..=b'9' => {
                let rest = &bytes[at..];
                let length = rest.iter().take_while(|byte| is_part(byte)).count();
                if !is_exact(&json[at..at + length]) {
                    return false;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    true
}

/// Whether the number is exact.
pub(super) fn is_exact(number: &str) -> bool {
    let is_whole = !number.contains(['.', 'e', 'E']);
    if is_whole {
        let is_64_bits = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
        // Zero has a sign as a float alone.
        return is_64_bits && number != "-0";
    }
    let Some(float) = number.parse::<f64>().ok().filter(|float| float.is_finite()) else {
        return false;
    };
    let Ok(shortest) = serde_json::to_string(&float) else {
        return false;
    };
    shortest == number || number.contains(['e', 'E']) && canonical(&shortest) == canonical(number)
}

/// A string's length with its quotes.
fn string_bytes(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
        at += found;
        match bytes[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
    bytes.len()
}

/// Sign, digits without zeros at either end, and the power of ten of the last one.
fn canonical(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let is_negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    let significant = digits.trim_end_matches('0');
    let dropped = (digits.len() - significant.len()) as i64;
    let significant = significant.trim_start_matches('0');
    let power = match significant {
        "" => 0,
        _ => exponent.parse::<i64>().ok()? - part.len() as i64 + dropped,
    };
    Some((is_negative, significant.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_exact_if_its_shortest_text_says_so() {
        let exact = [
            "0",
            "12",
            "-7",
            "9223372036854775807",
            "18446744073709551615",
            "0.1",
            "12.0",
            "3.141592653589793",
            "-0.0",
            "1e-05",
            "1E+16",
            "2.5e3",
            "1e22",
        ];
        for number in exact {
            assert!(is_exact(number), "{number}");
        }
        let inexact = [
            "3.14159265358979323846",
            "9007199254740993.0",
            "0.33333333333333333333",
            "18446744073709551616",
            "-0",
            "1.50",
            "1e400",
            "1e-400",
            "9007199254740993e0",
            "123456789012345678901234567890",
        ];
        for number in inexact {
            assert!(!is_exact(number), "{number}");
        }
    }

    #[test]
    fn numbers_within_strings_are_none() {
        assert!(are_exact(
            r#"{"a":["3.14159265358979323846\"1.50\\",1.5],"1.50":-2}"#
        ));
        assert!(!are_exact(r#"{"a":["\\",1.50]}"#));
        assert!(!are_exact("[[3.14159265358979323846]]"));
        assert!(are_exact("\"") && are_exact("\"\\"));
    }
}
