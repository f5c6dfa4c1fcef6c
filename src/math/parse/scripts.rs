//! Subscripts that name a quantity: any spelling in, plain letters out.
//!
//! `v_{\text{max}}`, `v_{\mathrm{max}}` and `v_\max` are one symbol; so are
//! `R_\odot` and `R_{\odot}`. TeX prints `v^2_0` and `v_0^2` alike, so the
//! subscript is brought to the front.

use std::borrow::Cow;

use super::ParseFault;
use super::normalise::{Previous, Writer, run};
use super::symbols;
use super::wording::group;

impl Writer<'_> {
    /// `_`; a subscript in words or signs becomes a plain one.
    pub(super) fn subscript(&mut self) -> Result<(), ParseFault> {
        let after = self.rest()[1..].trim_start();
        let argument = script(after).unwrap_or_default();
        // Behind digits it is a base, behind a command a limit.
        if self.previous == Previous::Operand
            && argument.starts_with(['{', '\\'])
            && let Some(name) = plain_name(argument)
        {
            let token = format!("_{{{name}}}");
            self.put(&token, Previous::Operand)?;
            self.at = self.source.len() - after.len() + argument.len();
            return Ok(());
        }
        self.put("_", Previous::Operator)?;
        self.skip(1, false)
    }
}

/// The text with every `x^a_b` as `x_b^a`.
pub(super) fn subscripts_first(text: &str) -> Cow<'_, str> {
    if !text.contains('^') || !text.contains('_') {
        return Cow::Borrowed(text);
    }
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '^'
            // Behind digits a subscript is a base.
            && new.ends_with(|c: char| c.is_alphabetic())
            && let Some(upper) = script(rest[1..].trim_start())
            && let Some(after) = rest[1..].trim_start()[upper.len()..]
                .trim_start()
                .strip_prefix('_')
            && let Some(lower) = script(after.trim_start())
        {
            for part in ["_", lower, "^", upper] {
                new.push_str(part);
            }
            // A command must not run into the letter after it.
            new.push(' ');
            rest = &after.trim_start()[lower.len()..];
            continue;
        }
        new.push(c);
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(new)
}

/// What a `^` or `_` takes: a group, a command with its group, a character.
fn script(rest: &str) -> Option<&str> {
    let grouped = |rest: &str| group(rest).map(|(_, after)| rest.len() - after.len());
    let end = match rest.chars().next()? {
        '{' => grouped(rest)?,
        '\\' => {
            let name = 1 + run(&rest[1..], |c| c.is_ascii_alphabetic());
            let takes_group = matches!(
                symbols::command(&rest[1..name]),
                Some(symbols::Symbol::Text)
            );
            match takes_group {
                true => name + grouped(&rest[name..])?,
                false if name > 1 => name,
                false => return None,
            }
        }
        c if c.is_alphanumeric() || matches!(c, '*' | '+' | '-' | '\'') => c.len_utf8(),
        _ => return None,
    };
    Some(&rest[..end])
}

/// A subscript without commands, groups and spaces; `None` where it is more
/// than a name.
fn plain_name(argument: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = argument;
    while let Some(c) = rest.chars().next() {
        if c != '\\' {
            match c {
                // `x_{a b}` is no name.
                ' ' if name.ends_with(char::is_alphanumeric)
                    && rest.trim_start().starts_with(char::is_alphanumeric) =>
                {
                    return None;
                }
                '{' | '}' | ' ' => {}
                c if c.is_ascii_alphanumeric() || "+-,*".contains(c) => name.push(c),
                c if ('α'..='ω').contains(&c) => name.push(c),
                _ => return None,
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = 1 + run(&rest[1..], |c| c.is_ascii_alphabetic());
        let command = &rest[1..end];
        rest = &rest[end..];
        let sign = match command {
            "odot" => '⊙',
            "oplus" => '⊕',
            "perp" => '⊥',
            "parallel" => '∥',
            "infty" => '∞',
            "max" | "min" => {
                name.push_str(command);
                continue;
            }
            _ if symbols::command(command) == Some(symbols::Symbol::Text) => continue,
            _ => symbols::greek(command)?,
        };
        name.push(sign);
    }
    (!name.is_empty()).then_some(name)
}
