//! Sites and definitions of a chain that read earlier rows of themselves (LANGUAGE.md 1.4): their type is known before
//! what they are made of is checked.

use super::Checker;
use super::dists::For;
use super::expr::Value;
use super::funnel::Written;
use super::index::Named;
use super::statements::nothing;
use super::types::Checked;
use super::walk;
use crate::dist;
use crate::math::support::{Fit, fits};
use crate::math::{DefId, NodeId, Op, Support};
use crate::model::problems::{Limits, Names, Statements};
use crate::shape::{AxisKind, Shape, Size};
use crate::source::Span;
use crate::syntax::{Call, Expr, ExprKind, Name, Target};

impl<'a> Checker<'a> {
    pub(super) fn in_chain(&self) -> bool {
        self.plates.iter().any(|axis| self.axes[*axis].kind == AxisKind::Chain)
    }

    /// A site that reads earlier rows of itself: it is declared before its distribution is checked.
    pub(super) fn check_chained(&mut self, target: &'a Target, call: &'a Call, declared: Option<Checked>, span: Span) {
        let name = &target.name;
        let known = match &declared {
            Some(checked) => Some((checked.event.clone(), checked.support.clone())),
            None => self.guessed_support(name, call).map(|support| (vec![], support)),
        };
        let Some((event, support)) = known else {
            self.declare_broken(name);
            return;
        };
        let Some(id) = self.add_site(name, event.clone(), support.clone(), Written { target, call, span }) else {
            return;
        };
        self.drawing = Some(id);
        let declared_support = declared.as_ref().map(|checked| &checked.support);
        let of = For { name: &name.node, event: &event, declared: declared_support, mixed: &[], known: true };
        let dist = self.check_dist_of(name, call, &of);
        self.drawing = None;
        let Some(dist) = dist else { return };
        if let Some((_, restricted)) = self.latent_support(name, call, &dist, declared.as_ref(), target) {
            self.settle(id, dist, restricted);
        }
    }

    /// The support of a distribution whose arguments read the site itself, as if that were a number: of an `if` one good
    /// branch is enough. Where it cannot be told, that or a name that means nothing is reported.
    fn guessed_support(&mut self, name: &Name, call: &'a Call) -> Option<Support> {
        let (problems, provisos) = (self.problems.len(), self.provisos.len());
        let (graph, axes) = (self.graph.clone(), self.axes.clone());
        self.guessing = true;
        let dist = self.check_dist_of(name, call, &nothing(&name.node));
        let support = dist.as_ref().map(|dist| dist::support(&self.graph, dist, &[]));
        self.guessing = false;
        (self.graph, self.axes) = (graph, axes);
        let found = self.problems.split_off(problems);
        self.provisos.truncate(provisos);
        if support.is_none() {
            let unknown =
                ["ppl::model::unknown_name", "ppl::model::unknown_function", "ppl::model::unknown_distribution"];
            self.problems.extend(found.into_iter().filter(|problem| unknown.contains(&problem.code)));
            if self.problems.len() == problems {
                self.report(Statements::ChainType { name: name.node.clone(), span: name.span });
            }
        }
        support
    }
}

impl<'a> Checker<'a> {
    pub(super) fn is_recursion(&self, name: &str) -> bool {
        let own = self.recursion.as_ref().is_some_and(|(own, _)| own == name);
        own && self.scope.closed.is_none() && self.scope.local(name).is_none()
    }

