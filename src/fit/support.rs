//! Values whose support could not be proven from the text, looked at wherever they are computed.

use std::collections::BTreeMap;

use super::Failure;
use super::feed::{Draws, Feed, Rows};
use super::place::{Place, number};
use crate::data::support::{Known, Misfit, Vector};
use crate::data::{Array, Bound};
use crate::elbo::Elbo;
use crate::math::Support;
use crate::model::check::fitting;
use crate::model::{Proviso, Statement};
use crate::plan::lower::{self, Batch, Given, OutputKind, Side};
use crate::plan::{Backend, Evaluate, Precision};
use crate::problem::{Bug, Problem};
use crate::shape::{DimId, Size};
use crate::source::Span;

/// How far beyond an end point rounding may carry a value that lies on it.
const SLACK: f64 = 1e-9;

/// Looks at every value that could not be proven to fit: those of data alone once, the others at every evaluation.
pub struct Guard<'a> {
    elbo: &'a Elbo,
    data: &'a Bound,
    backend: &'a dyn Backend,
    given: Given,
    /// Places in `Model::provisos`.
    moving: Vec<usize>,
    /// By draws and rows of a batch.
    watches: BTreeMap<(usize, BTreeMap<DimId, usize>), Watch<'a>>,
}

/// A program that computes the values, for one number of draws and rows.
struct Watch<'a> {
    evaluator: Box<dyn Evaluate>,
    feed: Feed<'a>,
    outputs: Vec<OutputKind>,
    shapes: Vec<Vec<usize>>,
}

/// What is evaluated: one block of draws, as the fit itself evaluates it.
#[derive(Clone, Copy)]
pub struct Look<'r> {
    /// Points, or the guide's parameters.
    pub values: &'r [f64],
    pub draws: usize,
    /// Names the noise; points need none.
    pub noise: Option<Draws>,
    pub rows: Option<&'r Rows>,
}

/// A value that does not lie in its support, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Outside {
    proviso: usize,
    side: Side,
    place: Place,
    value: f64,
    why: Option<&'static str>,
}

/// The first of some values that does not fit.
struct Misplaced {
    place: usize,
    value: f64,
    why: Option<&'static str>,
}

