//! Laws: every style of an expression reads the same, and nothing panics.

use proptest::prelude::*;

use super::super::*;
use super::show;

/// An expression to print and to parse back.
#[derive(Clone, Debug)]
enum Tree {
    Number(u16),
    Variable(char),
    Sum(Box<Tree>, Box<Tree>),
    Difference(Box<Tree>, Box<Tree>),
    Product(Box<Tree>, Box<Tree>),
    Quotient(Box<Tree>, Box<Tree>),
    Negative(Box<Tree>),
    Power(Box<Tree>, u16),
    Root(Box<Tree>),
    Sine(Box<Tree>),
    Absolute(Box<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (0_u16..1000).prop_map(Tree::Number),
        prop::sample::select(vec!['x', 'y', 'a', 'N']).prop_map(Tree::Variable),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = (
            inner.clone().prop_map(Box::new),
            inner.clone().prop_map(Box::new),
        );
        prop_oneof![
            two.clone().prop_map(|(a, b)| Tree::Sum(a, b)),
            two.clone().prop_map(|(a, b)| Tree::Difference(a, b)),
            two.clone().prop_map(|(a, b)| Tree::Product(a, b)),
            two.prop_map(|(a, b)| Tree::Quotient(a, b)),
            inner.clone().prop_map(|a| Tree::Negative(Box::new(a))),
            (inner.clone(), 0_u16..30).prop_map(|(a, n)| Tree::Power(Box::new(a), n)),
            inner.clone().prop_map(|a| Tree::Root(Box::new(a))),
            inner.clone().prop_map(|a| Tree::Sine(Box::new(a))),
            inner.prop_map(|a| Tree::Absolute(Box::new(a))),
        ]
    })
}

/// How a tree is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Latex,
    Spaced,
    Plain,
    Unicode,
    Old,
}

const STYLES: [Style; 5] = [
    Style::Latex,
    Style::Spaced,
    Style::Plain,
    Style::Unicode,
    Style::Old,
];

fn spell(tree: &Tree, style: Style) -> String {
    let s = |tree: &Tree| spell(tree, style);
    // Everything but a leaf in brackets, so that precedence is another test's.
    let b = |tree: &Tree| match (tree, style) {
        (Tree::Number(_) | Tree::Variable(_), _) => s(tree),
        (_, Style::Latex) => format!("\\left({}\\right)", s(tree)),
        (_, Style::Spaced) => format!("\\big( {} \\big)", s(tree)),
        (_, Style::Old) => format!("\\left[{}\\right]", s(tree)),
        _ => format!("({})", s(tree)),
    };
    match tree {
        Tree::Number(n) => match style {
            Style::Unicode => n
                .to_string()
                .chars()
                .map(|c| char::from_u32(u32::from(c) + 0xff10 - 48).unwrap())
                .collect(),
            _ => n.to_string(),
        },
        Tree::Variable(c) => match style {
            Style::Old => format!("\\mathbf{{{c}}}"),
            _ => c.to_string(),
        },
        Tree::Sum(x, y) => format!("{} + {}", b(x), b(y)),
        Tree::Difference(x, y) => match style {
            Style::Unicode => format!("{} − {}", b(x), b(y)),
            _ => format!("{}-{}", b(x), b(y)),
        },
        Tree::Product(x, y) => match style {
            Style::Latex => format!("{}\\cdot {}", b(x), b(y)),
            Style::Spaced => format!("{} \\times {}", b(x), b(y)),
            Style::Plain => format!("{}*{}", b(x), b(y)),
            Style::Unicode => format!("{}·{}", b(x), b(y)),
            Style::Old => format!("\\left({}\\right)\\,\\left({}\\right)", s(x), s(y)),
        },
        Tree::Quotient(x, y) => match style {
            Style::Latex => format!("\\frac{{{}}}{{{}}}", s(x), s(y)),
            Style::Spaced => format!("\\dfrac {{{}}} {{{}}}", s(x), s(y)),
            Style::Plain => format!("{}/{}", b(x), b(y)),
            Style::Unicode => format!("{} ÷ {}", b(x), b(y)),
            Style::Old => format!("{{{} \\over {}}}", s(x), s(y)),
        },
        Tree::Negative(x) => match style {
            Style::Unicode => format!("−{}", b(x)),
            _ => format!("-{}", b(x)),
        },
        Tree::Power(x, n) => match style {
            Style::Plain => format!("{}**{n}", b(x)),
            Style::Unicode => {
                let raised: Vec<char> = "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().collect();
                let n: String = n
                    .to_string()
                    .bytes()
                    .map(|d| raised[usize::from(d - b'0')])
                    .collect();
                format!("{}{n}", b(x))
            }
            _ => format!("{}^{{{n}}}", b(x)),
        },
        Tree::Root(x) => match style {
            Style::Plain => format!("sqrt({})", s(x)),
            Style::Unicode => format!("√({})", s(x)),
            _ => format!("\\sqrt{{{}}}", s(x)),
        },
        Tree::Sine(x) => match style {
            Style::Plain | Style::Unicode => format!("sin({})", s(x)),
            Style::Spaced => format!("\\operatorname{{sin}}\\left( {} \\right)", s(x)),
            _ => format!("\\sin({})", s(x)),
        },
        Tree::Absolute(x) => match style {
            Style::Latex => format!("\\left|{}\\right|", s(x)),
            Style::Spaced => format!("\\lvert {} \\rvert", s(x)),
            _ => format!("|{}|", s(x)),
        },
    }
}

