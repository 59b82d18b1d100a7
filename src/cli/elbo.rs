//! `ppl elbo`: what was compiled.

use crate::cli::args::{Elbo, Stage};
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, compile, file, open};
use crate::{elbo, model, syntax};

pub fn run(verb: &Elbo, screen: &Screen) -> Ended {
    let source = file::model(&verb.model, screen)?;
    if verb.stage == Stage::Ast {
        let (ast, problems) = syntax::parse(&source);
        screen.problems(&problems, &source);
        screen.out(&format!("{ast:#?}\n"))?;
        return if problems.has_errors() { Err(End::Wrong) } else { Ok(()) };
    }
    let (model, elbo, _) = compile::whole(&source, &verb.set, screen)?;
    let bound = match verb.data.data.is_empty() {
        true => None,
        false => Some(open::bound(&model, &verb.data, screen)?),
    };
    match (verb.stage, bound) {
        (Stage::Ast, _) => Ok(()),
        (Stage::Model, _) => screen.out(&model::print::print(&model)),
        (Stage::Elbo, _) => screen.out(&elbo::print(&elbo)),
        (Stage::Plan | Stage::Gradient, None) => {
            let stage = if verb.stage == Stage::Plan { "plan" } else { "gradient" };
            screen.problem(CliProblem::NeedsData { stage: stage.into() });
            Err(End::Usage)
        }
        (Stage::Plan | Stage::Gradient, Some(_)) => {
            screen.problem(CliProblem::StageLater);
            Err(End::Usage)
        }
    }
}
