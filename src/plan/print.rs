//! A plan as text, a line a node: `%3 [20, 400] = contract(%1, %2; ij,kj->ik)  # log p(y)`.

use std::fmt::Write;

use super::lower::{Batch, InputKind, Program};
use super::slots::{Home, Slots};
use super::{Array, Contraction, Input, Node, Op, Plan};
use crate::data::Bound;
use crate::elbo::Elbo;
use crate::elbo::print::unconstrained;
use crate::math::Noise;
use crate::model::Auto;

/// Where the right column of the heading starts, as in the text of a bound.
const COLUMN: usize = 52;

/// The whole plan: inputs, nodes, outputs.
pub fn print(plan: &Plan) -> String {
    lines(plan, |_| String::new())
}

/// A plan of a bound: its sizes, its inputs with what is where in them, a line a node, its outputs.
pub fn print_program(stage: &str, elbo: &Elbo, data: &Bound, batch: &Batch, program: &Program) -> String {
    let dims = elbo.model.dims.iter().filter_map(|(id, dim)| Some(format!("{} = {}", dim.name, data.dims.get(&id)?)));
    let rows = batch.rows.iter().map(|(dim, n)| format!("{n} rows of {}", elbo.model.dims[*dim].name));
    let draws = if batch.draws == 1 { "1 draw".into() } else { format!("{} draws", batch.draws) };
    let sizes: Vec<String> = dims.chain(rows).chain([draws]).collect();
    let mut text = format!("{:COLUMN$}{}\n\n", format!("{stage} {}", elbo.model.name), sizes.join(", "));
    for (input, kind) in program.plan.inputs.iter().zip(&program.inputs) {
        let left = format!("input {} {:?}", input.name, input.shape);
        text.push_str(format!("{left:23} {}", meaning(kind)).trim_end());
        text.push('\n');
        if *kind == InputKind::Params {
            text.push_str(&coordinates(elbo, program));
        }
    }
    text.push_str(&by_origin(&program.plan));
    text.push('\n');
    text.push_str(&outputs(&program.plan));
    text
}

/// The nodes, each run of them under what they come from.
fn by_origin(plan: &Plan) -> String {
    let mut text = String::new();
    let mut before: Option<&str> = None;
    for (id, node) in plan.nodes.iter() {
        let origin = node.origin.as_deref();
        if id.index() == 0 || origin != before {
            text.push_str(&format!("\n# {}\n", origin.unwrap_or("inputs")));
        }
        before = origin;
        let left = format!("%{} {:?}", id.index(), node.shape);
        text.push_str(&format!("{left:15} = {}\n", operation(plan, node)));
    }
    text
}

/// What an input holds.
fn meaning(kind: &InputKind) -> &'static str {
    match kind {
        InputKind::Points => "points on the unconstrained scale",
        InputKind::Params => "parameters, unconstrained",
        InputKind::AutoNoise
        | InputKind::Noise { noise: Noise::Normal, .. }
        | InputKind::Dream { noise: Noise::Normal, .. } => "standard normal",
        InputKind::Noise { noise: Noise::Uniform, .. }
        | InputKind::Dream { noise: Noise::Uniform, .. }
        | InputKind::Dropout { .. } => "uniform on 0 to 1",
        InputKind::Rows(_) => "the rows of the batch",
        InputKind::Numbers(_) => "which rows those are",
        InputKind::Places(_) => "where each row is in the batch",
        InputKind::Mask(_) | InputKind::LatentMask => "1 where a row is there",
        InputKind::BaselineNet { .. } => "weights of its network",
        InputKind::Baseline(_) => "of the cost at earlier steps",
        InputKind::Whole(_) => "drawn anew each epoch",
        InputKind::Beta => "beta at this step",
    }
}

