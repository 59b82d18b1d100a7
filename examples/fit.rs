//! Fits a model that is written here to data that are made here: `cargo run --release --example fit`.

use std::error::Error;

use ppl::data::{Column, Table, Values, bind};
use ppl::fit::Control;
use ppl::fit::drive::{Task, fit};
use ppl::model::Settings;
use ppl::plan::reference::Reference;
use ppl::source::Source;

const MODEL: &str = "
dim N
data x[N]: real
data y[N]: real

model {
  a ~ Normal(0, 10)
  b ~ Normal(0, 10)
  sigma ~ HalfNormal(5)
  for n in N { y[n] ~ Normal(a + b * x[n], sigma) }
}

guide fullrank
";

fn main() -> Result<(), Box<dyn Error>> {
    let source = Source::new("line.vi", MODEL);
    let (elbo, _) = ppl::compile(&source, &Settings::default());
    let elbo = elbo.ok_or("the model is wrong")?;

    let x: Vec<f64> = (0..50).map(|i| f64::from(i) / 10.0).collect();
    let y = x.iter().map(|x| 1.0 + 2.0 * x + 0.5 * (7.0 * x).sin()).collect();
    let column = |name: &str, values: Vec<f64>| Column {
        name: Some(name.into()),
        shape: vec![50],
        values: Values::Reals(values),
    };
    let columns = vec![column("x", x), column("y", y)];
    let table = Table { name: "made here".into(), alias: None, columns, lines: None };
    let data = bind(&elbo.model, &[table]).map_err(|_| "the data do not fit the model")?;

    // The f64 reference; `ppl::engine::backend("cpu")` is the fast one.
    let task = Task { elbo: &elbo, data: &data, block: &elbo.model.fit, seed: 0, backend: &Reference };
    let found = fit(&task, &mut |_| Control::Continue).map_err(|failure| format!("{failure:?}"))?;

    // Of a guide that is a point there is no bound.
    if let Some(elbo) = found.posterior.elbo {
        println!("bound {:.3} +- {:.3}", elbo.mean, elbo.se);
    }
    if let Ok(importance) = &found.posterior.importance {
        println!("k-hat {:.2}", importance.khat);
    }
    for quantity in &found.posterior.quantities {
        let summary = quantity.summaries[0];
        println!("{:6} mean {:.3} sd {:.3}", quantity.name, summary.mean, summary.sd);
    }
    Ok(())
}
