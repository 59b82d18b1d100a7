//! The printed notation of bounds and expressions, read back as a tree. It is the language's own expressions and a few
//! forms more: `E_q[ .. ]`, `log |d a / d b|`, `sum over c of ..`, `prod n in N ..`, and `|` and `||` between arguments.

use super::token::{Token, tokens};

/// What was printed.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Number(String),
    Name(String),
    /// Arguments, each after what separates it from the one before (nothing, `,`, `|` or `||`).
    Call(Box<Tree>, Vec<(Separator, Tree)>),
    Index(Box<Tree>, Vec<Tree>),
    Field(Box<Tree>, String),
    Named(String, Box<Tree>),
    Prefix(&'static str, Box<Tree>),
    Binary(&'static str, Box<Tree>, Box<Tree>),
    If(Box<Tree>, Box<Tree>, Box<Tree>),
    List(Vec<Tree>),
    /// `f(x) for k in K, j in 2..5`
    For(Box<Tree>, Vec<(String, Tree)>),
    /// `E_q[ .. ]`: under what, of what.
    Expectation(String, Box<Tree>),
    /// `log x`, without brackets.
    Log(Box<Tree>),
    /// `|d a / d b|`
    Jacobian(Box<Tree>, Box<Tree>),
    SumOver(Vec<Tree>, Box<Tree>),
    /// `mean over 50 draws of ..`, or the sum
    OverDraws(&'static str, Box<Tree>, Box<Tree>),
    ProductOver(Vec<(String, Tree)>, Box<Tree>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    First,
    Comma,
    Given,
    Against,
}

/// The tree of a whole text, or nothing where it is not this notation.
pub fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let tree = parser.expression(0)?;
    (parser.at == parser.tokens.len()).then_some(tree)
}

/// Operators of two, with their binding, loosest first; `=` names what is on its left.
const OPERATORS: [(&str, u8); 16] = [
    ("=", 1),
    ("or", 2),
    ("and", 3),
    ("==", 5),
    ("!=", 5),
    ("<=", 5),
    (">=", 5),
    ("<", 5),
    (">", 5),
    ("..", 6),
    ("+", 7),
    ("-", 7),
    ("*", 8),
    ("/", 8),
    ("@", 8),
    ("^", 10),
];
const NOT: u8 = 4;
const FACTOR: u8 = 8;
const NEGATIVE: u8 = 9;
const TIGHT: u8 = 11;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text.as_str())
    }

    fn spaced(&self, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.spaced)
    }

    fn take(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).map_or(String::new(), |token| token.text.clone())
    }

    fn eat(&mut self, text: &str) -> Option<()> {
        (self.peek(0) == text).then(|| self.at += 1)
    }

    fn name(&mut self) -> Option<String> {
        let first = self.peek(0).chars().next()?;
        (first.is_ascii_alphabetic() || first == '_').then(|| self.take())
    }

    fn expression(&mut self, least: u8) -> Option<Tree> {
        let mut left = self.prefix()?;
        while let Some((sign, binds)) = OPERATORS.iter().find(|(sign, _)| *sign == self.peek(0)) {
            if *binds < least {
                break;
            }
            self.at += 1;
            // Powers group to the right.
            let right = self.expression(if *sign == "^" { *binds } else { binds + 1 })?;
            left = Tree::Binary(sign, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn prefix(&mut self) -> Option<Tree> {
        match (self.peek(0), self.peek(1)) {
            ("-", _) => {
                self.at += 1;
                Some(Tree::Prefix("-", Box::new(self.expression(NEGATIVE)?)))
            }
            ("not", _) => {
                self.at += 1;
                Some(Tree::Prefix("not", Box::new(self.expression(NOT)?)))
            }
            ("if", _) => self.choice(),
            ("|", "d") => self.jacobian(),
            ("mean", "over") => self.over_draws("mean"),
            ("sum", "over") if self.peek(3) == "draws" => self.over_draws("sum"),
            ("sum", "over") => self.sum_over(),
            ("prod", _) if self.peek(2) == "in" => self.product_over(),
            ("log", next) if self.spaced(1) && !next.is_empty() => {
                self.at += 1;
                Some(Tree::Log(Box::new(self.expression(FACTOR + 1)?)))
            }
            // The space inside tells it from an index.
            // The differential of what follows, where something does.
            ("d", next) if self.spaced(1) && self.starts(next) => {
                self.at += 1;
                Some(Tree::Prefix("d", Box::new(self.expression(FACTOR + 1)?)))
            }
            (name, "[") if name.starts_with("E_") && self.spaced(2) => {
                let under = self.take().split_off(2);
                self.eat("[")?;
                let body = self.expression(0)?;
                self.eat("]")?;
                Some(Tree::Expectation(under, Box::new(body)))
            }
            _ => self.postfix(),
        }
    }

    /// Whether this word begins an operand.
    fn starts(&self, word: &str) -> bool {
        const BETWEEN: [&str; 8] = ["and", "or", "then", "else", "for", "in", "of", "over"];
        word.starts_with(|c: char| c.is_ascii_alphabetic()) && !BETWEEN.contains(&word)
    }

    fn choice(&mut self) -> Option<Tree> {
        self.eat("if")?;
        let condition = self.expression(0)?;
        self.eat("then")?;
        let yes = self.expression(0)?;
        self.eat("else")?;
        let no = self.expression(0)?;
        Some(Tree::If(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn jacobian(&mut self) -> Option<Tree> {
        self.eat("|")?;
        self.eat("d")?;
        let above = self.expression(NEGATIVE)?;
        self.eat("/")?;
        self.eat("d")?;
        let below = self.expression(NEGATIVE)?;
        self.eat("|")?;
        Some(Tree::Jacobian(Box::new(above), Box::new(below)))
    }

    fn over_draws(&mut self, what: &'static str) -> Option<Tree> {
        self.at += 2;
        let count = self.expression(FACTOR)?;
        self.eat("draws")?;
        self.eat("of")?;
        Some(Tree::OverDraws(what, Box::new(count), Box::new(self.expression(FACTOR)?)))
    }

    /// What is summed reaches as far right as it can.
    fn sum_over(&mut self) -> Option<Tree> {
        self.at += 2;
        let mut over = vec![self.expression(FACTOR)?];
        while self.eat(",").is_some() {
            over.push(self.expression(FACTOR)?);
        }
        self.eat("of")?;
        Some(Tree::SumOver(over, Box::new(self.expression(FACTOR)?)))
    }

    fn product_over(&mut self) -> Option<Tree> {
        self.eat("prod")?;
        let ranges = self.ranges()?;
        Some(Tree::ProductOver(ranges, Box::new(self.expression(FACTOR + 1)?)))
    }

    /// `n in N, k in 2..5`
    fn ranges(&mut self) -> Option<Vec<(String, Tree)>> {
        let mut list = vec![];
        loop {
            let name = self.name()?;
            self.eat("in")?;
            list.push((name, self.expression(6)?));
            if self.eat(",").is_none() {
                return Some(list);
            }
        }
    }

    fn postfix(&mut self) -> Option<Tree> {
        let mut tree = self.primary()?;
        loop {
            let at_once = !self.spaced(0);
            tree = match self.peek(0) {
                "(" if at_once => {
                    self.at += 1;
                    Tree::Call(Box::new(tree), self.arguments()?)
                }
                "[" if at_once => {
                    self.at += 1;
                    Tree::Index(Box::new(tree), self.items("]")?)
                }
                "." if at_once => {
                    self.at += 1;
                    Tree::Field(Box::new(tree), self.name()?)
                }
                _ => return Some(tree),
            };
        }
    }

    fn primary(&mut self) -> Option<Tree> {
        match self.peek(0) {
            "(" => {
                self.at += 1;
                let tree = self.item()?;
                self.eat(")")?;
                Some(tree)
            }
            "[" => {
                self.at += 1;
                Some(Tree::List(self.items("]")?))
            }
            text if text.starts_with(|c: char| c.is_ascii_digit()) => Some(Tree::Number(self.take())),
            _ => Some(Tree::Name(self.name()?)),
        }
    }

    fn arguments(&mut self) -> Option<Vec<(Separator, Tree)>> {
        let mut list = vec![];
        let mut separator = Separator::First;
        while self.eat(")").is_none() {
            list.push((separator, self.item()?));
            separator = match self.peek(0) {
                "," => Separator::Comma,
                "|" => Separator::Given,
                "||" => Separator::Against,
                ")" => continue,
                _ => return None,
            };
            self.at += 1;
        }
        Some(list)
    }

    fn items(&mut self, close: &str) -> Option<Vec<Tree>> {
        let mut list = vec![];
        while self.eat(close).is_none() {
            list.push(self.item()?);
            if self.peek(0) != close {
                self.eat(",")?;
            }
        }
        Some(list)
    }

    /// An expression in brackets: named, or a comprehension.
    fn item(&mut self) -> Option<Tree> {
        if self.peek(1) == ":"
            && let Some(name) = self.name()
        {
            self.eat(":")?;
            return Some(Tree::Named(name, Box::new(self.item()?)));
        }
        let body = self.expression(0)?;
        if self.eat("for").is_none() {
            return Some(body);
        }
        Some(Tree::For(Box::new(body), self.ranges()?))
    }
}

impl Tree {
    /// How tightly it holds together, on the scale of the operators.
    pub fn binds(&self) -> u8 {
        match self {
            Tree::If(..) | Tree::For(..) | Tree::Named(..) => 0,
            Tree::Binary(sign, ..) => OPERATORS.iter().find(|(other, _)| other == sign).map_or(0, |row| row.1),
            Tree::Prefix("not", _) => NOT,
            Tree::Prefix(..) => NEGATIVE,
            Tree::SumOver(..) | Tree::OverDraws(..) | Tree::Log(_) => FACTOR,
            Tree::ProductOver(..) => FACTOR + 1,
            _ => TIGHT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Box<Tree> {
        Box::new(Tree::Name(text.into()))
    }

    #[test]
    fn operators_group_as_in_the_language() {
        let product = |a, b| Box::new(Tree::Binary("*", a, b));
        let sum = Tree::Binary("+", name("a"), product(name("b"), name("c")));
        assert_eq!(parse("a + b * c"), Some(sum));
        let power = Tree::Binary("^", name("x"), Box::new(Tree::Number("2".into())));
        assert_eq!(parse("-x^2"), Some(Tree::Prefix("-", Box::new(power))));
        let left = Tree::Binary("-", Box::new(Tree::Binary("-", name("a"), name("b"))), name("c"));
        assert_eq!(parse("a - b - c"), Some(left));
    }

    #[test]
    fn forms_of_bounds_are_read() {
        let x = || Box::new(Tree::Index(name("x"), vec![Tree::Name("n".into())]));
        let normal = Tree::Call(
            name("Normal"),
            vec![
                (Separator::First, *x()),
                (Separator::Given, *name("mu")),
                (Separator::Comma, Tree::Number("1".into())),
            ],
        );
        let expected = Tree::Expectation("q".into(), Box::new(Tree::Log(Box::new(normal.clone()))));
        assert_eq!(parse("E_q[ log Normal(x[n] | mu, 1) ]"), Some(expected));
        let mixture = Tree::Log(Box::new(Tree::SumOver(
            vec![Tree::Name("c".into())],
            Box::new(Tree::Binary(
                "*",
                Box::new(Tree::ProductOver(vec![("n".into(), *name("N"))], Box::new(normal))),
                name("p"),
            )),
        )));
        assert_eq!(parse("log sum over c of prod n in N Normal(x[n] | mu, 1) * p"), Some(mixture));
        let jacobian = Tree::Jacobian(name("tau"), Box::new(Tree::Log(name("tau"))));
        assert_eq!(parse("log |d tau / d log tau|"), Some(Tree::Log(Box::new(jacobian))));
        assert!(parse("KL( q(z[n]) || p(z[n] | mu[c[n]]) )").is_some());
    }

    #[test]
    fn words_are_no_expression() {
        for text in ["summed out of the model", "a + ", "f(x", "3 states", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