impl<'a> Guard<'a> {
    /// Values of data alone are looked at here, once.
    pub fn new(elbo: &'a Elbo, data: &'a Bound, backend: &'a dyn Backend, given: Given) -> Result<Guard<'a>, Failure> {
        let of_values = elbo.model.provisos.iter().enumerate().filter_map(|(at, proviso)| match proviso {
            Proviso::Fits { value, .. } => Some((at, *value)),
            Proviso::Size { .. } => None,
        });
        let (moving, still): (Vec<_>, Vec<_>) = of_values.partition(|(_, value)| lower::moves(elbo, *value));
        let places = |list: Vec<(usize, _)>| list.into_iter().map(|(at, _)| at).collect::<Vec<usize>>();
        let mut guard = Guard { elbo, data, backend, given, moving: places(still), watches: BTreeMap::new() };
        if !guard.is_idle() {
            let width = guard.width()?;
            let values = vec![0.0; width];
            let look = Look { values: &values, draws: 1, noise: None, rows: None };
            if let Some(outside) = guard.look(&look)?.into_values().next() {
                return Err(guard.describe(&outside).into());
            }
        }
        guard.watches.clear();
        guard.moving = places(moving);
        Ok(guard)
    }

    /// Nothing is left to look at.
    pub fn is_idle(&self) -> bool {
        self.moving.is_empty()
    }

    fn width(&self) -> Result<usize, Failure> {
        let layout = lower::Layout::new(self.elbo, self.data)?;
        Ok(if self.given == Given::Points { layout.point() } else { layout.guide() })
    }

    /// The first value that is outside, at each draw that has one.
    pub fn look(&mut self, look: &Look) -> Result<BTreeMap<usize, Outside>, Failure> {
        if self.is_idle() {
            return Ok(BTreeMap::new());
        }
        let key = (look.draws, look.rows.map(Rows::sizes).unwrap_or_default());
        if !self.watches.contains_key(&key) {
            let watch = self.watch(look.draws, look.rows)?;
            self.watches.insert(key.clone(), watch);
        }
        let Some(watch) = self.watches.get_mut(&key) else { return Ok(BTreeMap::new()) };
        watch.feed.give(look.values, look.rows);
        if let Some(draws) = look.noise {
            watch.feed.noise(draws, look.rows);
        }
        if let Some(rows) = look.rows {
            watch.feed.rows(rows);
        }
        let outputs = watch.evaluator.run(&watch.feed.slices(look.values))?;
        let (kinds, shapes) = (watch.outputs.clone(), watch.shapes.clone());
        let mut found = BTreeMap::new();
        for (k, values) in outputs.iter().enumerate() {
            let OutputKind::Proviso { at, side, draws, axes } = &kinds[k] else { continue };
            let shape = &shapes[k];
            let per_draw = if *draws { shape[1..].iter().product() } else { values.len() };
            for (draw, values) in values.chunks(per_draw.max(1)).enumerate() {
                let Some(Misplaced { place, value, why }) = self.misfit(*at, *side, values)? else { continue };
                let place = Place::of(self.elbo, axes, &shape[usize::from(*draws)..], place, look.rows);
                let outside = Outside { proviso: *at, side: *side, place, value, why };
                // What does not vary over the draws is outside at all of them.
                let all = if *draws { draw..draw + 1 } else { 0..look.draws };
                all.for_each(|draw| _ = found.entry(draw).or_insert_with(|| outside.clone()));
            }
        }
        Ok(found)
    }

    /// Stops the fit at the first value that is outside.
    pub fn require(&mut self, look: &Look) -> Result<(), Failure> {
        match self.look(look)?.into_values().next() {
            Some(outside) => Err(self.describe(&outside).into()),
            None => Ok(()),
        }
    }

    fn watch(&self, draws: usize, rows: Option<&Rows>) -> Result<Watch<'a>, Failure> {
        let rows = rows.map(Rows::sizes).unwrap_or_default();
        let program = lower::provisos(self.elbo, self.data, &Batch { draws, rows }, self.given, &self.moving)?;
        // What is told apart here is worth the cost, also of a step in f32.
        let evaluator = self.backend.prepare(&program.plan, Precision::F64)?;
        let feed = Feed::new(&program, self.elbo, self.data)?;
        let shapes = program.plan.outputs.iter().map(|output| program.plan.nodes[output.node].shape.clone()).collect();
        Ok(Watch { evaluator, feed, outputs: program.outputs, shapes })
    }

    fn proviso(&self, at: usize) -> Result<(&Support, &str, Span), Bug> {
        match &self.elbo.model.provisos[at] {
            Proviso::Fits { support, what, span, .. } => Ok((support, what, *span)),
            Proviso::Size { .. } => Err(Bug("a size among the values to look at".into())),
        }
    }

