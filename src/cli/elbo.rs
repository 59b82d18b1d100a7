//! `ppl elbo`: what was compiled.

use crate::cli::args::{Elbo, Format, Stage, typed};
use crate::cli::compile::{self, timed};
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file, open};
use crate::data::Bound;
use crate::plan::lower::{self, Batch, Trouble};
use crate::problem::{Problem, Problems};
use crate::{elbo, model, plan, syntax};

/// Which formats a stage has.
const FORMATS: [(Stage, &[Format]); 5] = [
    (Stage::Ast, &[Format::Text]),
    (Stage::Model, &[Format::Text, Format::Json, Format::Dot]),
    (Stage::Elbo, &[Format::Text, Format::Json, Format::Latex, Format::Dot]),
    (Stage::Plan, &[Format::Text]),
    (Stage::Gradient, &[Format::Text]),
];

pub fn run(verb: &Elbo, screen: &Screen) -> Ended {
    if !FORMATS.iter().any(|(stage, formats)| *stage == verb.stage && formats.contains(&verb.format)) {
        let stages: Vec<String> =
            FORMATS.iter().filter(|row| row.1.contains(&verb.format)).map(|row| typed(&row.0)).collect();
        let (stage, format) = (typed(&verb.stage), typed(&verb.format));
        screen.problem(CliProblem::NoFormat { stage, format, stages });
        return Err(End::Usage);
    }
    let source = file::model(&verb.model, screen)?;
    if verb.stage == Stage::Ast {
        let (ast, problems) = syntax::parse(&source);
        screen.problems(&problems, &source);
        screen.out(&syntax::tree::print(&ast))?;
        return if problems.has_errors() { Err(End::Wrong) } else { Ok(()) };
    }
    if verb.stage == Stage::Model {
        let compiled = compile::compile(&source, &verb.set, screen);
        screen.problems(&compiled.problems, &source);
        let Some(model) = compiled.model.filter(|_| !compiled.problems.has_errors()) else { return Err(End::Wrong) };
        return screen.out(&match verb.format {
            Format::Json => format!("{:#}\n", model::json::json(&model)),
            Format::Dot => model::dot::dot(&model),
            Format::Text | Format::Latex => model::print::print(&model),
        });
    }
    let (model, elbo, _) = compile::whole(&source, &verb.set, screen)?;
    let planned = matches!(verb.stage, Stage::Plan | Stage::Gradient);
    let bound = match verb.data.data.is_empty() {
        // A model without data needs none: its sizes are in the text, or are what is wrong.
        true if planned && model.data.is_empty() => Some(open::bound(&model, &verb.data, screen)?),
        true => None,
        false => Some(open::bound(&model, &verb.data, screen)?),
    };
    let text = match (verb.stage, &bound) {
        (Stage::Ast | Stage::Model, _) => String::new(),
        (Stage::Plan | Stage::Gradient, Some(bound)) => planned_text(verb.stage, &elbo, bound, screen)?,
        (Stage::Plan | Stage::Gradient, None) => {
            screen.problem(CliProblem::NeedsData { stage: typed(&verb.stage) });
            return Err(End::Usage);
        }
        (Stage::Elbo, _) => match verb.format {
            Format::Json => format!("{:#}\n", elbo::json::json(&elbo)),
            Format::Latex => elbo::latex::document(&elbo),
            Format::Dot => elbo::dot::dot(&elbo),
            Format::Text => elbo::print(&elbo),
        },
    };
    screen.out(&text)
}

/// The plan of one step of a fit: as lowered, or differentiated and optimized.
fn planned_text(stage: Stage, elbo: &elbo::Elbo, bound: &Bound, screen: &Screen) -> Result<String, End> {
    let lowered = |lower: fn(&elbo::Elbo, &Bound, &Batch) -> Result<lower::Program, Trouble>| {
        let batch = Batch::of_step(elbo, bound)?;
        Ok((lower(elbo, bound, &batch)?, batch))
    };
    let (name, program) = match stage {
        Stage::Plan => ("plan", timed(screen, "lower", || lowered(lower::lowered))),
        _ => ("gradient", timed(screen, "lower", || lowered(lower::step))),
    };
    match program {
        Ok((program, batch)) => Ok(plan::print::print_program(name, elbo, bound, &batch, &program)),
        Err(Trouble::Bug(bug)) => Err(bug.into()),
        Err(trouble) => {
            let mut problems = Problems::default();
            problems.push(Problem::from(trouble));
            screen.problems(&problems, &elbo.model.source);
            Err(End::Wrong)
        }
    }
}
