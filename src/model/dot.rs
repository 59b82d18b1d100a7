//! The model as a graph of plates for Graphviz: plates are boxes, observed values are shaded, point parameters and nets
//! are dots, definitions have two outlines, and factors are squares.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::Arena;
use crate::math::{Graph, Label, NodeId, Op, Pick};
use crate::model::{Definition, Model, Owner, Statement, Unit};
use crate::shape::{Axis, AxisId, AxisKind};

/// What is drawn: nodes in their plates, and arrows.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// In front of every name, so that two pictures may stand in one file.
    prefix: &'static str,
    nodes: BTreeMap<String, Drawn>,
    arrows: BTreeSet<(String, String, String)>,
}

#[derive(Debug, Clone)]
struct Drawn {
    attributes: String,
    plates: Vec<AxisId>,
}

/// How a node looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Latent,
    Observed,
    /// Data that nothing is the distribution of.
    Given,
    Definition,
    Point,
    Factor,
    /// Summed out, or drawn from the model: it has no factor.
    Absent,
}

/// The whole file.
pub fn dot(model: &Model) -> String {
    file(&model.name, &[("model", &model_picture(model), "")], &model.axes, model)
}

/// Pictures side by side, each with the attributes of its arrows.
pub fn file(name: &str, pictures: &[(&str, &Picture, &str)], axes: &Arena<Axis>, model: &Model) -> String {
    let mut text = format!("digraph {} {{\n", quoted(name));
    text.push_str("  graph [fontname=\"Helvetica\", fontsize=11, ranksep=0.4, nodesep=0.3]\n");
    text.push_str("  node [fontname=\"Helvetica\", fontsize=12, shape=ellipse, margin=0.05]\n");
    text.push_str("  edge [fontname=\"Helvetica\", fontsize=10, arrowsize=0.7]\n");
    for (label, picture, arrows) in pictures {
        text.push_str(&format!("  subgraph {} {{\n", quoted(&format!("cluster_{label}"))));
        text.push_str(&format!("    label={}; peripheries=0; labelloc=t\n", quoted(label)));
        if !arrows.is_empty() {
            text.push_str(&format!("    edge [{arrows}]\n"));
        }
        picture.inside(&[], axes, model, label, &mut text);
        for (from, to, label) in &picture.arrows {
            let label =
                if label.is_empty() { String::new() } else { format!(" [label={}]", quoted(&format!(" {label} "))) };
            text.push_str(&format!("    {} -> {}{label}\n", picture.id(from), picture.id(to)));
        }
        text.push_str("  }\n");
    }
    text + "}\n"
}

/// The generative story.
pub fn model_picture(model: &Model) -> Picture {
    let mut picture = Picture::default();
    for (place, statement) in model.statements.iter().enumerate() {
        match statement {
            Statement::Latent(id) => {
                let site = &model.sites[id.index()];
                picture.add(&site.name, &site.name, Look::Latent, &site.plates);
                picture.reads(model, &model.graph, &site.name, &args(&site.dist));
            }
            Statement::Define(id) => {
                let definition = &model.definitions[id.index()];
                picture.add(&definition.name, &definition.name, Look::Definition, &definition.plates);
                picture.reads(model, &model.graph, &definition.name, &[inner(model, definition)]);
            }
            Statement::Observe(seen) => {
                let name = &model.data[seen.data.index()].name;
                picture.add(name, name, Look::Observed, &seen.plates);
                picture.reads(model, &model.graph, name, &args(&seen.dist));
            }
            Statement::Factor { value, plates, .. } => {
                let id = format!("factor {place}");
                picture.add(&id, "factor", Look::Factor, plates);
                picture.reads(model, &model.graph, &id, &[*value]);
            }
            Statement::Boltzmann(of) => {
                picture.add(&of.energy, &of.energy, Look::Factor, &of.plates);
                for unit in &of.units {
                    let (name, look) = match unit {
                        Unit::Observed(id, _) => (&model.data[id.index()].name, Look::Observed),
                        Unit::Latent(id) => (&model.sites[id.index()].name, Look::Latent),
                    };
                    picture.add(name, name, look, &of.plates);
                }
                picture.reads(model, &model.graph, &of.energy, &[of.value]);
            }
        }
    }
    picture
}

/// The value of a definition, without its own name around it.
pub fn inner(model: &Model, definition: &Definition) -> NodeId {
    match model.graph.nodes[definition.value].op {
        Op::Named(Label::Definition(_), value) => value,
        _ => definition.value,
    }
}

pub fn args(dist: &crate::dist::Dist) -> Vec<NodeId> {
    dist.args.values().copied().collect()
}

impl Picture {
    pub fn prefixed(prefix: &'static str) -> Picture {
        Picture { prefix, ..Picture::default() }
    }

