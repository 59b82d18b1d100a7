//! Contractions of every kind, random plans, and what must not change between runs and threads.

use ppl::plan::{Binary, NodeId, Op, Precision, Reduce, Unary};

use crate::hand::{Dice, Hand};
use crate::parity::{Tolerance, check, run};

const PRODUCT: Tolerance = Tolerance { double: 1e-11, single: 2e-4 };

/// Names and their lengths, and the operands and result.
const CONTRACTIONS: &[(&str, &[(char, usize)])] = &[
    ("ik,kj->ij", &[('i', 5), ('k', 7), ('j', 3)]),
    ("ki,jk->ij", &[('i', 5), ('k', 7), ('j', 3)]),
    ("ki,kj->ji", &[('i', 33), ('k', 40), ('j', 65)]),
    ("ik,jk->ij", &[('i', 128), ('k', 784), ('j', 400)]),
    ("ki,kj->ij", &[('k', 128), ('i', 400), ('j', 784)]),
    ("ik,kj->ij", &[('i', 128), ('k', 400), ('j', 20)]),
    ("ik,k->i", &[('i', 1000), ('k', 25)]),
    ("ki,k->i", &[('i', 25), ('k', 1000)]),
    ("ki,k->i", &[('i', 1300), ('k', 300)]),
    ("ik,k->i", &[('i', 900), ('k', 400)]),
    ("k,ki->i", &[('i', 300), ('k', 41)]),
    ("k,k->", &[('k', 5000)]),
    ("ik,ik->i", &[('i', 6), ('k', 50)]),
    ("ki,ki->i", &[('i', 6), ('k', 50)]),
    ("i,j->ij", &[('i', 6), ('j', 5)]),
    ("i,j->ji", &[('i', 6), ('j', 5)]),
    ("ij,ij->ij", &[('i', 6), ('j', 5)]),
    (",i->i", &[('i', 6)]),
    (",->", &[]),
    ("bik,bkj->bij", &[('b', 4), ('i', 5), ('k', 6), ('j', 7)]),
    ("bik,kbj->ijb", &[('b', 4), ('i', 5), ('k', 6), ('j', 7)]),
    ("bik,bkj->bij", &[('b', 30), ('i', 20), ('k', 25), ('j', 22)]),
    ("ijk,lk->ijl", &[('i', 4), ('j', 5), ('k', 6), ('l', 3)]),
    ("ijk,lk->ilj", &[('i', 4), ('j', 5), ('k', 6), ('l', 3)]),
    ("ikj,kl->ilj", &[('i', 4), ('j', 5), ('k', 6), ('l', 3)]),
    ("iklm,mkj->ijl", &[('i', 4), ('j', 5), ('k', 6), ('l', 3), ('m', 2)]),
    ("smk,nk->smn", &[('s', 3), ('m', 40), ('k', 30), ('n', 20)]),
    ("ik,kj->ij", &[('i', 1), ('k', 9), ('j', 1)]),
    ("ik,kj->ij", &[('i', 3), ('k', 1), ('j', 4)]),
];

#[test]
fn contractions_of_every_kind() {
    for (axes, lengths) in CONTRACTIONS {
        let (mut hand, mut dice) = (Hand::default(), Dice::new(11));
        let names = axes.split_once("->").map(|(operands, _)| operands).and_then(|o| o.split_once(','));
        let (left, right) = names.expect("two operands");
        let mut operand = |names: &str| {
            let length = |name: char| lengths.iter().find(|l| l.0 == name).map_or(1, |l| l.1);
            let shape: Vec<usize> = names.chars().map(length).collect();
            let values = dice.between(-1.0, 1.0, shape.iter().product());
            hand.input(&shape, values)
        };
        let (left, right) = (operand(left), operand(right));
        let out = hand.contract(left, right, axes);
        hand.output(out);
        check(&format!("{axes} {lengths:?}"), &hand.plan, &hand.values, PRODUCT);
    }
}