fn variable(name: &str) -> f64 {
    match name {
        "x" => 1.25,
        "y" => -0.75,
        "a" => 2.5,
        _ => 3.5,
    }
}

fn root(x: f64) -> f64 {
    if x < 0.0 { f64::NAN } else { x.sqrt() }
}

/// NaN where rounding could grow beyond the tolerance.
fn value(tree: &Tree) -> f64 {
    let value = match tree {
        Tree::Number(n) => f64::from(*n),
        Tree::Variable(c) => variable(&c.to_string()),
        Tree::Sum(x, y) => value(x) + value(y),
        Tree::Difference(x, y) => value(x) - value(y),
        Tree::Product(x, y) => value(x) * value(y),
        Tree::Quotient(x, y) => value(x) / value(y),
        Tree::Negative(x) => -value(x),
        Tree::Power(x, n) => value(x).powi(i32::from(*n)),
        Tree::Root(x) => root(value(x)),
        Tree::Sine(x) => value(x).sin(),
        Tree::Absolute(x) => value(x).abs(),
    };
    match value == 0.0 || (1e-4..1e4).contains(&value.abs()) {
        true => value,
        false => f64::NAN,
    }
}

/// The value of a parsed expression, by another road than the parser's.
fn value_of(expr: &crate::math::expr::Expr) -> f64 {
    use crate::math::expr::{Function, Node};
    use num_traits::ToPrimitive;
    let mut values: Vec<f64> = Vec::new();
    for (_, node) in expr.arena.iter() {
        let of = |id: &crate::math::expr::Id| values[id.index()];
        values.push(match node {
            Node::Number(n) => n.to_f64().unwrap(),
            Node::Symbol(name) => variable(name),
            Node::Add(ids) => ids.iter().map(of).sum(),
            Node::Mul(ids) => ids.iter().map(of).product(),
            Node::Pow(x, n) => of(x).powf(of(n)),
            Node::Root {
                degree: 2,
                radicand,
            } => root(of(radicand)),
            Node::Apply(Function::Sin, x) => of(x).sin(),
            Node::Apply(Function::Abs, x) => of(x).abs(),
            other => panic!("unexpected {other:?}"),
        });
    }
    values[expr.root.index()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_style_reads_the_same(tree in tree()) {
        let first = show(&spell(&tree, Style::Latex));
        for style in STYLES {
            let text = spell(&tree, style);
            let readings = parse(&text, &ParseLimits::default());
            prop_assert!(readings.is_ok(), "{style:?} `{text}`: {readings:?}");
            let readings = readings.unwrap();
            let Typed::Scalar(scalar) = &readings.0[0].value else {
                return Err(TestCaseError::fail(format!("`{text}` is no scalar")));
            };
            prop_assert_eq!(print::typed(&readings.0[0].value), first.split(" | ").next().unwrap(), "`{}`", text);
            let (expected, found) = (value(&tree), value_of(&scalar.value));
            let close = (expected - found).abs() <= 1e-6 * expected.abs().max(1.0);
            prop_assert!(
                close || expected.is_nan(),
                "`{text}`: {expected} is not {found}"
            );
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[-+*/^_{}()|\\\\!,.:;=<>a-fx0-9 $%'√π²½é]{0,60}") {
        let _ = parse(&text, &ParseLimits::default());
    }

    #[test]
    fn arbitrary_commands_never_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "\\frac", "\\sqrt", "{", "}", "(", ")", "[", "]", "1", "2", "x", "+", "-", "^", "_", ",", "\\left", "\\right",
            "\\text{ or }", "\\text{cm}", "\\pm", "\\cup", "\\{", "\\}", "|", "\\infty", "\\sin", "\\log", "\\pi", "=",
            "<", "\\le", "\\in", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", " ", "f", "e", "i", "!", "%", "°",
            "\\overline{", "3", "0.", "\\pmod", "\\binom", "\\mathbb{Z}", ":", "\\circ", "'", "\\langle", "\\rangle",
        ]), 0..24)
    ) {
        let _ = parse(&parts.concat(), &ParseLimits::default());
    }
}
