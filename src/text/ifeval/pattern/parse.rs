//! The syntax: source in, a tree out; faults in words.

/// A pattern as a tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One character of a set.
    One(Set),
    /// A place between two characters.
    At(Place),
    /// One after the other.
    Sequence(Vec<Node>),
    /// The first that fits.
    Choice(Vec<Node>),
    /// The same again and again.
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
        greedy: bool,
    },
}

/// A place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `^`: what it is depends on the flags.
    Start,
    /// `$`: what it is depends on the flags.
    End,
    /// `\A`.
    TextStart,
    /// `\Z`.
    TextEnd,
    /// `\b`.
    WordEdge,
    /// `\B`.
    NoWordEdge,
}

/// A set of characters.
#[derive(Clone, Debug)]
pub(super) struct Set {
    /// The characters are those that are in no item.
    pub(super) negated: bool,
    pub(super) items: Vec<Item>,
}

/// Some characters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    Char(char),
    Range(char, char),
    Kind { kind: Kind, negated: bool },
}

/// The named sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `\d`.
    Digit,
    /// `\s`.
    Space,
    /// `\w`.
    Word,
}

/// Groups within groups; Python itself allows more, no keyword needs them.
const DEEPEST: usize = 40;

impl Node {
    /// Whether the empty text fits.
    pub(super) fn matches_empty(&self) -> bool {
        match self {
            Node::One(_) => false,
            Node::At(_) => true,
            Node::Sequence(nodes) => nodes.iter().all(Node::matches_empty),
            Node::Choice(nodes) => nodes.iter().any(Node::matches_empty),
            Node::Repeat { node, least, .. } => *least == 0 || node.matches_empty(),
        }
    }
}

/// Reads a pattern: the tree, and how many groups `(…)` it has. The error
/// follows the words "the pattern".
pub(super) fn parse(source: &str) -> Result<(Node, usize), String> {
    let mut parser = Parser {
        chars: source.chars().collect(),
        next: 0,
        depth: 0,
        captures: 0,
    };
    let node = parser.choice()?;
    match parser.peek() {
        None => Ok((node, parser.captures)),
        Some(_) => Err("has a `)` too many".to_owned()),
    }
}