#[test]
fn contractions_of_turned_and_repeated_operands() {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(12));
    let x = hand.input(&[6, 4, 5], dice.between(-1.0, 1.0, 120));
    let w = hand.input(&[1, 5], dice.between(-1.0, 1.0, 5));
    let turned = hand.add(Op::Permute(x, vec![1, 2, 0]), &[4, 5, 6]);
    let cut = hand.add(Op::Slice { of: turned, axis: 2, start: 1, end: 5 }, &[4, 5, 4]);
    let wide = hand.add(Op::Expand(w), &[3, 5]);
    for axes in ["abc,kb->akc", "abc,kb->kac", "abc,kb->ka", "abc,kb->ck"] {
        // Names of one operand alone are summed over before, as the builder does.
        let out = axes.split_once("->").map_or("", |(_, out)| out);
        let alone: Vec<usize> = (0..3).filter(|i| *i != 1 && !out.contains(['a', 'b', 'c'][*i])).collect();
        let left = if alone.is_empty() {
            cut
        } else {
            let shape = (0..3).filter(|i| !alone.contains(i)).map(|i| [4, 5, 4][i]).collect::<Vec<_>>();
            hand.add(Op::Reduce(Reduce::Sum, cut, alone.clone()), &shape)
        };
        let names: String = (0..3).filter(|i| !alone.contains(i)).map(|i| ['a', 'b', 'c'][i]).collect();
        let product = hand.contract(left, wide, &format!("{names},kb->{out}"));
        hand.output(product);
    }
    check("turned contractions", &hand.plan, &hand.values, PRODUCT);
}

/// A plan of operations drawn by dice, over a few shapes that go together.
fn random(seed: u64, size: usize) -> Hand {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(seed));
    let shapes: [&[usize]; 5] = [&[6, 4], &[1, 4], &[6, 1], &[4, 6], &[1, 1]];
    let mut nodes: Vec<NodeId> = vec![];
    for shape in shapes {
        let values = dice.between(-1.0, 1.0, shape.iter().product());
        nodes.push(hand.input(shape, values));
        nodes.push(hand.add(Op::Literal(dice.unit()), shape));
    }
    for _ in 0..size {
        let x = nodes[dice.below(nodes.len())];
        let shape = hand.shape(x);
        let made = match dice.below(12) {
            0 => hand.add(Op::Unary(Unary::Tanh, x), &shape),
            1 => hand.add(Op::Unary(Unary::Sigmoid, x), &shape),
            2 => hand.add(Op::Unary(Unary::Softplus, x), &shape),
            3 => hand.add(Op::Permute(x, vec![1, 0]), &[shape[1], shape[0]]),
            4 if shape == [6, 4] => {
                let w = nodes[6];
                let product = hand.contract(x, w, "ik,kj->ij");
                let sum = hand.add(Op::Reduce(Reduce::Sum, product, vec![1]), &[6]);
                let column = hand.add(Op::Reshape(sum), &[6, 1]);
                hand.add(Op::Unary(Unary::Tanh, column), &[6, 1])
            }
            5 => {
                let kept = hand.add(Op::Reduce(Reduce::LogSumExp, x, vec![0]), &shape[1..]);
                hand.add(Op::Reshape(kept), &[1, shape[1]])
            }
            6 => {
                let y = nodes[dice.below(nodes.len())];
                let condition = hand.add(Op::Binary(Binary::Less, x, x), &shape);
                if hand.shape(y) == shape { hand.add(Op::Select(condition, x, y), &shape) } else { condition }
            }
            _ => {
                let y = nodes[dice.below(nodes.len())];
                let other = hand.shape(y);
                let fits = shape.iter().zip(&other).all(|(a, b)| a == b || *a == 1 || *b == 1);
                let out: Vec<usize> = shape.iter().zip(&other).map(|(a, b)| *a.max(b)).collect();
                let known = shapes.contains(&&out[..]) || out == [1, 6] || out == [4, 1];
                let op = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Max][dice.below(4)];
                match fits && known {
                    true => {
                        let both = hand.add(Op::Binary(op, x, y), &out);
                        hand.add(Op::Unary(Unary::Tanh, both), &out)
                    }
                    false => hand.add(Op::Unary(Unary::Sin, x), &shape),
                }
            }
        };
        nodes.push(made);
    }
    for place in (0..nodes.len()).rev().step_by(7) {
        hand.output(nodes[place]);
    }
    hand
}

