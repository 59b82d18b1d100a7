//! Trees of the printed notation as LaTeX mathematics.

use super::parse::{Separator, Tree};

/// Letters that LaTeX has by name.
const GREEK: [&str; 37] = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
    "varepsilon",
    "vartheta",
    "varphi",
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
];

/// Functions that have a command of their name.
const COMMANDS: [&str; 9] = ["exp", "log", "sin", "cos", "tanh", "min", "max", "det", "arg"];

/// Binding of operators, as in `parse`.
const ADD: u8 = 7;
const MUL: u8 = 8;
const TIGHT: u8 = 11;

pub fn set(tree: &Tree) -> String {
    match tree {
        Tree::Number(text) => number(text),
        Tree::Name(text) => name(text, &[]),
        Tree::Index(of, items) => index(of, items),
        Tree::Call(of, args) => call(of, args),
        Tree::Field(of, field) => format!("{}.\\mathit{{{}}}", within(of, TIGHT), escape(field)),
        Tree::Named(label, value) => format!("{}{{:}}\\ {}", name(label, &[]), set(value)),
        Tree::Prefix("not", of) => format!("\\lnot {}", within(of, TIGHT)),
        Tree::Prefix("d", of) => format!("d\\,{}", within(of, MUL)),
        Tree::Prefix(sign, of) => format!("{sign}{}", within(of, MUL)),
        Tree::Binary(sign, a, b) => binary(sign, a, b),
        Tree::If(condition, yes, no) => format!(
            "\\begin{{cases}} {} & \\text{{if }} {} \\\\ {} & \\text{{otherwise}} \\end{{cases}}",
            set(yes),
            set(condition),
            set(no)
        ),
        Tree::List(items) => match items.as_slice() {
            [Tree::For(body, ranges)] => format!("{}_{{{}}}", bracketed("[", &set(body), "]"), all(ranges)),
            _ => bracketed("[", &list(items), "]"),
        },
        Tree::For(body, ranges) => format!("{}_{{{}}}", bracketed("(", &set(body), ")"), all(ranges)),
        Tree::Expectation(under, of) => format!("\\mathbb{{E}}_{{{under}}}{}", bracketed("[", &set(of), "]")),
        Tree::Log(of) => format!("\\log {}", within(of, MUL)),
        Tree::Jacobian(a, b) => {
            format!("\\left|\\frac{{d\\,{}}}{{d\\,{}}}\\right|", within(a, MUL), within(b, MUL))
        }
        Tree::SumOver(over, of) => format!("\\sum_{{{}}} {}", list(over), stacked(of)),
        Tree::OverDraws(what, count, of) => {
            let sign = if *what == "sum" { "\\sum" } else { "\\operatorname*{mean}" };
            format!("{sign}_{{{} \\text{{ draws}}}} {}", set(count), within(of, MUL))
        }
        Tree::ProductOver(ranges, of) => format!("{}{}", over("\\prod", ranges), within(of, MUL)),
    }
}

/// Text inside mathematics.
pub fn text(words: &str) -> String {
    format!("\\text{{{}}}", escape(words))
}

/// Text of a user or a reason, with what LaTeX would take for a command.
pub fn escape(text: &str) -> String {
    let one = |c: char| match c {
        '_' | '&' | '%' | '$' | '#' | '{' | '}' => format!("\\{c}"),
        '\\' => "\\textbackslash{}".into(),
        '^' => "\\textasciicircum{}".into(),
        '~' => "\\textasciitilde{}".into(),
        '|' | '<' | '>' => format!("${c}$"),
        c => c.to_string(),
    };
    text.chars().map(one).collect::<String>().replace("$|$$|$", "$\\|$")
}

/// `n \in N`
pub fn element(variable: &str, range: &Tree) -> String {
    match range {
        Tree::Binary("..", from, to) => format!("{} \\le {} < {}", set(from), name(variable, &[]), set(to)),
        size => format!("{} \\in {}", name(variable, &[]), set(size)),
    }
}

fn all(ranges: &[(String, Tree)]) -> String {
    ranges.iter().map(|(variable, range)| element(variable, range)).collect::<Vec<_>>().join(",\\, ")
}

/// One sign a range.
fn over(sign: &str, ranges: &[(String, Tree)]) -> String {
    ranges.iter().map(|(variable, range)| format!("{sign}_{{{}}} ", element(variable, range))).collect()
}

/// A product of many factors, one a line: side by side they would not fit a page.
fn stacked(tree: &Tree) -> String {
    let (mut factors, mut rest) = (vec![], tree);
    while let Tree::Binary("*", left, right) = rest {
        factors.push(within(right, MUL + 1));
        rest = left;
    }
    factors.push(within(rest, MUL));
    factors.reverse();
    match factors.len() {
        1 | 2 => within(tree, MUL),
        _ => format!("\\begin{{aligned}} & {} \\end{{aligned}}", factors.join(" \\\\ & {} \\cdot ")),
    }
}

