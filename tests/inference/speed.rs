//! How long a step takes. Run with `cargo test --release --test inference -- --ignored --nocapture speed`.

use std::time::Instant;

use ppl::plan::{Binary, NodeId, Op, Precision, Reduce, Unary};

use crate::hand::{Dice, Hand};

impl Hand {
    fn draws(&mut self, dice: &mut Dice, shape: &[usize], size: f64) -> NodeId {
        self.input(shape, dice.between(-size, size, shape.iter().product()))
    }

    fn unary(&mut self, op: Unary, x: NodeId) -> NodeId {
        let shape = self.shape(x);
        self.add(Op::Unary(op, x), &shape)
    }

    fn binary(&mut self, op: Binary, a: NodeId, b: NodeId) -> NodeId {
        let shape = self.shape(a);
        self.add(Op::Binary(op, a, b), &shape)
    }

    fn sum(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let kept: Vec<usize> = (0..shape.len()).filter(|i| !axes.contains(i)).map(|i| shape[i]).collect();
        self.add(Op::Reduce(Reduce::Sum, x, axes.to_vec()), &kept)
    }

    fn dense(&mut self, x: NodeId, (w, b): (NodeId, NodeId)) -> NodeId {
        let product = self.contract(x, w, "bi,oi->bo");
        self.binary(Binary::Add, product, b)
    }

    /// Gradients of a dense layer's weights, which become outputs, and of its argument.
    fn dense_back(&mut self, x: NodeId, (w, _): (NodeId, NodeId), seed: NodeId, further: bool) -> Option<NodeId> {
        let weight = self.contract(seed, x, "bo,bi->oi");
        let bias = self.sum(seed, &[0]);
        self.output(weight);
        self.output(bias);
        further.then(|| self.contract(seed, w, "bo,oi->bi"))
    }

    fn gated(&mut self, seed: NodeId, x: NodeId) -> NodeId {
        let gate = self.unary(Unary::Step, x);
        self.binary(Binary::Mul, seed, gate)
    }
}

/// One step of a variational auto-encoder: the bound and its gradient in every weight.
pub fn auto_encoder(batch: usize) -> Hand {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(31));
    let h = &mut hand;
    let mut layer = |h: &mut Hand, from: usize, to: usize| {
        let size = (from as f64).powf(-0.5);
        (h.draws(&mut dice, &[to, from], size), h.draws(&mut dice, &[1, to], size))
    };
    let (hidden, loc, scale) = (layer(h, 784, 400), layer(h, 400, 20), layer(h, 400, 20));
    let (wide, logits) = (layer(h, 20, 400), layer(h, 400, 784));
    let pixels = dice.between(0.0, 1.0, batch * 784).into_iter().map(|v| v.round()).collect();
    let x = h.input(&[batch, 784], pixels);
    let noise = h.draws(&mut dice, &[batch, 20], 1.7);

    let a1 = h.dense(x, hidden);
    let h1 = h.unary(Unary::Relu, a1);
    let (m, ls) = (h.dense(h1, loc), h.dense(h1, scale));
    let s = h.unary(Unary::Exp, ls);
    let moved = h.binary(Binary::Mul, s, noise);
    let z = h.binary(Binary::Add, m, moved);
    let a2 = h.dense(z, wide);
    let h2 = h.unary(Unary::Relu, a2);
    let l = h.dense(h2, logits);
    let (soft, product) = (h.unary(Unary::Softplus, l), h.binary(Binary::Mul, x, l));
    let terms = h.binary(Binary::Sub, product, soft);
    let (m2, s2) = (h.unary(Unary::Square, m), h.unary(Unary::Square, s));
    let both = h.binary(Binary::Add, m2, s2);
    let half = h.add(Op::Literal(0.5), &[batch, 20]);
    let both = h.binary(Binary::Mul, both, half);
    let divergence = h.binary(Binary::Sub, both, ls);
    let (likelihood, divergence) = (h.sum(terms, &[0, 1]), h.sum(divergence, &[0, 1]));
    let bound = h.binary(Binary::Sub, likelihood, divergence);
    h.output(bound);

    let chance = h.unary(Unary::Sigmoid, l);
    let dl = h.binary(Binary::Sub, x, chance);
    let dh2 = h.dense_back(h2, logits, dl, true).expect("further");
    let da2 = h.gated(dh2, a2);
    let dz = h.dense_back(z, wide, da2, true).expect("further");
    let dm = h.binary(Binary::Sub, dz, m);
    let ds = h.binary(Binary::Mul, dz, moved);
    let one = h.add(Op::Literal(1.0), &[batch, 20]);
    let rest = h.binary(Binary::Sub, one, s2);
    let dls = h.binary(Binary::Add, ds, rest);
    let by_loc = h.dense_back(h1, loc, dm, true).expect("further");
    let by_scale = h.dense_back(h1, scale, dls, true).expect("further");
    let dh1 = h.binary(Binary::Add, by_loc, by_scale);
    let da1 = h.gated(dh1, a1);
    h.dense_back(x, hidden, da1, false);
    hand
}

