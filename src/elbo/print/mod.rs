//! The bound as text: what `ppl elbo` prints, and the golden files.
//!
//! A header with the sizes, the guide, the terms that are maximized with the estimator of each and the reason for it,
//! and the definitions that they mention. A reader can compute the bound from it.

use std::collections::BTreeSet;

use crate::arena::Arena;
use crate::elbo::{Elbo, because, cost};
use crate::math::print::Names;
use crate::math::{DataId, DefId, Label, NodeId, Op, ParamId, SiteId};
use crate::model::Model;
use crate::shape::{Axis, Dim};

mod energy;
mod guide;
mod mode;
mod objective;
mod scores;
mod terms;
mod told;

pub use terms::unconstrained;
pub use told::{EnergyLine, GradientLine, GuideLine, TermLine, Told, UnitLine, told};

/// Where the right column starts, unless the left one is wider.
const COLUMN: usize = 52;
/// Between the widest left text and the right column.
const GAP: usize = 3;

pub fn print(elbo: &Elbo) -> String {
    let words = Words { model: &elbo.model, axes: &elbo.axes };
    let printer = Printer { elbo, words, facts: cost::Facts::new(&elbo.model) };
    let mut text = String::new();
    let guide = printer.guide();
    let column = column(&guide);
    text.push_str(&columns(&[(format!("elbo {}", elbo.model.name), printer.dims())], column));
    if !guide.is_empty() {
        text.push_str("\nguide\n");
        text.push_str(&columns(&guide, column));
    }
    text.push_str(&printer.objective());
    text.push_str(&printer.scores());
    let definitions = printer.definitions();
    if !definitions.is_empty() {
        text.push_str("\nwhere\n");
        for id in definitions {
            let (name, value) = printer.definition(id);
            text.push_str(&format!("  {name} = {value}\n"));
        }
    }
    text
}

/// What is maximized: the sections between the guide and the gradients.
pub fn objective_text(elbo: &Elbo) -> String {
    let words = Words { model: &elbo.model, axes: &elbo.axes };
    Printer { elbo, words, facts: cost::Facts::new(&elbo.model) }.objective()
}

/// What leaves are called in a model, with the axes of a later form of it.
pub struct Words<'a> {
    pub model: &'a Model,
    pub axes: &'a Arena<Axis>,
}

impl Names for Words<'_> {
    fn data(&self, id: DataId) -> &str {
        &self.model.data[id.index()].name
    }
    fn param(&self, id: ParamId) -> &str {
        &self.model.params[id.index()].name
    }
    fn site(&self, id: SiteId) -> &str {
        &self.model.sites[id.index()].name
    }
    fn definition(&self, id: DefId) -> &str {
        &self.model.definitions[id.index()].name
    }
    fn axes(&self) -> &Arena<Axis> {
        self.axes
    }
    fn dims(&self) -> &Arena<Dim> {
        &self.model.dims
    }
}

fn column(lines: &[(String, String)]) -> usize {
    lines
        .iter()
        .filter(|(_, right)| !right.is_empty())
        .map(|(left, _)| left.chars().count() + GAP)
        .fold(COLUMN, usize::max)
}

fn columns(lines: &[(String, String)], at: usize) -> String {
    let line = |(left, right): &(String, String)| match right.is_empty() {
        true => format!("{left}\n"),
        false => format!("{left:at$}{right}\n"),
    };
    lines.iter().map(line).collect()
}

struct Printer<'a> {
    elbo: &'a Elbo,
    words: Words<'a>,
    facts: cost::Facts<'a>,
}

impl Printer<'_> {
    fn model(&self) -> &Model {
        &self.elbo.model
    }

    fn expr(&self, id: NodeId) -> String {
        crate::math::print::print(&self.elbo.graph, id, &self.words)
    }

    /// `dims N, D = 784, K = 20`
    fn dims(&self) -> String {
        let dims = &self.model().dims;
        let one = |dim: &Dim| match &dim.value {
            Some(value) => format!("{} = {}", dim.name, value.print(dims)),
            None => dim.name.clone(),
        };
        let list: Vec<String> = dims.iter().map(|(_, dim)| one(dim)).collect();
        match list.len() {
            0 => String::new(),
            1 => format!("dim {}", list[0]),
            _ => format!("dims {}", list.join(", ")),
        }
    }

    fn site(&self, id: SiteId) -> String {
        because::name(self.model(), id)
    }

    fn sites<'s>(&self, ids: impl IntoIterator<Item = &'s SiteId>) -> String {
        ids.into_iter().map(|id| self.site(*id)).collect::<Vec<_>>().join(", ")
    }

    /// Those that the printed text mentions, directly or through others, in the order written.
    fn definitions(&self) -> BTreeSet<DefId> {
        let model = self.model();
        let mut roots: Vec<NodeId> = model.statements.iter().flat_map(|s| cost::roots(model, s)).collect();
        roots.extend(model.guide.factors.iter().flat_map(|factor| factor.dist.args.values().copied()));
        let mut found: BTreeSet<DefId> = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while let Some(id) = roots.pop() {
            if !seen.insert(id) {
                continue;
            }
            match &model.graph.nodes[id].op {
                Op::Named(Label::Definition(def), value) => {
                    found.insert(*def);
                    roots.push(*value);
                }
                Op::Named(Label::Call { args, .. }, _) => roots.extend(args),
                op => roots.extend(op.children()),
            }
        }
        found
    }

    fn definition(&self, id: DefId) -> (String, String) {
        let definition = &self.model().definitions[id.index()];
        let rows: Vec<&str> = definition.plates.iter().map(|axis| self.elbo.axes[*axis].name.as_str()).collect();
        let name = match rows.is_empty() {
            true => definition.name.clone(),
            false => format!("{}[{}]", definition.name, rows.join(", ")),
        };
        let value = match self.elbo.graph.nodes[definition.value].op {
            Op::Named(Label::Definition(_), value) => value,
            _ => definition.value,
        };
        (name, crate::math::print::print(&self.elbo.graph, value, &self.words))
    }
}
