//! The closed table of units, with dimension and exact factor.
//!
//! A word outside this table is never a unit, and single letters are units only
//! where the table says so and a number stands before them. Two units compare
//! only within one dimension; currencies and counted things are dimensions of
//! their own.

/// What a unit measures; quantities of different dimensions are never equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Dimension {
    Length,
    Area,
    Volume,
    Mass,
    Time,
    Speed,
    Angle,
    Dollar,
    Euro,
    Pound,
    Yuan,
    Yen,
    Rupee,
    /// "units", "square units", … : says nothing about the size.
    Unnamed(u8),
}

/// A unit of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The name that is printed.
    pub(super) name: &'static str,
    pub(super) dimension: Dimension,
    /// The base units in one of it, as a fraction.
    pub(super) factor: (u64, u64),
}

type Row = (&'static [&'static str], Dimension, (u64, u64));

/// First the printed name, then its other spellings. Base units are the metre,
/// the cubic metre, the gram, the second, the degree and each currency's own.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    (&["mm", "millimeter", "millimeters", "millimetre", "millimetres", "毫米"], Dimension::Length, (1, 1000)),
    (&["cm", "centimeter", "centimeters", "centimetre", "centimetres", "厘米"], Dimension::Length, (1, 100)),
    (&["dm", "decimeter", "decimeters", "分米"], Dimension::Length, (1, 10)),
    (&["m", "meter", "meters", "metre", "metres", "米"], Dimension::Length, (1, 1)),
    (&["km", "kilometer", "kilometers", "kilometre", "kilometres", "千米", "公里"], Dimension::Length, (1000, 1)),
    (&["in", "inch", "inches"], Dimension::Length, (254, 10_000)),
    (&["ft", "foot", "feet"], Dimension::Length, (3048, 10_000)),
    (&["yd", "yard", "yards"], Dimension::Length, (9144, 10_000)),
    (&["mi", "mile", "miles"], Dimension::Length, (1_609_344, 1000)),
    (&["mg", "milligram", "milligrams"], Dimension::Mass, (1, 1000)),
    (&["g", "gm", "gram", "grams", "克"], Dimension::Mass, (1, 1)),
    (&["kg", "kilogram", "kilograms", "千克", "公斤"], Dimension::Mass, (1000, 1)),
    (&["oz", "ounce", "ounces"], Dimension::Mass, (45_359_237, 1_600_000)),
    (&["lb", "lbs", "pound", "pounds"], Dimension::Mass, (45_359_237, 100_000)),
    (&["s", "sec", "second", "seconds", "秒"], Dimension::Time, (1, 1)),
    (&["min", "minute", "minutes", "分钟"], Dimension::Time, (60, 1)),
    (&["h", "hr", "hour", "hours", "小时"], Dimension::Time, (3600, 1)),
    (&["day", "days", "天"], Dimension::Time, (86_400, 1)),
    (&["week", "weeks"], Dimension::Time, (604_800, 1)),
    (&["mph", "milesperhour"], Dimension::Speed, (1_609_344, 3_600_000)),
    (&["m/s", "meterspersecond"], Dimension::Speed, (1, 1)),
    (&["km/h", "kph", "kilometersperhour"], Dimension::Speed, (1000, 3600)),
    (&["mL", "ml", "milliliter", "milliliters"], Dimension::Volume, (1, 1_000_000)),
    (&["L", "l", "liter", "liters", "litre", "litres", "升"], Dimension::Volume, (1, 1000)),
    (&["degrees", "degree", "deg", "度"], Dimension::Angle, (1, 1)),
    (&["dollars", "dollar", "usd", "USD", "美元"], Dimension::Dollar, (1, 1)),
    (&["cents", "cent", "¢"], Dimension::Dollar, (1, 100)),
    (&["euros", "euro", "eur", "EUR", "欧元"], Dimension::Euro, (1, 1)),
    (&["gbp", "GBP"], Dimension::Pound, (1, 1)),
    (&["yuan", "rmb", "RMB", "cny", "CNY", "元"], Dimension::Yuan, (1, 1)),
    (&["yen", "jpy", "JPY", "円"], Dimension::Yen, (1, 1)),
    (&["rupees", "rupee", "inr", "INR", "Rs"], Dimension::Rupee, (1, 1)),
    (&["units", "unit"], Dimension::Unnamed(1), (1, 1)),
    (&["squareunits", "squareunit", "sq.units", "squnits"], Dimension::Unnamed(2), (1, 1)),
    (&["cubicunits", "cubicunit"], Dimension::Unnamed(3), (1, 1)),
];

