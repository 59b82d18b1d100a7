//! `ppl elbo`: what was compiled.

use crate::cli::args::{Elbo, Stage};
use crate::cli::compile::{self, timed};
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file, open};
use crate::data::Bound;
use crate::plan::lower::{self, Batch, Trouble};
use crate::problem::{Problem, Problems};
use crate::{elbo, model, plan, syntax};

pub fn run(verb: &Elbo, screen: &Screen) -> Ended {
    let source = file::model(&verb.model, screen)?;
    if verb.stage == Stage::Ast {
        let (ast, problems) = syntax::parse(&source);
        screen.problems(&problems, &source);
        screen.out(&format!("{ast:#?}\n"))?;
        return if problems.has_errors() { Err(End::Wrong) } else { Ok(()) };
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
        (Stage::Ast, _) => String::new(),
        (Stage::Model, _) => model::print::print(&model),
        (Stage::Elbo, _) => elbo::print(&elbo),
        (Stage::Plan | Stage::Gradient, Some(bound)) => planned_text(verb.stage, &elbo, bound, screen)?,
        (Stage::Plan | Stage::Gradient, None) => {
            let stage = if verb.stage == Stage::Plan { "plan" } else { "gradient" };
            screen.problem(CliProblem::NeedsData { stage: stage.into() });
            return Err(End::Usage);
        }
    };
    screen.out(&text)
}

/// The plan of one step of a fit: as lowered, or differentiated and optimized.
fn planned_text(stage: Stage, elbo: &elbo::Elbo, bound: &Bound, screen: &Screen) -> Result<String, End> {
    let batch = Batch::of_step(&elbo.model.fit, bound);
    let (name, program) = match stage {
        Stage::Plan => ("plan", timed(screen, "lower", || lower::lowered(elbo, bound, &batch))),
        _ => ("gradient", timed(screen, "lower", || lower::bound(elbo, bound, &batch))),
    };
    match program {
        Ok(program) => Ok(plan::print::print_program(name, elbo, bound, &batch, &program)),
        Err(Trouble::Bug(bug)) => Err(bug.into()),
        Err(trouble) => {
            let mut problems = Problems::default();
            problems.push(Problem::from(trouble));
            screen.problems(&problems, &elbo.model.source);
            Err(End::Wrong)
        }
    }
}
