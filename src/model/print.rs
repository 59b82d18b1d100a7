//! The checked model as text (`--stage model`): every name with its plates, shape and support.

use crate::arena::Arena;
use crate::dist::{self, Dist};
use crate::math::print::{Names, print as print_node, print_number, print_site};
use crate::math::support::Support;
use crate::math::{DataId, DefId, NodeId, ParamId, SiteId};
use crate::model::{FitBlock, Guide, Model, Owner, Param, Proviso, Start, Statement, Unit};
use crate::shape::{Axis, AxisId, Dim, Size};

impl Names for Model {
    fn data(&self, id: DataId) -> &str {
        self.data.get(id.index()).map_or("?", |data| &data.name)
    }
    fn param(&self, id: ParamId) -> &str {
        self.params.get(id.index()).map_or("?", |param| &param.name)
    }
    fn site(&self, id: SiteId) -> &str {
        self.sites.get(id.index()).map_or("?", |site| &site.name)
    }
    fn definition(&self, id: DefId) -> &str {
        self.definitions.get(id.index()).map_or("?", |def| &def.name)
    }
    fn axes(&self) -> &Arena<Axis> {
        &self.axes
    }
    fn dims(&self) -> &Arena<Dim> {
        &self.dims
    }
}

/// The whole model.
pub fn print(model: &Model) -> String {
    let mut lines = vec![heading(model)];
    section(&mut lines, "constants", constants(model));
    section(&mut lines, "data", model.data.iter().map(|data| print_data(model, data)).collect());
    section(&mut lines, "params", model.params.iter().map(|param| print_param(model, param)).collect());
    section(&mut lines, "model", statements(model));
    lines.push(String::new());
    lines.push(guide_heading(&model.guide));
    lines.extend(guide(model));
    section(&mut lines, "fit", fit(model));
    section(&mut lines, "checked when computed", model.provisos.iter().map(|p| proviso(model, p)).collect());
    lines.join("\n") + "\n"
}

fn section(lines: &mut Vec<String>, title: &str, body: Vec<String>) {
    if body.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(title.into());
    lines.extend(body.into_iter().map(|line| format!("  {line}")));
}

fn heading(model: &Model) -> String {
    let dims: Vec<String> = model
        .dims
        .iter()
        .map(|(_, dim)| match &dim.value {
            Some(value) => format!("{} = {}", dim.name, value.print(&model.dims)),
            None => dim.name.clone(),
        })
        .collect();
    if dims.is_empty() {
        return format!("model {}", model.name);
    }
    format!("{:<50}dims {}", format!("model {}", model.name), dims.join(", "))
}

fn constants(model: &Model) -> Vec<String> {
    let print = |constant: &crate::model::Constant| {
        let values: Vec<String> = constant.values.iter().take(6).map(|value| print_number(*value)).collect();
        let more = if constant.values.len() > 6 { ", ..." } else { "" };
        match constant.shape.as_slice() {
            [] => format!("{} = {}", constant.name, values.join("")),
            shape => format!("{}{shape:?} = [{}{more}]", constant.name, values.join(", ")),
        }
    };
    model.constants.iter().map(print).collect()
}

/// A support with the shape it stands in: `positive[K]`, `simplex[3]`.
pub fn print_type(model: &Model, support: &Support, event: &[Size]) -> String {
    let base = support.print(&model.dims, &|node| print_node(&model.graph, node, model));
    let extra = &event[..event.len().saturating_sub(support.event_rank())];
    if extra.is_empty() { base } else { format!("{base}{}", brackets(model, extra)) }
}

fn brackets(model: &Model, sizes: &[Size]) -> String {
    if sizes.is_empty() {
        return String::new();
    }
    let sizes: Vec<String> = sizes.iter().map(|size| size.print(&model.dims)).collect();
    format!("[{}]", sizes.join(", "))
}

fn print_data(model: &Model, data: &crate::model::Data) -> String {
    let rows: Vec<Size> = data.rows.iter().map(|dim| Size::dim(*dim)).collect();
    let missing = if data.missing { "?" } else { "" };
    let made = data.value.as_ref().map(|value| format!(" = {}", model.source.slice(value.span))).unwrap_or_default();
    let ty = print_type(model, &data.support, &data.event);
    format!("{}{}: {ty}{missing}{made}", data.name, brackets(model, &rows))
}

fn print_param(model: &Model, param: &Param) -> String {
    let start = match &param.start {
        Start::Auto => String::new(),
        Start::Value(node) => format!(" = {}", print_node(&model.graph, *node, model)),
        Start::Normal(a, b) => format!(" = normal({}, {})", node(model, *a), node(model, *b)),
        Start::Uniform(a, b) => format!(" = uniform({}, {})", node(model, *a), node(model, *b)),
        Start::Layer { fan_in } => format!(" = layer of {}", fan_in.print(&model.dims)),
    };
    let owner = owner(param.owner);
    let ty = print_type(model, &param.support, &param.event);
    format!("{}{}: {ty}{start}, of the {owner}", param.name, brackets(model, &param.rows))
}

fn owner(of: Owner) -> &'static str {
    match of {
        Owner::Model => "model",
        Owner::Guide => "guide",
    }
}

fn node(model: &Model, id: NodeId) -> String {
    print_node(&model.graph, id, model)
}

