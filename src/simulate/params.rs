//! Values of point parameters: as given, else where they start.

use super::problems::SimulateProblem;
use super::world::size;
use super::{ByName, Drawn, Failure, Result, Task, check};
use crate::data::Array;
use crate::dist::Bijector;
use crate::kernel::noise::{Index, Key, Stream};
use crate::math::eval::{Env, Eval, Positions};
use crate::math::{NodeId, Op};
use crate::model::print::print_type;
use crate::model::{Owner, Param, Start};
use crate::problem::Bug;
use crate::shape::Size;

/// Values by the names of params, row-major.
pub type Given = ByName;

/// One a param of the model; params of the guide have none.
pub fn values(task: &Task) -> Result<Vec<Option<Drawn>>> {
    let names: Vec<&str> =
        task.model.params.iter().filter(|p| p.owner == Owner::Model).map(|param| param.name.as_str()).collect();
    if let Some(name) = task.params.keys().find(|name| !names.contains(&name.as_str())) {
        let near = crate::data::lookup::nearest(name, names.iter().copied());
        let known = names.iter().map(|name| name.to_string()).collect();
        return Err(SimulateProblem::UnknownParam { name: name.clone(), near, known }.into());
    }
    let value = |(place, param): (usize, &Param)| match param.owner {
        Owner::Guide => Ok(None),
        Owner::Model => One { task, place: place as u32, param }.value().map(Some),
    };
    task.model.params.iter().enumerate().map(value).collect()
}

struct One<'a> {
    task: &'a Task<'a>,
    place: u32,
    param: &'a Param,
}

