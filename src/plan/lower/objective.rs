//! The plans of a fit: the log joint at given points, the bound and its gradient, importance weights, reported values.

use std::collections::BTreeMap;

use super::guide::Given;
use super::value::Label;
use super::{Batch, InputKind, Lowerer, OutputKind, Program, Trouble, Value, bug};
use crate::data::Bound;
use crate::elbo::{Elbo, Objective, SiteView, Term, TermKind, Treatment};
use crate::math::{self, DefId, Op, ParamId, SiteId};
use crate::model::{Auto, Owner, Statement};
use crate::plan::{Binary, NodeId, Reduce, grad, optimize, reference};
use crate::shape::{AxisId, DimId};

/// The log joint on the unconstrained scale at given points, with its gradient. Only for guides that are automatic throughout.
pub fn joint(elbo: &Elbo, data: &Bound, draws: usize) -> Result<Program, Trouble> {
    let batch = Batch::draws(draws);
    let mut lowerer = Lowerer::new(elbo, data, &batch, Given::Points)?;
    let points = lowerer.source()?;
    let mut total = lowerer.total(&elbo.log_p)?;
    for term in &elbo.log_q {
        if matches!(term.kind, TermKind::LogQ(_)) {
            return bug("the log joint of a written guide");
        }
        let part = lowerer.term(term)?;
        total = lowerer.binary(Binary::Sub, &total, &part)?;
    }
    let total = lowerer.expanded(&total, &[Label::Draws])?;
    let gradient = grad::gradient(&mut lowerer.b, total.id, &[points])?;
    lowerer.program([(OutputKind::LogJoint, total.id), (OutputKind::Gradient, gradient[0])])
}

/// The bound as printed, averaged over draws, with its gradient in the parameters of the guide.
pub fn bound(elbo: &Elbo, data: &Bound, batch: &Batch) -> Result<Program, Trouble> {
    differentiated(elbo, data, batch, false)
}

/// As `bound`, with what acts in the steps of a fit only: `dropout`.
pub fn step(elbo: &Elbo, data: &Bound, batch: &Batch) -> Result<Program, Trouble> {
    differentiated(elbo, data, batch, true)
}

fn differentiated(elbo: &Elbo, data: &Bound, batch: &Batch, fitting: bool) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer { fitting, ..Lowerer::new(elbo, data, batch, Given::Guide)? };
    let params = lowerer.source()?;
    if let Objective::Weighted(of) = &elbo.objective {
        let (value, gradient) = lowerer.weighted(of, params)?;
        return lowerer.program([(OutputKind::Bound, value), (OutputKind::Gradient, gradient)]);
    }
    if let Objective::Updates(of) = &elbo.objective {
        let (value, gradient, told) = lowerer.updates(of, params)?;
        return lowerer.program([(OutputKind::Bound, value), (OutputKind::Gradient, gradient)].into_iter().chain(told));
    }
    let terms = super::maximized::terms(elbo)?;
    let mean = lowerer.maximized()?;
    let surrogate = lowerer.surrogate(&terms)?;
    let raised = lowerer.b.plus(mean, surrogate.value);
    lowerer.b.set_origin(Some("gradient".into()));
    let mut gradient = grad::gradient(&mut lowerer.b, raised, &[params])?[0];
    if fitting {
        gradient = lowerer.landed(gradient, params)?;
    }
    lowerer.program([(OutputKind::Bound, mean), (OutputKind::Gradient, gradient)].into_iter().chain(surrogate.costs))
}

/// The objective alone, averaged over draws.
pub fn objective(elbo: &Elbo, data: &Bound, batch: &Batch) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer::new(elbo, data, batch, Given::Guide)?;
    lowerer.source()?;
    let mean = lowerer.raised()?;
    lowerer.program([(OutputKind::Bound, mean)])
}

/// The bound alone, as it is lowered: what `step` goes on to differentiate and to optimize.
pub fn lowered(elbo: &Elbo, data: &Bound, batch: &Batch) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer { fitting: true, ..Lowerer::new(elbo, data, batch, Given::Guide)? };
    lowerer.source()?;
    let mean = lowerer.raised()?;
    lowerer.unoptimized([(OutputKind::Bound, mean)])
}

