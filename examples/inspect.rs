//! Compiles a model and prints the bound that would be maximized: `cargo run --example inspect -- models/vae.vi`.

use std::error::Error;

use ppl::model::Settings;
use ppl::problem::Style;
use ppl::source::Source;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or("models/eight_schools.vi".into());
    let source = Source::new(&path, std::fs::read_to_string(&path)?);
    let (elbo, problems) = ppl::compile(&source, &Settings::default());
    // Warnings, or every mistake at once.
    eprint!("{}", problems.render(&source, Style { color: false, width: 100 }));
    let Some(elbo) = elbo else { return Err(format!("{path} is wrong").into()) };
    print!("{}", ppl::elbo::print(&elbo));
    for view in &elbo.sites {
        let site = &elbo.model.sites[view.site.index()];
        println!("{}: {:?}, because {}", site.name, view.choice.estimator, view.choice.because);
    }
    Ok(())
}
