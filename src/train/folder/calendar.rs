//! The date in a chat template: a moment and Python's `strftime` in, text out.
//!
//! Only what templates use, in UTC. The days of a date: Howard Hinnant,
//! "chrono-compatible low-level date algorithms", `civil_from_days`.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];
const SECONDS_A_DAY: u64 = 86_400;

/// Formats a moment; none for a letter that is not known, or a time before 1970.
pub(super) fn format(moment: SystemTime, format: &str) -> Option<String> {
    let seconds = moment.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let (day, time) = (seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
    let (year, month, date) = civil(day);
    let weekday = DAYS[(day % 7) as usize];
    let name = MONTHS[month - 1];
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        text += &match letters.next()? {
            'Y' => year.to_string(),
            'y' => format!("{:02}", year % 100),
            'm' => format!("{month:02}"),
            'B' => name.to_owned(),
            'b' | 'h' => name[..3].to_owned(),
            'd' => format!("{date:02}"),
            'e' => format!("{date:2}"),
            'A' => weekday.to_owned(),
            'a' => weekday[..3].to_owned(),
            'H' => format!("{:02}", time / 3600),
            'M' => format!("{:02}", time / 60 % 60),
            'S' => format!("{:02}", time % 60),
            'F' => format!("{year}-{month:02}-{date:02}"),
            '%' => "%".to_owned(),
            _ => return None,
        };
    }
    Some(text)
}

/// Year, month from 1 and day from 1 of a day counted from 1970.
fn civil(day: u64) -> (u64, usize, u64) {
    // Years begin in March, so that the leap day is the last of its year.
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + carry, month as usize, date)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_of_known_seconds() {
        for (seconds, shown) in [
            (0, "Thursday 01 Jan 1970 00:00:00"),
            (951_782_400, "Tuesday 29 Feb 2000 00:00:00"),
            (1_722_001_507, "Friday 26 Jul 2024 13:45:07"),
            (4_107_542_399, "Sunday 28 Feb 2100 23:59:59"),
            (4_107_542_400, "Monday 01 Mar 2100 00:00:00"),
        ] {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(format(moment, "%A %d %b %Y %H:%M:%S").unwrap(), shown);
        }
        assert_eq!(format(UNIX_EPOCH, "%Q"), None);
    }
}