#[test]
fn random_plans() {
    for seed in 1..60 {
        let hand = random(seed, 10 + seed as usize);
        check(&format!("random plan {seed}"), &hand.plan, &hand.values, Tolerance { double: 1e-10, single: 1e-3 });
    }
}

/// A layer with its loss, large enough that several threads take part.
fn layer() -> Hand {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(21));
    let x = hand.input(&[257, 301], dice.between(-1.0, 1.0, 257 * 301));
    let w = hand.input(&[203, 301], dice.between(-0.1, 0.1, 203 * 301));
    let b = hand.input(&[1, 203], dice.between(-0.1, 0.1, 203));
    let v = hand.input(&[301], dice.between(-0.1, 0.1, 301));
    let product = hand.contract(x, w, "ik,jk->ij");
    let sum = hand.add(Op::Binary(Binary::Add, product, b), &[257, 203]);
    let active = hand.add(Op::Unary(Unary::Softplus, sum), &[257, 203]);
    let back = hand.contract(active, x, "ij,ik->jk");
    let columns = hand.add(Op::Reduce(Reduce::Sum, active, vec![0]), &[203]);
    let total = hand.add(Op::Reduce(Reduce::Sum, active, vec![0, 1]), &[]);
    let vector = hand.contract(x, v, "ik,k->i");
    let turned = hand.contract(x, vector, "ik,i->k");
    for node in [active, back, columns, total, vector, turned] {
        hand.output(node);
    }
    hand
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let hand = layer();
    for precision in [Precision::F32, Precision::F64] {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| {
                let backend = ppl::engine::backend("cpu").expect("there");
                run(backend.as_ref(), &hand.plan, precision, &hand.values)
            })
        };
        let one = with(1);
        for threads in [2, 3, 5] {
            assert!(one == with(threads), "{threads} threads give something else in {precision:?}");
        }
    }
}

#[test]
fn a_run_leaves_no_memory_behind() {
    let hand = layer();
    let given: Vec<&[f64]> = hand.values.iter().map(Vec::as_slice).collect();
    for name in ["cpu", "composed"] {
        let backend = ppl::engine::backend(name).expect("there");
        let mut ready = backend.prepare(&hand.plan, Precision::F32).expect("fits");
        for _ in 0..3 {
            ready.run(&given).expect("runs");
        }
        let before = crate::held();
        for _ in 0..5 {
            ready.run(&given).expect("runs");
        }
        let grown = crate::held() - before;
        assert!(grown.abs() < 4096, "{name}: {grown} bytes more are held after five runs");
    }
}

#[test]
fn an_auto_encoder_and_its_gradient() {
    let hand = crate::speed::auto_encoder(16);
    check("auto-encoder", &hand.plan, &hand.values, Tolerance { double: 1e-10, single: 2e-3 });
}

#[test]
fn a_pass_with_more_operands_and_results_than_fit() {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(41));
    let mut sum = hand.input(&[50], dice.between(-1.0, 1.0, 50));
    for _ in 0..40 {
        let x = hand.input(&[50], dice.between(-1.0, 1.0, 50));
        let both = hand.add(Op::Binary(Binary::Mul, sum, x), &[50]);
        sum = hand.add(Op::Binary(Binary::Add, both, x), &[50]);
        hand.output(sum);
    }
    for _ in 0..40 {
        sum = hand.add(Op::Unary(Unary::Sin, sum), &[50]);
        hand.output(sum);
    }
    check("a long pass", &hand.plan, &hand.values, Tolerance { double: 1e-12, single: 1e-4 });
}