/// Seconds of the processor that this process has used, in all its threads.
fn used() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

pub fn time(what: &str, hand: &Hand, paths: &[(&str, Precision)], steps: usize) {
    let given: Vec<&[f64]> = hand.values.iter().map(Vec::as_slice).collect();
    for (name, precision) in paths {
        let backend = ppl::engine::backend(name).expect("there");
        let mut ready = backend.prepare(&hand.plan, *precision).expect("fits");
        for _ in 0..3 {
            ready.run(&given).expect("runs");
        }
        let (start, before) = (Instant::now(), used());
        let mut best = f64::INFINITY;
        for _ in 0..steps {
            let one = Instant::now();
            ready.run(&given).expect("runs");
            best = best.min(one.elapsed().as_secs_f64());
        }
        let (mean, cpu) = (start.elapsed().as_secs_f64() / steps as f64, (used() - before) / steps as f64);
        let (best, mean, cpu) = (best * 1e3, mean * 1e3, cpu * 1e3);
        println!("{what} {name} {precision:?}: best {best:.4} ms, mean {mean:.4} ms, processor {cpu:.4} ms");
    }
}

#[test]
#[ignore = "takes seconds and needs a quiet machine"]
fn speed_of_an_auto_encoder() {
    let paths = [("cpu", Precision::F32), ("composed", Precision::F32), ("cpu", Precision::F64)];
    time("auto-encoder", &auto_encoder(128), &paths, 100);
}

/// Thirty operations on eight numbers, three sums, and a product with a small matrix.
fn small() -> Hand {
    let (mut hand, mut dice) = (Hand::default(), Dice::new(32));
    let h = &mut hand;
    let mut x = h.draws(&mut dice, &[8], 1.0);
    let (w, y) = (h.draws(&mut dice, &[8, 8], 0.3), h.draws(&mut dice, &[8], 1.0));
    for _ in 0..10 {
        let scale = h.unary(Unary::Exp, x);
        let both = h.binary(Binary::Mul, scale, y);
        x = h.unary(Unary::Tanh, both);
    }
    let product = h.contract(w, x, "ij,j->i");
    for value in [x, product, y] {
        let squared = h.unary(Unary::Square, value);
        let sum = h.sum(squared, &[0]);
        h.output(sum);
    }
    hand
}

#[test]
#[ignore = "takes seconds and needs a quiet machine"]
fn speed_of_a_small_plan() {
    time("small plan", &small(), &[("cpu", Precision::F64), ("composed", Precision::F64)], 20_000);
    let hand = small();
    let given: Vec<&[f64]> = hand.values.iter().map(Vec::as_slice).collect();
    use ppl::plan::Backend;
    let mut ready = ppl::plan::reference::Reference.prepare(&hand.plan, Precision::F64).expect("fits");
    let start = Instant::now();
    (0..20_000).for_each(|_| drop(ready.run(&given)));
    println!("small plan reference: mean {:.4} ms", start.elapsed().as_secs_f64() / 20.0);
}
