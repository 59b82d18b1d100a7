//! The arguments of a distribution: by position, then by name; of alternatives exactly one (LANGUAGE.md 1.7).

use super::Checker;
use super::dists::{Arguments, Given, alternatives, positional, written};
use super::expr::Value;
use crate::dist::{Param, Row};
use crate::math::NodeId;
use crate::model::problems::Dists;
use crate::source::Span;
use crate::syntax::{Arg, Call};

impl<'a> Checker<'a> {
    /// Every argument with the parameter it is for; of alternatives exactly one, nothing missing, nothing twice.
    pub(super) fn arguments(&mut self, row: &'static Row, call: &'a Call) -> Option<Arguments<'a>> {
        let mut given: Arguments<'a> = vec![];
        let mut position = 0;
        let mut good = true;
        let mut broken: Vec<u8> = vec![];
        if let Some(span) = out_of_order(&call.args) {
            self.report(Dists::OutOfOrder { dist: row.name, written: written(row), span });
            return None;
        }
        for arg in &call.args {
            let param = match &arg.name {
                None => {
                    position += 1;
                    positional(row, position - 1)
                }
                Some(name) => row.params.iter().find(|param| param.name == name.node),
            };
            if let Some(param) = param.filter(|param| param.takes_distributions()) {
                match self.given_distributions(row, param, &arg.value) {
                    Some(dists) => good &= self.give(row, param, dists, &mut given),
                    None => broken.push(param.group),
                }
                continue;
            }
            match self.check_value(&arg.value) {
                Some(Value::Outputs(outputs)) => good &= self.spread(row, arg, outputs, &mut given),
                value => match (param, value) {
                    (None, _) => {
                        // One that is too many is said once; the others are no other mistake.
                        if good || arg.name.is_some() {
                            self.unknown_argument(row, arg, call.args.len());
                        }
                        good = false;
                    }
                    (Some(param), Some(Value::Node(node))) => {
                        good &= self.give(row, param, Given::Value(node, arg.value.span), &mut given);
                    }
                    (Some(param), _) => broken.push(param.group),
                },
            }
        }
        for param in row.params.iter().filter(|param| row.params.iter().find(|p| p.group == param.group) == Some(param))
        {
            let is_given = given.iter().any(|(other, _)| other.group == param.group);
            if !is_given && !param.may_be_left_out() && !broken.contains(&param.group) && good {
                let names = alternatives(row, param.group);
                self.report(Dists::Missing { dist: row.name, written: written(row), names, span: call.span });
                good = false;
            }
        }
        (good && broken.is_empty()).then_some(given)
    }

    fn give(&mut self, row: &'static Row, param: &'static Param, value: Given<'a>, given: &mut Arguments<'a>) -> bool {
        if let Some((first, other)) = given.iter().find(|(other, _)| other.group == param.group) {
            let (first, first_span, second_span) = (first.name, other.span(), value.span());
            self.report(Dists::Twice { dist: row.name, first, first_span, second: param.name, second_span });
            return false;
        }
        given.push((param, value));
        true
    }

    /// `Normal(encoder(x[n]))`: named outputs become the parameters of those names.
    fn spread(
        &mut self,
        row: &'static Row,
        arg: &'a Arg,
        outputs: Vec<(String, NodeId)>,
        given: &mut Arguments<'a>,
    ) -> bool {
        let span = arg.value.span;
        if let Some(name) = &arg.name {
            let outputs = outputs.into_iter().map(|(name, _)| name).collect();
            self.report(Dists::SpreadByName { name: name.node.clone(), outputs, span: arg.value.span });
            return false;
        }
        let mut good = true;
        for (name, node) in outputs {
            match row.params.iter().find(|param| param.name == name) {
                Some(param) => good &= self.give(row, param, Given::Value(node, span), given),
                None => {
                    self.report(Dists::SpreadUnknown { dist: row.name, output: name, written: written(row), span });
                    good = false;
                }
            }
        }
        good
    }

    fn unknown_argument(&mut self, row: &'static Row, arg: &'a Arg, count: usize) {
        let written = written(row);
        match &arg.name {
            Some(name) => {
                let nearest = super::names::nearest(&name.node, row.params.iter().map(|param| param.name));
                let (span, name) = (name.span, name.node.clone());
                self.report(Dists::UnknownArgument { dist: row.name, name, nearest, written, span });
            }
            None => self.report(Dists::TooMany { dist: row.name, given: count, written, span: arg.value.span }),
        }
    }
}

/// An argument by position that follows one by name.
fn out_of_order(args: &[Arg]) -> Option<Span> {
    let first = args.iter().position(|arg| arg.name.is_some())?;
    args[first..].iter().find(|arg| arg.name.is_none()).map(|arg| arg.value.span)
}
