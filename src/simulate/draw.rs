//! One draw of a recipe at one row.

use std::collections::{BTreeMap, BTreeSet};

use super::Result;
use super::problems::SimulateProblem;
use super::recipe::{Recipe, TRIES};
use super::world::World;
use crate::math::NodeId;
use crate::math::eval::{Eval, Positions, Values};
use crate::problem::Bug;
use crate::shape::Size;

/// A draw at these positions.
pub fn draw(recipe: &Recipe, eval: &Eval, world: &World, at: &Positions) -> Result<Values> {
    match recipe {
        Recipe::Map { value, entries } => {
            let values = eval.at(*value, at)?;
            Ok(repeated(values, count(eval, entries)?))
        }
        Recipe::States { .. } => states(recipe, eval, world, at),
        Recipe::Each { sampler, args, source, components } => {
            let n = count(eval, components)?;
            let mut values = BTreeMap::new();
            for (name, id) in args {
                values.insert(*name, repeated(eval.at(*id, at)?, n));
            }
            let one = |i: usize| {
                let mut next = 0;
                let mut uniform = || {
                    next += 1;
                    world.uniform(*source, i as u32 + 1, next, at)
                };
                sampler(&mut uniform, &|name| values.get(name).map(|all: &Values| all[i]))
            };
            Ok((0..n).map(one).collect())
        }
        Recipe::Vectors { .. } => vectors(recipe, eval, world, at),
        Recipe::Mixture { .. } => mixture(recipe, eval, world, at),
        Recipe::Between { .. } => between(recipe, eval, world, at),
        Recipe::Clamped { of, lo, hi } => {
            let values = draw(of, eval, world, at)?;
            let lo = bound(*lo, eval, at, values.len(), f64::NEG_INFINITY)?;
            let hi = bound(*hi, eval, at, values.len(), f64::INFINITY)?;
            Ok(values.iter().zip(lo.iter().zip(&hi)).map(|(x, (lo, hi))| x.max(*lo).min(*hi)).collect())
        }
    }
}

fn states(recipe: &Recipe, eval: &Eval, world: &World, at: &Positions) -> Result<Values> {
    let Recipe::States { log_prob, state, source, components, one_hot } = recipe else {
        return Err(Bug("states that are none".into()).into());
    };
    let n = count(eval, components)?;
    let mut left: Vec<f64> = (0..n).map(|i| world.uniform(*source, 0, i as u32, at)).collect();
    // What rounding leaves of the sum belongs to the last state that has any probability.
    let (mut chosen, mut open) = (vec![0usize; n], vec![true; n]);
    let mut at = at.clone();
    let states = world.extent(*state)?;
    for k in 0..states {
        at.insert(*state, k);
        let probabilities = repeated(eval.at(*log_prob, &at)?, n).into_iter().map(f64::exp);
        for (i, probability) in probabilities.enumerate() {
            if probability.is_nan() {
                return Ok(vec![f64::NAN]);
            }
            if open[i] && probability > 0.0 {
                (left[i], chosen[i]) = (left[i] - probability, k);
                open[i] = left[i] > 0.0;
            }
        }
        if !open.contains(&true) {
            break;
        }
    }
    Ok(match one_hot {
        true => chosen.into_iter().flat_map(|k| (0..states).map(move |j| f64::from(j == k))).collect(),
        false => chosen.into_iter().map(|k| k as f64).collect(),
    })
}

fn vectors(recipe: &Recipe, eval: &Eval, world: &World, at: &Positions) -> Result<Values> {
    let Recipe::Vectors { sampler, args, source, event } = recipe else {
        return Err(Bug("vectors that are none".into()).into());
    };
    let [components @ .., length] = event.as_slice() else {
        return Err(Bug("a vector without an axis".into()).into());
    };
    let (n, length) = (count(eval, components)?, eval.size(length)?);
    let mut values = BTreeMap::new();
    for (name, id, vector) in args {
        values.insert(*name, (eval.at(*id, at)?, *vector));
    }
    let mut out = vec![];
    for i in 0..n {
        let mut next = 0;
        let mut uniform = || {
            next += 1;
            world.uniform(*source, i as u32 + 1, next, at)
        };
        // An argument serves all vectors, or has one part for each.
        let part = |name: &str| {
            let (all, vector) = values.get(name)?;
            let shared = all.len() <= 1 || *vector && all.len() == length;
            let width = if shared { all.len() } else { all.len() / n };
            Some(all[if shared { 0 } else { i * width }..][..width].to_vec())
        };
        out.extend(sampler(&mut uniform, length, &part));
    }
    Ok(out)
}

