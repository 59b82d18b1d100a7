//! The shape of every operation, or what is wrong with its operands.

use std::collections::BTreeMap;

use crate::math::{Graph, Layer, NodeId, Op, Over, Pick};
use crate::shape::{AxisId, Shape, Size};

/// Why operands do not go together: facts, put into words by who knows the source.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// Elementwise: unequal event shapes, and neither is a number.
    Elementwise(Shape, Shape),
    /// The two branches of an `if`.
    Branches(Shape, Shape),
    /// Elements of a list, or parts of a `concat`.
    Parts(Shape, Shape),
    Number(Shape),
    Vector(Shape),
    Matrix(Shape),
    Square(Shape),
    /// An array of at least one axis.
    Array(Shape),
    /// The sizes that meet in a product.
    Inner(Shape, Shape),
    /// More indices than axes.
    TooManyPicks {
        shape: Shape,
        picks: usize,
    },
    /// `reshape` to another number of elements.
    Elements {
        from: Shape,
        to: Vec<Size>,
    },
    /// A table of `take` that does not go with its index.
    Table(Shape, Shape),
    /// An empty list has no shape.
    Empty,
    /// An axis whose size the graph was not told (`Graph::declare_axis`).
    UnknownAxis(AxisId),
}

/// Equal event shapes, or a number beside any shape; plates unite.
pub fn elementwise(a: &Shape, b: &Shape) -> Result<Shape, Mismatch> {
    let event = match (a.is_number(), b.is_number()) {
        (_, true) => &a.event,
        (true, _) => &b.event,
        _ if a.event == b.event => &a.event,
        _ => return Err(Mismatch::Elementwise(a.clone(), b.clone())),
    };
    Ok(Shape::new(plates(&[a, b]), event.clone()))
}

/// The shape of an operation over nodes of `graph`. Leaves are given theirs: `None`.
pub fn infer(graph: &Graph, op: &Op) -> Result<Option<Shape>, Mismatch> {
    let shape = |id: &NodeId| &graph.nodes[*id].shape;
    let made = match op {
        Op::Number(_) | Op::Size(_) => Shape::scalar(),
        Op::Row(axis) => Shape::new([*axis], []),
        Op::Data(_)
        | Op::Param(_)
        | Op::Site(_)
        | Op::Free(_)
        | Op::AutoLoc(_)
        | Op::AutoScale(_)
        | Op::AutoNoise(_)
        | Op::Noise(..)
        | Op::Earlier { .. } => return Ok(None),
        Op::Layer { layer, input, weights } => {
            layer_shape(*layer, shape(input), &weights.iter().map(shape).collect::<Vec<_>>())?
        }
        Op::Eye(n) => Shape::event([n.clone(), n.clone()]),
        Op::Unary(_, a) | Op::Named(_, a) | Op::Present(a) => shape(a).clone(),
        Op::Binary(_, a, b) | Op::Complete { data: a, with: b } => elementwise(shape(a), shape(b))?,
        Op::If(c, a, b) => choose(shape(c), shape(a), shape(b))?,
        Op::Reduce(_, a, over) => reduce(shape(a), over)?,
        Op::Dot(a, b) => dot(shape(a), shape(b))?,
        Op::MatMul(a, b) => matmul(shape(a), shape(b))?,
        Op::Dense { input, weight, bias } => dense(shape(input), shape(weight), bias.as_ref().map(shape))?,
        Op::Sample { args, noise, .. } => {
            let all: Vec<&Shape> = args.iter().map(|(_, arg)| arg).chain([noise]).map(shape).collect();
            Shape::new(plates(&all), shape(noise).event.clone())
        }
        Op::Forward { factor, chain, from, to } => {
            let gone: Vec<AxisId> = [*chain].iter().chain(from).chain(to).copied().collect();
            reduce(number(shape(factor))?, &Over::Axes(gone))?
        }
        Op::Scan { own, body, .. } => {
            let (own, body) = (shape(own), shape(body));
            if own.event != body.event {
                return Err(Mismatch::Branches(own.clone(), body.clone()));
            }
            Shape::new(plates(&[own, body]), own.event.clone())
        }
        Op::Index(a, picks) => index(graph, shape(a), picks)?,
        Op::Lift(a, axes) => lift(shape(a), axes, &graph.axes)?,
        Op::Take { table, index } => take(shape(table), shape(index))?,
        Op::Stack(list) => stack(&list.iter().map(shape).collect::<Vec<_>>())?,
        Op::Concat(list) => concat(&list.iter().map(shape).collect::<Vec<_>>())?,
        Op::Reshape(a, sizes) => reshape(shape(a), sizes)?,
        Op::Fill(a, sizes) => Shape { event: sizes.clone(), ..number(shape(a))?.clone() },
        Op::Softmax(a) | Op::LogSoftmax(a) | Op::Cumsum(a) => array(shape(a))?.clone(),
        Op::OneHot(a, size) => appended(shape(a), size),
        _ => matrix_op(graph, op)?,
    };
    Ok(Some(made))
}

