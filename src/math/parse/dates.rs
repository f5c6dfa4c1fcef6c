//! Dates of nothing but digits: `2020-01-02` is no difference and `1/2/2020` no
//! quotient, where nothing else is written.

/// Whether the text has the form of a date: a year of four digits first or last, a
/// month and a day that the calendar knows, and one separator between them.
pub(super) fn is_date(text: &str) -> bool {
    for separator in ['-', '/', '.'] {
        let parts: Vec<&str> = text.split(separator).collect();
        if let [one, two, three] = parts.as_slice() {
            return match (is_year(one), is_year(three)) {
                (true, false) => separator != '.' && is_day_and_month(two, three),
                (false, true) => is_day_and_month(one, two),
                _ => false,
            };
        }
    }
    false
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && number(text).is_some_and(|year| (1000..3000).contains(&year))
}

/// In either order.
fn is_day_and_month(one: &str, two: &str) -> bool {
    let within = |text: &str, most: u32| {
        text.len() <= 2 && number(text).is_some_and(|number| (1..=most).contains(&number))
    };
    (within(one, 31) && within(two, 12)) || (within(one, 12) && within(two, 31))
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}
