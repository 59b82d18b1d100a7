//! Distributions whose support their arguments set: the ends must be in order, must not move for a latent site, and must
//! keep observations inside.

use super::Checker;
use super::dists::For;
use crate::dist::{self, Dist, Kind};
use crate::math::support::Bound;
use crate::math::{DataId, NodeId, Support};
use crate::model::Proviso;
use crate::model::problems::Ends;
use crate::source::Span;
use crate::syntax::Call;

/// The arguments that are the lower and the upper end.
const ENDS: &[(Kind, Option<&str>, Option<&str>)] = &[
    (Kind::Uniform, Some("lo"), Some("hi")),
    (Kind::TruncatedNormal, Some("lo"), Some("hi")),
    (Kind::DiscreteUniform, Some("lo"), Some("hi")),
    (Kind::Truncated, Some("lo"), Some("hi")),
    (Kind::Pareto, Some("scale"), None),
    (Kind::Binomial, None, Some("n")),
    (Kind::BetaBinomial, None, Some("n")),
];

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Lower,
    Upper,
}

/// What has 0 and all above it.
fn not_negative() -> Support {
    Support::Interval(Bound::Number(0.0), Bound::Number(f64::INFINITY))
}

/// The ends of a support of numbers.
fn interval(support: &Support) -> (Bound, Bound) {
    match support {
        Support::Interval(lo, hi) => (lo.clone(), hi.clone()),
        other => (Bound::Number(other.range().lo), Bound::Number(other.range().hi)),
    }
}

impl<'a> Checker<'a> {
    /// What a distribution by itself can be wrong in: its ends in order, a type that says how many bins there are.
    pub(super) fn check_ends(&mut self, call: &'a Call, dist: &Dist, of: &For) -> Option<()> {
        let name = dist::row(dist.kind).name;
        let bins = of.declared.is_some_and(|declared| declared.states().is_some());
        if dist.kind == Kind::DiscretizedLogistic && !bins {
            self.report(Ends::NoBins { site: of.name.into(), dist: name, span: call.span });
            return None;
        }
        let both = ends(dist).map(|(_, arg, node)| (arg, node)).collect::<Vec<_>>();
        let [(lo, low), (hi, high)] = both.as_slice() else { return Some(()) };
        let whole = dist::support(&self.graph, dist, of.event).is_discrete();
        match (self.fold_number(*low), self.fold_number(*high)) {
            (Some(a), Some(b)) if a > b || (a == b && !whole) => {
                self.report(Ends::Empty { dist: name, names: [lo, hi], values: [a, b], span: call.span });
                return None;
            }
            (Some(_), Some(_)) => {}
            _ => {
                let (below, above) = (self.support(*low).range(), self.support(*high).range());
                if below.hi >= above.lo {
                    let width = self.graph.sub(*high, *low);
                    let support = if whole { not_negative() } else { Support::Positive };
                    self.prove_later(width, support, format!("`{hi} - {lo}` of {name}"), call.span);
                }
            }
        }
        Some(())
    }

    fn prove_later(&mut self, value: NodeId, support: Support, what: String, span: Span) {
        if !self.trial {
            self.provisos.push(Proviso::Fits { value, support, what, span });
        }
    }

    /// A latent site's support stays where it is, and its mass is not at a point.
    pub(super) fn check_latent_ends(&mut self, site: &str, call: &Call, dist: &Dist) -> Option<()> {
        if dist.kind == Kind::Delta {
            self.report(Ends::Point { site: site.into(), observed: false, span: call.span });
            return None;
        }
        for (_, name, node) in ends(dist).collect::<Vec<_>>() {
            if let Some(reads) = self.first_random(node) {
                let dist = dist::row(dist.kind).name;
                self.report(Ends::Moves { site: site.into(), dist, name, reads, span: call.span });
                return None;
            }
        }
        dist.args.of.iter().try_for_each(|part| self.check_latent_ends(site, call, part))
    }