fn matrix_op(graph: &Graph, op: &Op) -> Result<Shape, Mismatch> {
    let shape = |id: &NodeId| &graph.nodes[*id].shape;
    Ok(match op {
        Op::Transpose(a) => {
            let (rows, columns) = matrix(shape(a))?;
            with_event(shape(a), [columns, rows])
        }
        Op::Outer(a, b) => {
            let event = [vector(shape(a))?, vector(shape(b))?];
            Shape::new(plates(&[shape(a), shape(b)]), event)
        }
        Op::Diag(a) => match shape(a).event.as_slice() {
            [n] => with_event(shape(a), [n.clone(), n.clone()]),
            [n, m] if n == m => with_event(shape(a), [n.clone()]),
            _ => return Err(Mismatch::Square(shape(a).clone())),
        },
        Op::Triangle(a, n) => {
            if vector(shape(a))? != n.below_diagonal() {
                return Err(Mismatch::Elements { from: shape(a).clone(), to: vec![n.clone(), n.clone()] });
            }
            with_event(shape(a), [n.clone(), n.clone()])
        }
        Op::Trace(a) | Op::LogDet(a) => {
            square(shape(a))?;
            with_event(shape(a), [])
        }
        Op::Cholesky(a) => {
            square(shape(a))?;
            shape(a).clone()
        }
        Op::Solve(a, b) | Op::SolveTriangular(a, b) => {
            square(shape(a))?;
            matmul(shape(a), shape(b))?
        }
        _ => Shape::scalar(),
    })
}

/// The plates of all.
pub fn plates(shapes: &[&Shape]) -> Vec<AxisId> {
    Shape::new(shapes.iter().flat_map(|shape| shape.plates.clone()), []).plates
}

pub fn choose(condition: &Shape, a: &Shape, b: &Shape) -> Result<Shape, Mismatch> {
    if condition.event != a.event {
        number(condition)?;
    }
    if a.event != b.event {
        return Err(Mismatch::Branches(a.clone(), b.clone()));
    }
    Ok(Shape::new(plates(&[condition, a, b]), a.event.clone()))
}

pub fn reduce(a: &Shape, over: &Over) -> Result<Shape, Mismatch> {
    Ok(match over {
        Over::Event => with_event(a, []),
        Over::Last => with_event(a, &array(a)?.event[..a.event.len() - 1]),
        Over::Axes(axes) => Shape::new(a.plates.iter().copied().filter(|p| !axes.contains(p)), a.event.clone()),
    })
}

pub fn dot(a: &Shape, b: &Shape) -> Result<Shape, Mismatch> {
    if vector(a)? != vector(b)? {
        return Err(Mismatch::Inner(a.clone(), b.clone()));
    }
    Ok(Shape::new(plates(&[a, b]), []))
}

/// Matrix by matrix or vector; a vector on the left is a row.
pub fn matmul(a: &Shape, b: &Shape) -> Result<Shape, Mismatch> {
    let event = match (a.event.as_slice(), b.event.as_slice()) {
        ([m, k], [l, n]) if k == l => vec![m.clone(), n.clone()],
        ([m, k], [l]) if k == l => vec![m.clone()],
        ([k], [l, n]) if k == l => vec![n.clone()],
        ([_, _], [_, _] | [_]) | ([_], [_, _]) => return Err(Mismatch::Inner(a.clone(), b.clone())),
        ([_, _], _) => return Err(Mismatch::Matrix(b.clone())),
        _ => return Err(Mismatch::Matrix(a.clone())),
    };
    Ok(Shape::new(plates(&[a, b]), event))
}

