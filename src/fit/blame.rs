//! Which operation made the first value that is no finite number, of which term and at which row.

use std::collections::BTreeMap;

use super::Failure;
use super::feed::{Feed, Rows};
use super::place::{Place, number};
use super::support::Look;
use crate::data::Bound;
use crate::elbo::print::Words;
use crate::elbo::{Elbo, Term, TermKind};
use crate::math::{Graph, NodeId, Op, print};
use crate::model::Statement;
use crate::plan::lower::{self, Batch, Given, OutputKind};
use crate::plan::{Backend, Precision};
use crate::problem::Problem;
use crate::shape::AxisId;
use crate::source::Span;

/// Longer expressions say less.
const LONGEST: usize = 60;

/// What is looked through.
pub struct Scene<'a> {
    pub elbo: &'a Elbo,
    pub data: &'a Bound,
    pub backend: &'a dyn Backend,
    pub precision: Precision,
    pub given: Given,
}

/// The values of one expression.
struct Told {
    values: Vec<f64>,
    shape: Vec<usize>,
    draws: bool,
    axes: Vec<AxisId>,
}

impl Told {
    /// The first entry that is no number, else the first that is infinite.
    fn bad(&self) -> Option<usize> {
        let nan = self.values.iter().position(|v| v.is_nan());
        nan.or_else(|| self.values.iter().position(|v| v.is_infinite()))
    }
}

/// What made the first value that is no finite number.
pub struct Blame {
    /// `log(q)` is -inf in the log density of `y`, at row n = 17
    pub sentence: String,
    span: Option<Span>,
    value: String,
    /// Whether a fit can change it.
    moves: bool,
}

impl Blame {
    /// Shows where, and says what helps: `otherwise`, where another guide or step would.
    pub fn show(&self, problem: Problem, otherwise: &str) -> Problem {
        let problem = match self.span {
            Some(span) => problem.label(span, format!("{} here", self.value)),
            None => problem,
        };
        match self.moves {
            true => problem.help(otherwise),
            false => problem.help("it is made of data alone: mend that entry, or what the model makes of it"),
        }
    }
}

/// Follows a term that is not finite to where it began; `None` where all terms are finite.
pub fn find(scene: &Scene, look: &Look) -> Result<Option<Blame>, Failure> {
    let told = tell(scene, look)?;
    let parts = lower::parts(scene.elbo, scene.given)?;
    let bad = |term: &&Term| told.get(&term.value).is_some_and(|told| told.bad().is_some());
    let Some(term) = parts.iter().find(bad) else { return Ok(None) };
    let culprit = first(&scene.elbo.graph, &told, term.value);
    Ok(told.get(&culprit).and_then(|told| described(scene, look, told, term, culprit)))
}

fn tell(scene: &Scene, look: &Look) -> Result<BTreeMap<NodeId, Told>, Failure> {
    let rows = look.rows.map(Rows::sizes).unwrap_or_default();
    let batch = Batch { draws: look.draws, rows };
    let program = lower::inspected(scene.elbo, scene.data, &batch, scene.given)?;
    let mut feed = Feed::new(&program, scene.elbo, scene.data)?;
    feed.give(look.values, look.rows);
    if let Some(draws) = look.noise {
        feed.noise(draws, look.rows);
    }
    if let Some(rows) = look.rows {
        feed.rows(rows);
    }
    let outputs = scene.backend.prepare(&program.plan, scene.precision)?.run(&feed.slices(look.values))?;
    let mut told = BTreeMap::new();
    for ((kind, values), output) in program.outputs.into_iter().zip(outputs).zip(&program.plan.outputs) {
        let OutputKind::Value { node, draws, axes } = kind else { continue };
        told.insert(node, Told { values, shape: program.plan.nodes[output.node].shape.clone(), draws, axes });
    }
    Ok(told)
}

/// Down from a value that is not finite to the one whose operands all are. What is no number comes of what is none, as
/// long as there is such an operand.
fn first(graph: &Graph, told: &BTreeMap<NodeId, Told>, from: NodeId) -> NodeId {
    let mut at = from;
    loop {
        let bad = |nan: bool| {
            let children = graph.nodes[at].op.children();
            children.into_iter().find(|child| {
                let values = told.get(child).map_or(&[] as &[f64], |told| &told.values);
                values.iter().any(|v| if nan { v.is_nan() } else { v.is_infinite() })
            })
        };
        match bad(true).or_else(|| bad(false)) {
            Some(child) => at = child,
            None => return at,
        }
    }
}

fn described(scene: &Scene, look: &Look, told: &Told, term: &Term, culprit: NodeId) -> Option<Blame> {
    let (elbo, graph) = (scene.elbo, &scene.elbo.graph);
    let at = told.bad()?;
    let shape = &told.shape[usize::from(told.draws)..];
    let one: usize = shape.iter().product();
    let place = Place::of(elbo, &told.axes, shape, at % one.max(1), look.rows);
    let value = if told.values[at].is_nan() { "no number".into() } else { number(told.values[at]) };
    let text = print::print(graph, culprit, &Words { model: &elbo.model, axes: &elbo.axes });
    let text = match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST).chain("...".chars()).collect(),
        false => text,
    };
    let what = match &graph.nodes[culprit].op {
        Op::Site(_) => "the draw of ",
        Op::Param(_) => "the parameter ",
        _ => "",
    };
    let (of, span) = owner(elbo, &term.kind);
    let sentence = format!("{what}`{text}` is {value} in {of}{}{}", place.rows(elbo), place.entry());
    // What the compiler made stands nowhere: there the statement is shown.
    let moves = lower::moves(elbo, culprit);
    Some(Blame { sentence, span: graph.nodes[culprit].span.or(span), value, moves })
}

/// What a term is about, and where that stands.
fn owner(elbo: &Elbo, kind: &TermKind) -> (String, Option<Span>) {
    let model = &elbo.model;
    let site = |id: &crate::math::SiteId, what: &str| {
        let site = &model.sites[id.index()];
        (format!("{what}`{}`", site.name), Some(site.span))
    };
    match kind {
        TermKind::Observed(at) => match &model.statements[*at] {
            Statement::Observe(seen) => {
                (format!("the log density of `{}`", model.data[seen.data.index()].name), Some(seen.span))
            }
            _ => ("the likelihood".into(), None),
        },
        TermKind::Factor(_) => ("a factor".into(), None),
        TermKind::Prior(id) => site(id, "the log density of "),
        TermKind::Kl(id) => site(id, "the divergence of "),
        TermKind::Entropy(id) => site(id, "the entropy of "),
        TermKind::AutoEntropy(_) => ("the entropy of the guide".into(), None),
        TermKind::LogDet(id) | TermKind::Spare(id) => site(id, "the map of "),
        TermKind::SummedOut { sites, .. } => match sites.first() {
            Some(id) => site(id, "the sum over "),
            None => ("a sum over states".into(), None),
        },
        TermKind::LogQ(id) => site(id, "the log density of the guide of "),
    }
}