fn within(tree: &Tree, least: u8) -> String {
    if tree.binds() < least { bracketed("(", &set(tree), ")") } else { set(tree) }
}

/// Brackets grow only around what is tall.
fn bracketed(open: &str, inside: &str, close: &str) -> String {
    let tall = ["\\frac", "\\sum", "\\prod", "\\begin", "\\left"].iter().any(|tall| inside.contains(tall));
    if tall { format!("\\left{open} {inside} \\right{close}") } else { format!("{open}{inside}{close}") }
}

fn list(items: &[Tree]) -> String {
    items.iter().map(set).collect::<Vec<_>>().join(", ")
}

/// `theta_0` is a letter with a subscript, `log_rate` a word; subscripts of rows follow.
fn name(text: &str, rows: &[String]) -> String {
    let (head, mut below) = match text.split_once('_') {
        Some((head, tail)) if is_letter(head) && !tail.is_empty() => (head, vec![word(tail)]),
        _ => match text.find(|c: char| c.is_ascii_digit()) {
            Some(at) if is_letter(&text[..at]) && text[at..].bytes().all(|c| c.is_ascii_digit()) => {
                (&text[..at], vec![text[at..].to_string()])
            }
            _ => (text, vec![]),
        },
    };
    below.extend(rows.iter().cloned());
    match below.is_empty() {
        true => letter(head),
        false => format!("{}_{{{}}}", letter(head), below.join(", ")),
    }
}

fn is_letter(text: &str) -> bool {
    GREEK.contains(&text) || text.len() == 1 && text.as_bytes()[0].is_ascii_alphabetic()
}

fn letter(text: &str) -> String {
    match text {
        "inf" => "\\infty".into(),
        _ if GREEK.contains(&text) => format!("\\{text}"),
        _ if text.len() == 1 => text.into(),
        _ => format!("\\mathit{{{}}}", escape(text)),
    }
}

/// A word in a subscript.
fn word(text: &str) -> String {
    if is_letter(text) || text.bytes().all(|c| c.is_ascii_digit()) {
        letter(text)
    } else {
        format!("\\mathrm{{{}}}", escape(text))
    }
}

fn number(text: &str) -> String {
    match text.split_once(['e', 'E']) {
        None => text.into(),
        Some(("1", power)) => format!("10^{{{power}}}"),
        Some((digits, power)) => format!("{digits} \\cdot 10^{{{power}}}"),
    }
}

fn index(of: &Tree, items: &[Tree]) -> String {
    let rows: Vec<String> = items.iter().map(subscript).collect();
    match of {
        Tree::Name(text) => name(text, &rows),
        // Subscripts of subscripts are not legal.
        Tree::Index(..) => format!("{{{}}}_{{{}}}", set(of), rows.join(", ")),
        _ => format!("{}_{{{}}}", bracketed("(", &set(of), ")"), rows.join(", ")),
    }
}

fn subscript(item: &Tree) -> String {
    match item {
        Tree::Binary("..", from, to) => format!("{}:{}", set(from), set(to)),
        Tree::Binary("/", a, b) => format!("{}/{}", within(a, MUL), within(b, TIGHT)),
        _ => set(item),
    }
}

fn binary(sign: &str, a: &Tree, b: &Tree) -> String {
    let pair = |sign: &str, left: u8, right: u8| format!("{}{sign}{}", within(a, left), within(b, right));
    match sign {
        "*" => {
            let right = within(b, MUL + 1);
            // Two digits side by side would be one number.
            let sign = if right.starts_with(|c: char| c.is_ascii_digit()) { " \\cdot " } else { " \\, " };
            format!("{}{sign}{right}", within(a, MUL))
        }
        "@" => pair(" \\, ", MUL, MUL + 1),
        "/" => format!("\\frac{{{}}}{{{}}}", set(a), set(b)),
        "^" => format!("{{{}}}^{{{}}}", within(a, TIGHT), set(b)),
        "+" => pair(" + ", ADD, ADD + 1),
        "-" => pair(" - ", ADD, ADD + 1),
        "==" => pair(" = ", 6, 6),
        "!=" => pair(" \\ne ", 6, 6),
        "<=" => pair(" \\le ", 6, 6),
        ">=" => pair(" \\ge ", 6, 6),
        "and" => pair(" \\land ", 3, 4),
        "or" => pair(" \\lor ", 2, 3),
        ".." => pair(", \\dots, ", 7, 7),
        other => pair(&format!(" {other} "), 6, 6),
    }
}