/// The parameters of a guide by place: locations of the automatic factor, its scales, then point parameters.
fn coordinates(elbo: &Elbo, program: &Program) -> String {
    let (layout, model) = (&program.layout, &elbo.model);
    let mut list: Vec<(usize, usize, String)> = vec![];
    let mut add = |start: usize, shape: &[usize], text: String| {
        let shaped = if shape.is_empty() { text } else { format!("{text} {shape:?}") };
        list.push((start, start + shape.iter().product::<usize>(), shaped));
    };
    let names: Vec<String> =
        layout.sites.iter().map(|at| unconstrained(&model.sites[at.of.index()].support, &at.name)).collect();
    for (at, name) in layout.sites.iter().zip(&names) {
        add(at.offset, &at.shape, format!("loc of {name}"));
    }
    match model.guide.auto {
        _ if layout.scale_count == 0 => {}
        Some(Auto::MeanField | Auto::LowRank(_)) => {
            for (at, name) in layout.sites.iter().zip(&names) {
                add(layout.latents + at.offset, &at.shape, format!("log scale of {name}"));
            }
            let columns = layout.scale_count - layout.latents;
            if columns > 0 {
                let shape = [layout.latents, columns / layout.latents.max(1)];
                add(2 * layout.latents, &shape, "columns beside the diagonal".into());
            }
        }
        Some(Auto::FullRank) => {
            let text = "joint factor, its lower triangle by rows, logarithms on the diagonal";
            add(layout.latents, &[layout.scale_count], text.into());
        }
        _ => add(layout.latents, &[layout.scale_count], "scale of the joint factor".into()),
    }
    for at in &layout.params {
        let name = unconstrained(&model.params[at.of.index()].support, &at.name);
        add(layout.params_at() + at.offset, &at.shape, name);
    }
    let line = |(start, end, text): &(usize, usize, String)| match end - start {
        1 => format!("  {:9} {text}\n", start),
        _ => format!("  {:9} {text}\n", format!("{start}..{end}")),
    };
    list.iter().map(line).collect()
}

/// As `print`, with where each node lives.
pub fn print_with_slots(plan: &Plan, slots: &Slots) -> String {
    lines(plan, |index| match slots.homes[index] {
        Home::Slot(slot) => format!("  @{slot}"),
        Home::Unused => "  unused".into(),
        Home::Input(_) | Home::Constant => String::new(),
    })
}

fn lines(plan: &Plan, note: impl Fn(usize) -> String) -> String {
    let input = |input: &Input| format!("input {} {:?}\n", input.name, input.shape);
    let inputs: String = plan.inputs.iter().map(input).collect();
    inputs + &nodes(plan, note) + &outputs(plan)
}

fn nodes(plan: &Plan, note: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for (id, node) in plan.nodes.iter() {
        let origin = node.origin.as_ref().map_or(String::new(), |origin| format!("  # {origin}"));
        let index = id.index();
        // Writing into a String does not fail.
        let _ = writeln!(text, "%{index} {:?} = {}{}{origin}", node.shape, operation(plan, node), note(index));
    }
    text
}

fn outputs(plan: &Plan) -> String {
    plan.outputs.iter().map(|output| format!("output {} = %{}\n", output.name, output.node.index())).collect()
}

fn operation(plan: &Plan, node: &Node) -> String {
    let reads: Vec<String> = node.op.operands().iter().map(|id| format!("%{}", id.index())).collect();
    let reads = reads.join(", ");
    match &node.op {
        Op::Literal(value) => number(*value),
        Op::Constant(array) => constant(array),
        Op::Input(place) => plan.inputs.get(*place).map_or(format!("input {place}"), |i| format!("input {}", i.name)),
        Op::Iota => "iota".into(),
        Op::Unary(op, _) => format!("{}({reads})", op.row().name),
        Op::Binary(op, ..) => format!("{}({reads})", op.row().name),
        Op::Select(..) => format!("select({reads})"),
        Op::Reshape(_) => format!("reshape({reads})"),
        Op::Permute(_, axes) => format!("permute({reads}; {axes:?})"),
        Op::Expand(_) => format!("expand({reads})"),
        Op::Slice { axis, start, end, .. } => format!("slice({reads}; axis {axis}, {start}..{end})"),
        Op::Pad { axis, before, after, .. } => format!("pad({reads}; axis {axis}, {before} before, {after} after)"),
        Op::Concat(_, axis) => format!("concat({reads}; axis {axis})"),
        Op::Reduce(op, _, axes) => format!("{}({reads}; {axes:?})", op.row().name),
        Op::Cumsum { axis, reverse, .. } => {
            format!("cumsum({reads}; axis {axis}{})", if *reverse { ", reverse" } else { "" })
        }
        Op::Contract { axes, .. } => format!("contract({reads}; {})", names(axes)),
        Op::Gather { .. } => format!("gather({reads})"),
        Op::ScatterAdd { rows, .. } => format!("scatter_add({reads}; {rows} rows)"),
        Op::Cholesky(_) => format!("cholesky({reads})"),
        Op::SolveTriangular { transposed, .. } => {
            format!("solve_triangular({reads}{})", if *transposed { "; transposed" } else { "" })
        }
    }
}