pub fn dense(input: &Shape, weight: &Shape, bias: Option<&Shape>) -> Result<Shape, Mismatch> {
    let (n, d) = matrix(weight)?;
    if array(input)?.event.last() != Some(&d) {
        return Err(Mismatch::Inner(input.clone(), weight.clone()));
    }
    if let Some(bias) = bias
        && vector(bias)? != n
    {
        return Err(Mismatch::Inner(weight.clone(), bias.clone()));
    }
    let mut event = input.event.clone();
    event.pop();
    event.push(n);
    let all: Vec<&Shape> = [input, weight].into_iter().chain(bias).collect();
    Ok(Shape::new(plates(&all), event))
}

fn layer_shape(layer: Layer, input: &Shape, weights: &[&Shape]) -> Result<Shape, Mismatch> {
    let weight = |at: usize| weights.get(at).copied().ok_or(Mismatch::Empty);
    let inner = || -> Result<Mismatch, Mismatch> { Ok(Mismatch::Inner(input.clone(), weight(0)?.clone())) };
    let event = match (layer, input.event.as_slice()) {
        (Layer::LayerNorm | Layer::Dropout { .. }, _) => array(input)?.event.clone(),
        (Layer::Conv2d { stride, padding }, [channels, height, width]) => match weight(0)?.event.as_slice() {
            [out, of, rows, columns] if of == channels => {
                let along = |size: &Size, kernel: &Size| convolved(size, kernel, stride, padding);
                let (height, width) = (along(height, rows), along(width, columns));
                vec![out.clone(), height.ok_or(inner()?)?, width.ok_or(inner()?)?]
            }
            _ => return Err(inner()?),
        },
        (Layer::ConvTranspose2d { stride, padding, output_padding }, [channels, height, width]) => {
            match weight(0)?.event.as_slice() {
                [of, out, rows, columns] if of == channels => {
                    let along = |size: &Size, kernel: &Size| spread(size, kernel, stride, padding, output_padding);
                    vec![out.clone(), along(height, rows), along(width, columns)]
                }
                _ => return Err(inner()?),
            }
        }
        (Layer::Gru, [steps, _]) => match weight(1)?.event.as_slice() {
            [_, states] => vec![steps.clone(), states.clone()],
            _ => return Err(inner()?),
        },
        _ => return Err(inner()?),
    };
    let all: Vec<&Shape> = [input].into_iter().chain(weights.iter().copied()).collect();
    Ok(Shape::new(plates(&all), event))
}

/// `(H + 2p - k) / s + 1`, rounded down; `None` where that is not a size or less than 1.
pub fn convolved(size: &Size, kernel: &Size, stride: usize, padding: usize) -> Option<Size> {
    let steps = size.plus(&Size::fixed(2 * padding)).minus(kernel);
    let steps = match steps.known() {
        Some(n) if n < 0 => return None,
        Some(n) => Size::fixed(n as usize / stride),
        None => steps.divided(stride as i64)?,
    };
    Some(steps.plus(&Size::fixed(1)))
}

/// `(H - 1) s - 2p + k + o`
pub fn spread(size: &Size, kernel: &Size, stride: usize, padding: usize, output_padding: usize) -> Size {
    let inner = size.minus(&Size::fixed(1)).times(&Size::fixed(stride)).minus(&Size::fixed(2 * padding));
    inner.plus(kernel).plus(&Size::fixed(output_padding))
}

fn index(graph: &Graph, a: &Shape, picks: &[Pick]) -> Result<Shape, Mismatch> {
    if picks.len() > a.event.len() {
        return Err(Mismatch::TooManyPicks { shape: a.clone(), picks: picks.len() });
    }
    let mut all = a.plates.clone();
    let mut event = vec![];
    for pick in picks {
        match pick {
            Pick::Row(axis) | Pick::Lag(axis, _) => all.push(*axis),
            Pick::At(id) => all.extend(&number(&graph.nodes[*id].shape)?.plates),
            Pick::Slice(from, to) => event.push(to.minus(from)),
        }
    }
    event.extend_from_slice(&a.event[picks.len()..]);
    Ok(Shape::new(all, event))
}

