//! The builder shares, simplifies, and keeps the first mistake.

use super::*;
use crate::plan::print;

/// What is built from x [2, 3] and y [2, 3], with operands written out.
fn built(make: impl Fn(&mut Builder, NodeId, NodeId) -> NodeId) -> String {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", &[2, 3]), b.input("y", &[2, 3]));
    let out = make(&mut b, x, y);
    let plan = b.finish().unwrap();
    let text = print(&plan);
    let mut nodes: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('%')) {
        let mut right = line.split_once(" = ").unwrap().1.trim_start_matches("input ").to_string();
        for (i, earlier) in nodes.iter().enumerate().rev() {
            right = right.replace(&format!("%{i}"), earlier);
        }
        nodes.push(right);
    }
    nodes[out.index()].clone()
}

#[test]
#[rustfmt::skip]
fn laws_hold_as_they_are_written() {
    type Make = fn(&mut Builder, NodeId, NodeId) -> NodeId;
    let rows: [(Make, &str); 27] = [
        (|b, x, _| b.shift(x, 0.0), "x"),
        (|b, x, _| b.scale(x, 1.0), "x"),
        (|b, x, _| b.scale(x, 0.0), "0"),
        (|b, x, _| b.scale(x, -1.0), "neg(x)"),
        (|b, x, _| { let y = b.neg(x); b.neg(y) }, "x"),
        (|b, x, y| { let z = b.minus(x, y); b.neg(z) }, "sub(y, x)"),
        (|b, x, y| { let z = b.neg(y); b.plus(x, z) }, "sub(x, y)"),
        (|b, x, _| b.minus(x, x), "0"),
        (|b, x, _| b.times(x, x), "square(x)"),
        (|b, x, y| b.times(y, x), "mul(x, y)"),
        (|b, x, _| { let y = b.exp(x); b.log(y) }, "x"),
        (|b, x, _| { let y = b.exp(x); b.unary(Unary::Log1p, y) }, "softplus(x)"),
        (|b, x, _| { let y = b.unary(Unary::Sigmoid, x); b.log(y) }, "log_sigmoid(x)"),
        (|b, x, _| { let two = b.number_like(2.0, x); b.binary(Binary::Pow, x, two) }, "square(x)"),
        (|b, x, _| { let y = b.reshape(x, &[6]); b.reshape(y, &[2, 3]) }, "x"),
        (|b, x, _| b.permute(x, &[0, 1]), "x"),
        (|b, x, _| { let y = b.transpose(x); b.transpose(y) }, "x"),
        (|b, x, _| b.slice(x, 0, 0, 2), "x"),
        (|b, x, y| { let z = b.concat(&[x, y], 0); b.slice(z, 0, 2, 4) }, "y"),
        (|b, x, _| { let (p, q) = (b.slice(x, 1, 0, 2), b.slice(x, 1, 2, 3)); b.concat(&[p, q], 1) }, "x"),
        (|b, x, _| { let y = b.reduce(Reduce::Max, x, &[1]); b.reduce(Reduce::Max, y, &[0]) }, "max(x; [0, 1])"),
        (|b, x, _| { let i = b.iota(2); b.gather(x, i) }, "x"),
        (|b, x, _| { let i = b.iota(2); b.scatter_add(x, i, 2) }, "x"),
        (|b, x, y| { let one = b.number_like(1.0, x); b.select(one, x, y) }, "x"),
        (|b, x, y| b.contract(x, y, Contraction { left: vec![0, 1], right: vec![0, 1], out: vec![1, 0] }), "mul(permute(x; [1, 0]), permute(y; [1, 0]))"),
        (|b, x, y| { let t = b.transpose(y); b.matmul(x, t) }, "contract(x, y; ij,kj->ik)"),
        (|b, x, _| { let l = b.literal(2.0, &[2, 3]); b.sum_all(l); let s = b.sum_all(l); let s = b.reshape(s, &[1, 1]); b.times(x, s) }, "mul(x, 12)"),
    ];
    for (i, (make, expected)) in rows.into_iter().enumerate() {
        let got = built(make);
        assert_eq!(got, expected, "law {i}");
    }
}

#[test]
fn what_is_repeated_is_repeated_last() {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", &[1, 3]), b.input("y", &[4, 3]));
    let wide = b.expand(x, &[4, 3]);
    let squares = b.square(wide);
    let z = b.times(squares, y);
    assert!(matches!(b.op(z), Op::Binary(Binary::Mul, _, _)) && b.shape(z) == [4, 3]);
    let made: Vec<usize> = b.plan().nodes.iter().map(|(_, node)| infer::count(&node.shape)).collect();
    // The only square is the small one.
    let squares = b.plan().nodes.iter().filter(|(_, node)| matches!(node.op, Op::Unary(Unary::Square, _)));
    assert!(squares.map(|(_, node)| node.shape.clone()).eq([vec![1, 3]]), "{made:?}");
}

#[test]
fn equal_expressions_are_one_node() {
    let mut b = Builder::new();
    let x = b.input("x", &[3]);
    let data = || Array::from_reals(vec![0.5, 1.5, 2.5]);
    let (one, two) = (b.constant(data(), &[3]), b.constant(data(), &[3]));
    assert_eq!(one, two);
    let (y, z) = (b.times(x, one), b.times(two, x));
    assert_eq!(y, z);
    assert_ne!(b.literal(0.0, &[3]), b.literal(-0.0, &[3]));
    assert_eq!(b.literal(f64::NAN, &[3]), b.literal(f64::NAN, &[3]));
    assert_ne!(b.literal(1.0, &[3]), b.literal(1.0, &[1]));
    // Also after a plan is taken up again.
    let mut again = Builder::resume(b.finish().unwrap());
    let data = again.constant(Array::from_reals(vec![0.5, 1.5, 2.5]), &[3]);
    assert_eq!((data, again.times(x, data)), (one, y));
}

#[test]
fn names_of_one_operand_alone_are_summed_first() {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", &[2, 3, 4]), b.input("y", &[4]));
    let z = b.contract(x, y, Contraction { left: vec![0, 1, 2], right: vec![2], out: vec![0] });
    b.output("z", z);
    let x: Vec<f64> = (0..24).map(f64::from).collect();
    let got = crate::plan::evaluate_once(&b.finish().unwrap(), &[&x, &[1.0, 0.0, 0.0, 2.0]]).unwrap();
    assert_eq!(got, [[0. + 4. + 8. + 2. * (3. + 7. + 11.), 12. + 16. + 20. + 2. * (15. + 19. + 23.)]]);
}

#[test]
fn the_first_mistake_is_what_comes_out() {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", &[2]), b.input("y", &[3]));
    let wrong = b.plus(x, y);
    b.matmul(wrong, x);
    b.transpose(x);
    let said = b.finish().unwrap_err().0;
    assert!(said.contains("[2] and [3] do not go together"), "{said}");
    let mut b = Builder::new();
    let x = b.input("x", &[2]);
    b.sum_to(x, &[4]);
    assert!(b.finish().is_err());
}

#[test]
fn nodes_say_where_they_come_from() {
    let mut b = Builder::new();
    let x = b.input("x", &[]);
    assert_eq!(b.set_origin(Some("theta".into())), None);
    let y = b.exp(x);
    let before = b.set_origin(None);
    assert_eq!(before.as_deref(), Some("theta"));
    let z = b.log(x);
    let plan = b.finish().unwrap();
    assert_eq!((plan.nodes[y].origin.as_deref(), plan.nodes[z].origin.as_deref()), (Some("theta"), None));
}
