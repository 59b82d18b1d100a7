//! What holds of every model that the checker hands on.

use crate::dist;
use crate::math::support::Bound;
use crate::math::{NodeId, Op, Pick, Support};
use crate::model::{Model, Origin, Proviso, Start, Statement, Unit};
use crate::problem::Bug;
use crate::shape::{AxisId, Shape};

/// Every id points at something, every expression varies only over its plates, shapes agree with what they belong to.
pub fn verify(model: &Model) -> Result<(), Bug> {
    crate::math::verify::verify(&model.graph)?;
    verify_leaves(model)?;
    for (at, site) in model.sites.iter().enumerate() {
        let what = format!("site {}", site.name);
        verify_dist(model, &site.dist, &site.plates, &what)?;
        ensure(site.support.own_axes().len() <= site.event.len(), || {
            format!("{what} has fewer axes than its support")
        })?;
        let declares = |statement: &&Statement| match statement {
            Statement::Latent(id) => id.index() == at,
            Statement::Observe(seen) => seen.missing.is_some_and(|id| id.index() == at),
            Statement::Boltzmann(of) => of.units.iter().any(|u| matches!(u, Unit::Latent(id) if id.index() == at)),
            Statement::Define(_) | Statement::Factor { .. } => false,
        };
        ensure(model.statements.iter().filter(declares).count() == 1, || {
            format!("{what} is not declared by one statement")
        })?;
    }
    for def in &model.definitions {
        verify_node(model, def.value, &def.plates, &format!("definition {}", def.name))?;
    }
    let mut observed = std::collections::BTreeSet::new();
    for statement in &model.statements {
        match statement {
            Statement::Latent(_) | Statement::Define(_) => {}
            Statement::Observe(seen) => {
                let data = &model.data[seen.data.index()];
                let what = format!("observation of {}", data.name);
                verify_node(model, seen.value, &seen.plates, &what)?;
                verify_dist(model, &seen.dist, &seen.plates, &what)?;
                ensure(observed.insert(seen.data), || format!("{what} is written twice"))?;
                let shape = &model.graph.nodes[seen.value].shape;
                let whole = Shape::new(seen.plates.clone(), data_event(model, seen.data.index()));
                ensure(*shape == whole, || format!("{what} has another shape than one row"))?;
            }
            Statement::Factor { value, plates, .. } => verify_node(model, *value, plates, "a factor")?,
            Statement::Boltzmann(of) => verify_node(model, of.value, &of.plates, &format!("energy {}", of.energy))?,
        }
    }
    verify_guide(model)?;
    verify_params(model)?;
    for proviso in &model.provisos {
        if let Proviso::Fits { value, .. } = proviso {
            ensure(model.graph.nodes.get(*value).is_some(), || "a proviso of a node that is not there".into())?;
        }
    }
    Ok(())
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Bug> {
    if holds { Ok(()) } else { Err(Bug(what())) }
}

fn data_event(model: &Model, at: usize) -> Vec<crate::shape::Size> {
    let known = |size: &crate::shape::Size| size.substitute(&|dim| model.dims[dim].value.clone());
    model.data[at].event.iter().map(known).collect()
}

/// Leaves refer to what is there.
fn verify_leaves(model: &Model) -> Result<(), Bug> {
    for (id, node) in model.graph.nodes.iter() {
        let known = match &node.op {
            Op::Data(data) => data.index() < model.data.len(),
            Op::Param(param) => param.index() < model.params.len(),
            Op::Site(site) => site.index() < model.sites.len(),
            Op::Earlier { of, .. } => of.index() < model.definitions.len(),
            Op::Row(axis) => model.axes.get(*axis).is_some(),
            Op::Lift(_, axes) => axes.iter().all(|axis| model.axes.get(*axis).is_some()),
            Op::Index(_, picks) => picks.iter().all(|pick| match pick {
                Pick::Row(axis) | Pick::Lag(axis, _) => model.axes.get(*axis).is_some(),
                Pick::At(_) | Pick::Slice(..) => true,
            }),
            Op::Free(_) | Op::AutoLoc(_) | Op::AutoScale(_) | Op::Noise(..) => false,
            _ => true,
        };
        ensure(known, || format!("node {id:?} is a leaf that the model does not have: {:?}", node.op))?;
    }
    Ok(())
}

/// An expression varies over nothing but the plates it stands in.
fn verify_node(model: &Model, node: NodeId, plates: &[AxisId], what: &str) -> Result<(), Bug> {
    let node = model.graph.nodes.get(node).ok_or_else(|| Bug(format!("{what} has no value")))?;
    let outside = node.shape.plates.iter().find(|axis| !plates.contains(axis));
    ensure(outside.is_none(), || format!("{what} varies over a plate that it does not stand in"))
}

fn verify_dist(model: &Model, dist: &dist::Dist, plates: &[AxisId], what: &str) -> Result<(), Bug> {
    let row = dist::row(dist.kind);
    for group in row.params.iter().map(|param| param.group) {
        let given = row.params.iter().filter(|param| param.group == group && dist.args.contains_key(param.name));
        let given = given.count();
        let values = row.params.iter().any(|param| param.group == group && !param.takes_distributions());
        let optional = row.params.iter().any(|param| param.group == group && param.may_be_left_out());
        let good = if values { given == 1 || given == 0 && optional } else { !dist.args.of.is_empty() };
        ensure(good, || format!("{what}: {} is not given one argument of each kind", row.name))?;
    }
    dist.args.iter().try_for_each(|(_, arg)| verify_node(model, *arg, plates, what))?;
    let plates: Vec<AxisId> = plates.iter().copied().chain(dist.args.components).collect();
    dist.args.of.iter().try_for_each(|of| verify_dist(model, of, &plates, what))
}

fn verify_guide(model: &Model) -> Result<(), Bug> {
    let mut written = std::collections::BTreeSet::new();
    for factor in &model.guide.factors {
        let site = model.sites.get(factor.site.index()).ok_or_else(|| Bug("a factor of no site".into()))?;
        let what = format!("the guide's factor of {}", site.name);
        ensure(written.insert(factor.site), || format!("{what} is written twice"))?;
        verify_dist(model, &factor.dist, &factor.plates, &what)?;
        let sizes = |axes: &[AxisId]| -> Vec<_> { axes.iter().map(|axis| model.axes[*axis].size.clone()).collect() };
        ensure(sizes(&factor.plates) == sizes(&site.plates), || format!("{what} stands in other plates"))?;
    }
    let drawn = model.sites.iter().filter(|site| site.origin != Origin::Boltzmann).count();
    let all = model.guide.auto.is_some() || written.len() == drawn;
    ensure(all, || "a site has neither a factor nor an automatic guide".into())
}

fn verify_params(model: &Model) -> Result<(), Bug> {
    for param in &model.params {
        let what = format!("param {}", param.name);
        ensure(param.plates.len() <= param.rows.len(), || format!("{what} has fewer rows than plates"))?;
        let starts = match param.start {
            Start::Auto | Start::Layer { .. } => vec![],
            Start::Value(node) => vec![node],
            Start::Normal(a, b) | Start::Uniform(a, b) => vec![a, b],
        };
        starts.into_iter().try_for_each(|node| verify_node(model, node, &[], &what))?;
        if let Support::Interval(low, high) = &param.support {
            for bound in [low, high] {
                let known = !matches!(bound, Bound::Value(node) if model.graph.nodes.get(*node).is_none());
                ensure(known, || format!("{what} has a bound that is not there"))?;
            }
        }
    }
    Ok(())
}
