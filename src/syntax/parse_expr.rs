//! Expressions: the grammar finds operands and operators in order, precedence makes the tree.

use pest::iterators::Pair;

use super::grammar::{Parts, Rule};
use super::parse::Parser;
use super::problems::Fact;
use super::{Arg, BinaryOp, Binder, Call, Expr, ExprKind, Name, UnaryOp};
use crate::problem::Bug;
use crate::source::{Span, Spanned};

/// How tightly operators bind, loosest first; `^` alone groups to the right.
const BINARY: [(&str, BinaryOp, u8); 15] = [
    ("|>", BinaryOp::Pipe, 1),
    ("or", BinaryOp::Or, 2),
    ("and", BinaryOp::And, 3),
    ("==", BinaryOp::Equal, COMPARE),
    ("!=", BinaryOp::NotEqual, COMPARE),
    ("<", BinaryOp::Less, COMPARE),
    ("<=", BinaryOp::LessEqual, COMPARE),
    (">", BinaryOp::Greater, COMPARE),
    (">=", BinaryOp::GreaterEqual, COMPARE),
    ("+", BinaryOp::Add, 6),
    ("-", BinaryOp::Subtract, 6),
    ("*", BinaryOp::Multiply, 7),
    ("/", BinaryOp::Divide, 7),
    ("@", BinaryOp::MatMul, 7),
    ("^", BinaryOp::Power, POWER),
];
const NOT: u8 = 4;
const COMPARE: u8 = 5;
const NEGATE: u8 = 8;
const POWER: u8 = 9;

/// An operator as it is written.
pub fn symbol(op: BinaryOp) -> &'static str {
    BINARY.iter().find(|(_, own, _)| *own == op).map_or("", |(symbol, ..)| symbol)
}

/// What an operator is, where an expression is recognized but not yet a tree.
pub fn binary(text: &str) -> Option<(BinaryOp, u8)> {
    BINARY.iter().find(|(symbol, ..)| *symbol == text).map(|(_, op, level)| (*op, *level))
}

impl<'a> Parser<'a> {
    pub fn expression(&mut self, pair: Pair<'a, Rule>) -> Result<Expr, Bug> {
        let mut parts = Parts::of(pair);
        let expr = self.climb(&mut parts, 0)?;
        match parts.any() {
            None => Ok(expr),
            Some(left) => Err(Bug(format!("{:?} is left over in an expression", left.as_rule()))),
        }
    }

    /// Precedence climbing: everything that binds at least as tightly as `least`.
    fn climb(&mut self, parts: &mut Parts<'a>, least: u8) -> Result<Expr, Bug> {
        let mut left = self.operand(parts)?;
        while let Some(Rule::infix) = parts.peek() {
            let Some((op, level)) = self.next_operator(parts) else {
                return Err(Bug("an operator that is in no table".into()));
            };
            if level < least {
                break;
            }
            let op_span = self.span(&parts.need(Rule::infix)?);
            if level == COMPARE && is_comparison(&left) {
                self.facts.push(Fact::Chained { first: left.span, second: op_span });
            }
            let right = self.climb(parts, if level == POWER { level } else { level + 1 })?;
            let span = left.span.to(right.span);
            let kind = ExprKind::Binary { op, op_span, left: Box::new(left), right: Box::new(right) };
            left = Expr { kind, span };
        }
        Ok(left)
    }

    fn next_operator(&self, parts: &mut Parts<'a>) -> Option<(BinaryOp, u8)> {
        parts.look().and_then(|pair| binary(pair.as_str()))
    }

    fn operand(&mut self, parts: &mut Parts<'a>) -> Result<Expr, Bug> {
        let Some(pair) = parts.any() else { return Err(Bug("an expression without an operand".into())) };
        match pair.as_rule() {
            Rule::prefix => {
                let negate = pair.as_str().starts_with('-');
                let start = self.start(&pair);
                let of = self.climb(parts, if negate { NEGATE } else { NOT })?;
                let span = start.to(of.span);
                let op = if negate { UnaryOp::Negate } else { UnaryOp::Not };
                Ok(Expr { kind: ExprKind::Unary { op, of: Box::new(of) }, span })
            }
            Rule::choice => self.choice(pair),
            Rule::postfix => self.postfix(pair),
            rule => Err(Bug(format!("{rule:?} is not an operand"))),
        }
    }

    fn choice(&mut self, pair: Pair<'a, Rule>) -> Result<Expr, Bug> {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let condition = Box::new(self.expression(parts.need(Rule::expression)?)?);
        let then = Box::new(self.expression(parts.need(Rule::expression)?)?);
        let otherwise = Box::new(self.expression(parts.need(Rule::expression)?)?);
        Ok(Expr { kind: ExprKind::If { condition, then, otherwise }, span })
    }

    fn postfix(&mut self, pair: Pair<'a, Rule>) -> Result<Expr, Bug> {
        let mut parts = Parts::of(pair);
        let Some(primary) = parts.any() else { return Err(Bug("an operand without a primary".into())) };
        let mut base = self.primary(primary)?;
        while let Some(pair) = parts.any() {
            let span = base.span.to(self.span(&pair));
            let rule = pair.as_rule();
            let mut inner = Parts::of(pair);
            let of = Box::new(base);
            let kind = if rule == Rule::field {
                ExprKind::Field { base: of, name: self.name(inner.need(Rule::name)?) }
            } else {
                ExprKind::Index { base: of, index: self.each_of(inner.all(Rule::slice), Parser::slice)? }
            };
            base = Expr { kind, span };
        }
        Ok(base)
    }