/// log p and log q of every draw of the guide.
pub fn weights(elbo: &Elbo, data: &Bound, batch: &Batch) -> Result<Program, Trouble> {
    let mut lowerer = Lowerer::new(elbo, data, batch, Given::Guide)?;
    lowerer.source()?;
    let (log_p, log_q) = lowerer.densities()?;
    let log_p = lowerer.expanded(&log_p, &[Label::Draws])?;
    let log_q = lowerer.expanded(&log_q, &[Label::Draws])?;
    lowerer.program([(OutputKind::LogP, log_p.id), (OutputKind::LogQ, log_q.id)])
}

/// The values that a run reports, at every draw: sites and the model's definitions that depend on one.
/// Whatever lives in a plate over one of the dims of `skip` is left out, and of those so many rows are given.
pub fn values(
    elbo: &Elbo,
    data: &Bound,
    draws: usize,
    given: Given,
    skip: &BTreeMap<DimId, usize>,
) -> Result<Program, Trouble> {
    let batch = Batch { draws, rows: skip.clone() };
    let mut lowerer = Lowerer::new(elbo, data, &batch, given)?;
    lowerer.source()?;
    let skipped = |plates: &[AxisId]| {
        plates.iter().any(|axis| elbo.axes[*axis].size.as_dim().is_some_and(|dim| skip.contains_key(&dim)))
    };
    let mut outputs = Vec::new();
    let reported = |view: &&SiteView| !skipped(&elbo.model.sites[view.site.index()].plates);
    let summed = elbo.sites.iter().filter(reported).any(|view| matches!(view.treatment, Treatment::SummedOut(_)));
    let log_p = if summed { Some(lowerer.total(&elbo.log_p)?) } else { None };
    for view in elbo.sites.iter().filter(reported) {
        let id = match (&view.treatment, &log_p) {
            (Treatment::SummedOut(axis), Some(log_p)) => lowerer.posterior(view.site, *axis, log_p.id)?,
            _ => {
                let value = lowerer.lower_site(view.site)?;
                lowerer.whole(&value, &elbo.model.sites[view.site.index()].plates)?
            }
        };
        outputs.push((OutputKind::Site(view.site), id));
    }
    for (i, definition) in elbo.model.definitions.iter().enumerate() {
        let random = elbo.graph.mentions(definition.value, |op| matches!(op, Op::Site(_)));
        if definition.owner == Owner::Model && random && !skipped(&definition.plates) {
            let value = lowerer.lower(definition.value)?;
            let states = value.labels.iter().any(|l| matches!(l, Label::Axis(a) if !definition.plates.contains(a)));
            if !states {
                outputs.push((OutputKind::Definition(DefId(i as u32)), lowerer.whole(&value, &definition.plates)?));
            }
        }
    }
    lowerer.program(outputs)
}

/// Point parameters on their constrained scales, all rows of them.
pub fn params(elbo: &Elbo, data: &Bound, given: Given) -> Result<Program, Trouble> {
    let batch = Batch::draws(1);
    let mut lowerer = Lowerer::new(elbo, data, &batch, given)?;
    lowerer.source()?;
    let mut outputs = Vec::new();
    for i in 0..elbo.model.params.len() {
        let value = lowerer.leaf(&Op::Param(ParamId(i as u32)))?;
        outputs.push((OutputKind::Param(i), lowerer.first_draw(&value)?));
    }
    lowerer.program(outputs)
}

/// Where a point parameter starts: a value over its rows and event, repeated from the right as `Start` says.
pub fn constant(elbo: &Elbo, data: &Bound, node: math::NodeId, shape: &[usize]) -> Result<Vec<f64>, Trouble> {
    let batch = Batch::draws(1);
    let mut lowerer = Lowerer::new(elbo, data, &batch, Given::Guide)?;
    let value = lowerer.lower(node)?;
    let have = lowerer.shape(&value);
    if !value.labels.is_empty() || !shape.ends_with(&have) {
        return bug(format!("a start of shape {have:?} for a parameter of shape {shape:?}"));
    }
    let id = lowerer.b.reshape(value.id, &[vec![1; shape.len() - have.len()], have].concat());
    let id = lowerer.b.expand(id, shape);
    let program = lowerer.program([(OutputKind::Bound, id)])?;
    match reference::evaluate_once(&program.plan, &[]) {
        Ok(mut outputs) => Ok(outputs.swap_remove(0)),
        Err(failure) => bug(format!("the start of a parameter: {failure:?}")),
    }
}

