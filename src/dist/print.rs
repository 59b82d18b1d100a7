//! Distributions as the user writes them: `Normal(mu, tau)`, `Bernoulli(logits: decoder(z[n]))`,
//! `Normal(encoder(x[n]))`.

use super::{Dist, Param, ParamAxes, row};
use crate::math::print::{Names, print as print_node, print_call};
use crate::math::{Graph, Label, NodeId, Op};

pub fn print(graph: &Graph, dist: &Dist, names: &dyn Names) -> String {
    let row = row(dist.kind);
    if let Some((name, args)) = spread(graph, dist) {
        return format!("{}({})", row.name, print_call(graph, name, args, names));
    }
    let mut args = vec![];
    let mut positional = true;
    for param in row.params {
        let Some(arg) = dist.args.get(param.name) else { continue };
        let text = print_node(graph, repeated(graph, param, *arg), names);
        // Of alternatives the first is the positional one; after a named argument all are named.
        positional &= row.params.iter().find(|other| other.group == param.group) == Some(param);
        args.push(if positional { text } else { format!("{}: {text}", param.name) });
    }
    format!("{}({})", row.name, args.join(", "))
}

/// A number that was given for a vector is written as the number.
fn repeated(graph: &Graph, param: &Param, arg: NodeId) -> NodeId {
    match &graph.nodes[arg].op {
        Op::Fill(number, _) if param.axes == ParamAxes::Event => *number,
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
