//! The checked model as JSON (`--stage model --format json`).
//!
//! An object with `format` (1), `stage`, `model`, and in the order of the file: `dims` (`name`, `value` or null, and
//! `size`, the value as an expression of others), `data`, `params`, `sites`, `definitions` and `statements`. A plate is
//! `{"variable", "dim"}`; shapes are lists of sizes as text, since a dim may have no value yet; expressions are text.

use serde_json::{Value, json};

use crate::arena::Arena;
use crate::dist::Dist;
use crate::math::NodeId;
use crate::math::print::print as print_node;
use crate::model::print::print_type;
use crate::model::{Model, Owner, Statement, Unit};
use crate::shape::{Axis, AxisId, Size};

/// The version of both objects.
pub const FORMAT: u32 = 1;

pub fn json(model: &Model) -> Value {
    json!({
        "format": FORMAT,
        "stage": "model",
        "model": model.name,
        "dims": dims(model),
        "data": model.data.iter().map(|item| data(model, item)).collect::<Vec<_>>(),
        "params": model.params.iter().map(|item| param(model, item)).collect::<Vec<_>>(),
        "sites": model.sites.iter().map(|item| site(model, item)).collect::<Vec<_>>(),
        "definitions": model.definitions.iter().map(|item| definition(model, item)).collect::<Vec<_>>(),
        "statements": model.statements.iter().map(|item| statement(model, item)).collect::<Vec<_>>(),
        "guide": {
            "automatic": model.guide.auto.map(|auto| auto.to_string()),
            "factors": model.guide.factors.iter().map(|factor| json!({
                "site": model.sites[factor.site.index()].name,
                "plates": plates(model, &model.axes, &factor.plates),
                "dist": dist(model, &factor.dist),
                "flow": factor.flow.map(|flow| flow.to_string()),
                "by": factor.by.as_ref().map(|by| by.node.to_string()),
            })).collect::<Vec<_>>(),
        },
    })
}

pub fn dims(model: &Model) -> Value {
    let values = model.dims.iter().map(|(_, dim)| {
        let size = dim.value.as_ref().map(|value| value.print(&model.dims));
        json!({ "name": dim.name, "value": dim.value.as_ref().and_then(Size::known), "size": size })
    });
    values.collect()
}

pub fn plates(model: &Model, axes: &Arena<Axis>, plates: &[AxisId]) -> Value {
    plates.iter().map(|id| json!({ "variable": axes[*id].name, "dim": axes[*id].size.print(&model.dims) })).collect()
}

fn sizes(model: &Model, sizes: &[Size]) -> Value {
    sizes.iter().map(|size| size.print(&model.dims)).collect()
}

fn dist(model: &Model, dist: &Dist) -> String {
    crate::dist::print::print(&model.graph, dist, model)
}

fn text(model: &Model, node: NodeId) -> String {
    print_node(&model.graph, node, model)
}

fn data(model: &Model, data: &crate::model::Data) -> Value {
    let rows: Vec<&str> = data.rows.iter().map(|dim| model.dims[*dim].name.as_str()).collect();
    json!({
        "name": data.name,
        "rows": rows,
        "shape": sizes(model, &data.event),
        "type": print_type(model, &data.support, &data.event),
        "missing": data.missing,
        "value": data.value.as_ref().map(|value| model.source.slice(value.span)),
    })
}

fn param(model: &Model, param: &crate::model::Param) -> Value {
    json!({
        "name": param.name,
        "rows": sizes(model, &param.rows),
        "shape": sizes(model, &param.event),
        "type": print_type(model, &param.support, &param.event),
        "owner": owner(param.owner),
        "net": param.net,
    })
}

pub fn site(model: &Model, site: &crate::model::Site) -> Value {
    json!({
        "name": site.name,
        "plates": plates(model, &model.axes, &site.plates),
        "shape": sizes(model, &site.event),
        "type": print_type(model, &site.support, &site.event),
        "restricted": site.restricted,
        "dist": dist(model, &site.dist),
    })
}

fn definition(model: &Model, definition: &crate::model::Definition) -> Value {
    json!({
        "name": definition.name,
        "plates": plates(model, &model.axes, &definition.plates),
        "owner": owner(definition.owner),
        "value": text(model, definition.value),
    })
}

fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Model => "model",
        Owner::Guide => "guide",
    }
}

fn statement(model: &Model, statement: &Statement) -> Value {
    match statement {
        Statement::Latent(id) => json!({ "kind": "latent", "site": model.sites[id.index()].name }),
        Statement::Define(id) => json!({ "kind": "define", "definition": model.definitions[id.index()].name }),
        Statement::Observe(seen) => json!({
            "kind": "observe",
            "data": model.data[seen.data.index()].name,
            "plates": plates(model, &model.axes, &seen.plates),
            "dist": dist(model, &seen.dist),
        }),
        Statement::Factor { value, plates: at, .. } => json!({
            "kind": "factor",
            "plates": plates(model, &model.axes, at),
            "value": text(model, *value),
        }),
        Statement::Boltzmann(of) => json!({
            "kind": "boltzmann",
            "energy": of.energy,
            "units": of.units.iter().map(|unit| match unit {
                Unit::Observed(id, _) => json!({ "data": model.data[id.index()].name }),
                Unit::Latent(id) => json!({ "site": model.sites[id.index()].name }),
            }).collect::<Vec<_>>(),
            "plates": plates(model, &model.axes, &of.plates),
            "value": text(model, of.value),
        }),
    }
}
