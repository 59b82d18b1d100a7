//! Functions of a column expression.

use super::{Made, Scope, binary, not_yet, unary, wrong};
use crate::data::cells::Operator;
use crate::data::lookup::nearest;
use crate::data::problems::ColumnProblem;
use crate::kernel::special;
use crate::syntax::{Call, Expr, ExprKind};

impl<'a> Scope<'_, 'a> {
    pub(super) fn call(&self, call: &Call, piped: Option<&Expr>) -> Made<'a> {
        let name = call.name.node.as_str();
        if let Some(named) = call.args.iter().find_map(|arg| arg.name.as_ref()) {
            return Err(wrong(
                named.span,
                &format!("`{name}` takes no argument called `{}`", named.node),
                "leave the name out",
            ));
        }
        if !call.each.is_empty() {
            return Err(not_yet(call.span, "a comprehension"));
        }
        let args: Vec<&Expr> = piped.into_iter().chain(call.args.iter().map(|arg| &arg.value)).collect();
        match (name, args.as_slice()) {
            ("column", [of]) => match &of.kind {
                ExprKind::Text(text) => self.column(text, of.span, None),
                _ => {
                    let position = self.whole(of)?;
                    self.at(position, of.span)
                }
            },
            ("columns", [of]) => self.range(of),
            ("levels", [of]) => self.levels(of),
            ("mean" | "sd" | "min" | "max", [of]) => self.statistic(name, call.span, &self.expr(of)?),
            ("standardize", [of]) => {
                let cell = self.expr(of)?;
                let mean = self.statistic("mean", call.span, &cell)?;
                let sd = self.statistic("sd", call.span, &cell)?;
                let centred = binary(call.span, Operator::Subtract, cell, mean)?;
                Ok(binary(call.span, Operator::Divide, centred, sd)?)
            }
            ("threshold", [of, t]) => Ok(binary(call.span, Operator::Greater, self.expr(of)?, self.expr(t)?)?),
            ("min", [a, b]) => Ok(binary(call.span, Operator::Min, self.expr(a)?, self.expr(b)?)?),
            ("max", [a, b]) => Ok(binary(call.span, Operator::Max, self.expr(a)?, self.expr(b)?)?),
            ("clamp", [of, low, high]) => {
                let above = binary(call.span, Operator::Max, self.expr(of)?, self.expr(low)?)?;
                Ok(binary(call.span, Operator::Min, above, self.expr(high)?)?)
            }
            ("bernoulli", [of]) => self.bernoulli(self.expr(of)?, call.span),
            _ => self.elementwise(call, &args),
        }
    }

    fn elementwise(&self, call: &Call, args: &[&Expr]) -> Made<'a> {
        let name = call.name.node.as_str();
        if let (Some((_, op)), [of]) = (UNARY.iter().find(|row| row.0 == name), args) {
            return Ok(unary(*op, self.expr(of)?));
        }
        let known: Vec<&str> = UNARY.iter().map(|row| row.0).chain(OTHERS.iter().map(|row| row.0)).collect();
        if let Some(wants) =
            OTHERS.iter().find(|row| row.0 == name).map(|row| row.1).or(known.contains(&name).then_some("one argument"))
        {
            let message = format!("`{name}` takes {wants}, and {} are given", args.len());
            return Err(ColumnProblem::Expression { span: call.span, message, help: None }.into());
        }
        let help = nearest(name, known.iter().copied()).map(|near| format!("is it `{near}`?"));
        let message = format!("`{name}` is no function of columns");
        Err(ColumnProblem::Expression { span: call.name.span, message, help }.into())
    }
}

/// Of one number.
type Function = fn(f64) -> f64;

/// Elementwise functions of one column.
const UNARY: &[(&str, Function)] = &[
    ("exp", f64::exp),
    ("log", f64::ln),
    ("log1p", f64::ln_1p),
    ("expm1", f64::exp_m1),
    ("sqrt", f64::sqrt),
    ("abs", f64::abs),
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tanh", f64::tanh),
    ("sigmoid", special::sigmoid),
    ("log_sigmoid", special::log_sigmoid),
    ("softplus", special::softplus),
    ("relu", |v| if v < 0.0 { 0.0 } else { v }),
    ("elu", |v| if v > 0.0 { v } else { v.exp_m1() }),
    ("gelu", |v| v * special::normal_cdf(v)),
    ("erf", special::erf),
    ("lgamma", special::lgamma),
    ("digamma", special::digamma),
    ("logit", |v| v.ln() - (-v).ln_1p()),
    ("round", f64::round_ties_even),
    ("floor", f64::floor),
];

/// The other functions of columns, and what they take.
const OTHERS: &[(&str, &str)] = &[
    ("column", "the name or the position of a column"),
    ("columns", "a range `2..26`"),
    ("levels", "one column"),
    ("mean", "one argument"),
    ("sd", "one argument"),
    ("min", "one or two arguments"),
    ("max", "one or two arguments"),
    ("standardize", "one argument"),
    ("threshold", "an expression and a number"),
    ("clamp", "three arguments"),
    ("bernoulli", "one argument"),
];
