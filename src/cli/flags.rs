//! Flags of `ppl fit` as entries of the `fit` block: each is parsed as the entry it replaces, then written into the
//! text that is compiled, so that one checker judges both. The file itself is not touched.

use std::path::Path;

use crate::cli::End;
use crate::cli::args::Entries;
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::{file, init};
use crate::problem::Edit;
use crate::source::{Source, Span};
use crate::syntax::{self, Ast, ExprKind, FitItem, Item};

/// The texts that flags make of a model.
pub struct Flagged {
    /// What is compiled.
    pub compiled: Source,
    /// What is kept with the run: the file, with the guide that was asked for.
    pub kept: Source,
}

/// Writes the flags into the text; a flag that is no such entry is a usage error.
pub fn apply(source: &Source, flags: &Entries, screen: &Screen) -> Result<Flagged, End> {
    let kept = match &flags.guide {
        Some(guide) => with_guide(source, guide, screen)?,
        None => source.clone(),
    };
    let (ast, _) = syntax::parse(&kept);
    let entries = entries(&ast, flags, screen)?;
    if entries.is_empty() {
        return Ok(Flagged { compiled: kept.clone(), kept });
    }
    for (name, value) in &entries {
        whole_entry(name, value, screen)?;
    }
    let compiled = Source::new(kept.name.clone(), edited(&ast, &entries));
    Ok(Flagged { compiled, kept })
}

/// The flags with the values of a file in place of its name.
pub fn resolved(flags: &Entries, screen: &Screen) -> Result<Entries, End> {
    let Some(file) = flags.init.as_ref().filter(|init| init.ends_with(".json")) else { return Ok(flags.clone()) };
    let bytes = file::read(Path::new(file), screen)?;
    let record = init::record(&bytes).map_err(|why| {
        screen.problem(CliProblem::InitFile { file: file.clone(), why });
        End::Usage
    })?;
    Ok(Entries { init: Some(record), ..flags.clone() })
}