fn call(of: &Tree, args: &[(Separator, Tree)]) -> String {
    let Tree::Name(function) = of else { return format!("{}{}", within(of, TIGHT), arguments(args)) };
    match (function.as_str(), args) {
        ("sqrt", [(_, x)]) => format!("\\sqrt{{{}}}", set(x)),
        ("abs", [(_, x)]) => format!("\\left|{}\\right|", set(x)),
        ("dot", [(_, a), (_, b)]) => format!("{}^\\top {}", within_power(a), within(b, MUL + 1)),
        ("transpose", [(_, a)]) => format!("{}^\\top", within_power(a)),
        ("sum", [(_, Tree::For(body, ranges))]) => format!("{}{}", over("\\sum", ranges), within(body, MUL)),
        ("prod", [(_, Tree::For(body, ranges))]) => format!("{}{}", over("\\prod", ranges), within(body, MUL)),
        (_, [(_, Tree::For(body, ranges))]) => {
            format!("{}_{{{}}}{}", head(function), all(ranges), bracketed("(", &set(body), ")"))
        }
        _ => format!("{}{}", head(function), arguments(args)),
    }
}

fn within_power(tree: &Tree) -> String {
    match tree {
        // A subscript takes a superscript beside it.
        Tree::Name(_) | Tree::Index(..) => format!("{{{}}}", set(tree)),
        _ => bracketed("(", &set(tree), ")"),
    }
}

/// The name of what is called: q, p and f as letters, distributions and functions upright.
fn head(function: &str) -> String {
    match function {
        _ if COMMANDS.contains(&function) => format!("\\{function}"),
        "H" => "\\mathbb{H}".into(),
        _ if is_letter(function) => letter(function),
        _ => format!("\\operatorname{{{}}}", escape(function)),
    }
}

fn arguments(args: &[(Separator, Tree)]) -> String {
    let tall = args.iter().any(|(_, arg)| bracketed("(", &set(arg), ")").starts_with("\\left"));
    let one = |(separator, arg): &(Separator, Tree)| {
        let sign = match separator {
            Separator::First => "",
            Separator::Comma => ", ",
            Separator::Given if tall => " \\;\\middle|\\; ",
            Separator::Given => " \\mid ",
            Separator::Against if tall => " \\;\\middle\\|\\; ",
            Separator::Against => " \\,\\|\\, ",
        };
        format!("{sign}{}", set(arg))
    };
    bracketed("(", &args.iter().map(one).collect::<String>(), ")")
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn typeset(text: &str) -> String {
        set(&parse(text).unwrap_or_else(|| panic!("{text}")))
    }

    #[test]
    fn expressions_are_set_as_one_would_write_them() {
        for (text, latex) in [
            ("mu", "\\mu"),
            ("theta[doc[t]]", "\\theta_{\\mathit{doc}_{t}}"),
            ("mu_0[k]", "\\mu_{0, k}"),
            ("x1", "x_{1}"),
            ("log_rate", "\\mathit{log\\_rate}"),
            ("tau * eta[j] + mu", "\\tau \\, \\eta_{j} + \\mu"),
            ("2 * 3", "2 \\cdot 3"),
            ("(a + b) * c", "(a + b) \\, c"),
            ("a - (b - c)", "a - (b - c)"),
            ("a / (b + c)", "\\frac{a}{b + c}"),
            ("-x^2", "-{x}^{2}"),
            ("1e-3", "10^{-3}"),
            ("x[0..2]", "x_{0:2}"),
            ("s[t-1]", "s_{t - 1}"),
            ("W @ x[n]", "W \\, x_{n}"),
            ("dot(w, x[n]) + b", "{w}^\\top x_{n} + b"),
            ("sum(w[k]^2 for k in K)", "\\sum_{k \\in K} {w_{k}}^{2}"),
            ("sum(w[k] for k in 1..3)", "\\sum_{1 \\le k < 3} w_{k}"),
            (
                "Bernoulli(x[n] | logits: decoder(z[n]))",
                "\\operatorname{Bernoulli}(x_{n} \\mid \\mathit{logits}{:}\\ \\operatorname{decoder}(z_{n}))",
            ),
            ("KL( q(z) || p(z | mu) )", "\\operatorname{KL}(q(z) \\,\\|\\, p(z \\mid \\mu))"),
            (
                "E_q[ log |d tau / d log tau| ]",
                "\\mathbb{E}_{q}\\left[ \\log \\left|\\frac{d\\,\\tau}{d\\,\\log \\tau}\\right| \\right]",
            ),
            ("(cost - baseline) * d log q(k)", "(\\mathit{cost} - \\mathit{baseline}) \\, d\\,\\log q(k)"),
            ("d * x", "d \\, x"),
            ("log mean over 50 draws of w[n]", "\\log \\operatorname*{mean}_{50 \\text{ draws}} w_{n}"),
            ("log sum over c[n] of p(c[n]) * f(y)", "\\log \\sum_{c_{n}} p(c_{n}) \\, f(y)"),
        ] {
            assert_eq!(typeset(text), latex, "{text}");
        }
    }

    #[test]
    fn words_lose_no_character() {
        assert_eq!(escape("a_b || c & 5%"), "a\\_b $\\|$ c \\& 5\\%");
    }
}