    /// Where the first value stands that does not fit. What is not a number is told by who meets it.
    fn misfit(&self, at: usize, side: Side, values: &[f64]) -> Result<Option<Misplaced>, Failure> {
        let (support, ..) = self.proviso(at)?;
        let number = |fits: &dyn Fn(f64) -> bool| {
            let place = values.iter().position(|v| !v.is_nan() && !fits(*v));
            place.map(|place| Misplaced { place, value: values[place], why: None })
        };
        if side != Side::Value {
            return Ok(number(&|v| v >= -SLACK * (1.0 + v.abs())));
        }
        let size = |size: &Size| lower::sizes(std::slice::from_ref(size), self.data).map(|sizes| sizes[0]);
        let known = match support {
            Support::Real | Support::Interval(..) => return Ok(None),
            Support::Unit => return Ok(number(&|v| (-SLACK..=1.0 + SLACK).contains(&v))),
            Support::Positive => Known::Positive,
            Support::Binary => Known::Binary,
            Support::Count(most) => Known::Count(most.as_ref().map(size).transpose()?),
            Support::Category(n) => Known::Category(size(n)?),
            Support::Simplex(n) => Known::Vector(Vector::Simplex, size(n)?),
            Support::OneHot(n) => Known::Vector(Vector::OneHot, size(n)?),
            Support::Ordered(n) => Known::Vector(Vector::Ordered, size(n)?),
            Support::PositiveOrdered(n) => Known::Vector(Vector::PositiveOrdered, size(n)?),
            Support::Cholesky(n) => Known::Vector(Vector::Cholesky, size(n)?),
            Support::CholeskyCorr(n) => Known::Vector(Vector::CholeskyCorr, size(n)?),
            Support::Cov(n) => Known::Vector(Vector::Cov, size(n)?),
        };
        Ok(match known.misfit(&Array::Reals(values.into()), 1, true) {
            Some(Misfit::Outside(place, value)) => Some(Misplaced { place, value, why: None }),
            Some(Misfit::Vector(place, why)) => Some(Misplaced { place, value: values[place], why: Some(why) }),
            Some(Misfit::Missing(_)) | None => None,
        })
    }

    /// The problem, with the site and the row named.
    pub fn describe(&self, outside: &Outside) -> Problem {
        let (support, what, span) = match self.proviso(outside.proviso) {
            Ok(known) => known,
            Err(bug) => return Problem::error("ppl::bug", bug.to_string()),
        };
        let model = &self.elbo.model;
        let text = |span: Span| model.source.slice(span).to_string();
        let wanted = support.print(&model.dims, &|node| model.graph.nodes[node].span.map_or("...".into(), text));
        let mut message = what.to_string();
        if let Some(site) = self.owner(span).filter(|site| !what.contains(&format!("`{site}`"))) {
            message += &format!(" for `{site}`");
        }
        let data = self.is_whole_distribution(span);
        message += &match (outside.side, outside.why) {
            (Side::Value, None) => format!(" is {}, which is not `{wanted}`", number(outside.value)),
            (Side::Value, Some(why)) => format!(" is not `{wanted}`: {why}"),
            // An end of the distribution that data lie beyond.
            (Side::AboveLow, _) if data => format!(" is {}, below 0", number(outside.value)),
            (Side::AboveLow, _) => format!(" lies {} below `{wanted}`", number(-outside.value)),
            (Side::BelowHigh, _) => format!(" lies {} above `{wanted}`", number(-outside.value)),
        };
        message += &outside.place.rows(self.elbo);
        if outside.why.is_none() {
            message += &outside.place.entry();
        }
        Problem::error("ppl::fit::support", message)
            .label(span, if data { "no such value is drawn".into() } else { format!("must be `{wanted}` at every row and step") })
            .help(match data {
            true => {
                "what is observed must lie where its distribution has values: change the bounds, or leave such rows out"
                    .into()
            }
            false => fitting::offer(support, &text(span)),
        })
    }

    /// Whether this is all that stands right of the `~` of an observation.
    fn is_whole_distribution(&self, at: Span) -> bool {
        self.elbo.model.statements.iter().any(|statement| match statement {
            Statement::Observe(y) => y.span.start < at.start && y.span.end == at.end,
            _ => false,
        })
    }

    /// The site, data item or definition whose statement this stands in.
    fn owner(&self, at: Span) -> Option<&str> {
        let model = &self.elbo.model;
        let holds = |span: Span| span.start <= at.start && at.end <= span.end;
        let statement = model.statements.iter().find_map(|statement| match statement {
            Statement::Latent(id) => Some(&model.sites[id.index()]).filter(|s| holds(s.span)).map(|s| s.name.as_str()),
            Statement::Observe(y) if holds(y.span) => Some(model.data[y.data.index()].name.as_str()),
            _ => None,
        });
        let factor = || model.guide.factors.iter().find(|factor| holds(factor.span));
        statement.or_else(|| factor().map(|factor| model.sites[factor.site.index()].name.as_str()))
    }
}