impl One<'_> {
    fn value(&self) -> Result<Drawn> {
        let shape: Vec<usize> =
            self.param.rows.iter().chain(&self.param.event).map(|own| self.size(own)).collect::<Result<_>>()?;
        let n = shape.iter().product();
        let values = match self.task.params.get(&self.param.name) {
            Some(given) => self.given(given, n, &shape)?,
            None => self.start(n)?,
        };
        Ok(Drawn { name: self.param.name.clone(), shape, values })
    }

    fn size(&self, own: &Size) -> Result<usize> {
        Ok(size(own, &self.task.data.dims)?)
    }

    /// A number fills every entry.
    fn given(&self, given: &[f64], n: usize, shape: &[usize]) -> Result<Vec<f64>> {
        let (name, span) = (self.param.name.clone(), self.param.span);
        let values = if given.len() == 1 { vec![given[0]; n] } else { given.to_vec() };
        if values.len() != n {
            return Err(SimulateProblem::ParamShape { name, found: given.len(), wanted: shape.to_vec(), span }.into());
        }
        if !self.fits(&values)? {
            let support = print_type(self.task.model, &self.param.support, &[]);
            return Err(SimulateProblem::ParamSupport { name, support, span }.into());
        }
        Ok(values)
    }

    fn fits(&self, values: &[f64]) -> Result<bool> {
        let Some(bijector) = self.bijector()? else { return Ok(values.iter().all(|x| x.is_finite())) };
        let width = self.width()?;
        Ok(values.chunks(width.max(1)).all(|value| bijector.inverse_f64(value).iter().all(|u| u.is_finite())))
    }

    fn bijector(&self) -> Result<Option<Bijector>> {
        let Some(bijector) = Bijector::of(&self.param.support) else { return Ok(None) };
        let bound = |node| self.number(node).unwrap_or(f64::NAN);
        Ok(Some(bijector.with_bounds(&bound)))
    }

    /// The entries of one value of the support.
    fn width(&self) -> Result<usize> {
        self.param.support.own_axes().iter().map(|own| self.size(own)).product()
    }

    fn start(&self, n: usize) -> Result<Vec<f64>> {
        let noise = Key { seed: self.task.seed, stream: Stream::Start, step: 0, site: self.place }.noise();
        let mut draws = vec![0.0; n];
        match &self.param.start {
            // What its start is told by is still to be drawn: it is drawn as a param without a start is.
            start if self.waits_for_data(start) => self.auto(n),
            Start::Auto => self.auto(n),
            Start::Layer { fan_in } => {
                let width = 1.0 / (self.size(fan_in)?.max(1) as f64).sqrt();
                noise.fill_uniform(Index::default(), &mut draws);
                Ok(draws.into_iter().map(|u| width * (2.0 * u - 1.0)).collect())
            }
            Start::Value(node) => self.repeated(*node, n),
            Start::Normal(mean, sd) => {
                let (mean, sd) = (self.repeated(*mean, n)?, self.repeated(*sd, n)?);
                noise.fill_normal(Index::default(), &mut draws);
                Ok(draws.iter().zip(mean.iter().zip(&sd)).map(|(z, (m, s))| m + s * z).collect())
            }
            Start::Uniform(low, high) => {
                let (low, high) = (self.repeated(*low, n)?, self.repeated(*high, n)?);
                noise.fill_uniform(Index::default(), &mut draws);
                Ok(draws.iter().zip(low.iter().zip(&high)).map(|(u, (l, h))| l + (h - l) * u).collect())
            }
        }
    }

    /// Whether a start is a statistic of data that are simulated.
    fn waits_for_data(&self, start: &Start) -> bool {
        let roots = match start {
            Start::Auto | Start::Layer { .. } => vec![],
            Start::Value(node) => vec![*node],
            Start::Normal(a, b) | Start::Uniform(a, b) => vec![*a, *b],
        };
        let (observed, graph) = (check::observed(self.task.model), &self.task.model.graph);
        let read = graph.reachable(&roots);
        read.into_iter().any(|id| matches!(graph.nodes[id].op, Op::Data(data) if observed.contains(&data.index())))
    }

    /// Unconstrained coordinates start at normal(0, 0.1) draws.
    fn auto(&self, n: usize) -> Result<Vec<f64>> {
        let Some(bijector) = self.bijector()? else {
            return Err(Bug(format!("`{}` has no map from coordinates", self.param.name)).into());
        };
        let width = self.width()?.max(1);
        let own = self.param.support.own_axes();
        let free: usize = bijector.free_event(&own).iter().map(|own| self.size(own)).product::<Result<_>>()?;
        let noise = Key { seed: self.task.seed, stream: Stream::Start, step: 0, site: self.place }.noise();
        let mut coordinates = vec![0.0; n / width * free];
        noise.fill_normal(Index::default(), &mut coordinates);
        coordinates.iter_mut().for_each(|u| *u *= 0.1);
        Ok(coordinates.chunks(free.max(1)).flat_map(|u| bijector.forward_f64(u)).collect())
    }

    /// An expression of constants, sizes and statistics of data, repeated from the right.
    fn repeated(&self, node: NodeId, n: usize) -> Result<Vec<f64>> {
        let values = self.evaluated(node)?;
        Ok(values.iter().copied().cycle().take(n).collect())
    }

    fn number(&self, node: NodeId) -> Result<f64> {
        Ok(self.evaluated(node)?[0])
    }

    fn evaluated(&self, node: NodeId) -> Result<Vec<f64>> {
        let leaf = |_: &Eval, op: &Op, _: &Positions| match op {
            Op::Data(id) => Some(all(&self.task.data.arrays[id.index()].values)),
            _ => None,
        };
        let env = Env {
            leaf: &leaf,
            dim: &|dim| self.task.data.dims.get(&dim).copied(),
            first: &|axis| {
                let first = self.task.model.axes.get(axis).map(|axis| size(&axis.first, &self.task.data.dims));
                first.and_then(std::result::Result::ok).unwrap_or(0)
            },
        };
        Eval::new(&self.task.model.graph, env).at(node, &Positions::new()).map_err(Failure::Bug)
    }
}

fn all(array: &Array) -> Vec<f64> {
    let mut out = vec![0.0; array.len()];
    array.copy_to(0, &mut out);
    out
}
