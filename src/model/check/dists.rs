//! Distributions: arguments by position, then by name; shapes and supports of each parameter (LANGUAGE.md 1.7).

use super::Checker;
use super::expr::Value;
use crate::dist::catalogue::{self, Named};
use crate::dist::{self, Args, Dist, Param, ParamAxes, Row, Want};
use crate::math::{NodeId, Op, Support};
use crate::model::problems::{Dists, Limits};
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{Arg, Call, ExprKind};

/// What a distribution is drawn for: its name, where it stands, the axes of one value and the declared support.
pub(super) struct For<'n> {
    pub name: &'n str,
    pub event: &'n [Size],
    pub declared: Option<&'n Support>,
}

/// An argument as given: its value and where.
type Given = (NodeId, Span);

/// Words that are arguments of `Flow`.
const FLOWS: &[&str] = &["planar", "radial", "coupling", "iaf"];

pub(super) fn is_distribution(name: &str) -> bool {
    catalogue::by_name(name).is_some()
}

impl<'a> Checker<'a> {
    /// A distribution with its arguments, legal for a value of these axes.
    pub(super) fn check_dist(&mut self, call: &'a Call, of: &For) -> Option<Dist> {
        let row = match catalogue::by_name(&call.name.node) {
            Some(Named::Known(row)) => row,
            Some(Named::ToCome) => {
                self.report(Limits::Distribution { name: call.name.node.clone(), span: call.name.span });
                self.check_foreign(call);
                return None;
            }
            None => {
                self.unknown_distribution(call);
                return None;
            }
        };
        if let Some(binder) = call.each.first() {
            let name = call.name.node.clone();
            self.report(crate::model::problems::Calls::ForInCall { name, span: binder.name.span });
            return None;
        }
        let given = self.arguments(row, call)?;
        let own = usize::from(row.params.iter().any(|param| param.axes == ParamAxes::Event));
        if of.event.len() < own {
            self.report(Dists::NeedsAxis { dist: row.name, site: of.name.into(), span: call.span });
            return None;
        }
        let mut args = Args::new();
        let mut good = true;
        for (param, (node, span)) in given {
            match self.check_argument(row, param, node, span, of) {
                Some(node) => _ = args.insert(param.name, node),
                None => good = false,
            }
        }
        if !good {
            return None;
        }
        let mut dist = Dist { kind: row.kind, args };
        dist::complete(&mut self.graph, &mut dist, of.event);
        Some(dist)
    }

    fn unknown_distribution(&mut self, call: &'a Call) {
        let name = &call.name.node;
        let function = super::calls::is_builtin(name) || super::nets::is_layer(name);
        let declared = self.scope.top.get(name).map(|entry| entry.meaning.word());
        let nearest = super::names::nearest(name, catalogue::names());
        let word = if function { Some("a function") } else { declared };
        self.report(Dists::Unknown { name: name.clone(), word, nearest, span: call.name.span });
        self.check_foreign(call);
    }

    /// Checks what stands in the arguments of a distribution without a row: names in it must still mean something.
    fn check_foreign(&mut self, call: &'a Call) {
        for arg in &call.args {
            self.check_foreign_value(&arg.value);
        }
    }

    fn check_foreign_value(&mut self, expr: &'a crate::syntax::Expr) {
        match &expr.kind {
            ExprKind::Call(inner) if is_distribution(&inner.name.node) => self.check_foreign(inner),
            ExprKind::Call(inner) if FLOWS.contains(&inner.name.node.as_str()) => {}
            ExprKind::Array(items) if items.iter().any(is_dist_call) => {
                items.iter().for_each(|item| self.check_foreign_value(item));
            }
            ExprKind::Name(name)
                if self.scope.top.get(name).is_some_and(|e| matches!(e.meaning, super::names::Meaning::Energy)) => {}
            _ => _ = self.check_value(expr),
        }
    }