/// What the nodes that add terms up are marked with.
const SUM: &str = "sum of the terms";

/// What the nodes of a term are marked with.
fn origin(elbo: &Elbo, kind: &TermKind) -> String {
    let site = |id: &SiteId| elbo.model.sites[id.index()].name.as_str();
    match kind {
        TermKind::Observed(at) => match &elbo.model.statements[*at] {
            Statement::Observe(seen) => format!("log p({})", elbo.model.data[seen.data.index()].name),
            _ => "log p".into(),
        },
        TermKind::Factor(_) => "factor".into(),
        TermKind::Prior(id) => format!("log p({})", site(id)),
        TermKind::Kl(id) => format!("KL of {}", site(id)),
        TermKind::Entropy(id) => format!("entropy of {}", site(id)),
        TermKind::AutoEntropy(_) => "entropy of the guide".into(),
        TermKind::LogDet(id) => format!("log-determinant of {}", site(id)),
        TermKind::SummedOut { sites, .. } => {
            format!("sum over {}", sites.iter().map(site).collect::<Vec<_>>().join(", "))
        }
        TermKind::LogQ(id) => format!("log q({})", site(id)),
        TermKind::Spare(id) => format!("spare coordinates of {}", site(id)),
    }
}

impl Lowerer<'_> {
    /// What is maximized.
    fn raised(&mut self) -> Result<NodeId, Trouble> {
        let elbo = self.elbo;
        match &elbo.objective {
            Objective::Weighted(of) => self.log_mean_weight(of),
            Objective::Updates(_) => self.traced(),
            _ => self.maximized(),
        }
    }

    /// log p and log q of every draw of the guide.
    pub(super) fn densities(&mut self) -> Result<(Value, Value), Trouble> {
        let elbo = self.elbo;
        let log_p = self.total(&elbo.log_p)?;
        let mut log_q = self.total(&elbo.log_q)?;
        if self.layout.latents > 0 && elbo.model.guide.auto != Some(Auto::Map) {
            let auto = self.gaussian_log_q()?;
            log_q = self.binary(Binary::Add, &log_q, &auto)?;
        }
        Ok((log_p, log_q))
    }

    /// The sum of terms, averaged over draws.
    pub(super) fn average(&mut self, terms: &[Term]) -> Result<NodeId, Trouble> {
        let total = self.total(terms)?;
        self.over_draws(&total)
    }

    /// Averaged over draws.
    pub(super) fn over_draws(&mut self, total: &Value) -> Result<NodeId, Trouble> {
        let before = self.b.set_origin(Some(SUM.into()));
        let sum = self.reduce_labels(Reduce::Sum, total, &[Label::Draws])?;
        let draws = if total.labels.is_empty() { 1.0 } else { self.batch.draws as f64 };
        let mean = self.scaled(&sum, 1.0 / draws)?.id;
        self.b.set_origin(before);
        Ok(mean)
    }

    /// The sum of terms: a number a draw, or a number.
    pub(super) fn total(&mut self, terms: &[Term]) -> Result<Value, Trouble> {
        let mut total = self.literal(0.0)?;
        for term in terms {
            let before = self.b.set_origin(Some(origin(self.elbo, &term.kind).into()));
            let part = self.term(term)?;
            self.b.set_origin(Some(SUM.into()));
            total = self.binary(Binary::Add, &total, &part)?;
            self.b.set_origin(before);
        }
        Ok(total)
    }

    /// One term with its sign, summed over its plates, with the scale of the batched ones.
    fn term(&mut self, term: &Term) -> Result<Value, Trouble> {
        if self.is_empty(&term.plates) {
            return self.literal(0.0);
        }
        if let TermKind::AutoEntropy(sites) = &term.kind {
            let entropy = self.gaussian_entropy(sites)?;
            return self.scaled(&entropy, term.sign);
        }
        let value = self.lower(term.value)?;
        let value = self.counted(&value, &term.plates)?;
        let weight = term.sign * self.scale(&term.plates);
        let sum = self.sum_plates(&value, &term.plates)?;
        if sum.event != 0 || sum.labels.iter().any(|label| *label != Label::Draws) {
            return bug(format!("the term {:?} is not a number in its plates", term.kind));
        }
        self.scaled(&sum, weight)
    }

    /// The sum over these plates; one that the value does not vary over repeats it.
    pub(super) fn sum_plates(&mut self, value: &Value, plates: &[AxisId]) -> Result<Value, Trouble> {
        let mut repeats = 1.0;
        for axis in plates.iter().filter(|axis| !value.labels.contains(&Label::Axis(**axis))) {
            repeats *= self.extent(*axis)? as f64;
        }
        let gone: Vec<Label> = plates.iter().map(|axis| Label::Axis(*axis)).collect();
        let sum = self.reduce_labels(Reduce::Sum, value, &gone)?;
        self.scaled(&sum, repeats)
    }

    /// A point parameter is the same at every draw.
    fn first_draw(&mut self, value: &Value) -> Result<NodeId, Trouble> {
        if value.labels.is_empty() {
            return Ok(value.id);
        }
        let first = self.b.slice(value.id, 0, 0, 1);
        let shape = self.event_shape(value);
        Ok(self.b.reshape(first, &shape))
    }

    fn lower_site(&mut self, site: SiteId) -> Result<Value, Trouble> {
        self.leaf(&Op::Site(site))
    }

    /// `[draws, plates.., event..]`, repeated where the value does not vary.
    fn whole(&mut self, value: &Value, plates: &[AxisId]) -> Result<NodeId, Trouble> {
        let lifted = self.lift(value, plates)?;
        Ok(self.expanded(&lifted, &[Label::Draws])?.id)
    }

    /// The posterior probabilities of a summed-out site given the draw: the gradient of the log of the sum over states in
    /// what it sums the exponential of (the softmax; through nested sums, the marginal).
    fn posterior(&mut self, site: SiteId, axis: AxisId, log_p: NodeId) -> Result<NodeId, Trouble> {
        let Some(parts) = self.states.get(&axis).cloned() else {
            return bug("a summed-out site without its sum");
        };
        let plates = self.elbo.model.sites[site.index()].plates.clone();
        let mut labels = parts.labels.clone();
        labels.retain(|label| match label {
            Label::Draws => true,
            Label::Axis(a) => *a == axis || plates.contains(a),
        });
        let gradient = grad::gradient(&mut self.b, log_p, &[parts.id])?[0];
        let gradient = Value { id: gradient, ..parts.clone() };
        let others: Vec<Label> = parts.labels.iter().copied().filter(|l| !labels.contains(l)).collect();
        let marginal = self.reduce_labels(Reduce::Sum, &gradient, &others)?;
        let states = self.lift(&marginal, &[axis])?;
        self.whole(&states, &plates)
    }

    pub(super) fn input(&mut self, kind: InputKind, name: String, shape: Vec<usize>) -> Result<NodeId, Trouble> {
        if let Some(at) = self.inputs.iter().position(|(have, _)| *have == kind) {
            return Ok(self.inputs[at].1);
        }
        let id = self.b.input(name, &shape);
        self.inputs.push((kind, id));
        Ok(id)
    }

    pub(super) fn program(self, outputs: impl IntoIterator<Item = (OutputKind, NodeId)>) -> Result<Program, Trouble> {
        let program = self.unoptimized(outputs)?;
        Ok(Program { plan: optimize::optimize(program.plan)?, ..program })
    }

    pub(super) fn unoptimized(
        self,
        outputs: impl IntoIterator<Item = (OutputKind, NodeId)>,
    ) -> Result<Program, Trouble> {
        let Lowerer { mut b, inputs, layout, elbo, .. } = self;
        let mut kinds = Vec::new();
        for (kind, id) in outputs {
            b.output(kind.name(elbo), id);
            kinds.push(kind);
        }
        let plan = optimize::sweep(&b.finish()?);
        Ok(Program { plan, inputs: inputs.into_iter().map(|(kind, _)| kind).collect(), layout, outputs: kinds })
    }
}
