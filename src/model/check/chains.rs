//! Sites of a chain that read earlier rows of themselves (LANGUAGE.md 1.4): declared before they are drawn.

use super::Checker;
use super::dists::For;
use super::funnel::Written;
use super::statements::nothing;
use super::types::Checked;
use super::walk;
use crate::dist;
use crate::math::Support;
use crate::model::problems::Statements;
use crate::shape::AxisKind;
use crate::source::Span;
use crate::syntax::{Call, ExprKind, Name, Target};

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
        let of = For { name: &name.node, event: &event, declared: declared_support, mixed: &[] };
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

/// Whether the arguments read this name.
pub(super) fn reads(call: &Call, name: &str) -> bool {
    let mut found = false;
    for arg in &call.args {
        walk::each(&arg.value, &mut |expr| found |= matches!(&expr.kind, ExprKind::Name(read) if read == name));
    }
    found
}
