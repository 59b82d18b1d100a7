//! Layers of nets. A convolution looks up a patch of its input for every place of its output, by an index that is known
//! when the plan is made, and takes one product of all patches with its kernels; its transpose adds patches up. So both
//! are differentiated, and run on every device, by the rules of `Gather`, `ScatterAdd` and `Contract`.

use super::value::{Label, union};
use super::{InputKind, Lowerer, Trouble, Value, bug};
use crate::math::{Layer, NodeId};
use crate::plan;
use crate::plan::{Array, Binary, Contraction, Reduce, Unary};

/// Added to a variance before its root is taken.
const SMALL: f64 = 1e-5;

/// Names in contractions: places of the output, the summed axis, channels of the output.
const PLACES: u8 = 100;
const SUM: u8 = 101;
const OUTPUTS: u8 = 102;

impl Lowerer<'_> {
    pub(super) fn layer(&mut self, layer: Layer, input: NodeId, weights: &[NodeId]) -> Result<Value, Trouble> {
        let x = self.lower(input)?;
        let weights = weights.iter().map(|weight| self.lower(*weight)).collect::<Result<Vec<_>, _>>()?;
        match (layer, &weights[..]) {
            (Layer::Conv2d { stride, padding }, [weight, bias @ ..]) => {
                let y = self.convolved(&x, weight, stride, padding)?;
                self.plus_channels(y, bias.first())
            }
            (Layer::ConvTranspose2d { stride, padding, output_padding }, [weight, bias @ ..]) => {
                let y = self.spread(&x, weight, stride, padding, output_padding)?;
                self.plus_channels(y, bias.first())
            }
            (Layer::LayerNorm, [gain, bias]) => self.normed(&x, gain, bias),
            (Layer::Dropout { rate, place }, []) => self.dropped(&x, rate, place),
            (Layer::Gru, [weight, recurrent, bias, recurrent_bias]) => {
                self.gru(&x, [weight, bias], [recurrent, recurrent_bias])
            }
            _ => bug(format!("`{}` with {} weights", layer.name(), weights.len())),
        }
    }

    /// A number for each channel, at every place of an image.
    fn plus_channels(&mut self, y: Value, bias: Option<&Value>) -> Result<Value, Trouble> {
        let Some(bias) = bias else { return Ok(y) };
        let bias = self.with_ones(bias, 0, 2)?;
        self.binary(Binary::Add, &y, &bias)
    }

    /// `x [C, H, W]` with `weight [c, C, k, l]`.
    fn convolved(&mut self, x: &Value, weight: &Value, stride: usize, padding: usize) -> Result<Value, Trouble> {
        let (image, kernel) = (self.image(x)?, self.kernel(weight)?);
        let [outputs, channels, rows, columns] = kernel;
        let along = |size: usize, kernel: usize| (size + 2 * padding - kernel) / stride + 1;
        let [_, height, width] = image;
        let small = [along(height, rows), along(width, columns)];
        let patches = Patches { image, small, kernel: [rows, columns], stride, padding };
        let (index, padded) = patches.index();
        let taps = channels * rows * columns;
        let index = self.b.constant(index, &[small[0] * small[1], taps]);
        let table = self.entries_first(x, padded)?;
        let found = self.b.gather(table, index);
        let weight = self.flat_weight(weight, &[outputs, taps])?;
        let labels = union([x, &weight]);
        let names = |value: &Value| names(&labels, value);
        let axes = Contraction {
            left: [vec![PLACES, SUM], names(x)].concat(),
            right: [names(&weight), vec![OUTPUTS, SUM]].concat(),
            out: [(0..labels.len() as u8).collect(), vec![OUTPUTS, PLACES]].concat(),
        };
        let id = self.b.contract(found, weight.id, axes);
        self.as_image(id, labels, [outputs, small[0], small[1]])
    }

    /// `x [C, H, W]` with `weight [C, c, k, l]`: the transpose of a convolution in its input.
    fn spread(
        &mut self,
        x: &Value,
        weight: &Value,
        stride: usize,
        padding: usize,
        output_padding: usize,
    ) -> Result<Value, Trouble> {
        let [channels, height, width] = self.image(x)?;
        let [_, outputs, rows, columns] = self.kernel(weight)?;
        let along = |size: usize, kernel: usize| (size - 1) * stride + kernel + output_padding - 2 * padding;
        let image = [outputs, along(height, rows), along(width, columns)];
        let patches = Patches { image, small: [height, width], kernel: [rows, columns], stride, padding };
        let (index, padded) = patches.index();
        let (places, taps) = (height * width, outputs * rows * columns);
        let index = self.b.constant(index, &[places, taps]);
        let weight = self.flat_weight(weight, &[channels, taps])?;
        let flat = [&self.shape(x)[..x.labels.len()], &[channels, places]].concat();
        let flat = self.b.reshape(x.id, &flat);
        let labels = union([x, &weight]);
        let names = |value: &Value| names(&labels, value);
        let axes = Contraction {
            left: [names(x), vec![SUM, PLACES]].concat(),
            right: [names(&weight), vec![SUM, OUTPUTS]].concat(),
            out: [vec![PLACES, OUTPUTS], (0..labels.len() as u8).collect()].concat(),
        };
        let product = self.b.contract(flat, weight.id, axes);
        let entries: usize = image.iter().product();
        let sums = self.b.scatter_add(product, index, entries + usize::from(padded));
        let sums = self.b.slice(sums, 0, 0, entries);
        let order: Vec<usize> = (1..=labels.len()).chain([0]).collect();
        let id = self.b.permute(sums, &order);
        self.as_image(id, labels, image)
    }

    fn image(&self, x: &Value) -> Result<[usize; 3], Trouble> {
        let event = self.event_shape(x);
        <[usize; 3]>::try_from(event).or_else(|event| bug(format!("an image of shape {event:?}")))
    }

    fn kernel(&self, weight: &Value) -> Result<[usize; 4], Trouble> {
        let event = self.event_shape(weight);
        <[usize; 4]>::try_from(event).or_else(|event| bug(format!("kernels of shape {event:?}")))
    }

    fn flat_weight(&mut self, weight: &Value, event: &[usize]) -> Result<Value, Trouble> {
        let shape = [&self.shape(weight)[..weight.labels.len()], event].concat();
        Ok(Value { id: self.b.reshape(weight.id, &shape), labels: weight.labels.clone(), event: event.len() })
    }

    /// The entries of a value as rows of a table over its labels, and a row of zeros after them where that is asked for.
    fn entries_first(&mut self, x: &Value, zeros: bool) -> Result<plan::NodeId, Trouble> {
        let n = x.labels.len();
        let entries = self.event_shape(x).iter().product();
        let flat = [&self.shape(x)[..n], &[entries]].concat();
        let flat = self.b.reshape(x.id, &flat);
        let order: Vec<usize> = [n].into_iter().chain(0..n).collect();
        let turned = self.b.permute(flat, &order);
        Ok(self.b.pad(turned, 0, 0, usize::from(zeros)))
    }

    fn as_image(&mut self, id: plan::NodeId, labels: Vec<Label>, image: [usize; 3]) -> Result<Value, Trouble> {
        let shape = [&self.b.shape(id)[..labels.len()], &image].concat();
        Ok(Value { id: self.b.reshape(id, &shape), labels, event: 3 })
    }

    /// Mean 0 and variance 1 along the last axis, then a gain and a bias.
    fn normed(&mut self, x: &Value, gain: &Value, bias: &Value) -> Result<Value, Trouble> {
        let last = x.event - 1;
        let count = self.event_shape(x)[last] as f64;
        let centre = self.mean_along(x, last, count)?;
        let centred = self.binary(Binary::Sub, x, &centre)?;
        let squares = self.unary(Unary::Square, &centred)?;
        let variance = self.mean_along(&squares, last, count)?;
        let small = self.literal(SMALL)?;
        let variance = self.binary(Binary::Add, &variance, &small)?;
        let scale = self.unary(Unary::Sqrt, &variance)?;
        let normed = self.binary(Binary::Div, &centred, &scale)?;
        let gain = self.with_ones(gain, last, 0)?;
        let scaled = self.binary(Binary::Mul, &normed, &gain)?;
        let bias = self.with_ones(bias, last, 0)?;
        self.binary(Binary::Add, &scaled, &bias)
    }

    fn mean_along(&mut self, x: &Value, last: usize, count: f64) -> Result<Value, Trouble> {
        let sum = self.reduce_event(Reduce::Sum, x, &[last])?;
        let sum = self.with_ones(&sum, 0, 1)?;
        self.scaled(&sum, 1.0 / count)
    }

    /// In a step of a fit entries are 0 by chance and the others grow, so that the mean stays; elsewhere the input.
    fn dropped(&mut self, x: &Value, rate: f64, place: usize) -> Result<Value, Trouble> {
        if !self.fitting || rate == 0.0 {
            return Ok(x.clone());
        }
        let axes = x.labels.iter().filter_map(|label| if let Label::Axis(axis) = label { Some(*axis) } else { None });
        let axes: Vec<_> = axes.collect();
        let mut shape = vec![self.batch.draws];
        for axis in &axes {
            shape.push(self.extent(*axis)?);
        }
        shape.extend(self.event_shape(x));
        let labels = [Label::Draws].into_iter().chain(axes.iter().map(|axis| Label::Axis(*axis))).collect();
        let id = self.input(InputKind::Dropout { place, axes }, format!("dropout.{place}"), shape)?;
        let chance = Value { id, labels, event: x.event };
        let rate_value = self.literal(rate)?;
        let gone = self.binary(Binary::Less, &chance, &rate_value)?;
        let grown = self.scaled(x, 1.0 / (1.0 - rate))?;
        let zero = self.literal(0.0)?;
        self.select(&gone, &zero, &grown)
    }

    /// `h' = (1 - u) tanh(W x + b + r (V h + c)) + u h` with gates `r` and `u`, from a state of zeros. The weights hold the
    /// rows of the reset gate, the update gate and the new state.
    fn gru(&mut self, x: &Value, from_input: [&Value; 2], from_state: [&Value; 2]) -> Result<Value, Trouble> {
        let steps = self.event_shape(x)[0];
        let states = self.event_shape(from_state[0])[1];
        let [weight, bias] = from_input;
        let inputs = self.affine(x, weight, bias)?;
        let zeros = self.b.literal(0.0, &[states]);
        let mut state = Value::plain(zeros, 1);
        let mut all = vec![];
        for step in 0..steps {
            let input = self.part(&inputs, 0, step..step + 1)?;
            let shape = self.shape(&input);
            let flat = [&shape[..input.labels.len()], &shape[input.labels.len() + 1..]].concat();
            let input = Value { id: self.b.reshape(input.id, &flat), event: 1, ..input };
            let [recurrent, recurrent_bias] = from_state;
            let back = self.affine(&state, recurrent, recurrent_bias)?;
            let gate = |this: &mut Self, at: usize| {
                let rows = at * states..(at + 1) * states;
                let (a, b) = (this.part(&input, 0, rows.clone())?, this.part(&back, 0, rows)?);
                let sum = this.binary(Binary::Add, &a, &b)?;
                this.unary(Unary::Sigmoid, &sum)
            };
            let (reset, update) = (gate(self, 0)?, gate(self, 1)?);
            let rows = 2 * states..3 * states;
            let (a, b) = (self.part(&input, 0, rows.clone())?, self.part(&back, 0, rows)?);
            let kept = self.binary(Binary::Mul, &reset, &b)?;
            let sum = self.binary(Binary::Add, &a, &kept)?;
            let new = self.unary(Unary::Tanh, &sum)?;
            // (1 - u) n + u h = n + u (h - n)
            let gap = self.binary(Binary::Sub, &state, &new)?;
            let step = self.binary(Binary::Mul, &update, &gap)?;
            state = self.binary(Binary::Add, &new, &step)?;
            all.push(state.clone());
        }
        self.stack(&all, true)
    }

    /// `weight @ x + bias` along the last axis.
    fn affine(&mut self, x: &Value, weight: &Value, bias: &Value) -> Result<Value, Trouble> {
        let kept: Vec<u8> = (110..110 + x.event as u8 - 1).collect();
        let left = [kept.clone(), vec![SUM]].concat();
        let product = self.contract(x, &left, weight, &[OUTPUTS, SUM], &[kept, vec![OUTPUTS]].concat())?;
        let bias = self.with_ones(bias, product.event - 1, 0)?;
        self.binary(Binary::Add, &product, &bias)
    }

    /// A range of an axis of the event.
    fn part(&mut self, x: &Value, axis: usize, range: std::ops::Range<usize>) -> Result<Value, Trouble> {
        Ok(Value { id: self.b.slice(x.id, x.labels.len() + axis, range.start, range.end), ..x.clone() })
    }
}