/// Statements under the plates that they stand in.
fn statements(model: &Model) -> Vec<String> {
    let mut lines = vec![];
    let mut around: Vec<AxisId> = vec![];
    for statement in &model.statements {
        let (plates, text) = match statement {
            Statement::Latent(id) => {
                let site = &model.sites[id.index()];
                let restricted = if site.restricted { ", restricted" } else { "" };
                let ty = print_type(model, &site.support, &site.event);
                (&site.plates, format!("{}: {ty}{restricted} ~ {}", site.name, print_dist(model, &site.dist)))
            }
            Statement::Define(id) => {
                let def = &model.definitions[id.index()];
                (&def.plates, format!("{}{} = {}", def.name, shape_of(model, def.value), node(model, def.value)))
            }
            Statement::Observe(seen) => {
                let data = &model.data[seen.data.index()];
                let ty = print_type(model, &data.support, &data.event);
                let value = node(model, seen.value);
                (&seen.plates, format!("observe {value}: {ty} ~ {}", print_dist(model, &seen.dist)))
            }
            Statement::Factor { value, plates, .. } => (plates, format!("factor {}", node(model, *value))),
            Statement::Boltzmann(of) => {
                let units: Vec<String> = of.units.iter().map(|unit| print_unit(model, unit)).collect();
                (&of.plates, format!("({}) ~ Boltzmann({})", units.join(", "), of.energy))
            }
        };
        enter(model, &mut lines, &mut around, plates);
        lines.push(format!("{}{text}", "  ".repeat(plates.len())));
    }
    lines
}

fn print_unit(model: &Model, unit: &Unit) -> String {
    match unit {
        Unit::Observed(data, value) => {
            let data = &model.data[data.index()];
            format!("observe {}: {}", node(model, *value), print_type(model, &data.support, &data.event))
        }
        Unit::Latent(id) => {
            let site = &model.sites[id.index()];
            format!("{}: {}", site.name, print_type(model, &site.support, &site.event))
        }
    }
}

fn shape_of(model: &Model, value: NodeId) -> String {
    brackets(model, &model.graph.nodes[value].shape.event)
}

/// A line for every plate that opens between two statements.
fn enter(model: &Model, lines: &mut Vec<String>, around: &mut Vec<AxisId>, plates: &[AxisId]) {
    let common = around.iter().zip(plates).take_while(|(a, b)| a == b).count();
    for (depth, axis) in plates.iter().enumerate().skip(common) {
        let axis = &model.axes[*axis];
        let size = axis.size.print(&model.dims);
        let chain = if axis.kind == crate::shape::AxisKind::Chain { " chain" } else { "" };
        lines.push(format!("{}for {} in {size}{chain}", "  ".repeat(depth), axis.name));
    }
    *around = plates.to_vec();
}

/// A distribution with its arguments, each by its name where it is not the first of its place.
pub fn print_dist(model: &Model, dist: &Dist) -> String {
    let row = dist::row(dist.kind);
    let mut seen: Vec<u8> = vec![];
    let mut args = vec![];
    for param in row.params {
        let first = !seen.contains(&param.group);
        seen.push(param.group);
        if let Some(arg) = dist.args.get(param.name) {
            let text = node(model, *arg);
            args.push(if first { text } else { format!("{}: {text}", param.name) });
        } else if param.takes_distributions() {
            args.extend(dist.args.of.iter().map(|of| print_dist(model, of)));
        }
    }
    format!("{}({})", row.name, args.join(", "))
}

fn guide_heading(guide: &Guide) -> String {
    guide.auto.map_or("guide".into(), |auto| format!("guide {auto}"))
}

fn guide(model: &Model) -> Vec<String> {
    let mut lines = vec![];
    let mut around = vec![];
    for factor in &model.guide.factors {
        enter(model, &mut lines, &mut around, &factor.plates);
        let site = print_site(factor.site, &factor.plates, model);
        let by = factor.by.as_ref().map_or(String::new(), |by| format!(" by {}", by.node));
        let indent = "  ".repeat(factor.plates.len());
        let dist = print_dist(model, &factor.dist);
        let dist = factor.flow.map_or(dist.clone(), |flow| format!("Flow({dist}, {flow})"));
        lines.push(format!("{indent}{site} ~ {dist}{by}"));
    }
    lines.into_iter().map(|line| format!("  {line}")).collect()
}

fn fit(model: &Model) -> Vec<String> {
    let mut lines = entries(model, &model.fit);
    for phase in &model.fit.phases {
        lines.push(format!("phase {}", owner(phase.of)));
        lines.extend(entries(model, &phase.block).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

fn entries(model: &Model, fit: &FitBlock) -> Vec<String> {
    let mut lines = vec![];
    let mut entry = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name}: {value}")));
    };
    let batch: Vec<String> = fit.batch.iter().map(|(dim, n)| format!("{} = {n}", model.dims[*dim].name)).collect();
    entry("objective", fit.objective.map(|objective| objective.to_string()));
    entry("optimizer", fit.optimizer.map(|optimizer| optimizer.to_string()));
    entry("batch", (!batch.is_empty()).then(|| batch.join(", ")));
    entry("epochs", fit.epochs.map(|n| n.to_string()));
    entry("steps", fit.steps.map(|n| n.to_string()));
    entry("particles", fit.particles.map(|n| n.to_string()));
    entry("kl", fit.sampled_kl.then(|| "sampled".into()));
    entry("starts", fit.starts.map(|n| n.to_string()));
    entry("draws", fit.draws.map(|draws| draws.name().into()));
    entry("stop", fit.stop_converged.then(|| "converged".into()));
    entry("patience", fit.patience.map(|n| n.to_string()));
    entry("clip", fit.clip.map(print_number));
    entry("init", fit.init.as_ref().map(|init| init.to_string()));
    lines
}

fn proviso(model: &Model, proviso: &Proviso) -> String {
    match proviso {
        Proviso::Fits { value, support, what, .. } => {
            let support = support.print(&model.dims, &|id| node(model, id));
            format!("{what}: {} lies in {support}", node(model, *value))
        }
        Proviso::Size { size, .. } => format!("{} is not negative", size.print(&model.dims)),
    }
}
