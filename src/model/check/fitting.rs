//! What fits: proven, disproven, or checked when computed (LANGUAGE.md 1.3).

use std::collections::BTreeMap;

use super::Checker;
use crate::math::support::{Fit, fits};
use crate::math::vectors::Vector;
use crate::math::{Label, NodeId, Op, Support};
use crate::model::Proviso;
use crate::model::problems::Supports;
use crate::source::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Fits,
    WhenComputed,
    Wrong,
}

impl<'a> Checker<'a> {
    /// The value must lie in the support: an error where it does not or was declared wider, a proviso where only
    /// computing it will show.
    pub(super) fn require_fit(&mut self, node: NodeId, want: &Support, span: Span, what: &str) -> Option<()> {
        match self.verdict(node, want) {
            Verdict::Fits => Some(()),
            Verdict::WhenComputed => {
                if !self.trial {
                    self.provisos.push(Proviso::Fits { value: node, support: want.clone(), what: what.into(), span });
                }
                Some(())
            }
            Verdict::Wrong => {
                let (have, wanted) = (self.print_support(node), self.support_text(want));
                let label = matches!(self.support(node), Support::Category(_));
                let text = self.text(span);
                let offer = match self.fold_number(node) {
                    Some(_) => format!("write a number that is {wanted}"),
                    None if label => label_offer(&text, &have),
                    None => offer(want, &text),
                };
                if let Some(sum) = self.literal_sum(node).filter(|_| matches!(want, Support::Simplex(_))) {
                    self.report(Supports::NotProbabilities { what: what.into(), text, sum, span });
                    return None;
                }
                if let Some(why) = self.literal_wrong(node, want).flatten() {
                    let offer = match want {
                        Support::Simplex(_) => {
                            "the entries are at least 0 and sum to 1; `softmax(...)` makes them so".into()
                        }
                        Support::Cov(_) => "a covariance is symmetric and positive definite, as `eye(2)` is".into(),
                        _ => offer.split(", or declare it").next().unwrap_or_default().to_string(),
                    };
                    self.report(Supports::LiteralArray { what: what.into(), text, want: wanted, why, offer, span });
                    return None;
                }
                let never = fits(self.support(node), want) == Fit::Disproven;
                self.report(Supports::DoesNotFit { what: what.into(), text, have, want: wanted, never, offer, span });
                None
            }
        }
    }

    fn verdict(&self, node: NodeId, want: &Support) -> Verdict {
        self.verdict_of(node, want, &mut BTreeMap::new())
    }

    /// Of an array or an `if`, the worst of its parts; `seen` keeps shared parts from being judged again.
    fn verdict_of(&self, node: NodeId, want: &Support, seen: &mut BTreeMap<NodeId, Verdict>) -> Verdict {
        if let Some(verdict) = seen.get(&node) {
            return *verdict;
        }
        let verdict = match fits(self.support(node), want) {
            Fit::Proven => Verdict::Fits,
            Fit::Disproven => Verdict::Wrong,
            Fit::Unknown => self.verdict_of_parts(node, want, seen),
        };
        seen.insert(node, verdict);
        verdict
    }

    fn verdict_of_parts(&self, node: NodeId, want: &Support, seen: &mut BTreeMap<NodeId, Verdict>) -> Verdict {
        let numbers = want.event_rank() == 0;
        match &self.graph.nodes[node].op {
            Op::Named(Label::Definition(_), inner) => self.verdict_of(*inner, want, seen),
            Op::Named(Label::Call { name, .. }, inner) => {
                if self.is_net(name) {
                    Verdict::Wrong
                } else {
                    self.verdict_of(*inner, want, seen)
                }
            }
            Op::Stack(list) if numbers => {
                list.iter().map(|item| self.verdict_of(*item, want, seen)).max().unwrap_or(Verdict::Fits)
            }
            Op::Stack(_) | Op::Fill(..) | Op::Concat(_) if !numbers => match self.literal_wrong(node, want) {
                None => Verdict::WhenComputed,
                Some(None) => Verdict::Fits,
                Some(Some(_)) => Verdict::Wrong,
            },
            Op::If(_, a, b) => {
                let then = self.verdict_of(*a, want, seen);
                then.max(self.verdict_of(*b, want, seen))
            }
            Op::Fill(a, _) if numbers => self.verdict_of(*a, want, seen),
            Op::Index(a, _) | Op::Lift(a, _) | Op::Reshape(a, _) => match self.verdict_of(*a, want, seen) {
                Verdict::Wrong if !self.is_declared(*a) => Verdict::WhenComputed,
                verdict => verdict,
            },
            _ if self.is_declared(node) => Verdict::Wrong,
            _ => Verdict::WhenComputed,
        }
    }

