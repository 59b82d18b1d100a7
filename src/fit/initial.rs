//! Where a fit starts: point parameters as declared, latent sites at 0 on the unconstrained scale or where `init` says.

use super::Failure;
use crate::data::Bound;
use crate::dist::bijector::Bijector;
use crate::elbo::Elbo;
use crate::kernel::noise::{Index, Key, Stream};
use crate::math::Support;
use crate::model::{Auto, Init, Param, Start};
use crate::plan::lower::{self, Layout};
use crate::problem::Problem;
use crate::shape::Size;

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
    for (k, block) in layout.sites.iter().enumerate() {
        let out = &mut point[block.offset..block.offset + block.len()];
        let site = &elbo.model.sites[block.of.index()];
        let uniform = |width: f64, out: &mut [f64]| {
            let noise = Key { seed, stream: Stream::Start, step: FURTHER_STEPS * start, site: k as u32 }.noise();
            noise.fill_uniform(Index::default(), out);
            out.iter_mut().for_each(|u| *u = width * (2.0 * *u - 1.0));
        };
        match init {
            Init::Auto | Init::Zero if start == 0 => {}
            Init::Auto | Init::Zero => uniform(FURTHER, out),
            Init::Prior => return Err(limitation("init: prior")),
            Init::Uniform(width) => uniform(*width, out),
            Init::Values(values) => match values.get(&site.name) {
                Some(values) => unconstrained(elbo, data, &site.support, values, out, &site.name)?,
                None if start == 0 => {}
                None => uniform(FURTHER, out),
            },
        }
    }
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
    Ok(point)
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
    let bound = |node| lower::constant(elbo, data, node, &[]).map_or(f64::NAN, |value| value[0]);
    let bijector = Bijector::of(support).ok_or_else(wrong)?.with_bounds(&bound);
    // The vectors and matrices of these supports are one value each; the others are values entry by entry.
    let width: usize = lower::sizes(&support.own_axes(), data)?.iter().product();
    let free: Vec<f64> = values.chunks(width.max(1)).flat_map(|value| bijector.inverse_f64(value)).collect();
    if free.len() != out.len() || free.iter().any(|u| !u.is_finite()) {
        return Err(wrong());
    }
    out.copy_from_slice(&free);
    Ok(())
}

fn limitation(what: &str) -> Failure {
    Failure::from(
        Problem::error("ppl::limitation::init", format!("`{what}` is not there yet"))
            .help("use `init: auto`, `zero`, `uniform(2)` or values such as `{mu: 3}`"),
    )
}
