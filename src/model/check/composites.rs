//! Distributions that are made of others: mixtures, and what is cut off at bounds (LANGUAGE.md 1.7).

use super::Checker;
use super::dists::{Arguments, For, Given, is_dist_call, written};
use crate::dist::{self, Args, Dist, Kind, Param, Row, Want};
use crate::math::Support;
use crate::model::problems::{Composites, Limits};
use crate::shape::{AxisKind, Size};
use crate::syntax::{Call, Expr, ExprKind, Name};

impl<'a> Checker<'a> {
    /// The distributions that stand where a parameter takes them.
    pub(super) fn given_distributions(
        &mut self,
        row: &'static Row,
        param: &'static Param,
        expr: &'a Expr,
    ) -> Option<Given<'a>> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Paren(inner) => return self.given_distributions(row, param, inner),
            ExprKind::Call(call) if is_dist_call(expr) => {
                return Some(Given::Dists { list: false, calls: vec![call], span });
            }
            ExprKind::Array(items) if param.want == Want::Components && items.iter().any(is_dist_call) => {
                let calls = items.iter().map(|item| match &item.kind {
                    ExprKind::Call(call) if is_dist_call(item) => Some(call),
                    _ => {
                        self.not_a_distribution(row, false, item);
                        None
                    }
                });
                let calls: Vec<Option<&'a Call>> = calls.collect();
                return Some(Given::Dists { list: true, calls: calls.into_iter().collect::<Option<_>>()?, span });
            }
            _ => {}
        }
        self.not_a_distribution(row, param.want == Want::Components, expr);
        None
    }

    fn not_a_distribution(&mut self, row: &'static Row, list: bool, expr: &'a Expr) {
        let dist = row.name;
        self.report(Composites::NotADistribution { dist, list, text: self.text(expr.span), span: expr.span });
    }

    /// The distributions among the arguments, legal for the same value; nothing for one that is made of none.
    pub(super) fn check_inner(
        &mut self,
        row: &'static Row,
        given: &Arguments<'a>,
        call: &'a Call,
        of: &For,
    ) -> Option<Args> {
        let dists = given.iter().find_map(|(_, given)| match given {
            Given::Dists { list, calls, .. } => Some((*list, calls)),
            Given::Value(..) => None,
        });
        let Some((list, calls)) = dists else { return Some(Args::new()) };
        let mut args = Args::new();
        let inside = For { name: of.name, event: of.event, declared: of.declared, mixed: of.mixed, known: of.known };
        let weights = given.iter().find_map(|(param, given)| match given {
            Given::Value(node, span) if param.name == "weights" => Some((*node, *span)),
            _ => None,
        });
        let Some((weights, span)) = weights else {
            args.of = vec![self.check_dist(calls[0], &inside)?];
            return Some(args);
        };
        let Some(size) = self.event(weights).last().cloned() else {
            self.report(Composites::WeightsNumber { dist: row.name, text: self.text(span), span });
            return None;
        };
        if list && size.known().is_some_and(|n| n != calls.len() as i64) {
            let (text, size) = (self.text(span), self.print_size(&size));
            self.report(Composites::WeightsCount { text, size, parts: calls.len(), span });
            return None;
        }
        let length = if list { Size::fixed(calls.len()) } else { size.clone() };
        let name = Name::new("component".to_string(), call.name.span);
        let axis = self.add_axis(&name, length, Size::default(), AxisKind::Comprehension);
        args.components = Some(axis);
        let mut mixed = of.mixed.to_vec();
        if !list {
            mixed.push((axis, size));
        }
        let inside = For { mixed: &mixed, ..inside };
        let parts: Vec<Option<Dist>> = calls.iter().map(|call| self.check_dist(call, &inside)).collect();
        args.of = parts.into_iter().collect::<Option<_>>()?;
        Some(args)
    }

    /// What is asked of the parts together.
    pub(super) fn check_composite(&mut self, row: &'static Row, dist: &Dist, call: &'a Call, of: &For) -> Option<()> {
        let Some(param) = row.params.iter().find(|param| param.takes_distributions()) else { return Some(()) };
        match param.want {
            Want::Components => self.check_parts(dist, call, of),
            _ => self.check_cut(row, dist, call),
        }
    }

    /// A latent value has a density: what is censored has points with a probability of their own.
    pub(super) fn check_no_atoms(&mut self, name: &str, dist: &Dist, call: &Call) -> Option<()> {
        if !is_censored(dist) {
            return Some(());
        }
        self.report(Composites::CensoredLatent { name: name.into(), span: call.span });
        None
    }

    /// The parts of a mixture have one support.
    fn check_parts(&mut self, dist: &Dist, call: &'a Call, of: &For) -> Option<()> {
        let supports: Vec<Support> =
            dist.args.of.iter().map(|part| dist::support(&self.graph, part, of.event)).collect();
        let first = &supports[0];
        let Some(at) = supports.iter().position(|support| support != first) else { return Some(()) };
        let name = |part: &Dist| dist::row(part.kind).name;
        let (one, two) = (name(&dist.args.of[0]), name(&dist.args.of[at]));
        let (one_support, two_support) = (self.support_text(first), self.support_text(&supports[at]));
        self.report(Composites::PartSupports { one, one_support, two, two_support, span: call.span });
        None
    }

    /// A distribution that is cut off is over numbers, has a distribution function, and bounds in their order.
    fn check_cut(&mut self, row: &'static Row, dist: &Dist, call: &'a Call) -> Option<()> {
        let inner = &dist.args.of[0];
        let name = dist::row(inner.kind).name;
        if dist::value_rank(inner) > 0 || !inner.args.of.is_empty() {
            self.report(Composites::CutOfVectors { dist: row.name, inner: name, span: call.span });
            return None;
        }
        let bound = |checker: &Checker, name: &str| dist.args.get(name).map(|node| checker.fold_number(*node));
        let (lo, hi) = (bound(self, "lo"), bound(self, "hi"));
        if dist::states::is_summed(inner.kind) {
            let few = |bound: Option<f64>| bound.is_some_and(|bound| bound < dist::states::MOST as f64);
            if ![lo, hi].into_iter().flatten().all(few) {
                self.report(Limits::CutStates { dist: row.name, inner: name, span: call.span });
                return None;
            }
        } else if dist::cdf::of(inner.kind).is_none() {
            self.report(Limits::Cut { dist: row.name, inner: name, span: call.span });
            return None;
        }
        match (lo, hi) {
            (None, None) => {
                let written = written(row);
                self.report(Composites::NoBounds { dist: row.name, written, span: call.span });
                None
            }
            (Some(Some(lo)), Some(Some(hi))) if lo >= hi => {
                self.report(Composites::EmptyBounds { dist: row.name, lo, hi, span: call.span });
                None
            }
            _ => Some(()),
        }
    }
}

fn is_censored(dist: &Dist) -> bool {
    dist.kind == Kind::Censored || dist.args.of.iter().any(is_censored)
}
