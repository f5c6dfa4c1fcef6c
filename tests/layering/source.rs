//! Rust source in, the paths that it names out.
//!
//! A reader of names and `::`, enough for imports: comments and literals are
//! skipped, `use` groups are spread, `super` is followed to the crate's root.

/// A path in the code, e.g. `crate::reward::Score`.
#[derive(Debug, PartialEq)]
pub(super) struct CodePath {
    /// 1-based.
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

/// A piece of source code that matters for paths.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    PathMark,
    Sign(char),
}

/// All paths of a file whose module is `depth` names below the crate root.
/// `super` chains that reach the root become `crate`; others are left out.
pub(super) fn paths(source: &str, depth: usize) -> Vec<CodePath> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Prefixes of open use groups, and braces of inline modules.
    let mut open: Vec<Brace> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (line, token) = &tokens[at];
        match token {
            Token::Name(name) if name == "mod" && is_inline_module(&tokens[at..]) => {
                open.push(Brace::Module);
                at += 3;
            }
            Token::Name(_) => {
                let mut segments = match open.last() {
                    Some(Brace::Group(prefix)) => prefix.clone(),
                    _ => Vec::new(),
                };
                at = read_path(&tokens, at, &mut segments);
                let inline = open
                    .iter()
                    .filter(|brace| matches!(brace, Brace::Module))
                    .count();
                if tokens
                    .get(at)
                    .is_some_and(|(_, token)| *token == Token::Sign('{'))
                    && tokens[at - 1].1 == Token::PathMark
                {
                    open.push(Brace::Group(segments));
                    at += 1;
                } else if !is_visibility(&tokens[..at], tokens.get(at))
                    && let Some(segments) = from_root(segments, depth + inline)
                {
                    found.push(CodePath {
                        line: *line,
                        segments,
                    });
                }
            }
            Token::Sign('*') => {
                if let Some(Brace::Group(prefix)) = open.last() {
                    let segments = prefix.iter().cloned().chain(["*".to_owned()]).collect();
                    found.push(CodePath {
                        line: *line,
                        segments,
                    });
                }
                at += 1;
            }
            Token::Sign('{') => {
                open.push(Brace::Block);
                at += 1;
            }
            Token::Sign('}') => {
                open.pop();
                at += 1;
            }
            Token::PathMark | Token::Sign(_) => at += 1,
        }
    }
    found
}

enum Brace {
    Module,
    Group(Vec<String>),
    Block,
}

fn is_inline_module(tokens: &[(usize, Token)]) -> bool {
    matches!(tokens, [_, (_, Token::Name(_)), (_, Token::Sign('{')), ..])
}

/// Reads `a::b::c`, also `a::*` and `a::{`; returns the position after it.
fn read_path(tokens: &[(usize, Token)], start: usize, segments: &mut Vec<String>) -> usize {
    let mut at = start;
    // A method or field of that name is no path.
    let is_member = start > 0 && tokens[start - 1].1 == Token::Sign('.');
    while let Some((_, Token::Name(name))) = tokens.get(at) {
        if at == start && is_keyword(name) {
            segments.push(name.clone());
            return at + 1;
        }
        segments.push(if is_member && at == start {
            format!(".{name}")
        } else {
            name.clone()
        });
        at += 1;
        if tokens.get(at).map(|(_, token)| token) != Some(&Token::PathMark) {
            return at;
        }
        at += 1;
    }
    if tokens.get(at).map(|(_, token)| token) == Some(&Token::Sign('*')) {
        segments.push("*".to_owned());
        at += 1;
    }
    at
}

/// `pub(crate)`, `pub(super)`: import nothing.
fn is_visibility(before: &[(usize, Token)], next: Option<&(usize, Token)>) -> bool {
    let [
        ..,
        (_, Token::Name(keyword)),
        (_, Token::Sign('(')),
        (_, Token::Name(_)),
    ] = before
    else {
        return false;
    };
    keyword == "pub" && next.is_some_and(|(_, token)| *token == Token::Sign(')'))
}

/// Keywords that stand before a path; `use ::pest` names `pest`.
fn is_keyword(name: &str) -> bool {
    [
        "use", "return", "as", "in", "for", "impl", "dyn", "where", "mut", "ref", "match", "if",
        "else",
    ]
    .contains(&name)
}

/// The path from the crate root on, or as it is where it begins elsewhere.
fn from_root(segments: Vec<String>, depth: usize) -> Option<Vec<String>> {
    let supers = segments.iter().filter(|name| *name == "super").count();
    if supers == 0 {
        return Some(segments);
    }
    (supers >= depth).then(|| {
        let rest = segments
            .into_iter()
            .filter(|name| name != "super" && name != "self");
        ["crate".to_owned()].into_iter().chain(rest).collect()
    })
}

/// Names, `::` and other signs with their lines; no comments, no literals.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let length = literal_length(rest).unwrap_or_else(|| {
            if c.is_alphabetic() || c == '_' {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &rest[..end.unwrap_or(rest.len())];
                found.push((line, Token::Name(name.to_owned())));
                name.len()
            } else if rest.starts_with("::") {
                found.push((line, Token::PathMark));
                2
            } else {
                if !c.is_whitespace() {
                    found.push((line, Token::Sign(c)));
                }
                c.len_utf8()
            }
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// The length of the comment, string or character at the beginning of `rest`.
fn literal_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        let (mut depth, mut at) = (0, 0);
        while at < rest.len() {
            match &rest.as_bytes()[at..] {
                [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
                [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
                _ => at += 1,
            }
            if depth == 0 {
                break;
            }
        }
        return Some(at);
    }
    let unprefixed = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let prefix = rest.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = prefix + 1 + hashes + 1;
            let end = rest[body..]
                .find(&close)
                .map_or(rest.len(), |end| body + end + close.len());
            return Some(end);
        }
    }
    let quote = unprefixed
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''))?;
    let body = prefix + 1;
    // `'a` without a closing quote right after is a lifetime.
    if quote == '\'' && !rest[body..].starts_with('\\') {
        let c = rest[body..].chars().next()?;
        let end = body + c.len_utf8();
        return Some(if rest[end..].starts_with('\'') {
            end + 1
        } else {
            body
        });
    }
    let mut is_escaped = false;
    for (at, c) in rest[body..].char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return Some(body + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}