/// An axis the value does not vary over repeats it.
fn lift(a: &Shape, axes: &[AxisId], sizes: &BTreeMap<AxisId, Size>) -> Result<Shape, Mismatch> {
    let mut event = vec![];
    for axis in axes {
        event.push(sizes.get(axis).ok_or(Mismatch::UnknownAxis(*axis))?.clone());
    }
    event.extend_from_slice(&a.event);
    Ok(Shape::new(a.plates.iter().copied().filter(|p| !axes.contains(p)), event))
}

/// `table [components.., K]` or `[K]` and `index [components..]`.
pub fn take(table: &Shape, index: &Shape) -> Result<Shape, Mismatch> {
    let rows = array(table)?.event.len() - 1;
    if rows > 0 && table.event[..rows] != index.event {
        return Err(Mismatch::Table(table.clone(), index.clone()));
    }
    Ok(Shape::new(plates(&[table, index]), index.event.clone()))
}

pub fn stack(list: &[&Shape]) -> Result<Shape, Mismatch> {
    let first = *list.first().ok_or(Mismatch::Empty)?;
    if let Some(other) = list.iter().find(|shape| shape.event != first.event) {
        return Err(Mismatch::Parts(first.clone(), (*other).clone()));
    }
    let event: Vec<Size> = [Size::fixed(list.len())].into_iter().chain(first.event.clone()).collect();
    Ok(Shape::new(plates(list), event))
}

pub fn concat(list: &[&Shape]) -> Result<Shape, Mismatch> {
    let first = *list.first().ok_or(Mismatch::Empty)?;
    let mut total = Size::default();
    for shape in list {
        if array(shape)?.event[1..] != array(first)?.event[1..] {
            return Err(Mismatch::Parts(first.clone(), (*shape).clone()));
        }
        total = total.plus(&shape.event[0]);
    }
    let event: Vec<Size> = [total].into_iter().chain(first.event[1..].to_vec()).collect();
    Ok(Shape::new(plates(list), event))
}

pub fn reshape(a: &Shape, sizes: &[Size]) -> Result<Shape, Mismatch> {
    if product(&a.event) != product(sizes) {
        return Err(Mismatch::Elements { from: a.clone(), to: sizes.to_vec() });
    }
    Ok(with_event(a, sizes))
}

/// The number of elements.
pub fn product(sizes: &[Size]) -> Size {
    sizes.iter().fold(Size::fixed(1), |product, size| product.times(size))
}

fn with_event(a: &Shape, event: impl AsRef<[Size]>) -> Shape {
    Shape { plates: a.plates.clone(), event: event.as_ref().to_vec() }
}

fn appended(a: &Shape, size: &Size) -> Shape {
    with_event(a, a.event.iter().chain([size]).cloned().collect::<Vec<_>>())
}

pub fn number(a: &Shape) -> Result<&Shape, Mismatch> {
    if a.is_number() { Ok(a) } else { Err(Mismatch::Number(a.clone())) }
}

pub fn array(a: &Shape) -> Result<&Shape, Mismatch> {
    if a.is_number() { Err(Mismatch::Array(a.clone())) } else { Ok(a) }
}

pub fn vector(a: &Shape) -> Result<Size, Mismatch> {
    match a.event.as_slice() {
        [n] => Ok(n.clone()),
        _ => Err(Mismatch::Vector(a.clone())),
    }
}

pub fn matrix(a: &Shape) -> Result<(Size, Size), Mismatch> {
    match a.event.as_slice() {
        [m, n] => Ok((m.clone(), n.clone())),
        _ => Err(Mismatch::Matrix(a.clone())),
    }
}

pub fn square(a: &Shape) -> Result<Size, Mismatch> {
    match a.event.as_slice() {
        [m, n] if m == n => Ok(m.clone()),
        _ => Err(Mismatch::Square(a.clone())),
    }
}