/// Every flag that takes one value, by the name of its entry.
pub fn fields(flags: &mut Entries) -> [(&'static str, &mut Option<String>); 12] {
    [
        ("objective", &mut flags.objective),
        ("optimizer", &mut flags.optimizer),
        ("lr", &mut flags.lr),
        ("epochs", &mut flags.epochs),
        ("steps", &mut flags.steps),
        ("particles", &mut flags.particles),
        ("draws", &mut flags.draws),
        ("stop", &mut flags.stop),
        ("patience", &mut flags.patience),
        ("clip", &mut flags.clip),
        ("init", &mut flags.init),
        ("guide", &mut flags.guide),
    ]
}

/// Name and text of every entry that a flag gives.
fn entries(ast: &Ast, flags: &Entries, screen: &Screen) -> Result<Vec<(&'static str, String)>, End> {
    let plain = [
        ("objective", &flags.objective),
        ("epochs", &flags.epochs),
        ("steps", &flags.steps),
        ("particles", &flags.particles),
        ("draws", &flags.draws),
        ("stop", &flags.stop),
        ("patience", &flags.patience),
        ("clip", &flags.clip),
        ("init", &flags.init),
    ];
    let mut entries: Vec<(&'static str, String)> =
        plain.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    match (&flags.optimizer, &flags.lr) {
        (Some(optimizer), None) => entries.push(("optimizer", optimizer.clone())),
        (Some(optimizer), Some(_)) if optimizer.contains('(') => {
            screen.problem(CliProblem::LrTwice { optimizer: optimizer.clone() });
            return Err(End::Usage);
        }
        (Some(optimizer), Some(lr)) => entries.push(("optimizer", format!("{optimizer}(lr: {lr})"))),
        (None, Some(lr)) => entries.push(("optimizer", format!("{}(lr: {lr})", written_optimizer(ast)))),
        (None, None) => {}
    }
    if !flags.batch.is_empty() {
        let batch: Vec<String> = flags.batch.iter().map(|batch| batch.replacen('=', " = ", 1)).collect();
        entries.push(("batch", batch.join(", ")));
    }
    Ok(entries)
}

/// The optimizer of the `fit` block, for a rate given alone.
fn written_optimizer(ast: &Ast) -> String {
    let value = fit_items(ast).find_map(|(item, _)| match item {
        FitItem::Entry(entry) if entry.name.node == "optimizer" => entry.values.first(),
        _ => None,
    });
    match value.map(|value| &value.value.kind) {
        Some(ExprKind::Name(name)) => name.clone(),
        Some(ExprKind::Call(call)) => call.name.node.clone(),
        _ => "adam".into(),
    }
}

/// A flag is parsed by itself first, so that its mistakes are shown in what the user typed.
fn whole_entry(name: &str, value: &str, screen: &Screen) -> Result<(), End> {
    let source = Source::new(format!("--{name}"), format!("{name}: {value}"));
    let (entry, problems) = syntax::parse_entry(&source);
    if problems.has_errors() {
        screen.problems(&problems, &source);
        return Err(End::Usage);
    }
    if entry.is_none() {
        screen.problem(CliProblem::NoEntry { flag: name.into(), value: value.into() });
        return Err(End::Usage);
    }
    Ok(())
}

fn fit_items(ast: &Ast) -> impl Iterator<Item = (&FitItem, Span)> {
    let blocks = ast.items.iter().filter_map(|item| match &item.node {
        Item::Fit { entries } => Some(entries),
        _ => None,
    });
    blocks.flatten().map(|item| (&item.node, item.span))
}

/// How long a fit takes is said once: each of these takes the place of the others.
const LENGTHS: [&str; 3] = ["steps", "epochs", "stop"];

/// The text with these entries in place of those of the same name.
fn edited(ast: &Ast, entries: &[(&'static str, String)]) -> String {
    let given = |name: &str| entries.iter().any(|(other, _)| *other == name);
    let length_given = LENGTHS.iter().any(|name| given(name));
    let goes = |name: &str| given(name) || (length_given && LENGTHS.contains(&name));
    let mut edits: Vec<Edit> = fit_items(ast)
        .filter(|(item, _)| matches!(item, FitItem::Entry(entry) if goes(&entry.name.node)))
        .map(|(_, span)| Edit { span, text: String::new() })
        .collect();
    let lines: String = entries.iter().map(|(name, value)| format!("  {name}: {value}\n")).collect();
    let block = ast.items.iter().find(|item| matches!(item.node, Item::Fit { .. }));
    let end = ast.source.text.len();
    match block {
        Some(block) => {
            let brace = block.span.end - usize::from(ast.source.slice(block.span).ends_with('}'));
            edits.push(Edit { span: Span::new(brace, brace), text: format!("\n{lines}") });
        }
        None => edits.push(Edit { span: Span::new(end, end), text: format!("\n\nfit {{\n{lines}}}\n") }),
    }
    let mut text = ast.source.text.to_string();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.start..edit.span.end, &edit.text);
    }
    text
}

/// The model with another automatic guide: written factors of a named guide stay, a guide without a name goes.
fn with_guide(source: &Source, guide: &str, screen: &Screen) -> Result<Source, End> {
    let line = Source::new("--guide", format!("guide {guide}"));
    let (parsed, problems) = syntax::parse(&line);
    let is_guide =
        matches!(parsed.items.as_slice(), [one] if matches!(one.node, Item::Guide { auto: Some(_), block: None }));
    if problems.has_errors() || !is_guide {
        screen.problems(&problems, &line);
        if !problems.has_errors() {
            screen.problem(CliProblem::NoEntry { flag: "guide".into(), value: guide.into() });
        }
        return Err(End::Usage);
    }
    let (ast, _) = syntax::parse(source);
    let written = ast.items.iter().find_map(|item| match &item.node {
        Item::Guide { auto: Some(auto), block: Some(_) } => Some((auto.span, guide.to_string())),
        Item::Guide { .. } => Some((item.span, format!("guide {guide}"))),
        _ => None,
    });
    let mut text = source.text.to_string();
    match written {
        Some((span, new)) => text.replace_range(span.start..span.end, &new),
        None => text.push_str(&format!("\nguide {guide}\n")),
    }
    Ok(Source::new(source.name.clone(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(text: &str, flags: Entries) -> Flagged {
        apply(&Source::new("m.vi", text), &flags, &Screen::plain()).ok().unwrap()
    }

    #[test]
    fn a_flag_takes_the_place_of_its_entry() {
        let text = "fit {\n  epochs: 20\n  optimizer: sgd(lr: 1)\n}\n";
        let flags = Entries { steps: Some("5".into()), lr: Some("1e-2".into()), ..Entries::default() };
        let made = flagged(text, flags);
        assert_eq!(made.compiled.text.as_ref(), "fit {\n  \n  \n\n  steps: 5\n  optimizer: sgd(lr: 1e-2)\n}\n");
        assert_eq!(made.kept.text.as_ref(), text);
    }

    #[test]
    fn a_model_without_a_fit_block_gets_one() {
        let flags = Entries { batch: vec!["N=8".into(), "M=2".into()], ..Entries::default() };
        let made = flagged("dim N", flags);
        assert_eq!(made.compiled.text.as_ref(), "dim N\n\nfit {\n  batch: N = 8, M = 2\n}\n");
    }

    #[test]
    fn a_guide_keeps_what_is_written_under_a_name() {
        let flags = || Entries { guide: Some("fullrank".into()), ..Entries::default() };
        assert_eq!(flagged("guide meanfield\n", flags()).kept.text.as_ref(), "guide fullrank\n");
        let hybrid = flagged("guide meanfield {\n  z ~ Normal(0, 1)\n}\n", flags());
        assert_eq!(hybrid.kept.text.as_ref(), "guide fullrank {\n  z ~ Normal(0, 1)\n}\n");
        assert_eq!(flagged("dim N", flags()).kept.text.as_ref(), "dim N\nguide fullrank\n");
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let refused = |flags: Entries| apply(&Source::new("m.vi", "dim N"), &flags, &Screen::plain()).err();
        assert_eq!(refused(Entries { steps: Some("5 }".into()), ..Entries::default() }), Some(End::Usage));
        assert_eq!(refused(Entries { guide: Some("a; dim K".into()), ..Entries::default() }), Some(End::Usage));
        let both = Entries { optimizer: Some("adam(lr: 1)".into()), lr: Some("2".into()), ..Entries::default() };
        assert_eq!(refused(both), Some(End::Usage));
    }
}