/// The names in a contraction of a value's labels.
fn names(labels: &[Label], value: &Value) -> Vec<u8> {
    value.labels.iter().filter_map(|label| labels.iter().position(|l| l == label)).map(|at| at as u8).collect()
}

/// The places of an image `[channels, height, width]` that each place of a smaller one sees through a kernel.
struct Patches {
    image: [usize; 3],
    small: [usize; 2],
    kernel: [usize; 2],
    stride: usize,
    padding: usize,
}

impl Patches {
    /// For each place of the small image, then each channel and place of the kernel, the entry of the large image, or
    /// one past its entries where the padding is; and whether any is.
    fn index(&self) -> (Array, bool) {
        let [channels, height, width] = self.image;
        let outside = channels * height * width;
        let mut list = vec![];
        for place in 0..self.small[0] * self.small[1] {
            let (row, column) = (place / self.small[1] * self.stride, place % self.small[1] * self.stride);
            for tap in 0..channels * self.kernel[0] * self.kernel[1] {
                let (channel, i, j) = (
                    tap / (self.kernel[0] * self.kernel[1]),
                    tap / self.kernel[1] % self.kernel[0],
                    tap % self.kernel[1],
                );
                let inside = |at: usize, size: usize| at.checked_sub(self.padding).filter(|at| *at < size);
                list.push(match (inside(row + i, height), inside(column + j, width)) {
                    (Some(r), Some(c)) => (channel * height + r) * width + c,
                    _ => outside,
                });
            }
        }
        let padded = list.contains(&outside);
        (Array::Reals(list.into_iter().map(|at| at as f64).collect()), padded)
    }
}
