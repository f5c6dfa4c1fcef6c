//! A small parser of plain maths, for tests alone.

use num_bigint::BigInt;
use num_rational::BigRational;

use crate::math::expr::{Arena, Constant, Expr, Function, Id, Node};

/// Parses `sqrt(2)/2 + x^2`, with explicit `*`; panics on anything else.
pub(in crate::math::decide) fn parse(text: &str) -> Expr {
    let mut parser = Parser {
        text: text.as_bytes(),
        at: 0,
        arena: Arena::default(),
    };
    let root = parser.sum();
    assert_eq!(
        parser.at,
        parser.text.len(),
        "rest of `{text}` from {}",
        parser.at
    );
    Expr {
        arena: parser.arena,
        root,
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    arena: Arena,
}

impl Parser<'_> {
    fn peek(&mut self) -> u8 {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    fn number(&mut self, n: i64) -> Id {
        self.arena
            .add(Node::Number(BigRational::from_integer(BigInt::from(n))))
    }

    fn negative(&mut self, id: Id) -> Id {
        if let Node::Number(value) = self.arena.node(id) {
            let value = -value;
            return self.arena.add(Node::Number(value));
        }
        let minus = self.number(-1);
        self.arena.add(Node::Mul([minus, id].into()))
    }

    fn sum(&mut self) -> Id {
        let mut terms = vec![self.product()];
        loop {
            if self.eat(b'+') {
                terms.push(self.product());
            } else if self.eat(b'-') {
                let term = self.product();
                terms.push(self.negative(term));
            } else if terms.len() == 1 {
                return terms[0];
            } else {
                return self.arena.add(Node::Add(terms.into()));
            }
        }
    }

    fn product(&mut self) -> Id {
        let mut factors = vec![self.unary()];
        loop {
            if self.eat(b'*') {
                factors.push(self.unary());
            } else if self.eat(b'/') {
                let factor = self.unary();
                let minus = self.number(-1);
                factors.push(self.arena.add(Node::Pow(factor, minus)));
            } else if factors.len() == 1 {
                return factors[0];
            } else {
                return self.arena.add(Node::Mul(factors.into()));
            }
        }
    }

    fn unary(&mut self) -> Id {
        if self.eat(b'-') {
            let value = self.unary();
            return self.negative(value);
        }
        self.power()
    }

    fn power(&mut self) -> Id {
        let mut base = self.atom();
        while self.eat(b'!') {
            base = self.arena.add(Node::Factorial(base));
        }
        if self.eat(b'^') {
            let exponent = self.unary();
            return self.arena.add(Node::Pow(base, exponent));
        }
        base
    }

    fn atom(&mut self) -> Id {
        if self.eat(b'(') {
            let inner = self.sum();
            assert!(self.eat(b')'), "unclosed parenthesis");
            return inner;
        }
        self.peek();
        let start = self.at;
        while self
            .text
            .get(self.at)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'.')
        {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.text[start..self.at]).unwrap();
        assert!(!word.is_empty(), "no atom at {start}");
        if word.as_bytes()[0].is_ascii_digit() {
            let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
            let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
            let scale = BigInt::from(10).pow(u32::try_from(fraction.len()).unwrap());
            return self
                .arena
                .add(Node::Number(BigRational::new(digits, scale)));
        }
        let constant = match word {
            "pi" => Some(Constant::Pi),
            "e" => Some(Constant::E),
            "i" => Some(Constant::I),
            _ => None,
        };
        if let Some(constant) = constant {
            return self.arena.add(Node::Constant(constant));
        }
        let word = word.to_owned();
        if !self.eat(b'(') {
            return self.arena.add(Node::Symbol(word.into()));
        }
        let mut list = vec![self.sum()];
        while self.eat(b',') {
            list.push(self.sum());
        }
        assert!(self.eat(b')'), "unclosed call");
        let node = match (&*word, &*list) {
            ("sqrt", [x]) => Node::Root {
                degree: 2,
                radicand: *x,
            },
            ("cbrt", [x]) => Node::Root {
                degree: 3,
                radicand: *x,
            },
            ("root5", [x]) => Node::Root {
                degree: 5,
                radicand: *x,
            },
            ("log", [base, x]) => Node::Log {
                base: *base,
                argument: *x,
            },
            ("binom", [n, k]) => Node::Binomial(*n, *k),
            ("f" | "g", _) => Node::Call(word.into(), list.into()),
            (_, [x]) => Node::Apply(function(&word), *x),
            _ => panic!("arguments of {word}"),
        };
        self.arena.add(node)
    }
}

fn function(name: &str) -> Function {
    match name {
        "sin" => Function::Sin,
        "cos" => Function::Cos,
        "tan" => Function::Tan,
        "cot" => Function::Cot,
        "sec" => Function::Sec,
        "csc" => Function::Csc,
        "arcsin" => Function::Arcsin,
        "arccos" => Function::Arccos,
        "arctan" => Function::Arctan,
        "sinh" => Function::Sinh,
        "cosh" => Function::Cosh,
        "tanh" => Function::Tanh,
        "exp" => Function::Exp,
        "ln" => Function::Ln,
        "abs" => Function::Abs,
        "floor" => Function::Floor,
        "ceil" => Function::Ceil,
        "conj" => Function::Conj,
        "re" => Function::Re,
        "im" => Function::Im,
        _ => panic!("no function {name}"),
    }
}
