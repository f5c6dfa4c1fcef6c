//! Text that is meant to cost: repeated tokens, nests, towers, and soups from a
//! seeded generator.

/// Texts of about that many bytes, each of one trick.
pub(crate) fn texts(size: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for unit in [
        "(",
        "{",
        "[",
        "\\{",
        "|",
        "\\left(",
        "\\frac",
        "\\frac1",
        "\\frac{",
        "^",
        "^{",
        "_",
        "9",
        "9^",
        "9^{",
        "x+",
        "x",
        "x^",
        "\\sqrt",
        "\\sqrt{",
        "\\sqrt2+",
        "\\pm",
        "\\pm1",
        "1\\pm",
        ",",
        "1,",
        "x,",
        "!",
        "5!",
        "(1,2),",
        "\\cup",
        "[0,1]\\cup",
        "=",
        "x=",
        "<",
        "x<",
        "\\text{",
        "\\text{a}",
        "\\boxed{",
        "\\boxed{5}",
        "\\boxed{x},",
        "\\boxed{1} and ",
        "$",
        "$1$ ",
        "the answer is ",
        "the answer is 5. ",
        "<answer>",
        "</answer>",
        "</think>",
        "####",
        "or ",
        "1 or ",
        "not ",
        "\\sin",
        "\\sin x ",
        "\\log",
        "\\begin{pmatrix}",
        "1&",
        "\\\\",
        "é",
        "−",
        "½",
        "²",
        "π",
        "∞",
        "答案是",
        "０",
        "٤",
        "\u{301}",
        "\u{200b}",
        "\u{202e}",
        " ",
        "\n",
        "\t",
        "1 ",
        "1\n",
        "%",
        "°",
        "\\%",
        ".",
        "1.",
        "0.",
        "-",
        "--",
        "e",
        "e9",
        "1e9",
        "\\binom",
        "\\binom99",
        "\\overline",
        "\\!",
        "\\,",
        "**",
        "*",
        "`",
        "'",
        "\"",
        ":",
        "1:",
        ";",
        "?",
        "~",
        "@",
        "\\",
        "a_",
        "f(",
        "f(x)",
        "\\pmod",
        "mod ",
        "cm ",
        "5cm",
    ] {
        texts.push(repeated(unit, size));
    }
    // Opened as often as closed.
    for (open, inside, close) in [
        ("(", "1", ")"),
        ("{", "1", "}"),
        ("\\{", "1", "\\}"),
        ("|", "x", "|"),
        ("\\frac{1}{1+", "x", "}"),
        ("\\frac{", "x", "}{2}"),
        ("\\sqrt{1+", "2", "}"),
        ("\\sqrt{x+", "2", "}"),
        ("9^{", "9", "}"),
        ("x^{", "x", "}"),
        ("\\sin(", "x", ")"),
        ("\\log(", "x", ")"),
        ("\\boxed{", "5", "}"),
        ("\\text{", "a", "}"),
        ("(1,", "2", ")"),
        ("\\binom{9}{", "4", "}"),
        ("(x+1)(", "y", ")"),
        ("2^{x+", "1", "}"),
    ] {
        let times = size / (open.len() + close.len());
        // Both as deep as the parser goes and as long as the text may be.
        for times in [20, 60, times] {
            texts.push(format!(
                "{}{inside}{}",
                open.repeat(times),
                close.repeat(times)
            ));
        }
    }
    let listed = |part: &dyn Fn(usize) -> String, join: &str| {
        let mut text = part(1);
        for n in 2.. {
            let next = format!("{join}{}", part(n));
            if text.len() + next.len() > size {
                return text;
            }
            text.push_str(&next);
        }
        text
    };
    // Many terms, members, factors, radicals, angles, none like another.
    for (part, join) in [
        (&(|n| format!("x^{{{n}}}")) as &dyn Fn(usize) -> String, "+"),
        (&|n| format!("{n}x^{{{n}}}y^{{{}}}", n % 7), "-"),
        (&|n| format!("(x+{n})"), ""),
        (&|n| format!("(x-{n})^{{{n}}}"), ""),
        (&|n| format!("\\sqrt{{{n}}}"), "+"),
        (&|n| format!("\\sqrt{{x+{n}}}"), "+"),
        (&|n| format!("\\sqrt[3]{{{n}}}"), "+"),
        (&|n| format!("\\frac{{1}}{{x+{n}}}"), "+"),
        (&|n| format!("\\frac{{{n}}}{{{}}}", n + 1), "+"),
        (&|n| format!("\\sin({n}x)"), "+"),
        (&|n| format!("\\sin({n})"), "+"),
        (&|n| format!("\\cos(\\frac{{\\pi}}{{{}}})", n + 6), "\\cdot"),
        (&|n| format!("e^{{{n}x}}"), "+"),
        (&|n| format!("\\ln({n})"), "+"),
        (&|n| format!("\\ln(x+{n})"), "+"),
        (&|n| format!("|x-{n}|"), "+"),
        (&|n| format!("{n}!"), "+"),
        (&|n| format!("\\binom{{{}}}{{{n}}}", 2 * n), "+"),
        (&|n| format!("{n}^{{{n}}}"), "+"),
        (&|n| format!("2^{{{n}x}}"), "+"),
        (&|n| n.to_string(), ","),
        (&|n| format!("\\sqrt{{{n}}}"), ","),
        (&|n| format!("x+{n}"), ","),
        (&|n| format!("\\frac{{{n}}}{{{}}}", n + 1), ","),
        (&|n| format!("[{},{}]", 2 * n, 2 * n + 1), "\\cup"),
        (&|n| format!("[\\sqrt{{{n}}},\\sqrt{{{n}}}+0.1]"), "\\cup"),
        (&|n| format!("x={n}"), " or "),
        (&|n| format!("x_{{{n}}}"), "+"),
        (&|n| format!("a_{{{n}}}b_{{{n}}}"), "+"),
        (&|n| format!("\\boxed{{{n}}}"), ", "),
        (&|n| format!("\\boxed{{x+{n}}}"), " and "),
        (&|n| format!("\\boxed{{\\sqrt{{{n}}}}}"), " then "),
        (&|n| format!("\\frac{{1}}{{{n}}}"), "="),
    ] {
        let text = listed(part, join);
        texts.push(format!("\\{{{text}\\}}"));
        texts.push(text);
    }
    // Numbers whose arithmetic is costly.
    for text in [
        "9^{9^{9^9}}",
        "9^{9^{9}}",
        "9^{99999}",
        "9^{20000}",
        "9^{9999}-1",
        "\\frac{9^{9999}}{7^{9999}}",
        "(\\frac{99}{98})^{5000}+(\\frac{97}{96})^{5000}",
        "20000!",
        "5000!",
        "5000!+1",
        "\\binom{9000}{4500}",
        "100000000!",
        "(x+1)^{1000000}",
        "(x+1)^{1000}-(x-1)^{1000}",
        "(x+y+z)^{64}",
        "(1+x+x^2+x^3+x^4+x^5)^{40}",
        "(\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11})^{40}",
        "(\\sqrt2+\\sqrt3+\\sqrt5+\\sqrt7+\\sqrt{11}+\\sqrt{13}+\\sqrt{17})^{-3}",
        "\\sqrt[97]{2}+\\sqrt[89]{3}+\\sqrt[83]{5}",
        "\\cos(1)\\cos(2)\\cos(3)\\cos(4)-\\sin(10^{20})",
        "e^{e^{e^{e}}}",
        "\\ln\\ln\\ln\\ln 10^{100}",
        "\\sin(10^{1000})",
        "\\pi^{\\pi^{\\pi^{\\pi}}}",
        "\\sqrt{\\sqrt{\\sqrt{\\sqrt{\\sqrt{2}+1}+1}+1}+1}",
        "\\frac{\\ln(640320^3+744)}{\\sqrt{163}}",
        "e^{\\pi\\sqrt{163}}",
        "\\sin(x+10^{-20})",
        "\\arctan(1/2)+\\arctan(1/3)",
        "16\\arctan(1/5)-4\\arctan(1/239)",
        "\\cos(\\pi/7)\\cos(2\\pi/7)\\cos(3\\pi/7)",
        "\\cos(\\pi/97)+\\cos(3\\pi/97)",
        "n!/(n-60)!",
        "(n+64)!/n!",
        "1e999999999",
        "0.\\overline{142857142857142857142857142857}",
    ] {
        texts.push(text.to_owned());
        texts.push(format!("\\boxed{{{text}}}"));
        texts.push(format!("\\sqrt{{{text}}}+x"));
    }
    texts.push(format!("0.{}", "3".repeat(size - 2)));
    texts.push(format!("0.\\overline{{{}}}", "37".repeat(size / 2 - 8)));
    texts.push(format!(
        "\\frac{{{}}}{{{}}}",
        "7".repeat(size / 2),
        "3".repeat(size / 2)
    ));
    texts.push(format!("x+{}", "9".repeat(size - 2)));
    texts.push(format!("\\sqrt{{{}}}", "7".repeat(size - 7)));
    texts.push(format!("x^{{{}}}", "7".repeat(size - 4)));
    texts.push(format!("\\boxed{{{}}}", "7".repeat(size - 8)));
    texts
}

