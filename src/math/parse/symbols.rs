//! Tables of spellings: commands, characters and words to canonical symbols.
//!
//! Canonical symbols are single characters, so that the grammar needs no
//! command names for them. What is in no table is not understood.

/// What a command or a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    /// Ends an operand: a letter or a constant.
    Operand(char),
    /// Binds two operands or separates them.
    Operator(char),
    /// An opening bracket.
    Open(char),
    /// A closing bracket.
    Close(char),
    /// A command that takes what follows, with its backslash.
    Command(&'static str),
    /// A function that may stand before another function.
    Function(&'static str),
    /// Layout.
    Nothing,
    /// A gap.
    Space,
    /// A command whose group is words.
    Text,
    /// A command whose group is a function's name.
    OperatorName,
    /// `\mathbb`.
    Blackboard,
    /// `\overline`, `\bar`: repeats digits, conjugates, or names a segment.
    Overline,
    /// `\begin` and `\end`.
    Begin,
    End,
    /// `\mod`, `\bmod`: with a bracket before it, a modulus.
    Modulus,
    /// `|` that says on which side it stands.
    AbsOpen,
    AbsClose,
    /// `|` that does not.
    Bar,
}

/// The meaning of a command, without its backslash.
pub(super) fn command(name: &str) -> Option<Symbol> {
    use Symbol::*;
    Some(match name {
        "left" | "right" | "middle" | "big" | "Big" | "bigg" | "Bigg" | "bigl" | "bigr"
        | "Bigl" | "Bigr" | "biggl" | "biggr" | "Biggl" | "Biggr" | "displaystyle"
        | "textstyle" | "limits" | "nolimits" | "mathbf" | "boldsymbol" | "bm" | "mathit"
        | "mathsf" | "mathcal" | "mathnormal" | "bf" | "it" | "hline" => Nothing,
        "quad" | "qquad" | "enspace" | "thinspace" | "space" => Space,
        "text" | "textbf" | "textit" | "textrm" | "textsf" | "texttt" | "textnormal" | "mbox"
        | "hbox" | "mathrm" | "rm" => Text,
        "operatorname" => OperatorName,
        "mathbb" => Blackboard,
        "overline" | "bar" => Overline,
        "begin" => Begin,
        "end" => End,
        "bmod" | "mod" => Modulus,
        "frac" | "dfrac" | "tfrac" | "cfrac" => Command("\\frac"),
        "binom" | "dbinom" | "tbinom" => Command("\\binom"),
        "sqrt" => Command("\\sqrt"),
        "over" => Command("\\over"),
        "choose" => Command("\\choose"),
        "dot" => Command("\\dot"),
        "ddot" => Command("\\ddot"),
        "vec" | "overrightarrow" => Command("\\vec"),
        "hat" | "widehat" => Command("\\hat"),
        "tilde" => Command("\\tilde"),
        "pmod" => Command("\\pmod"),
        "sum" => Command("\\sum"),
        "prod" => Command("\\prod"),
        "det" => Command("\\det"),
        "top" => Operand('T'),
        "gcd" => Command("\\gcd"),
        "lcm" => Command("\\lcm"),
        "max" => Command("\\max"),
        "min" => Command("\\min"),
        "infty" | "infin" => Operand('∞'),
        "emptyset" | "varnothing" => Operand('∅'),
        "degree" => Operand('°'),
        "prime" => Operand('\''),
        "ldots" | "dots" | "dotsc" | "cdots" => Operand('…'),
        "le" | "leq" | "leqslant" => Operator('≤'),
        "ge" | "geq" | "geqslant" => Operator('≥'),
        "lt" => Operator('<'),
        "gt" => Operator('>'),
        "ne" | "neq" => Operator('≠'),
        "in" => Operator('∈'),
        "equiv" => Operator('≡'),
        "colon" => Operator(':'),
        "mid" => Operator('∣'),
        "times" | "cdot" | "ast" => Operator('*'),
        "div" => Operator('/'),
        "pm" => Operator('±'),
        "mp" => Operator('∓'),
        "cup" => Operator('∪'),
        "cap" => Operator('∩'),
        "setminus" | "smallsetminus" | "backslash" => Operator('∖'),
        "land" | "wedge" => Operator('⋀'),
        "lor" | "vee" => Operator('⋁'),
        "lbrace" => Open('⦃'),
        "rbrace" => Close('⦄'),
        "lfloor" => Open('⌊'),
        "rfloor" => Close('⌋'),
        "lceil" => Open('⌈'),
        "rceil" => Close('⌉'),
        "langle" => Open('⟨'),
        "rangle" => Close('⟩'),
        "lparen" => Open('('),
        "rparen" => Close(')'),
        "lbrack" => Open('['),
        "rbrack" => Close(']'),
        "lvert" => AbsOpen,
        "rvert" => AbsClose,
        "vert" => Bar,
        name => return function(name).or_else(|| greek(name).map(Operand)),
    })
}

/// `\lex` as `\le` and a variable: a relation that lost the space behind it.
/// No other command is a part of such a name.
pub(super) fn glued(name: &str) -> Option<(Symbol, usize)> {
    const RELATIONS: [&str; 6] = ["le", "leq", "ge", "geq", "lt", "gt"];
    // Commands of their own.
    const OTHERS: [&str; 2] = ["let", "gtr"];
    let relation = &name[..name.len().checked_sub(1)?];
    let known = RELATIONS.contains(&relation) && !OTHERS.contains(&name);
    known.then(|| command(relation).map(|symbol| (symbol, relation.len())))?
}

/// The function of that name, in LaTeX or in plain text.
pub(super) fn function(name: &str) -> Option<Symbol> {
    Some(Symbol::Function(match name {
        "sin" => "\\sin",
        "cos" => "\\cos",
        "tan" | "tg" => "\\tan",
        "cot" | "ctg" | "cotan" => "\\cot",
        "sec" => "\\sec",
        "csc" | "cosec" => "\\csc",
        "arcsin" | "asin" => "\\arcsin",
        "arccos" | "acos" => "\\arccos",
        "arctan" | "atan" | "arctg" => "\\arctan",
        "sinh" => "\\sinh",
        "cosh" => "\\cosh",
        "tanh" => "\\tanh",
        "exp" => "\\exp",
        "log" => "\\log",
        "ln" => "\\ln",
        "lg" => "\\lg",
        "Re" => "\\Re",
        "Im" => "\\Im",
        _ => return None,
    }))
}

/// A Greek letter by name.
pub(super) fn greek(name: &str) -> Option<char> {
    Some(match name {
        "alpha" => 'α',
        "beta" => 'β',
        "gamma" => 'γ',
        "delta" => 'δ',
        "epsilon" | "varepsilon" => 'ε',
        "zeta" => 'ζ',
        "eta" => 'η',
        "theta" => 'θ',
        "vartheta" => 'ϑ',
        "iota" => 'ι',
        "kappa" => 'κ',
        "lambda" => 'λ',
        "mu" => 'μ',
        "nu" => 'ν',
        "xi" => 'ξ',
        "pi" => 'π',
        "rho" => 'ρ',
        "sigma" => 'σ',
        "tau" => 'τ',
        "upsilon" => 'υ',
        "phi" => 'φ',
        "varphi" => 'φ',
        "chi" => 'χ',
        "psi" => 'ψ',
        "omega" => 'ω',
        "Gamma" => 'Γ',
        "Delta" => 'Δ',
        "Theta" => 'Θ',
        "Lambda" => 'Λ',
        "Xi" => 'Ξ',
        "Pi" => 'Π',
        "Sigma" => 'Σ',
        "Phi" => 'Φ',
        "Psi" => 'Ψ',
        "Omega" => 'Ω',
        "ell" => 'ℓ',
        "hbar" => 'ħ',
        _ => return None,
    })
}

/// The meaning of a word in plain text; two-letter Greek names are products.
pub(super) fn word(word: &str) -> Option<Symbol> {
    use Symbol::*;
    Some(match word {
        "and" | "AND" | "和" | "与" | "及" | "と" | "und" | "et" => Operator('∧'),
        "or" | "OR" | "或" | "或者" | "または" => Operator('∨'),
        "sqrt" => Command("\\sqrt"),
        "gcd" => Command("\\gcd"),
        "lcm" => Command("\\lcm"),
        "mod" => Modulus,
        "infinity" | "inf" | "oo" => Operand('∞'),
        "union" | "U" => Operator('∪'),
        "emptyset" => Operand('∅'),
        "pi" => Operand('π'),
        word if word.len() > 2 => {
            return function(word).or_else(|| greek(word).map(Operand));
        }
        word => return function(word),
    })
}

/// The blackboard letter of a set of numbers.
pub(super) fn blackboard(letter: &str) -> Option<char> {
    Some(match letter {
        "R" => 'ℝ',
        "Z" => 'ℤ',
        "Q" => 'ℚ',
        "N" => 'ℕ',
        "C" => 'ℂ',
        _ => return None,
    })
}

/// The meaning of a character outside letters and digits.
pub(super) fn character(c: char) -> Option<Symbol> {
    use Symbol::*;
    Some(match c {
        '+' | '-' | '*' | '/' | '<' | '>' | '=' | ',' | ';' | ':' | '≤' | '≥' | '≠' | '±' | '∓'
        | '∪' | '∩' | '∖' | '∈' | '≡' | '^' | '_' => Operator(c),
        '∧' => Operator('⋀'),
        '∨' => Operator('⋁'),
        '(' | '[' | '{' | '⌊' | '⌈' | '⟨' => Open(c),
        ')' | ']' | '}' | '⌋' | '⌉' | '⟩' => Close(c),
        '〈' => Open('⟨'),
        '〉' => Close('⟩'),
        '【' => Open('['),
        '】' => Close(']'),
        '×' | '·' | '⋅' | '∙' | '•' | '∗' => Operator('*'),
        '÷' => Operator('/'),
        '⩽' => Operator('≤'),
        '⩾' => Operator('≥'),
        '、' => Operator(','),
        '∶' | '：' => Operator(':'),
        '−' | '–' | '‐' | '‑' | '—' => Operator('-'),
        '!' | '%' | '°' | '\'' | '∞' | '∅' | 'ℝ' | 'ℤ' | 'ℚ' | 'ℕ' | 'ℂ' | '…' => {
            Operand(c)
        }
        'º' | '˚' => Operand('°'),
        '′' | '’' => Operand('\''),
        '％' => Operand('%'),
        'Ø' => Operand('∅'),
        '$' | '€' | '£' | '₹' | '¢' => Operator(c),
        '|' | '∣' => Bar,
        _ => return None,
    })
}

/// A vulgar fraction as digits.
pub(super) fn vulgar(c: char) -> Option<&'static str> {
    Some(match c {
        '½' => "{1}{2}",
        '⅓' => "{1}{3}",
        '⅔' => "{2}{3}",
        '¼' => "{1}{4}",
        '¾' => "{3}{4}",
        '⅕' => "{1}{5}",
        '⅖' => "{2}{5}",
        '⅗' => "{3}{5}",
        '⅘' => "{4}{5}",
        '⅙' => "{1}{6}",
        '⅚' => "{5}{6}",
        '⅐' => "{1}{7}",
        '⅛' => "{1}{8}",
        '⅜' => "{3}{8}",
        '⅝' => "{5}{8}",
        '⅞' => "{7}{8}",
        '⅑' => "{1}{9}",
        '⅒' => "{1}{10}",
        _ => return None,
    })
}

/// The ASCII character that is raised.
pub(super) fn superscript(c: char) -> Option<char> {
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣʸᵏ";
    const PLAIN: &str = "0123456789+-()nixyk";
    let at = RAISED.chars().position(|raised| raised == c)?;
    PLAIN.chars().nth(at)
}

/// The ASCII digit or letter that is lowered.
pub(super) fn subscript(c: char) -> Option<char> {
    const LOWERED: &str = "₀₁₂₃₄₅₆₇₈₉ₙₖₓ";
    const PLAIN: &str = "0123456789nkx";
    let at = LOWERED.chars().position(|lowered| lowered == c)?;
    PLAIN.chars().nth(at)
}

/// The factor of a scale word.
pub(super) fn scale(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "hundred" => "100",
        "thousand" | "千" => "1000",
        "万" | "萬" => "10000",
        "million" => "1000000",
        "亿" | "億" => "100000000",
        "billion" => "1000000000",
        "trillion" => "1000000000000",
        _ => return None,
    })
}
