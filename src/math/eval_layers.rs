//! Layers of nets by plain loops, as they are outside of fitting.

use crate::math::eval::{Eval, Positions, Values};
use crate::math::{Layer, NodeId};
use crate::problem::Bug;

/// Added to the variance before its root is taken.
const SMALL: f64 = 1e-5;

/// Channels, rows and columns of an image.
type Extent = [usize; 3];

impl Eval<'_> {
    pub(super) fn layer(
        &self,
        layer: Layer,
        input: NodeId,
        weights: &[NodeId],
        positions: &Positions,
    ) -> Result<Values, Bug> {
        let shape = self.sizes(input)?;
        let x = self.at(input, positions)?;
        let mut values = vec![];
        for weight in weights {
            values.push(self.at(*weight, positions)?);
        }
        let weight = |at: usize| values.get(at).map_or(&[][..], Vec::as_slice);
        Ok(match layer {
            Layer::Dropout { .. } => x,
            Layer::LayerNorm => normed(&x, shape.last().copied().unwrap_or(1), weight(0), weight(1)),
            Layer::Gru => gru(&x, shape.last().copied().unwrap_or(1), [weight(0), weight(1), weight(2), weight(3)]),
            Layer::Conv2d { stride, padding } => {
                let (kernel, extent) = (self.sizes(weights[0])?, [shape[0], shape[1], shape[2]]);
                convolved(&x, extent, &kernel, weight(0), weight(1), (stride, padding))
            }
            Layer::ConvTranspose2d { stride, padding, output_padding } => {
                let (kernel, extent) = (self.sizes(weights[0])?, [shape[0], shape[1], shape[2]]);
                spread(&x, extent, &kernel, weight(0), weight(1), (stride, padding, output_padding))
            }
        })
    }
}

fn normed(x: &[f64], last: usize, gain: &[f64], bias: &[f64]) -> Values {
    let row = |x: &[f64]| -> Values {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + SMALL).sqrt();
        x.iter().enumerate().map(|(i, x)| (x - mean) * scale * gain[i] + bias[i]).collect()
    };
    x.chunks(last.max(1)).flat_map(row).collect()
}

/// Every output is the sum of a window of the padded input times the kernel.
fn convolved(
    x: &[f64],
    [channels, height, width]: Extent,
    kernel: &[usize],
    weight: &[f64],
    bias: &[f64],
    (stride, padding): (usize, usize),
) -> Values {
    let (outputs, rows, columns) = (kernel[0], kernel[2], kernel[3]);
    let along = |size: usize, kernel: usize| (size + 2 * padding - kernel) / stride + 1;
    let (high, wide) = (along(height, rows), along(width, columns));
    let mut y = vec![0.0; outputs * high * wide];
    let taps = (0..channels).flat_map(|c| (0..rows).flat_map(move |i| (0..columns).map(move |j| (c, i, j))));
    let taps: Vec<(usize, usize, usize)> = taps.collect();
    for (at, y) in y.iter_mut().enumerate() {
        let (out, row, column) = (at / (high * wide), at / wide % high, at % wide);
        *y = bias.get(out).copied().unwrap_or(0.0);
        for (c, i, j) in &taps {
            let (r, s) = (row * stride + i, column * stride + j);
            if (padding..padding + height).contains(&r) && (padding..padding + width).contains(&s) {
                let input = x[(c * height + r - padding) * width + s - padding];
                *y += input * weight[((out * channels + c) * rows + i) * columns + j];
            }
        }
    }
    y
}

/// Every input adds a kernel to the output: the transpose of a convolution.
fn spread(
    x: &[f64],
    [channels, height, width]: Extent,
    kernel: &[usize],
    weight: &[f64],
    bias: &[f64],
    (stride, padding, output_padding): (usize, usize, usize),
) -> Values {
    let (outputs, rows, columns) = (kernel[1], kernel[2], kernel[3]);
    let along = |size: usize, kernel: usize| (size - 1) * stride + kernel + output_padding - 2 * padding;
    let (high, wide) = (along(height, rows), along(width, columns));
    let mut y: Values =
        (0..outputs * high * wide).map(|at| bias.get(at / (high * wide)).copied().unwrap_or(0.0)).collect();
    for (at, x) in x.iter().enumerate() {
        let (c, row, column) = (at / (height * width), at / width % height, at % width);
        for out in 0..outputs {
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let (r, s) = (row * stride + i, column * stride + j);
                if (padding..padding + high).contains(&r) && (padding..padding + wide).contains(&s) && c < channels {
                    let w = weight[((c * outputs + out) * rows + i) * columns + j];
                    y[(out * high + r - padding) * wide + s - padding] += x * w;
                }
            }
        }
    }
    y
}

/// h' = (1 - u) tanh(W x + b + r (V h + c)) + u h, with gates r and u.
fn gru(x: &[f64], inputs: usize, [w, v, b, c]: [&[f64]; 4]) -> Values {
    let states = b.len() / 3;
    let dot = |m: &[f64], row: usize, x: &[f64]| -> f64 {
        m[row * x.len()..][..x.len()].iter().zip(x).map(|(m, x)| m * x).sum()
    };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut state = vec![0.0; states];
    let mut all = vec![];
    for x in x.chunks(inputs.max(1)) {
        let from_input = |row: usize| dot(w, row, x) + b[row];
        let from_state = |row: usize| dot(v, row, &state) + c[row];
        let next = (0..states).map(|k| {
            let reset = sigmoid(from_input(k) + from_state(k));
            let update = sigmoid(from_input(states + k) + from_state(states + k));
            let new = (from_input(2 * states + k) + reset * from_state(2 * states + k)).tanh();
            (1.0 - update) * new + update * state[k]
        });
        state = next.collect();
        all.extend(state.iter().copied());
    }
    all
}
