//! Expressions and statements of tests, as far as the host understands them.

use super::token::{Token, tokens};
use crate::code::value::{MAX_DEPTH, Value};

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Literal(Value),
    Name(String),
    Attribute(Box<Expr>, String),
    Call {
        function: Box<Expr>,
        args: Vec<Expr>,
        named: Vec<NamedArg>,
    },
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Set(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// One comparison; chains are not understood.
    Compare(&'static str, Box<Expr>, Box<Expr>),
}

/// An argument with its name.
pub(super) type NamedArg = (String, Expr);

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Expression(Expr),
    Assert(Expr),
    /// `import a` with the names it binds.
    Import(String),
    Assign(String, Expr),
    Def {
        name: String,
        parameter: String,
        body: Vec<Statement>,
    },
    Pass,
}

/// The statements of `text`; nothing where one of them is not understood.
pub(super) fn statements(text: &str) -> Option<Vec<Statement>> {
    let mut parser = Parser::new(tokens(text)?);
    let body = parser.block(false)?;
    parser.at_end().then_some(body)
}

/// The one expression that `text` is.
pub(super) fn expression(text: &str) -> Option<Expr> {
    // A literal may stand on lines of its own, as in brackets.
    let mut parser = Parser::new(tokens(text.trim())?);
    let expr = parser.tuple()?;
    matches!(parser.next(), None | Some(Token::Line))
        .then_some(())
        .filter(|()| parser.at_end())?;
    Some(expr)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Binary operators and how tightly they bind.
const BINARY: &[(&str, u8)] = &[("+", 1), ("-", 1), ("*", 2), ("/", 2), ("//", 2), ("%", 2)];

/// Names that are no names.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

impl Parser {
    fn new(tokens: Vec<Token>) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
        }
    }

    fn at_end(&self) -> bool {
        self.tokens[self.at.min(self.tokens.len())..]
            .iter()
            .all(|token| matches!(token, Token::Line))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(found)) if *found == mark);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Name(name) if !KEYWORDS.contains(&name.as_str()) => Some(name),
            _ => None,
        }
    }

    fn line(&mut self) -> Option<()> {
        matches!(self.next(), None | Some(Token::Line)).then_some(())
    }

    fn block(&mut self, nested: bool) -> Option<Vec<Statement>> {
        let mut body = Vec::new();
        loop {
            match self.peek() {
                None if !nested => return Some(body),
                Some(Token::Dedent) if nested => {
                    self.at += 1;
                    return Some(body);
                }
                Some(Token::Line) => self.at += 1,
                _ => body.push(self.statement(nested)?),
            }
        }
    }

    fn statement(&mut self, nested: bool) -> Option<Statement> {
        if self.word("assert") {
            let test = self.expr()?;
            if self.mark(",") {
                self.expr()?;
            }
            self.line()?;
            return Some(Statement::Assert(test));
        }
        if self.word("import") {
            let name = self.name()?;
            self.line()?;
            return Some(Statement::Import(name));
        }
        if self.word("pass") {
            self.line()?;
            return Some(Statement::Pass);
        }
        if self.word("def") {
            // One level is all that tests need.
            if nested {
                return None;
            }
            let name = self.name()?;
            let parameter = self.mark("(").then(|| self.name())??;
            if !(self.mark(")") && self.mark(":")) {
                return None;
            }
            self.line()?;
            if !matches!(self.next()?, Token::Indent) {
                return None;
            }
            let body = self.block(true)?;
            return Some(Statement::Def {
                name,
                parameter,
                body,
            });
        }
        let expr = self.tuple()?;
        if self.mark("=") {
            let Expr::Name(name) = expr else { return None };
            let value = self.tuple()?;
            self.line()?;
            return Some(Statement::Assign(name, value));
        }
        self.line()?;
        Some(Statement::Expression(expr))
    }

    /// An expression, or several with commas between.
    fn tuple(&mut self) -> Option<Expr> {
        let first = self.expr()?;
        if !self.mark(",") {
            return Some(first);
        }
        let mut items = vec![first];
        while !matches!(self.peek(), None | Some(Token::Line)) {
            items.push(self.expr()?);
            if !self.mark(",") {
                break;
            }
        }
        Some(Expr::Tuple(items))
    }

    fn expr(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let expr = if self.word("not") {
            Expr::Not(Box::new(self.expr()?))
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        // Neither logic nor a choice nor a comprehension is understood.
        let goes_on = matches!(self.peek(), Some(Token::Name(_)));
        (!goes_on).then_some(expr)
    }

    fn comparison(&mut self) -> Option<Expr> {
        let left = self.binary(1)?;
        let Some(operator) = self.comparator() else {
            return Some(left);
        };
        let right = self.binary(1)?;
        if self.comparator().is_some() {
            return None;
        }
        Some(Expr::Compare(operator, Box::new(left), Box::new(right)))
    }

    fn comparator(&mut self) -> Option<&'static str> {
        if self.word("is") {
            return Some(if self.word("not") { "is not" } else { "is" });
        }
        ["==", "!=", "<=", ">=", "<", ">"]
            .into_iter()
            .find(|mark| self.mark(mark))
    }

    fn binary(&mut self, tightness: u8) -> Option<Expr> {
        let mut left = self.unary()?;
        // A chain of operators nests to the left.
        for _ in 0..MAX_DEPTH {
            let operator = match self.peek() {
                Some(Token::Mark(mark)) => BINARY.iter().find(|(known, _)| known == mark),
                _ => None,
            };
            match operator {
                Some((mark, binds)) if *binds >= tightness => {
                    self.at += 1;
                    let right = self.binary(binds + 1)?;
                    left = Expr::Binary(mark, Box::new(left), Box::new(right));
                }
                _ => return Some(left),
            }
        }
        None
    }

    fn unary(&mut self) -> Option<Expr> {
        for mark in ["-", "+", "~"] {
            if self.mark(mark) {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
                let inner = self.unary()?;
                self.depth -= 1;
                return Some(Expr::Unary(mark, Box::new(inner)));
            }
        }
        let base = self.postfix()?;
        if self.mark("**") {
            // Binds tighter than a sign before it, looser than one after it.
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return None;
            }
            let exponent = self.unary()?;
            self.depth -= 1;
            return Some(Expr::Binary("**", Box::new(base), Box::new(exponent)));
        }
        Some(base)
    }

    fn postfix(&mut self) -> Option<Expr> {
        let mut expr = self.atom()?;
        for _ in 0..MAX_DEPTH {
            if self.mark(".") {
                expr = Expr::Attribute(Box::new(expr), self.name()?);
            } else if self.mark("(") {
                let (args, named) = self.arguments()?;
                expr = Expr::Call {
                    function: Box::new(expr),
                    args,
                    named,
                };
            } else if self.mark("[") {
                return None;
            } else {
                return Some(expr);
            }
        }
        None
    }

    fn arguments(&mut self) -> Option<(Vec<Expr>, Vec<NamedArg>)> {
        let (mut args, mut named) = (Vec::new(), Vec::new());
        while !self.mark(")") {
            let arg = self.expr()?;
            if self.mark("=") {
                let Expr::Name(name) = arg else { return None };
                named.push((name, self.expr()?));
            } else if named.is_empty() {
                args.push(arg);
            } else {
                return None;
            }
            if !self.mark(",") {
                self.mark(")").then_some(())?;
                break;
            }
        }
        Some((args, named))
    }

    fn atom(&mut self) -> Option<Expr> {
        match self.next()? {
            Token::Literal(value) => self.joined(value),
            Token::Name(name) => Some(match name.as_str() {
                "None" => Expr::Literal(Value::None),
                "True" => Expr::Literal(Value::Bool(true)),
                "False" => Expr::Literal(Value::Bool(false)),
                word if KEYWORDS.contains(&word) => return None,
                _ => Expr::Name(name),
            }),
            Token::Mark("(") => {
                if self.mark(")") {
                    return Some(Expr::Tuple(Vec::new()));
                }
                let first = self.expr()?;
                if self.mark(")") {
                    return Some(first);
                }
                self.mark(",").then_some(())?;
                Some(Expr::Tuple(self.items(vec![first], ")")?))
            }
            Token::Mark("[") => Some(Expr::List(self.items(Vec::new(), "]")?)),
            Token::Mark("{") => self.braces(),
            _ => None,
        }
    }

    /// String literals that stand side by side are one.
    fn joined(&mut self, first: Value) -> Option<Expr> {
        let mut value = first;
        while let Some(Token::Literal(next)) = self.peek() {
            match (&mut value, next) {
                (Value::Str(text), Value::Str(more)) | (Value::Bytes(text), Value::Bytes(more)) => {
                    text.extend(more);
                }
                _ => return None,
            }
            self.at += 1;
        }
        Some(Expr::Literal(value))
    }

    fn items(&mut self, mut items: Vec<Expr>, close: &str) -> Option<Vec<Expr>> {
        while !self.mark(close) {
            items.push(self.expr()?);
            if !self.mark(",") {
                self.mark(close).then_some(())?;
                break;
            }
        }
        Some(items)
    }

    fn braces(&mut self) -> Option<Expr> {
        if self.mark("}") {
            return Some(Expr::Dict(Vec::new()));
        }
        let first = self.expr()?;
        if !self.mark(":") {
            let items = if self.mark(",") {
                self.items(vec![first], "}")?
            } else {
                self.mark("}").then_some(vec![first])?
            };
            return Some(Expr::Set(items));
        }
        let mut pairs = vec![(first, self.expr()?)];
        while !self.mark("}") {
            self.mark(",").then_some(())?;
            if self.mark("}") {
                break;
            }
            let key = self.expr()?;
            self.mark(":").then_some(())?;
            pairs.push((key, self.expr()?));
        }
        Some(Expr::Dict(pairs))
    }
}
