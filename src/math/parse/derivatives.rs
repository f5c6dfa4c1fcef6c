//! Derivatives in Leibniz's notation: canonical text in, the same text with each
//! as one symbol out.
//!
//! `\frac{dx}{dt}` is no quotient of products: the d's are no variables, and
//! cancelling them would make it x/t. `\frac{dx}{dt}` is `\dot x` and
//! `\frac{dy}{dx}` is `y'`, as both are usually read; other pairs of letters are
//! symbols of their own. What is derived but no letter, `\frac{d}{dx}` or
//! `\frac{d(x^2)}{dx}`, has no reading: it states work, not a value.

use std::borrow::Cow;

use super::ParseFault;
use super::wording::group;

/// The text with every derivative as a symbol.
///
/// # Errors
/// [`ParseFault::Unparsed`] at a derivative of what is no letter.
pub(super) fn as_symbols(text: &str) -> Result<Cow<'_, str>, ParseFault> {
    if !text.contains("{d") && !text.contains("/d") && !text.contains("\\text{d}") {
        return Ok(Cow::Borrowed(text));
    }
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let letter_before = new.ends_with(|c: char| c.is_alphabetic() || c == '\\');
        match quotient(rest).or_else(|| slashed(rest)) {
            Some((over, under, taken)) => {
                let symbol = match letter_before && !rest.starts_with('\\') {
                    // The x of `x dy/dx` may be a factor or a part of a word.
                    true => None,
                    false => symbol(&over, &under),
                };
                new.push_str(&symbol.ok_or(ParseFault::Unparsed { at })?);
                at += taken;
            }
            None => {
                new.push(c);
                at += c.len_utf8();
            }
        }
    }
    Ok(match new == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(new),
    })
}

/// `d^2 y` or `dx^2`: how often, and what is behind the d.
struct Differential<'t> {
    order: u32,
    of: &'t str,
}

/// `\frac{d…}{dx}` at the start of a text: both differentials and the length.
fn quotient(text: &str) -> Option<(Differential<'_>, Differential<'_>, usize)> {
    let rest = text.strip_prefix("\\frac")?.trim_start();
    if !rest.starts_with("{d") && !rest.starts_with("{\\text{d}") {
        return None;
    }
    let (over, rest) = group(rest)?;
    let (under, rest) = group(rest)?;
    let over = differential(over.trim())?;
    let under = variable(differential(under.trim())?.of)?;
    Some((over, under, text.len() - rest.len()))
}

/// `dy/dx` at the start of a text.
fn slashed(text: &str) -> Option<(Differential<'_>, Differential<'_>, usize)> {
    let over = differential(text)?;
    let rest = letter(over.of)?.trim_start().strip_prefix('/')?;
    let over = Differential {
        of: &over.of[..over.of.chars().next()?.len_utf8()],
        ..over
    };
    let under = differential(rest.trim_start())?.of;
    let behind = power(letter(under)?).1;
    let glued = behind.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let under = variable(&under[..under.len() - behind.len()])?;
    (!glued).then_some((over, under, text.len() - behind.len()))
}

/// What follows a d, and the power of that d.
fn differential(text: &str) -> Option<Differential<'_>> {
    let rest = text
        .strip_prefix("\\text{d}")
        .or_else(|| text.strip_prefix('d'))?;
    let (order, of) = power(rest);
    Some(Differential {
        order,
        of: of.trim(),
    })
}

/// The variable below: a letter and its power.
fn variable(text: &str) -> Option<Differential<'_>> {
    let rest = letter(text)?;
    let (order, rest) = power(rest);
    rest.trim().is_empty().then(|| Differential {
        order,
        of: &text[..text.len() - letter(text).map_or(0, str::len)],
    })
}

/// What is behind the letter that the text begins with.
fn letter(text: &str) -> Option<&str> {
    let c = text.chars().next().filter(|c| c.is_alphabetic())?;
    Some(&text[c.len_utf8()..])
}

/// A leading `^2` or `^{2}`, 1 where there is none, and what is behind it.
fn power(text: &str) -> (u32, &str) {
    let parsed = text.trim_start().strip_prefix('^').and_then(|rest| {
        let (digits, rest) = match group(rest) {
            Some(found) => found,
            None => rest.split_at_checked(1)?,
        };
        Some((digits.trim().parse().ok()?, rest))
    });
    parsed.unwrap_or((1, text))
}

/// The symbol of a derivative; `None` where it is none of a letter.
fn symbol(over: &Differential<'_>, under: &Differential<'_>) -> Option<String> {
    let subscript = letter(over.of)?;
    let name = &over.of[..over.of.len() - subscript.len()];
    let is_subscript = subscript.is_empty()
        || subscript
            .strip_prefix('_')
            .is_some_and(|index| letter(index).is_some_and(str::is_empty) || is_index(index));
    if over.order != under.order || !is_subscript {
        return None;
    }
    Some(match (under.of, over.order) {
        ("t", 1) => format!("\\dot{{{name}}}{subscript}"),
        ("t", 2) => format!("\\ddot{{{name}}}{subscript}"),
        ("x", order @ 1..=2) if subscript.is_empty() => {
            format!("{name}{}", "'".repeat(usize::try_from(order).ok()?))
        }
        (variable, 1) => format!("\\derivative{{{name}{variable}}}{subscript}"),
        _ => return None,
    })
}

/// `{12}` or `1`.
fn is_index(text: &str) -> bool {
    let inside = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(text);
    !inside.is_empty() && inside.chars().all(char::is_alphanumeric)
}