    /// Every argument with the parameter it is for; of alternatives exactly one, nothing missing, nothing twice.
    fn arguments(&mut self, row: &'static Row, call: &'a Call) -> Option<Vec<(&'static Param, Given)>> {
        let mut given: Vec<(&'static Param, Given)> = vec![];
        let mut position = 0;
        let mut good = true;
        let mut broken: Vec<u8> = vec![];
        for arg in &call.args {
            let param = match &arg.name {
                None => {
                    position += 1;
                    positional(row, position - 1)
                }
                Some(name) => row.params.iter().find(|param| param.name == name.node),
            };
            match self.check_value(&arg.value) {
                Some(Value::Outputs(outputs)) => good &= self.spread(row, arg, outputs, &mut given),
                value => match (param, value) {
                    (None, _) => {
                        self.unknown_argument(row, arg, call.args.len());
                        good = false;
                    }
                    (Some(param), Some(Value::Node(node))) => {
                        good &= self.give(row, param, (node, arg.value.span), &mut given);
                    }
                    (Some(param), _) => broken.push(param.group),
                },
            }
        }
        for param in row.params.iter().filter(|param| row.params.iter().find(|p| p.group == param.group) == Some(param))
        {
            let is_given = given.iter().any(|(other, _)| other.group == param.group);
            if !is_given && !broken.contains(&param.group) && good {
                let names = alternatives(row, param.group);
                self.report(Dists::Missing { dist: row.name, written: written(row), names, span: call.span });
                good = false;
            }
        }
        (good && broken.is_empty()).then_some(given)
    }

    fn give(
        &mut self,
        row: &'static Row,
        param: &'static Param,
        value: Given,
        given: &mut Vec<(&'static Param, Given)>,
    ) -> bool {
        if let Some((first, (_, first_span))) = given.iter().find(|(other, _)| other.group == param.group) {
            let (first, first_span) = (first.name, *first_span);
            self.report(Dists::Twice { dist: row.name, first, first_span, second: param.name, second_span: value.1 });
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
        given: &mut Vec<(&'static Param, Given)>,
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
                Some(param) => good &= self.give(row, param, (node, span), given),
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

    /// Shape and support of one argument.
    fn check_argument(&mut self, row: &Row, param: &Param, node: NodeId, span: Span, of: &For) -> Option<NodeId> {
        let components = dist::component_axes(row.kind, of.event);
        let have = self.event(node).to_vec();
        let last = match param.axes {
            ParamAxes::Number => None,
            ParamAxes::Event => of.event.last().cloned(),
            ParamAxes::Categories | ParamAxes::Cutpoints => match (have.last(), of.declared) {
                (Some(size), _) => Some(size.clone()),
                (None, Some(Support::Category(size))) => Some(size.clone()),
                (None, _) => {
                    let (dist, param) = (row.name, param.name);
                    self.report(Dists::NeedsCategories { dist, param, text: self.text(span), span });
                    return None;
                }
            },
        };
        let own: Vec<Size> = last.iter().cloned().collect();
        let full: Vec<Size> = components.iter().cloned().chain(own.clone()).collect();
        if !(have.is_empty() || have == own || have == full) {
            self.argument_shape(row, param, node, span, of, &own, &full);
            return None;
        }
        let repeated = have.is_empty() && param.axes == ParamAxes::Categories;
        let node = if repeated { self.op(Op::Fill(node, own.clone()), span) } else { node };
        let want = match param.want {
            Want::Real => Support::Real,
            Want::Positive => Support::Positive,
            Want::Unit => Support::Unit,
            Want::Count => Support::Count(None),
            Want::Simplex => Support::Simplex(last.unwrap_or_default()),
            Want::Ordered => Support::Ordered(last.unwrap_or_default()),
            Want::Any => return Some(node),
        };
        self.require_fit(node, &want, span, &format!("`{}` of {}", param.name, row.name))?;
        Some(node)
    }

    #[allow(clippy::too_many_arguments)]
    fn argument_shape(
        &mut self,
        row: &Row,
        param: &Param,
        node: NodeId,
        span: Span,
        of: &For,
        own: &[Size],
        full: &[Size],
    ) {
        let mut allowed = vec!["a number".to_string()];
        if matches!(param.axes, ParamAxes::Categories | ParamAxes::Cutpoints) {
            allowed.clear();
        }
        for event in [own, full] {
            let text = self.print_event(event);
            if !allowed.contains(&text) {
                allowed.push(text);
            }
        }
        let (have, site_shape) = (self.print_shape(node), self.print_event(of.event));
        let (dist, param, site) = (row.name, param.name, of.name.to_string());
        self.report(Dists::ArgumentShape { dist, param, have, allowed, site, site_shape, text: self.text(span), span });
    }

    /// The arguments of a distribution that read a latent or a param.
    pub(super) fn varies(&self, dist: &Dist) -> Option<NodeId> {
        dist.args.values().copied().find(|arg| self.graph.mentions(*arg, |op| matches!(op, Op::Site(_) | Op::Param(_))))
    }
}

fn is_dist_call(expr: &crate::syntax::Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(call) if is_distribution(&call.name.node))
}

/// Of alternatives the first is the positional one.
fn positional(row: &'static Row, position: usize) -> Option<&'static Param> {
    let mut seen: Vec<u8> = vec![];
    for param in row.params {
        if seen.contains(&param.group) {
            continue;
        }
        if seen.len() == position {
            return Some(param);
        }
        seen.push(param.group);
    }
    None
}

fn alternatives(row: &'static Row, group: u8) -> Vec<&'static str> {
    row.params.iter().filter(|param| param.group == group).map(|param| param.name).collect()
}

/// `Normal(loc, scale | var | prec)`
pub(super) fn written(row: &'static Row) -> String {
    let mut groups: Vec<u8> = row.params.iter().map(|param| param.group).collect();
    groups.dedup();
    let groups: Vec<String> = groups.into_iter().map(|group| alternatives(row, group).join(" | ")).collect();
    format!("{}({})", row.name, groups.join(", "))
}
