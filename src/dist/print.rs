//! Distributions as the user writes them: `Normal(mu, tau)`, `Bernoulli(logits: decoder(z[n]))`,
//! `Normal(encoder(x[n]))`.

use super::{Dist, Param, ParamAxes, row};
use crate::math::print::{Names, print as print_node, print_call};
use crate::math::{Graph, Label, NodeId, Op, Pick};
use crate::shape::AxisId;

pub fn print(graph: &Graph, dist: &Dist, names: &dyn Names) -> String {
    let row = row(dist.kind);
    if let Some((name, args)) = spread(graph, dist) {
        return format!("{}({})", row.name, print_call(graph, name, args, names));
    }
    let mut args = vec![];
    let mut positional = true;
    for param in row.params {
        let text = match dist.args.get(param.name) {
            Some(arg) => print_node(graph, repeated(graph, param, *arg), names),
            None if param.takes_distributions() => inner(graph, dist, names),
            None => {
                // What comes after an argument that was left out is named.
                positional &= !param.may_be_left_out();
                continue;
            }
        };
        // Of alternatives the first is the positional one; after a named argument all are named.
        positional &= row.params.iter().find(|other| other.group == param.group) == Some(param);
        args.push(if positional { text } else { format!("{}: {text}", param.name) });
    }
    format!("{}({})", row.name, args.join(", "))
}

/// The distributions that another is made of. Arguments that vary over the components are written whole.
fn inner(graph: &Graph, dist: &Dist, names: &dyn Names) -> String {
    let Some(axis) = dist.args.components else {
        return dist.args.of.iter().map(|of| print(graph, of, names)).collect::<Vec<_>>().join(", ");
    };
    match dist.args.of.as_slice() {
        [of] => print(graph, &whole(graph, of, axis), names),
        list => format!("[{}]", list.iter().map(|of| print(graph, of, names)).collect::<Vec<_>>().join(", ")),
    }
}

/// The distribution with the arrays that its arguments are rows of.
fn whole(graph: &Graph, of: &Dist, axis: AxisId) -> Dist {
    let args = of.args.map(&mut |arg| match &graph.nodes[arg].op {
        Op::Index(array, picks) if picks.as_slice() == [Pick::Row(axis)] => *array,
        _ => arg,
    });
    Dist { kind: of.kind, args }
}

/// A number that was given for a vector is written as the number.
fn repeated(graph: &Graph, param: &Param, arg: NodeId) -> NodeId {
    match &graph.nodes[arg].op {
        Op::Fill(number, _) if matches!(param.axes, ParamAxes::Event | ParamAxes::Less) => *number,
        _ => arg,
    }
}

/// The call of a net whose named outputs are all of the arguments.
pub fn spread<'a>(graph: &'a Graph, dist: &Dist) -> Option<(&'a str, &'a [NodeId])> {
    let mut calls = dist.args.iter().map(|(param, arg)| match &graph.nodes[*arg].op {
        Op::Named(Label::Call { name, args, output: Some(output) }, _) if output == param => {
            Some((name.as_str(), args.as_slice()))
        }
        _ => None,
    });
    let first = calls.next()??;
    calls.all(|call| call == Some(first)).then_some(first)
}