struct Parser {
    chars: Vec<char>,
    next: usize,
    depth: usize,
    captures: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.next).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek();
        self.next += usize::from(c.is_some());
        c
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn choice(&mut self) -> Result<Node, String> {
        let mut branches = vec![self.sequence()?];
        while self.take_if('|') {
            branches.push(self.sequence()?);
        }
        Ok(match branches.len() {
            1 => branches.remove(0),
            _ => Node::Choice(branches),
        })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let node = self.atom()?;
            nodes.push(self.repeated(node)?);
        }
        Ok(Node::Sequence(nodes))
    }

    fn atom(&mut self) -> Result<Node, String> {
        let one = |item| {
            Node::One(Set {
                negated: false,
                items: vec![item],
            })
        };
        Ok(match self.take() {
            Some('.') => Node::One(Set {
                negated: true,
                items: vec![Item::Char('\n')],
            }),
            Some('^') => Node::At(Place::Start),
            Some('$') => Node::At(Place::End),
            Some('(') => self.group()?,
            Some('[') => Node::One(self.set()?),
            Some('*' | '+' | '?') => return Err("has nothing to repeat".to_owned()),
            Some('{') => {
                self.next -= 1;
                if self.braces()?.is_some() {
                    return Err("has nothing to repeat".to_owned());
                }
                self.next += 1;
                one(Item::Char('{'))
            }
            Some('\\') => match self.peek() {
                Some('b') => self.place(Place::WordEdge),
                Some('B') => self.place(Place::NoWordEdge),
                Some('A') => self.place(Place::TextStart),
                Some('Z') => self.place(Place::TextEnd),
                _ => one(self.escape()?),
            },
            Some(c) => one(Item::Char(c)),
            None => return Err("ends too early".to_owned()),
        })
    }

    fn place(&mut self, place: Place) -> Node {
        self.next += 1;
        Node::At(place)
    }

    fn group(&mut self) -> Result<Node, String> {
        if !self.take_if('?') {
            self.captures += 1;
        } else if !self.take_if(':') {
            return Err(
                "has a group of the kind `(?…)`, of which only `(?:…)` is known".to_owned(),
            );
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("has more than {DEEPEST} groups within each other"));
        }
        let node = self.choice()?;
        self.depth -= 1;
        if self.take_if(')') {
            Ok(node)
        } else {
            Err("has a `(` too many".to_owned())
        }
    }

    /// What `\` and the characters after it stand for, in and outside of a set.
    fn escape(&mut self) -> Result<Item, String> {
        let kind = |kind, negated| Item::Kind { kind, negated };
        let Some(c) = self.take() else {
            return Err("ends in a `\\`".to_owned());
        };
        Ok(match c {
            'd' => kind(Kind::Digit, false),
            'D' => kind(Kind::Digit, true),
            's' => kind(Kind::Space, false),
            'S' => kind(Kind::Space, true),
            'w' => kind(Kind::Word, false),
            'W' => kind(Kind::Word, true),
            'n' => Item::Char('\n'),
            't' => Item::Char('\t'),
            'r' => Item::Char('\r'),
            'f' => Item::Char('\u{c}'),
            'v' => Item::Char('\u{b}'),
            'a' => Item::Char('\u{7}'),
            'x' => Item::Char(self.hex(2)?),
            'u' => Item::Char(self.hex(4)?),
            'U' => Item::Char(self.hex(8)?),
            _ if c.is_ascii_alphanumeric() => {
                return Err(format!("has `\\{c}`, which is not known"));
            }
            _ => Item::Char(c),
        })
    }

    fn hex(&mut self, digits: usize) -> Result<char, String> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = self.take().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or("has a code with too few digits")?;
        }
        char::from_u32(code).ok_or_else(|| format!("has the code {code:x}, which is no character"))
    }

    fn set(&mut self) -> Result<Set, String> {
        let negated = self.take_if('^');
        let mut items = Vec::new();
        loop {
            let first = match self.take() {
                None => return Err("has a `[` without its `]`".to_owned()),
                Some(']') if !items.is_empty() => return Ok(Set { negated, items }),
                Some('\\') => self.set_escape()?,
                Some(c) => Item::Char(c),
            };
            let is_range = self.peek() == Some('-')
                && self.chars.get(self.next + 1).is_some_and(|&c| c != ']');
            if !is_range {
                items.push(first);
                continue;
            }
            self.next += 1;
            let last = match self.take() {
                Some('\\') => self.set_escape()?,
                Some(c) => Item::Char(c),
                None => return Err("has a `[` without its `]`".to_owned()),
            };
            match (first, last) {
                (Item::Char(first), Item::Char(last)) if first <= last => {
                    items.push(Item::Range(first, last));
                }
                _ => return Err("has a range that goes backwards or is none".to_owned()),
            }
        }
    }

    fn set_escape(&mut self) -> Result<Item, String> {
        if self.take_if('b') {
            return Ok(Item::Char('\u{8}'));
        }
        self.escape()
    }

    /// `node` with the quantifier that follows it, if any.
    fn repeated(&mut self, node: Node) -> Result<Node, String> {
        let Some((least, most)) = self.quantifier()? else {
            return Ok(node);
        };
        if matches!(node, Node::At(_)) {
            return Err("repeats a place between characters".to_owned());
        }
        if node.matches_empty() && most != Some(1) {
            return Err("repeats what may be empty".to_owned());
        }
        let greedy = !self.take_if('?');
        if greedy && self.take_if('+') {
            // What would be given back is of no use: at the end nothing asks for
            // it, and within a run of one character is no edge of a word.
            let rest = &self.chars[self.next..];
            let is_last = self.depth == 0 && matches!(rest, [] | ['\\', 'b']);
            let is_one_char = matches!(&node, Node::One(set)
                if !set.negated && matches!(set.items[..], [Item::Char(_)]));
            if !is_last || !is_one_char {
                return Err("has a possessive quantifier before its end".to_owned());
            }
        }
        if self.quantifier()?.is_some() {
            return Err("repeats a repetition".to_owned());
        }
        Ok(Node::Repeat {
            node: Box::new(node),
            least,
            most,
            greedy,
        })
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.braces(),
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some(bounds))
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}`; any other brace stands for itself.
    fn braces(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let start = self.next;
        self.next += 1;
        let least = self.number()?;
        let comma = self.take_if(',');
        let most = if comma { self.number()? } else { least };
        if !self.take_if('}') || (!comma && least.is_none()) {
            self.next = start;
            return Ok(None);
        }
        let least = least.unwrap_or(0);
        if most.is_some_and(|most| most < least) {
            return Err("has a repetition whose bounds go backwards".to_owned());
        }
        Ok(Some((least, most)))
    }

    fn number(&mut self) -> Result<Option<u32>, String> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.next += 1;
            let value = number.unwrap_or(0u32) * 10 + digit;
            if value > 100_000 {
                return Err("repeats more than 100,000 times".to_owned());
            }
            number = Some(value);
        }
        Ok(number)
    }
}
