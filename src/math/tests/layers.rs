//! Layers by hand and by their laws.

use super::{Leaves, leaf, value};
use crate::math::{Graph, Layer, NodeId, Op, Support};

/// Numbers without a pattern, the same each time.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let next = |i: usize| {
        let mut z = (i as u64 + 1 + seed * 1000).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((z >> 11) as f64) / (1u64 << 53) as f64 - 0.5
    };
    (0..count).map(next).collect()
}

fn random(g: &mut Graph, known: &mut Leaves, event: &[usize]) -> NodeId {
    let values = numbers(event.iter().product(), known.len() as u64);
    leaf(g, known, event, Support::Real, &values)
}

fn of(g: &mut Graph, known: &Leaves, layer: Layer, input: NodeId, weights: Vec<NodeId>) -> Vec<f64> {
    let node = g.try_op(Op::Layer { layer, input, weights }).expect("shapes that go together");
    value(g, known, node).expect("values")
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn a_convolution_slides_its_kernel() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let x = leaf(&mut g, &mut known, &[1, 3, 3], Support::Real, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let w = leaf(&mut g, &mut known, &[1, 1, 2, 2], Support::Real, &[1.0, 0.0, 0.0, 10.0]);
    let b = leaf(&mut g, &mut known, &[1], Support::Real, &[0.5]);
    let plain = of(&mut g, &known, Layer::Conv2d { stride: 1, padding: 0 }, x, vec![w, b]);
    assert_eq!(plain, [51.5, 62.5, 84.5, 95.5]);
    let padded = of(&mut g, &known, Layer::Conv2d { stride: 2, padding: 1 }, x, vec![w]);
    assert_eq!(padded, [10.0, 30.0, 70.0, 95.0]);
}

/// <conv(x), y> = <x, conv_transpose(y)> with the same kernel, for any stride and padding.
#[test]
fn the_transposed_convolution_is_the_adjoint() {
    for (height, kernel, stride, padding) in [(5, 3, 1, 0), (6, 3, 2, 1), (7, 4, 3, 2), (8, 2, 2, 0)] {
        let (mut g, mut known) = (Graph::default(), Leaves::new());
        let x = random(&mut g, &mut known, &[2, height, height]);
        let w = random(&mut g, &mut known, &[3, 2, kernel, kernel]);
        let forward = of(&mut g, &known, Layer::Conv2d { stride, padding }, x, vec![w]);
        let high = (height + 2 * padding - kernel) / stride + 1;
        let y = random(&mut g, &mut known, &[3, high, high]);
        let output_padding = (height + 2 * padding - kernel) % stride;
        let layer = Layer::ConvTranspose2d { stride, padding, output_padding };
        let back = of(&mut g, &known, layer, y, vec![w]);
        let (left, right) = (dot(&forward, &known[2].2), dot(&known[0].2, &back));
        assert!((left - right).abs() < 1e-12, "{left} is not {right}");
    }
}

#[test]
fn layer_norm_has_mean_zero_and_variance_one() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let x = random(&mut g, &mut known, &[2, 50]);
    let gain = leaf(&mut g, &mut known, &[50], Support::Real, &[1.0; 50]);
    let bias = leaf(&mut g, &mut known, &[50], Support::Real, &[0.0; 50]);
    let y = of(&mut g, &known, Layer::LayerNorm, x, vec![gain, bias]);
    for row in y.chunks(50) {
        assert!(row.iter().sum::<f64>().abs() < 1e-12);
        assert!((dot(row, row) / 50.0 - 1.0).abs() < 1e-3);
    }
}

/// With all weights 0 but the new state's bias, the gates are 1/2 and the state is half way to tanh of the bias.
#[test]
fn a_gru_moves_its_state_by_its_gates() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let x = random(&mut g, &mut known, &[3, 2]);
    let w = leaf(&mut g, &mut known, &[3, 2], Support::Real, &[0.0; 6]);
    let v = leaf(&mut g, &mut known, &[3, 1], Support::Real, &[0.0; 3]);
    let b = leaf(&mut g, &mut known, &[3], Support::Real, &[0.0, 0.0, 0.7]);
    let c = leaf(&mut g, &mut known, &[3], Support::Real, &[0.0; 3]);
    let states = of(&mut g, &known, Layer::Gru, x, vec![w, v, b, c]);
    let new = 0.7f64.tanh();
    for (state, expected) in states.iter().zip([0.5 * new, 0.75 * new, 0.875 * new]) {
        assert!((state - expected).abs() < 1e-12);
    }
}

#[test]
fn dropout_is_the_identity_outside_of_fitting_and_each_place_is_its_own() {
    let (mut g, mut known) = (Graph::default(), Leaves::new());
    let x = random(&mut g, &mut known, &[4]);
    assert_eq!(of(&mut g, &known, Layer::Dropout { rate: 0.5, place: 7 }, x, vec![]), known[0].2);
    let drop = |g: &mut Graph, place| {
        let layer = Layer::Dropout { rate: 0.5, place };
        g.op(Op::Layer { layer, input: x, weights: vec![] })
    };
    assert_eq!(drop(&mut g, 7), drop(&mut g, 7));
    assert_ne!(drop(&mut g, 7), drop(&mut g, 9));
}