fn mixture(recipe: &Recipe, eval: &Eval, world: &World, at: &Positions) -> Result<Values> {
    let Recipe::Mixture { weights, parts, along, source, components } = recipe else {
        return Err(Bug("a mixture that is none".into()).into());
    };
    let n = count(eval, components)?;
    let weights = eval.at(*weights, at)?;
    let states = match along {
        Some(axis) => world.extent(*axis)?,
        None => parts.len(),
    };
    if weights.iter().any(|w| w.is_nan()) {
        return Ok(vec![f64::NAN]);
    }
    let label = |i: usize| {
        let own = if weights.len() > states { &weights[i * states..][..states] } else { &weights[..] };
        let mut left = world.uniform(*source, 0, i as u32, at);
        let place = own.iter().position(|w| {
            left -= w;
            left <= 0.0
        });
        place.or(own.iter().rposition(|w| *w > 0.0)).unwrap_or(0)
    };
    let labels: Vec<usize> = (0..n).map(label).collect();
    let mut out: Values = vec![];
    for k in labels.iter().copied().collect::<BTreeSet<_>>() {
        let mut at = at.clone();
        let part = match along {
            Some(axis) => {
                at.insert(*axis, k);
                &parts[0]
            }
            None => &parts[k],
        };
        let values = draw(part, eval, world, &at)?;
        out.resize(values.len(), f64::NAN);
        let width = values.len() / n.max(1);
        for i in (0..n).filter(|i| labels[*i] == k) {
            out[i * width..][..width].copy_from_slice(&values[i * width..][..width]);
        }
    }
    Ok(out)
}

fn between(recipe: &Recipe, eval: &Eval, world: &World, at: &Positions) -> Result<Values> {
    let Recipe::Between { of, attempt, lo, hi, name, span } = recipe else {
        return Err(Bug("bounds that are none".into()).into());
    };
    let mut at = at.clone();
    let mut out: Values = vec![];
    let mut open: Vec<usize> = vec![];
    let mut bounds: Option<(Values, Values)> = None;
    for tried in 0..TRIES {
        at.insert(*attempt, tried);
        let values = draw(of, eval, world, &at)?;
        if values.iter().any(|x| x.is_nan()) {
            return Ok(values);
        }
        if bounds.is_none() {
            out = vec![f64::NAN; values.len()];
            open = (0..values.len()).collect();
            let lo = bound(*lo, eval, &at, values.len(), f64::NEG_INFINITY)?;
            bounds = Some((lo, bound(*hi, eval, &at, values.len(), f64::INFINITY)?));
        }
        let Some((lo, hi)) = &bounds else { continue };
        open.retain(|i| {
            let inside = lo[*i] <= values[*i] && values[*i] <= hi[*i];
            if inside {
                out[*i] = values[*i];
            }
            !inside
        });
        if open.is_empty() {
            return Ok(out);
        }
    }
    Err(SimulateProblem::LittleMass { dist: name.clone(), tries: TRIES, span: *span }.into())
}

fn bound(id: Option<NodeId>, eval: &Eval, at: &Positions, n: usize, none: f64) -> Result<Values> {
    match id {
        Some(id) => Ok(repeated(eval.at(id, at)?, n)),
        None => Ok(vec![none; n]),
    }
}

/// A number that serves all components.
fn repeated(values: Values, n: usize) -> Values {
    if values.len() == 1 && n != 1 { vec![values[0]; n] } else { values }
}

fn count(eval: &Eval, sizes: &[Size]) -> Result<usize> {
    let mut product = 1;
    for size in sizes {
        product *= eval.size(size)?;
    }
    Ok(product)
}