    /// A node; what is drawn already stays as it is.
    pub fn add(&mut self, id: &str, label: &str, look: Look, plates: &[AxisId]) {
        let mark = |mark: &str| quoted(&format!("{mark} {label}"));
        let label = quoted(label);
        let attributes = match look {
            Look::Latent => format!("label={label}"),
            Look::Observed => format!("label={label}, style=filled, fillcolor=\"#cccccc\""),
            Look::Given => format!("label={label}, shape=box, style=filled, fillcolor=\"#cccccc\""),
            Look::Definition => format!("label={label}, peripheries=2"),
            // As text, a dot and its name never overlap what is beside them.
            Look::Point => format!("label={}, shape=plaintext, margin=0.03, height=0.3", mark("\u{2022}")),
            Look::Factor => format!("label={}, shape=plaintext, margin=0.03, height=0.3", mark("\u{25a0}")),
            Look::Absent => format!("label={label}, style=dotted"),
        };
        self.nodes.entry(id.into()).or_insert(Drawn { attributes, plates: plates.to_vec() });
    }

    pub fn has(&self, id: &str) -> bool {
        self.nodes.contains_key(id)
    }

    pub fn arrow(&mut self, from: &str, to: &str, label: &str) {
        self.arrows.insert((from.into(), to.into(), label.into()));
    }

    /// Arrows to a node from everything that these expressions read; data and parameters are drawn where they are met.
    pub fn reads(&mut self, model: &Model, graph: &Graph, to: &str, roots: &[NodeId]) {
        let mut stack: Vec<(NodeId, String)> = roots.iter().map(|id| (*id, String::new())).collect();
        let mut seen = BTreeSet::new();
        while let Some((id, lag)) = stack.pop() {
            if !seen.insert((id, lag.clone())) {
                continue;
            }
            match &graph.nodes[id].op {
                Op::Site(site) => self.arrow(&model.sites[site.index()].name, to, &lag),
                Op::Named(Label::Definition(definition), _) => {
                    let definition = &model.definitions[definition.index()];
                    if definition.owner == Owner::Guide {
                        self.add(&definition.name, &definition.name, Look::Definition, &definition.plates);
                    }
                    self.arrow(&definition.name, to, &lag);
                }
                // A value that reads its own earlier rows.
                Op::Earlier { of, .. } => self.arrow(&model.definitions[of.index()].name, to, &lag),
                Op::Scan { body, .. } => stack.push((*body, lag)),
                Op::Param(param) => {
                    let param = &model.params[param.index()];
                    let name = param.net.as_ref().unwrap_or(&param.name);
                    self.add(name, name, Look::Point, &param.plates);
                    self.arrow(name, to, "");
                }
                Op::Data(data) => self.given(model, data.index(), &[], to),
                Op::Index(of, picks) => {
                    if let Op::Data(data) = graph.nodes[*of].op {
                        self.given(model, data.index(), picks, to);
                    } else {
                        stack.push((*of, lagged(picks, &model.axes).unwrap_or(lag.clone())));
                    }
                    stack.extend(picks.iter().filter_map(|pick| match pick {
                        Pick::At(id) => Some((*id, String::new())),
                        _ => None,
                    }));
                }
                op => stack.extend(op.children().into_iter().map(|child| (child, lag.clone()))),
            }
        }
    }

    /// Data that are read, in the plates whose variables choose their rows.
    fn given(&mut self, model: &Model, place: usize, picks: &[Pick], to: &str) {
        let data = &model.data[place];
        let rows = picks.iter().take(data.rows.len()).map(|pick| match pick {
            Pick::Row(axis) if model.axes.get(*axis)?.kind != AxisKind::Comprehension => Some(*axis),
            _ => None,
        });
        let plates: Option<Vec<AxisId>> = rows.collect();
        self.add(&data.name, &data.name, Look::Given, &plates.unwrap_or_default());
        if data.name != to {
            self.arrow(&data.name, to, "");
        }
    }

    /// The nodes of these plates, and the plates inside them.
    fn inside(&self, around: &[AxisId], axes: &Arena<Axis>, model: &Model, label: &str, text: &mut String) {
        let indent = "  ".repeat(around.len() + 2);
        for (id, node) in self.nodes.iter().filter(|(_, node)| node.plates == around) {
            text.push_str(&format!("{indent}{} [{}]\n", self.id(id), node.attributes));
        }
        let next: BTreeSet<AxisId> = self
            .nodes
            .values()
            .filter(|node| node.plates.starts_with(around))
            .filter_map(|node| node.plates.get(around.len()).copied())
            .collect();
        for axis in next {
            let plate = &axes[axis];
            let chain = if plate.kind == AxisKind::Chain { " chain" } else { "" };
            let title = format!("{} in {}{chain}", plate.name, plate.size.print(&model.dims));
            let path = [around, &[axis]].concat();
            let name: Vec<String> = path.iter().map(|axis| axis.index().to_string()).collect();
            let name = quoted(&format!("cluster_{label}_{}", name.join("_")));
            text.push_str(&format!("{indent}subgraph {name} {{\n"));
            let title = quoted(&title);
            text.push_str(&format!("{indent}  label={title}; peripheries=1; style=rounded; labelloc=b; labeljust=r\n"));
            self.inside(&path, axes, model, label, text);
            text.push_str(&format!("{indent}}}\n"));
        }
    }

    fn id(&self, name: &str) -> String {
        quoted(&format!("{}{name}", self.prefix))
    }
}

/// `t-1`, where an earlier row of a chain is read.
fn lagged(picks: &[Pick], axes: &Arena<Axis>) -> Option<String> {
    picks.iter().find_map(|pick| match pick {
        Pick::Lag(axis, lag) => Some(format!("{}-{lag}", axes[*axis].name)),
        _ => None,
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