/// The unit of that spelling, with an exponent: 2 and 3 make areas and volumes
/// of lengths. `m` and `M` differ; whole words may be capitalised.
pub(super) fn unit(spelling: &str, exponent: u8) -> Option<Unit> {
    let find = |name: &str| TABLE.iter().find(|row| row.0.contains(&name));
    let lower;
    let mut exponent = exponent;
    let mut name = spelling;
    // Words, but not abbreviations, may be in any case.
    if spelling.chars().count() > 3 {
        lower = spelling.to_lowercase();
        name = &lower;
        for (prefix, power) in [
            ("square", 2),
            ("sq.", 2),
            ("sq", 2),
            ("cubic", 3),
            ("cu.", 3),
            ("平方", 2),
            ("立方", 3),
        ] {
            match name.strip_prefix(prefix) {
                // "sq" must not eat into "square units".
                Some(rest)
                    if exponent == 1
                        && !rest.is_empty()
                        && !rest.starts_with("unit")
                        && !rest.starts_with("uare") =>
                {
                    (name, exponent) = (rest, power);
                    break;
                }
                _ => {}
            }
        }
    }
    let (names, dimension, factor) = find(name)?;
    let power = u32::from(exponent);
    let dimension = match (dimension, exponent) {
        (_, 1) => *dimension,
        (Dimension::Length, 2) => Dimension::Area,
        (Dimension::Length, 3) => Dimension::Volume,
        (Dimension::Unnamed(1), n @ (2 | 3)) => Dimension::Unnamed(n),
        _ => return None,
    };
    Some(Unit {
        name: printed(names[0], exponent)?,
        dimension,
        factor: (factor.0.checked_pow(power)?, factor.1.checked_pow(power)?),
    })
}

/// The currency that a sign names; `¥` is yuan or yen, so it names none.
pub(super) fn currency(sign: char) -> Option<Unit> {
    let name = match sign {
        '$' => "dollars",
        '€' => "euros",
        '£' => "gbp",
        '₹' => "rupees",
        '¢' => "cents",
        _ => return None,
    };
    unit(name, 1)
}

/// The currency that a code before a number names, `USD 5`.
pub(super) fn currency_code(word: &str) -> Option<Unit> {
    matches!(
        word,
        "USD" | "EUR" | "GBP" | "RMB" | "CNY" | "JPY" | "INR" | "Rs"
    )
    .then(|| unit(word, 1))
    .flatten()
}

fn printed(name: &'static str, exponent: u8) -> Option<&'static str> {
    Some(match (name, exponent) {
        (name, 1) => name,
        ("mm", 2) => "mm^2",
        ("cm", 2) => "cm^2",
        ("dm", 2) => "dm^2",
        ("m", 2) => "m^2",
        ("km", 2) => "km^2",
        ("in", 2) => "in^2",
        ("ft", 2) => "ft^2",
        ("yd", 2) => "yd^2",
        ("mi", 2) => "mi^2",
        ("mm", 3) => "mm^3",
        ("cm", 3) => "cm^3",
        ("dm", 3) => "dm^3",
        ("m", 3) => "m^3",
        ("km", 3) => "km^3",
        ("in", 3) => "in^3",
        ("ft", 3) => "ft^3",
        ("yd", 3) => "yd^3",
        ("units", 2) => "square units",
        ("units", 3) => "cubic units",
        _ => return None,
    })
}
