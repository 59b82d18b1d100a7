//! `ppl simulate`: data drawn from a model, and the truth beside them.

use std::path::Path;

use serde_json::Value;

use crate::cli::args::Simulate;
use crate::cli::compile::{self, timed};
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file, open};
use crate::data::bind::Asked;
use crate::model::Model;
use crate::report::{data_csv, data_json, truth_json};
use crate::simulate::{self, Failure, Given, Outcome, Task};

const TRUTH: &str = "truth.json";

pub fn run(verb: &Simulate, screen: &Screen) -> Ended {
    let ending = verb.out.extension().and_then(|ending| ending.to_str());
    let csv = match (ending, verb.out.file_name().and_then(|name| name.to_str())) {
        (Some("csv"), _) => true,
        (Some("json"), Some(name)) if name != TRUTH => false,
        _ => return usage(CliProblem::SimulateTo { file: verb.out.display().to_string() }, screen),
    };
    let source = file::model(&verb.model, screen)?;
    let compiled = compile::compile(&source, &verb.set, screen);
    screen.problems(&compiled.problems, &source);
    let Some(model) = compiled.model.filter(|_| !compiled.problems.has_errors()) else { return Err(End::Wrong) };
    let refusals = simulate::refusals(&model);
    if refusals.has_errors() {
        screen.problems(&refusals, &model.source);
        return Err(End::Wrong);
    }
    let params = params(verb, screen)?;
    let observed = simulate::observed(&model);
    let given = |item| !observed.contains(&item);
    let asked = Asked { given: &given, seed: verb.seed, ..Asked::default() };
    let data = open::bound_as(&model, &verb.data, &asked, screen)?;
    let task = Task { model: &model, data: &data, params: &params, seed: verb.seed };
    let outcome = match timed(screen, "simulate", || simulate::simulate(&task)) {
        Ok(outcome) => outcome,
        Err(Failure::Bug(bug)) => return Err(bug.into()),
        Err(Failure::Problems(problems)) => {
            screen.problems(&problems, &model.source);
            return Err(End::Wrong);
        }
    };
    write(verb, csv, &model, &outcome, screen)
}

/// `--param FILE.json`
fn params(verb: &Simulate, screen: &Screen) -> Result<Given, End> {
    let Some(path) = &verb.param else { return Ok(Given::new()) };
    let wrong = |why: String| usage(CliProblem::ParamFile { file: path.display().to_string(), why }, screen);
    let value: Value = match serde_json::from_slice(&file::read(path, screen)?) {
        Ok(value) => value,
        Err(error) => return wrong(error.to_string()),
    };
    let Value::Object(entries) = value else { return wrong("it is no object".into()) };
    let mut given = Given::new();
    for (name, value) in entries {
        let mut numbers = vec![];
        if let Err(found) = flatten(&value, &mut numbers) {
            return wrong(format!("`{name}` has {found}, which is no number"));
        }
        given.insert(name, numbers);
    }
    Ok(given)
}

/// Nested lists, rows first.
fn flatten(value: &Value, out: &mut Vec<f64>) -> Result<(), String> {
    match value {
        Value::Array(list) => list.iter().try_for_each(|value| flatten(value, out)),
        Value::Number(number) => {
            out.extend(number.as_f64());
            Ok(())
        }
        other => Err(other.to_string()),
    }
}

fn write(verb: &Simulate, csv: bool, model: &Model, outcome: &Outcome, screen: &Screen) -> Ended {
    let text = match csv {
        false => data_json(model, &outcome.data),
        true => match data_csv(model, &outcome.data) {
            Ok(text) => text,
            Err((item, why)) => {
                let file = verb.out.display().to_string();
                return usage(CliProblem::NoTable { file, item, why }, screen);
            }
        },
    };
    let truth = truth_json(model, verb.seed, outcome)?;
    let beside = verb.out.parent().unwrap_or(Path::new("")).join(TRUTH);
    file::replace(&verb.out, &text, screen)?;
    file::replace(&beside, &truth, screen)?;
    let made: Vec<String> =
        model.data.iter().filter(|data| data.value.is_some()).map(|data| format!("`{}`", data.name)).collect();
    if !made.is_empty() {
        screen.problem(CliProblem::MadeData { items: made });
    }
    screen.out(&format!("{}\n{}\n", verb.out.display(), beside.display()))
}

fn usage<T>(problem: CliProblem, screen: &Screen) -> Result<T, End> {
    screen.problem(problem);
    Err(End::Usage)
}