    fn primary(&mut self, pair: Pair<'a, Rule>) -> Result<Expr, Bug> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::number => number(pair.as_str()),
            Rule::text => {
                if !self.column {
                    self.facts.push(Fact::Text { span });
                }
                ExprKind::Text(pair.as_str().trim_matches('"').to_string())
            }
            Rule::name => ExprKind::Name(pair.as_str().to_string()),
            Rule::call => ExprKind::Call(self.call(pair)?),
            Rule::array => self.array(pair)?,
            Rule::parenthesis => ExprKind::Paren(Box::new(self.expression(Parts::of(pair).need(Rule::expression)?)?)),
            rule => return Err(Bug(format!("{rule:?} is not a primary"))),
        };
        Ok(Expr { kind, span })
    }

    fn array(&mut self, pair: Pair<'a, Rule>) -> Result<ExprKind, Bug> {
        let mut parts = Parts::of(pair);
        let mut items = self.each_of(parts.all(Rule::expression), Parser::expression)?;
        match parts.take(Rule::each) {
            Some(each) => {
                let each = self.each(each)?;
                let body = items.pop().ok_or_else(|| Bug("a comprehension without a body".into()))?;
                Ok(ExprKind::ArrayFor { body: Box::new(body), each })
            }
            None => Ok(ExprKind::Array(items)),
        }
    }

    /// Of `call`, `distribution`, `estimator` and `automatic`: a name, and arguments if any were written.
    pub fn call(&mut self, pair: Pair<'a, Rule>) -> Result<Call, Bug> {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.need(Rule::name)?);
        let mut call = Call { name, args: vec![], each: vec![], parens: false, span };
        if let Some(arguments) = parts.take(Rule::arguments) {
            self.arguments(&mut call, arguments)?;
        } else if let Some(arguments) = parts.take(Rule::estimator_arguments) {
            call.parens = true;
            call.args = self.each_of(Parts::of(arguments).all(Rule::estimator_argument), Parser::estimator_argument)?;
        }
        Ok(call)
    }

    fn arguments(&mut self, call: &mut Call, pair: Pair<'a, Rule>) -> Result<(), Bug> {
        call.parens = true;
        let mut parts = Parts::of(pair);
        for argument in parts.all(Rule::argument) {
            let mut inner = Parts::of(argument);
            let name = inner.take(Rule::label).map(|label| self.name(label));
            let value = self.slice(inner.need(Rule::slice)?)?;
            if matches!(value.kind, ExprKind::Range { .. }) && call.name.node != "columns" {
                self.facts.push(Fact::Range { span: value.span });
            }
            call.args.push(Arg { name, value });
        }
        if let Some(each) = parts.take(Rule::each) {
            call.each = self.each(each)?;
        }
        Ok(())
    }

    fn estimator_argument(&mut self, pair: Pair<'a, Rule>) -> Result<Arg, Bug> {
        let mut parts = Parts::of(pair);
        let name = parts.take(Rule::label).map(|label| self.name(label));
        let value = match parts.take(Rule::net_baseline) {
            Some(net) => {
                let span = self.span(&net);
                let name = Name::new("net".into(), Span::new(span.start, span.start + "net".len()));
                let mut call = Call { name, args: vec![], each: vec![], parens: true, span };
                self.arguments(&mut call, Parts::of(net).need(Rule::arguments)?)?;
                Expr { kind: ExprKind::Call(call), span }
            }
            None => self.expression(parts.need(Rule::expression)?)?,
        };
        Ok(Arg { name, value })
    }

    fn each(&mut self, pair: Pair<'a, Rule>) -> Result<Vec<Binder>, Bug> {
        self.each_of(Parts::of(pair).all(Rule::binder), |parser, binder| {
            let mut parts = Parts::of(binder);
            let name = parser.name(parts.need(Rule::name)?);
            Ok(Binder { name, over: parser.slice(parts.need(Rule::slice)?)? })
        })
    }

    /// An expression, or `lo..hi`.
    fn slice(&mut self, pair: Pair<'a, Rule>) -> Result<Expr, Bug> {
        let mut parts = Parts::of(pair);
        let low = self.expression(parts.need(Rule::expression)?)?;
        match parts.take(Rule::expression) {
            None => Ok(low),
            Some(high) => {
                let high = self.expression(high)?;
                let span = low.span.to(high.span);
                Ok(Expr { kind: ExprKind::Range { low: Box::new(low), high: Box::new(high) }, span })
            }
        }
    }

    /// One builder over several parts.
    pub fn each_of<T>(
        &mut self,
        pairs: Vec<Pair<'a, Rule>>,
        mut build: impl FnMut(&mut Self, Pair<'a, Rule>) -> Result<T, Bug>,
    ) -> Result<Vec<T>, Bug> {
        pairs.into_iter().map(|pair| build(self, pair)).collect()
    }

    pub fn name(&mut self, pair: Pair<'a, Rule>) -> Name {
        Spanned::new(pair.as_str().to_string(), self.span(&pair))
    }
}

/// Numbers were checked when the text became tokens.
fn number(text: &str) -> ExprKind {
    let value = match text {
        "inf" => f64::INFINITY,
        _ => text.replace('_', "").parse().unwrap_or(f64::NAN),
    };
    ExprKind::Number { value, text: text.to_string() }
}

fn is_comparison(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Binary { op, .. }
        if BINARY.iter().any(|(_, row, level)| row == op && *level == COMPARE))
}