    /// Whether one of these indices is a lag of a chain.
    pub(super) fn reads_earlier(&self, indices: &[&'a Expr]) -> bool {
        indices.iter().filter_map(|at| self.lag_of(at)).any(|axis| self.axes[axis].kind == AxisKind::Chain)
    }

    /// Earlier rows of the definition that is being checked.
    pub(super) fn read_own(&mut self, name: &str, indices: &[&'a Expr], span: Span) -> Option<NodeId> {
        let (_, own) = self.recursion.clone()?;
        let base = own?;
        if !self.reads_earlier(indices) {
            self.report(Names::ReadsItself { name: name.into(), span });
            return None;
        }
        let home = self.plates.clone();
        self.read_rows(Named { name, base, own: home.clone(), home, rows: 0 }, indices, span)
    }

    /// A definition that reads earlier rows of itself. Its shape is that of its first rows; its support is the first one
    /// that holds for a row if it holds for the rows before.
    pub(super) fn check_chained_definition(&mut self, name: &'a Name, value: &'a Expr) -> Option<Value> {
        let (first, _) = self.tried(|checker| {
            checker.recursion = Some((name.node.clone(), None));
            checker.guessing = true;
            let first = checker.check_value(value);
            checker.guessing = false;
            first.map(|first| match first {
                Value::Node(node) => Some((checker.event(node).to_vec(), checker.support(node).clone())),
                Value::Outputs(_) => None,
            })
        });
        let Some((event, first)) = first.unwrap_or(Some((vec![], Support::Real))) else {
            self.report(Limits::ChainDefinition { name: name.node.clone(), span: value.span });
            return None;
        };
        let mut support = Support::Real;
        for wider in [first, Support::Unit, Support::Count(None), Support::Positive] {
            let (holds, clean) = self.tried(|checker| match checker.check_row(name, value, &event, &wider)? {
                Value::Node(body) => Some(fits(checker.support(body), &wider) == Fit::Proven),
                Value::Outputs(_) => None,
            });
            if clean && holds == Some(true) {
                support = wider;
                break;
            }
        }
        match self.check_row(name, value, &event, &support)? {
            Value::Node(body) if self.event(body) == event => {
                let own = self.earlier(&event, &support);
                let chain = self.plates.iter().copied().find(|axis| self.axes[*axis].kind == AxisKind::Chain)?;
                Some(Value::Node(self.op(Op::Scan { own, body, chain }, value.span)))
            }
            _ => {
                self.report(Limits::ChainDefinition { name: name.node.clone(), span: value.span });
                None
            }
        }
    }

    /// The value of one row, given that the rows before have this type.
    fn check_row(&mut self, name: &Name, value: &'a Expr, event: &[Size], support: &Support) -> Option<Value> {
        let own = self.earlier(event, support);
        self.recursion = Some((name.node.clone(), Some(own)));
        let value = self.check_value(value);
        self.recursion = None;
        value
    }

    fn earlier(&mut self, event: &[Size], support: &Support) -> NodeId {
        let of = DefId(self.definitions.len() as u32);
        let shape = Shape::new(self.plates.clone(), event.to_vec());
        self.graph.node(Op::Earlier { of, copy: 0 }, shape, support.clone())
    }

    /// What a check finds, without a trace of it, and whether it found no mistake.
    fn tried<T>(&mut self, check: impl FnOnce(&mut Checker<'a>) -> Option<T>) -> (Option<T>, bool) {
        let (problems, provisos) = (self.problems.len(), self.provisos.len());
        let (graph, axes) = (self.graph.clone(), self.axes.clone());
        let found = check(self);
        self.recursion = None;
        let clean = self.problems.len() == problems;
        (self.graph, self.axes) = (graph, axes);
        self.problems.truncate(problems);
        self.provisos.truncate(provisos);
        (found, clean)
    }
}

/// Whether an expression reads this name.
pub(super) fn mentions(expr: &Expr, name: &str) -> bool {
    let mut found = false;
    walk::each(expr, &mut |expr| found |= matches!(&expr.kind, ExprKind::Name(read) if read == name));
    found
}

/// Whether the arguments read this name.
pub(super) fn reads(call: &Call, name: &str) -> bool {
    let mut found = false;
    for arg in &call.args {
        walk::each(&arg.value, &mut |expr| found |= matches!(&expr.kind, ExprKind::Name(read) if read == name));
    }
    found
}