    fn is_net(&self, name: &str) -> bool {
        self.nets.iter().any(|net| net.name.node == name)
    }

    /// A literal, a declared name or a layer: its support is what the user said, not what arithmetic made of it.
    fn is_declared(&self, node: NodeId) -> bool {
        match &self.graph.nodes[node].op {
            Op::Number(_) | Op::Data(_) | Op::Param(_) | Op::Site(_) | Op::Dense { .. } | Op::Layer { .. } => true,
            Op::Index(a, _) | Op::Lift(a, _) | Op::Reshape(a, _) => self.is_declared(*a),
            Op::Named(Label::Call { name, .. }, _) => self.is_net(name),
            _ => false,
        }
    }

    /// The sum of a vector of literals.
    fn literal_sum(&self, node: NodeId) -> Option<f64> {
        let Op::Stack(list) = &self.graph.nodes[self.unnamed(node)].op else { return None };
        list.iter().map(|item| self.fold_number(*item)).sum()
    }

    /// Of an array of literals under a support with axes of its own: nothing if it fits, else why not.
    fn literal_wrong(&self, node: NodeId, want: &Support) -> Option<Option<&'static str>> {
        let (vector, array) = (Vector::of(want)?, self.evaluate(node, &mut BTreeMap::new())?);
        let size = *array.shape.last()?;
        let mut values = array.values.chunks(vector.width(size).max(1));
        Some(values.find_map(|value| vector.wrong(size, value)))
    }
}

/// What to write so that a value fits.
pub(crate) fn offer(want: &Support, text: &str) -> String {
    match want {
        Support::Positive => format!("write `exp({text})` or `softplus({text})`, or declare it `positive`"),
        Support::Unit => format!("write `sigmoid({text})`, or declare it `unit`"),
        Support::Simplex(_) => format!("write `softmax({text})`, or declare it `simplex`"),
        Support::Interval(lo, hi) if lo == hi => {
            "both sides must be the same number: mend the data or the model".into()
        }
        Support::Interval(..) => format!("write `clamp({text}, lo, hi)` with these bounds, or declare it so"),
        Support::Cholesky(_) => format!("write `cholesky({text})` where it is a covariance, or declare it `cholesky`"),
        Support::Cov(_) => {
            format!(
                "give a symmetric matrix that is positive definite, as `{text} @ transpose({text})` is, or declare it `cov`"
            )
        }
        Support::Ordered(_) => "give a vector that rises, as `cumsum` of positives, or declare it `ordered`".into(),
        Support::Count(_) => "give a whole number from 0 up, or data declared `count`".into(),
        Support::Binary => "give 0, 1 or a comparison, or data declared `binary`".into(),
        Support::Category(_) => "give a label: data or a site declared `category` with this size".into(),
        Support::Real => "give a real number".into(),
        _ => "declare it with the type that is wanted here".into(),
    }
}

fn label_offer(text: &str, have: &str) -> String {
    let size = have.strip_prefix("category(").and_then(|s| s.strip_suffix(')')).unwrap_or("K");
    format!("a label is no number: index with it (`effect[{text}]`), or write `one_hot({text}, {size})`")
}
