//! Where a fit starts: point parameters as declared, latent sites at 0 on the unconstrained scale or where `init` says.

use super::Failure;
use crate::data::Bound;
use crate::dist::bijector::Bijector;
use crate::elbo::Elbo;
use crate::kernel::noise::{Index, Key, Stream};
use crate::math::Support;
use crate::model::{Auto, Init, Owner, Param, Start};
use crate::plan::lower::{self, Layout};
use crate::problem::{Bug, Problem};
use crate::shape::Size;
use crate::simulate;

/// The guide of an optimizer that the user wrote starts this narrow, so that the first gradients are about location.
const SCALE: f64 = 0.1;

/// Latents of a further start are uniform this far on both sides of 0, as is usual for unconstrained coordinates.
const FURTHER: f64 = 2.0;

/// A point of the log joint: latents, then point parameters, all unconstrained. The first start (0) is the given one; in
/// further ones everything is drawn anew that is not given.
pub fn point(
    elbo: &Elbo,
    data: &Bound,
    layout: &Layout,
    init: &Init,
    seed: u64,
    start: u64,
) -> Result<Vec<f64>, Failure> {
    let mut point = vec![0.0; layout.point()];
    for block in &layout.params {
        let param = &elbo.model.params[block.of.index()];
        let at = layout.latents + block.offset;
        let out = &mut point[at..at + block.len()];
        match init {
            Init::Values(values) if values.contains_key(&param.name) => {
                unconstrained(elbo, data, &param.support, &values[&param.name], out, &param.name)?;
            }
            _ => declared(elbo, data, param, block.of.0, Named { seed, start }, out)?,
        }
    }
    if *init == Init::Prior {
        from_prior(elbo, data, layout, Named { seed, start }, &mut point)?;
        return Ok(point);
    }
    for (k, block) in layout.sites.iter().enumerate() {
        let out = &mut point[block.offset..block.offset + block.len()];
        let site = &elbo.model.sites[block.of.index()];
        let uniform = |width: f64, out: &mut [f64]| {
            let noise = Key { seed, stream: Stream::Start, step: FURTHER_STEPS * start, site: k as u32 }.noise();
            noise.fill_uniform(Index::default(), out);
            out.iter_mut().for_each(|u| *u = width * (2.0 * *u - 1.0));
        };
        match init {
            Init::Auto | Init::Zero | Init::Prior if start == 0 => {}
            Init::Auto | Init::Zero | Init::Prior => uniform(FURTHER, out),
            Init::Uniform(width) => uniform(*width, out),
            Init::Values(values) => match values.get(&site.name) {
                Some(values) => unconstrained(elbo, data, &site.support, values, out, &site.name)?,
                None if start == 0 => {}
                None => uniform(FURTHER, out),
            },
        }
    }
    Ok(point)
}

/// Latents drawn from the model, given its point parameters where they start; where a draw has no place on the
/// unconstrained scale, 0.
fn from_prior(elbo: &Elbo, data: &Bound, layout: &Layout, named: Named, point: &mut [f64]) -> Result<(), Failure> {
    if layout.sites.is_empty() {
        return Ok(());
    }
    let mut params = simulate::Given::new();
    for block in &layout.params {
        let param = &elbo.model.params[block.of.index()];
        if param.owner == Owner::Model {
            let free = &point[layout.latents + block.offset..][..block.len()];
            params.insert(param.name.clone(), constrained(elbo, data, &param.support, free)?);
        }
    }
    let task = simulate::Task { model: &elbo.model, data, params: &params, seed: named.seed };
    let drawn = simulate::prior(&task, named.start).map_err(|failure| match failure {
        simulate::Failure::Bug(bug) => Failure::Bug(bug),
        simulate::Failure::Problems(problems) => match problems.sorted().into_iter().next() {
            Some(problem) => Failure::from(problem),
            None => Failure::Bug(Bug("a prior that cannot be drawn from, for no reason".into())),
        },
    })?;
    for block in &layout.sites {
        let site = &elbo.model.sites[block.of.index()];
        let out = &mut point[block.offset..block.offset + block.len()];
        let map = map(elbo, data, &site.support).ok_or_else(|| Bug(format!("`{}` has no map", site.name)))?;
        let values = &drawn[block.of.index()];
        let free = values.chunks(width(data, &site.support)?).flat_map(|value| map.inverse_f64(value));
        out.iter_mut().zip(free).for_each(|(to, from)| *to = if from.is_finite() { from } else { 0.0 });
    }
    Ok(())
}

/// Tries of the search for a finite value have the steps between two starts.
const FURTHER_STEPS: u64 = 1 << 16;

/// What names the noise of a start.
#[derive(Clone, Copy)]
struct Named {
    seed: u64,
    start: u64,
}

