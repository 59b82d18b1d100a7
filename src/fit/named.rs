//! The guide's parameters from the named arrays that a run keeps of them.

use super::{Failure, initial};
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::model::Auto;
use crate::plan::lower::Layout;
use crate::problem::Problem;

/// The parameters of the guide's plans (see `Layout`), from what `find` has by name.
pub fn params(elbo: &Elbo, data: &Bound, find: &dyn Fn(&str) -> Option<Vec<f64>>) -> Result<Vec<f64>, Failure> {
    let layout = Layout::new(elbo, data)?;
    let sized = |name: &str, size: usize| match find(name).filter(|values| values.len() == size) {
        Some(values) => Ok(values),
        None => Err(missing(name)),
    };
    let d = layout.latents;
    let mut params = vec![];
    if d > 0 {
        params.extend(sized("guide.loc", d)?);
        params.extend(
            scale(elbo, &layout, find)
                .filter(|scale| scale.len() == layout.scale_count)
                .ok_or_else(|| missing("guide.scale"))?,
        );
    }
    for block in &layout.params {
        let values = find(&block.name).ok_or_else(|| missing(&block.name))?;
        let mut free = vec![0.0; block.len()];
        let support = &elbo.model.params[block.of.index()].support;
        initial::unconstrained(elbo, data, support, &values, &mut free, &block.name)?;
        params.extend(free);
    }
    Ok(params)
}

/// The scale as the plans take it: logarithms of sds, then those columns that a low rank has; or row by row a factor with
/// the logarithms of its diagonal.
fn scale(elbo: &Elbo, layout: &Layout, find: &dyn Fn(&str) -> Option<Vec<f64>>) -> Option<Vec<f64>> {
    let d = layout.latents;
    let logs = |sds: Vec<f64>| sds.into_iter().map(f64::ln).collect();
    let packed = |factor: Vec<f64>| -> Option<Vec<f64>> {
        let row = |i: usize| factor[i * d..i * d + i].iter().copied().chain([factor[i * d + i].ln()]);
        (factor.len() == d * d).then(|| (0..d).flat_map(row).collect())
    };
    let own = || find("guide.log_scale").or_else(|| find("guide.scale").map(logs));
    match elbo.model.guide.auto {
        Some(Auto::Map) => Some(vec![]),
        Some(Auto::LowRank(_)) => Some([own()?, find("guide.columns")?].concat()),
        _ => own().or_else(|| find("guide.chol").and_then(packed)),
    }
}

fn missing(name: &str) -> Failure {
    Failure::from(
        Problem::error(
            "ppl::run::params",
            format!("`{name}` of this model is not in params.safetensors of the run, or has another size"),
        )
        .help("sizes other than row counts are those of the fit: give data of the same kind"),
    )
}
