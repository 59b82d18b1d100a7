//! The invariants of a plan, checked: what `mod` and the types promise.

use std::collections::BTreeSet;

use super::infer::infer;
use super::{Op, Plan};
use crate::problem::Bug;

/// Every node reads earlier nodes and has the shape its operation gives; every input is read as it is declared; every
/// output is a node; names are distinct.
pub fn verify(plan: &Plan) -> Result<(), Bug> {
    for (id, node) in plan.nodes.iter() {
        let at = |what: String| Bug(format!("plan node {id:?}: {what}"));
        if let Some(late) = node.op.operands().into_iter().find(|operand| *operand >= id) {
            return Err(at(format!("reads {late:?}, which does not precede it")));
        }
        let shape = infer(plan, &node.op, &node.shape).map_err(|bug| at(bug.0))?;
        if shape != node.shape {
            return Err(at(format!("has shape {:?} where its operation gives {shape:?}", node.shape)));
        }
        if let Op::Gather { index, .. } | Op::ScatterAdd { index, .. } = &node.op {
            let rows = match &node.op {
                Op::Gather { table, .. } => plan.nodes[*table].shape[0],
                _ => node.shape[0],
            };
            check_index(&plan.nodes[*index].op, rows).map_err(|bug| at(bug.0))?;
        }
    }
    if let Some(output) = plan.outputs.iter().find(|output| plan.nodes.get(output.node).is_none()) {
        return Err(Bug(format!("output {} is no node", output.name)));
    }
    distinct("input", plan.inputs.iter().map(|input| input.name.as_str()))?;
    distinct("output", plan.outputs.iter().map(|output| output.name.as_str()))
}

/// An index that is known holds whole numbers below `rows`.
fn check_index(index: &Op, rows: usize) -> Result<(), Bug> {
    let wrong = match index {
        Op::Constant(array) => (0..array.len()).map(|i| array.get(i)).find(|row| !is_row(*row, rows)),
        Op::Literal(row) => (!is_row(*row, rows)).then_some(*row),
        _ => None,
    };
    wrong.map_or(Ok(()), |row| Err(Bug(format!("index {row} into {rows} rows"))))
}

/// A whole number from 0 up to, not including, `rows`.
pub(super) fn is_row(row: f64, rows: usize) -> bool {
    row >= 0.0 && row < rows as f64 && row.fract() == 0.0
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Bug> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Bug(format!("two {what}s are called {name}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Id;
    use crate::plan::{Array, Builder, Contraction, Input, Node, NodeId, Output, Reduce, Unary};

    /// A plan with an input x [2, 3], a cholesky-able [2, 2] and an index [4]; then `op` with `shape`.
    fn with(op: Op, shape: &[usize]) -> Plan {
        let mut b = Builder::new();
        let x = b.input("x", &[2, 3]);
        b.input("a", &[2, 2]);
        b.input("i", &[4]);
        b.output("x", x);
        let mut plan = b.finish().unwrap();
        plan.nodes.add(Node { op, shape: shape.to_vec(), origin: None });
        plan
    }

    fn id(index: usize) -> NodeId {
        Id::new(index)
    }

    #[test]
    fn each_broken_invariant_is_caught() {
        let contract = |left: &[u8], right: &[u8], out: &[u8]| Op::Contract {
            left: id(0),
            right: id(1),
            axes: Contraction { left: left.to_vec(), right: right.to_vec(), out: out.to_vec() },
        };
        let broken: Vec<(Op, Vec<usize>, &str)> = vec![
            (Op::Unary(Unary::Exp, id(3)), vec![2, 3], "does not precede"),
            (Op::Unary(Unary::Exp, id(9)), vec![2, 3], "does not precede"),
            (Op::Unary(Unary::Exp, id(0)), vec![3, 2], "has shape"),
            (Op::Input(3), vec![], "no input 3"),
            (Op::Input(0), vec![6], "has shape"),
            (Op::Constant(Array::from_reals(vec![0.5; 5])), vec![6], "a constant of 5"),
            (Op::Iota, vec![2, 2], "iota"),
            (Op::Binary(crate::plan::Binary::Add, id(0), id(1)), vec![2, 3], "do not go together"),
            (Op::Select(id(0), id(0), id(2)), vec![2, 3], "do not go together"),
            (Op::Reshape(id(0)), vec![5], "reshape"),
            (Op::Expand(id(0)), vec![4, 3], "expand"),
            (Op::Permute(id(0), vec![0, 0]), vec![2, 2], "permute"),
            (Op::Slice { of: id(0), axis: 1, start: 2, end: 4 }, vec![2, 2], "slice"),
            (Op::Pad { of: id(0), axis: 2, before: 0, after: 1 }, vec![2, 3], "pad"),
            (Op::Concat(vec![id(0), id(1)], 0), vec![4, 3], "concat"),
            (Op::Concat(vec![], 0), vec![], "concat of nothing"),
            (Op::Reduce(Reduce::Sum, id(0), vec![]), vec![2, 3], "reduce"),
            (Op::Reduce(Reduce::Sum, id(0), vec![1, 0]), vec![], "reduce"),
            (Op::Cumsum { of: id(0), axis: 2, reverse: false }, vec![2, 3], "cumsum"),
            (contract(&[0, 1], &[0, 2], &[1]), vec![3], "contract"),
            (contract(&[0, 0], &[0, 2], &[2]), vec![2], "contract"),
            (contract(&[0, 1], &[1, 2], &[0, 2]), vec![2, 2], "contract"),
            (contract(&[0], &[0, 2], &[2]), vec![2], "contract"),
            (contract(&[0, 1], &[0, 2], &[1, 2, 3]), vec![3, 2, 1], "contract"),
            (Op::Gather { table: id(0), index: id(2) }, vec![3, 4], "has shape"),
            (Op::ScatterAdd { values: id(0), index: id(2), rows: 2 }, vec![2], "scatter"),
            (Op::Cholesky(id(0)), vec![2, 3], "cholesky"),
            (Op::SolveTriangular { lower: id(1), right: id(2), transposed: false }, vec![4], "triangular"),
        ];
        for (op, shape, says) in broken {
            let said = verify(&with(op.clone(), &shape)).expect_err(&format!("{op:?}")).0;
            assert!(said.contains(says), "{op:?}: {said}");
        }
    }

    #[test]
    fn known_indices_names_and_outputs_are_checked() {
        let mut b = Builder::new();
        let table = b.input("table", &[3]);
        let index = b.constant(Array::from_reals(vec![0.0, 3.0]), &[2]);
        b.gather(table, index);
        assert!(verify(&b.finish().unwrap()).unwrap_err().0.contains("index 3 into 3 rows"));

        let mut plan = with(Op::Iota, &[2]);
        verify(&plan).unwrap();
        plan.outputs.push(Output { name: "y".into(), node: id(77) });
        assert!(verify(&plan).is_err());
        plan.outputs[1] = Output { name: "x".into(), node: id(0) };
        assert!(verify(&plan).unwrap_err().0.contains("two outputs"));
        plan.outputs.pop();
        plan.inputs.push(Input { name: "a".into(), shape: vec![] });
        assert!(verify(&plan).unwrap_err().0.contains("two inputs"));
    }
}