fn repeated(unit: &str, size: usize) -> String {
    unit.repeat((size / unit.len()).max(1))
}

/// Splitmix64: the same texts everywhere for one seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, index: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ (x >> 31)) % end as u64).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const TOKENS: [&str; 84] = [
    "\\frac",
    "\\frac{",
    "}{",
    "\\sqrt",
    "\\sqrt{",
    "\\sqrt[3]{",
    "{",
    "}",
    "}",
    "(",
    ")",
    "[",
    "]",
    "0",
    "1",
    "2",
    "3",
    "7",
    "10",
    "999",
    "1,000",
    "0.5",
    ".",
    "x",
    "y",
    "n",
    "a",
    "e",
    "i",
    "f(x)",
    "\\pi",
    "\\infty",
    "+",
    "-",
    "*",
    "/",
    "^",
    "^{",
    "^2",
    "_",
    "_1",
    ",",
    ";",
    "=",
    "<",
    ">",
    "\\le",
    "\\ge",
    "\\pm",
    "\\mp",
    "\\cdot",
    "\\times",
    "\\cup",
    "\\cap",
    "\\in",
    "\\{",
    "\\}",
    "|",
    "\\left(",
    "\\right)",
    "\\sin",
    "\\cos",
    "\\log",
    "\\ln",
    "!",
    "%",
    "°",
    "\\text{ or }",
    "\\text{cm}",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
    "\\\\",
    "\\overline{",
    "\\binom",
    "\\pmod",
    ":",
    "'",
    " ",
    "½",
    "√",
    "²",
    "\\boxed{",
    "answer is ",
];