    /// Whether the declared support of data lies inside ends that values set: `None` where there are no such ends or it
    /// was reported. What data alone decide is checked when they are bound.
    pub(super) fn check_observed_ends(
        &mut self,
        id: DataId,
        value: NodeId,
        call: &Call,
        dist: &Dist,
        own: &Support,
    ) -> Inside {
        let data = &self.data[id.index()];
        let (name, declared, support) = (data.name.clone(), data.span, data.support.clone());
        if dist.kind == Kind::Delta {
            self.report(Ends::Point { site: name, observed: true, span: call.span });
            return Inside::Reported;
        }
        let ends: Vec<_> = ends(dist).collect();
        let alike = support.is_discrete() == own.is_discrete() && !matches!(support, Support::Category(_));
        if ends.is_empty() || !alike || own.event_rank() + support.event_rank() > 0 {
            return Inside::Unknown;
        }
        let (lo, hi) = interval(&support);
        let row = dist::row(dist.kind).name;
        for (side, arg, node) in ends {
            let limit = if side == Side::Lower { &lo } else { &hi };
            if self.keeps_inside(side, node, limit) {
                continue;
            }
            match (self.fold_number(node), self.first_random(node)) {
                // Numbers are compared as supports are; `count` data may be below any number of tries.
                (Some(_), _) if !own.is_discrete() => return Inside::Unknown,
                (None, Some(reads)) if !own.is_discrete() => {
                    let have = self.support_text(&support);
                    self.report(Ends::Outside {
                        data: name,
                        have,
                        declared,
                        dist: row,
                        name: arg,
                        reads,
                        span: call.span,
                    });
                    return Inside::Reported;
                }
                _ => {
                    let above = match side {
                        Side::Lower => self.graph.sub(value, node),
                        Side::Upper => self.graph.sub(node, value),
                    };
                    // Missing entries are not numbers, and lie nowhere.
                    let above = if self.data[id.index()].missing { self.unless_missing(value, above) } else { above };
                    let what = match side {
                        Side::Lower => format!("`{name}` less `{arg}` of {row}"),
                        Side::Upper => format!("`{arg}` of {row} less `{name}`"),
                    };
                    self.prove_later(above, not_negative(), what, call.span);
                }
            }
        }
        // What is not an end that values set, as the 0 of a count, must fit as it is.
        let whole = own.is_discrete() || support.range().lo >= own.range().lo && support.range().hi <= own.range().hi;
        if whole { Inside::Yes } else { Inside::Unknown }
    }

    fn unless_missing(&mut self, value: NodeId, above: NodeId) -> NodeId {
        let (there, zero) = (self.graph.equal(value, value), self.graph.number(0.0));
        self.graph.either(there, above, zero)
    }

    /// Whether an end lies beyond this limit of the data, whatever it is.
    fn keeps_inside(&self, side: Side, node: NodeId, limit: &Bound) -> bool {
        if *limit == Bound::Value(node) {
            return true;
        }
        // The end nearest to the data that the value may have.
        let (lo, hi) = interval(self.support(node));
        let nearest = if side == Side::Lower { hi } else { lo };
        match (&nearest, limit, side) {
            (Bound::Number(end), Bound::Number(limit), Side::Lower) => end <= limit,
            (Bound::Number(end), Bound::Number(limit), Side::Upper) => end >= limit,
            (nearest, limit, _) => nearest == limit,
        }
    }
}

/// Whether data lie inside the ends of a distribution.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Inside {
    Yes,
    Unknown,
    Reported,
}

fn ends(dist: &Dist) -> impl Iterator<Item = (Side, &'static str, NodeId)> {
    let row = ENDS.iter().find(|row| row.0 == dist.kind);
    let named = row.into_iter().flat_map(|row| [(Side::Lower, row.1), (Side::Upper, row.2)]);
    named.filter_map(|(side, name)| Some((side, name?, *dist.args.get(name?)?)))
}
