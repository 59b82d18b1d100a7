//! A plan as text, a line a node: `%3 [20, 400] = contract(%1, %2; ij,kj->ik)`.

use std::fmt::Write;

use super::slots::{Home, Slots};
use super::{Array, Contraction, Node, Op, Plan};

/// The whole plan: inputs, nodes, outputs.
pub fn print(plan: &Plan) -> String {
    lines(plan, |_| String::new())
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
    let mut text = String::new();
    // Writing into a String does not fail.
    for input in &plan.inputs {
        let _ = writeln!(text, "input {} {:?}", input.name, input.shape);
    }
    for (id, node) in plan.nodes.iter() {
        let origin = node.origin.as_ref().map_or(String::new(), |origin| format!("  # {origin}"));
        let index = id.index();
        let _ = writeln!(text, "%{index} {:?} = {}{}{origin}", node.shape, operation(plan, node), note(index));
    }
    for output in &plan.outputs {
        let _ = writeln!(text, "output {} = %{}", output.name, output.node.index());
    }
    text
}

fn operation(plan: &Plan, node: &Node) -> String {
    let reads: Vec<String> = node.op.operands().iter().map(|id| format!("%{}", id.index())).collect();
    let reads = reads.join(", ");
    match &node.op {
        Op::Literal(value) => format!("{value:?}"),
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
    let get = |i: usize| format!("{}", array.get(i));
    let list: Vec<String> = match array.len() {
        n @ 0..=6 => (0..n).map(get).collect(),
        n => [get(0), get(1), get(2), "..".into(), get(n - 1)].into(),
    };
    format!("{kind} [{}]", list.join(", "))
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