/// Tokens without sense, a few or very many of them.
pub(crate) fn soup(seed: u64, index: u64) -> String {
    let mut dice = Dice::new(seed, index);
    let longest = [12, 40, 120, 400, 20_000][[0, 0, 0, 1, 1, 1, 2, 2, 3, 4][dice.below(10)]];
    let count = 1 + dice.below(longest);
    let mut text = String::new();
    for _ in 0..count {
        let token = dice.pick(&TOKENS);
        if text.len() + token.len() > 1 << 16 {
            break;
        }
        text.push_str(token);
    }
    text
}

/// Well-formed expressions, larger than answers are.
pub(crate) fn expression(seed: u64, index: u64) -> String {
    let mut dice = Dice::new(seed ^ 0xabcd, index);
    let mut budget = [4, 10, 30, 100][dice.below(4)];
    let symbols = [0, 1, 2, 4][dice.below(4)];
    let text = grown(&mut dice, &mut budget, 0, symbols);
    match dice.below(8) {
        0 => format!("\\{{{text}, {}\\}}", grown(&mut dice, &mut 10, 0, symbols)),
        1 => format!("({text}, {})", grown(&mut dice, &mut 10, 0, symbols)),
        2 => format!("{text} = {}", grown(&mut dice, &mut 10, 0, symbols)),
        3 => format!("{text} \\le {}", grown(&mut dice, &mut 10, 0, symbols)),
        4 => format!("The answer is $\\boxed{{{text}}}$."),
        _ => text,
    }
}

fn grown(dice: &mut Dice, budget: &mut usize, depth: usize, symbols: usize) -> String {
    if *budget == 0 || depth > 12 {
        return match dice.below(4) {
            0 if symbols > 0 => ["x", "y", "z", "n"][dice.below(symbols)].to_owned(),
            1 => dice
                .pick(&["\\pi", "e", "i", "0.25", "10^{20}", "12345678901234567890"])
                .to_owned(),
            _ => dice.below(30).to_string(),
        };
    }
    *budget -= 1;
    let kind = dice.below(17);
    let mut part = || grown(dice, budget, depth + 1, symbols);
    match kind {
        0 | 1 => format!("({} + {})", part(), part()),
        2 => format!("({} - {})", part(), part()),
        3 | 4 => format!("({})({})", part(), part()),
        5 | 6 => format!("\\frac{{{}}}{{{}}}", part(), part()),
        7 => format!("({})^{{2}}", part()),
        8 => format!("({})^{{{}}}", part(), part()),
        9 => format!("\\sqrt{{{}}}", part()),
        10 => format!("\\sqrt[3]{{{}}}", part()),
        11 => format!("\\sin({})", part()),
        12 => format!("\\cos({})", part()),
        13 => format!("\\ln({})", part()),
        14 => format!("e^{{{}}}", part()),
        15 => format!("|{}|", part()),
        _ => format!("({})!", part()),
    }
}