/// The parameters of the guide whose draws are centred at a point.
pub fn guide(elbo: &Elbo, layout: &Layout, point: &[f64]) -> Vec<f64> {
    let d = layout.latents;
    let mut params = point[..d].to_vec();
    match elbo.model.guide.auto {
        Some(Auto::FullRank) => {
            for i in 0..d {
                params.extend(std::iter::repeat_n(0.0, i));
                params.push(SCALE.ln());
            }
        }
        Some(Auto::LowRank(_)) => {
            params.extend(std::iter::repeat_n(SCALE.ln(), d));
            // Not zero, where no gradient leads away.
            let mut columns = vec![0.0; layout.scale_count - d];
            let noise = Key { seed: 0, stream: Stream::Start, step: 0, site: u32::MAX }.noise();
            noise.fill_normal(Index::default(), &mut columns);
            params.extend(columns.iter().map(|e| 0.1 * SCALE * e));
        }
        _ => params.extend(std::iter::repeat_n(SCALE.ln(), layout.scale_count)),
    }
    params.extend(&point[d..]);
    params
}

fn declared(elbo: &Elbo, data: &Bound, param: &Param, id: u32, named: Named, out: &mut [f64]) -> Result<(), Failure> {
    // Sites come first among the names of noise.
    let site = elbo.model.sites.len() as u32 + id;
    let step = FURTHER_STEPS * named.start;
    let noise = Key { seed: named.seed, stream: Stream::Start, step, site }.noise();
    let sizes = |sizes: &[Size]| lower::sizes(sizes, data);
    let shape = sizes(&[param.rows.clone(), param.event.clone()].concat())?;
    let constant = |node| lower::constant(elbo, data, node, &shape);
    match &param.start {
        Start::Auto => {
            noise.fill_normal(Index::default(), out);
            out.iter_mut().for_each(|u| *u *= 0.1);
        }
        Start::Layer { fan_in } => {
            let width = 1.0 / (sizes(std::slice::from_ref(fan_in))?[0].max(1) as f64).sqrt();
            noise.fill_uniform(Index::default(), out);
            out.iter_mut().for_each(|u| *u = width * (2.0 * *u - 1.0));
        }
        Start::Value(node) => unconstrained(elbo, data, &param.support, &constant(*node)?, out, &param.name)?,
        Start::Normal(mean, sd) => {
            let (mean, sd) = (constant(*mean)?, constant(*sd)?);
            let mut draws = vec![0.0; mean.len()];
            noise.fill_normal(Index::default(), &mut draws);
            draws.iter_mut().zip(mean.iter().zip(&sd)).for_each(|(x, (m, s))| *x = m + s * *x);
            unconstrained(elbo, data, &param.support, &draws, out, &param.name)?;
        }
        Start::Uniform(low, high) => {
            let (low, high) = (constant(*low)?, constant(*high)?);
            let mut draws = vec![0.0; low.len()];
            noise.fill_uniform(Index::default(), &mut draws);
            draws.iter_mut().zip(low.iter().zip(&high)).for_each(|(x, (l, h))| *x = l + (h - l) * *x);
            unconstrained(elbo, data, &param.support, &draws, out, &param.name)?;
        }
    }
    Ok(())
}

/// Values on the constrained scale to coordinates, one value of the support at a time.
pub(super) fn unconstrained(
    elbo: &Elbo,
    data: &Bound,
    support: &Support,
    values: &[f64],
    out: &mut [f64],
    name: &str,
) -> Result<(), Failure> {
    let wrong = || {
        Failure::from(
            Problem::error("ppl::fit::start", format!("`{name}` cannot start there"))
                .help("give as many numbers as it has entries, each strictly inside its declared support"),
        )
    };
    let map = map(elbo, data, support).ok_or_else(wrong)?;
    let free: Vec<f64> = values.chunks(width(data, support)?).flat_map(|value| map.inverse_f64(value)).collect();
    if free.len() != out.len() || free.iter().any(|u| !u.is_finite()) {
        return Err(wrong());
    }
    out.copy_from_slice(&free);
    Ok(())
}

/// Coordinates to values on the constrained scale, one value of the support at a time.
fn constrained(elbo: &Elbo, data: &Bound, support: &Support, free: &[f64]) -> Result<Vec<f64>, Failure> {
    let map = map(elbo, data, support).ok_or_else(|| Bug("a parameter without a map".into()))?;
    let own: usize = lower::sizes(&map.free_event(&support.own_axes()), data)?.iter().product();
    Ok(free.chunks(own.max(1)).flat_map(|value| map.forward_f64(value)).collect())
}

/// The map onto a support, with its bounds as numbers.
fn map(elbo: &Elbo, data: &Bound, support: &Support) -> Option<Bijector> {
    let bound = |node| lower::constant(elbo, data, node, &[]).map_or(f64::NAN, |value| value[0]);
    Some(Bijector::of(support)?.with_bounds(&bound))
}

/// The vectors and matrices of some supports are one value each; the others are values entry by entry.
fn width(data: &Bound, support: &Support) -> Result<usize, Failure> {
    Ok(lower::sizes(&support.own_axes(), data)?.iter().product::<usize>().max(1))
}