/// Up to six numbers; a long array is told by its ends.
fn constant(array: &Array) -> String {
    let kind = if matches!(array, Array::Bytes(_)) { "bytes" } else { "constant" };
    let get = |i: usize| number(array.get(i));
    let list: Vec<String> = match array.len() {
        n @ 0..=6 => (0..n).map(get).collect(),
        n => [get(0), get(1), get(2), "..".into(), get(n - 1)].into(),
    };
    format!("{kind} [{}]", list.join(", "))
}

/// Six significant digits: a plan is read, not run, as text.
fn number(x: f64) -> String {
    if !x.is_finite() {
        return crate::math::print::print_number(x);
    }
    // What was written by this very function is a number.
    let rounded = format!("{x:.5e}").parse().unwrap_or(x);
    crate::math::print::print_number(rounded)
}

/// Letters from i on, in the order in which the names occur.
fn names(axes: &Contraction) -> String {
    let mut seen: Vec<u8> = Vec::new();
    let mut letters = |names: &[u8]| -> String {
        let place = |name: &u8| match seen.iter().position(|known| known == name) {
            Some(place) => place,
            None => {
                seen.push(*name);
                seen.len() - 1
            }
        };
        const ALPHABET: &[u8; 26] = b"ijklmnopqrstuvwxyzabcdefgh";
        names.iter().map(place).map(|place| ALPHABET.get(place).map_or('?', |letter| *letter as char)).collect()
    };
    let (left, right) = (letters(&axes.left), letters(&axes.right));
    format!("{left},{right}->{}", letters(&axes.out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Builder, Reduce, Unary, slots};

    #[test]
    fn a_plan_prints_as_it_reads() {
        let mut b = Builder::new();
        let x = b.input("x", &[20, 30]);
        let w = b.constant(Array::from_reals((0..12000).map(f64::from).collect()), &[400, 30]);
        b.set_origin(Some("y".into()));
        let product = b.contract(x, w, Contraction { left: vec![7, 2], right: vec![4, 2], out: vec![7, 4] });
        let soft = b.unary(Unary::Softplus, product);
        let scaled = b.scale(soft, 0.5);
        b.set_origin(None);
        let part = b.slice(scaled, 1, 10, 20);
        let lse = b.reduce(Reduce::LogSumExp, part, &[0]);
        let index = b.constant(Array::from_reals(vec![3.0, 1.0]), &[2]);
        let picked = b.gather(lse, index);
        let sums = b.cumsum(picked, 0, true);
        b.output("sums", sums);
        let plan = b.finish().unwrap();
        let expected = "\
input x [20, 30]
%0 [20, 30] = input x
%1 [400, 30] = constant [0, 1, 2, .., 11999]
%2 [20, 400] = contract(%0, %1; ij,kj->ik)  # y
%3 [20, 400] = softplus(%2)  # y
%4 [1, 1] = 0.5  # y
%5 [20, 400] = mul(%3, %4)  # y
%6 [20, 10] = slice(%5; axis 1, 10..20)
%7 [10] = logsumexp(%6; [0])
%8 [2] = bytes [3, 1]
%9 [2] = gather(%7, %8)
%10 [2] = cumsum(%9; axis 0, reverse)
output sums = %10
";
        assert_eq!(print(&plan), expected);
        let text = print_with_slots(&plan, &slots::assign(&plan));
        assert!(text.contains("%3 [20, 400] = softplus(%2)  @0  # y"), "{text}");
    }
}
