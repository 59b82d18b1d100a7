//! A direct interpreter of expressions in f64: scalar loops, slow, and meant to be obviously right. It shares nothing
//! with plans, and is the oracle of the laws of distributions, bounds and lowering.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::kernel::special;
use crate::math::linear::{cholesky, solve, solve_lower, solve_upper, transpose};
use crate::math::{Graph, NodeId, Op, Over, Reduce, paths};
use crate::problem::Bug;
use crate::shape::{AxisId, DimId, Size};

mod index;
mod positions;
mod scalars;

pub use positions::Positions;
pub use scalars::{binary, unary};

/// The entries of one value, row-major.
pub type Values = Vec<f64>;

/// The value of a leaf in these plates: all its event entries. It may be made of other nodes of the same graph.
pub type Leaf<'a> = &'a dyn Fn(&Eval, &Op, &Positions) -> Option<Values>;

/// What expressions are made of.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    pub leaf: Leaf<'a>,
    pub dim: &'a dyn Fn(DimId) -> Option<usize>,
    /// The first number an axis takes: 0 but for `for i in 2..5`.
    pub first: &'a dyn Fn(AxisId) -> usize,
}

/// An interpreter of one graph in one environment; it remembers what it has computed.
pub struct Eval<'a> {
    graph: &'a Graph,
    env: Env<'a>,
    /// By node and by where the axes that it varies over stand, as one number, the first slowest.
    made: RefCell<BTreeMap<(NodeId, usize), Rc<Values>>>,
    /// Sizes of axes that were asked for.
    extents: RefCell<BTreeMap<AxisId, usize>>,
}

type Result<T> = std::result::Result<T, Bug>;

impl<'a> Eval<'a> {
    pub fn new(graph: &'a Graph, env: Env<'a>) -> Eval<'a> {
        Eval { graph, env, made: RefCell::default(), extents: RefCell::default() }
    }

    /// The entries of a node at these positions of its plates.
    pub fn at(&self, id: NodeId, positions: &Positions) -> Result<Values> {
        self.shared(id, positions).map(|values| values.to_vec())
    }

    /// Forgets what it computed of these nodes: at some rows (`false`), or wherever they are not in plates as well.
    pub fn forget(&self, of: &dyn Fn(NodeId, bool) -> bool) {
        self.made.borrow_mut().retain(|(id, _), _| !of(*id, self.graph.shape(*id).plates.is_empty()));
    }

    fn shared(&self, id: NodeId, positions: &Positions) -> Result<Rc<Values>> {
        let place = self.place(id, positions)?;
        if let Some(values) = self.made.borrow().get(&(id, place)) {
            return Ok(values.clone());
        }
        let values = Rc::new(self.compute(id, positions)?);
        let expected = self.count(self.graph.event(id))?;
        if values.len() != expected {
            return Err(Bug(format!("{:?} has {} entries, not {expected}", self.graph.nodes[id].op, values.len())));
        }
        self.made.borrow_mut().insert((id, place), values.clone());
        Ok(values)
    }

    /// Where the axes of a node stand, as one number.
    fn place(&self, id: NodeId, positions: &Positions) -> Result<usize> {
        let mut place = 0;
        for axis in &self.graph.shape(id).plates {
            let at = *positions.get(axis).ok_or_else(|| Bug(format!("no position of axis {axis:?}")))?;
            let extent = self.extent(*axis)?;
            if at >= extent {
                return Err(Bug(format!("position {at} of axis {axis:?}, which has {extent}")));
            }
            place = place * extent + at;
        }
        Ok(place)
    }

    /// The earlier rows of a value that reads them, those that are not there yet, the first one first: going back from the
    /// last one would be as deep as the chain is long.
    fn rows_before(&self, id: NodeId, chain: AxisId, positions: &Positions) -> Result<()> {
        let mut at = positions.clone();
        let known = |at: &Positions| Ok(self.made.borrow().contains_key(&(id, self.place(id, at)?)));
        let row = positions.get(&chain).copied().unwrap_or(0);
        let mut first = row;
        while first > 0 {
            at.insert(chain, first - 1);
            if known(&at)? {
                break;
            }
            first -= 1;
        }
        for earlier in first..row {
            at.insert(chain, earlier);
            self.shared(id, &at)?;
        }
        Ok(())
    }

    /// The value of a node that is a number.
    pub fn number(&self, id: NodeId, positions: &Positions) -> Result<f64> {
        Ok(self.at(id, positions)?[0])
    }

    /// A size as a number.
    pub fn size(&self, size: &Size) -> Result<usize> {
        size.value(&|dim| (self.env.dim)(dim))
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| Bug(format!("size {size:?} is not known")))
    }

    /// How many positions an axis has.
    pub fn extent(&self, axis: AxisId) -> Result<usize> {
        if let Some(extent) = self.extents.borrow().get(&axis) {
            return Ok(*extent);
        }
        let extent = self.size(self.graph.axes.get(&axis).ok_or_else(|| Bug(format!("no size of axis {axis:?}")))?)?;
        self.extents.borrow_mut().insert(axis, extent);
        Ok(extent)
    }

    pub(super) fn sizes(&self, id: NodeId) -> Result<Vec<usize>> {
        self.graph.event(id).iter().map(|size| self.size(size)).collect()
    }

    fn count(&self, sizes: &[Size]) -> Result<usize> {
        sizes.iter().try_fold(1, |product, size| Ok(product * self.size(size)?))
    }

    fn last(&self, id: NodeId) -> Result<usize> {
        Ok(self.sizes(id)?.last().copied().unwrap_or(1))
    }

    fn compute(&self, id: NodeId, positions: &Positions) -> Result<Values> {
        let value = |id: &NodeId| self.at(*id, positions);
        Ok(match &self.graph.nodes[id].op {
            Op::Number(x) => vec![*x],
            Op::Size(size) => vec![self.size(size)? as f64],
            Op::Row(axis) => vec![((self.env.first)(*axis) + positions[axis]) as f64],
            Op::Unary(op, a) => value(a)?.into_iter().map(|x| unary(*op, x)).collect(),
            Op::Binary(op, a, b) => zip(&value(a)?, &value(b)?, |x, y| binary(*op, x, y)),
            // The other branch is not looked at: it may be outside its domain there.
            Op::If(c, a, b) if !self.graph.shape(*c).is_number() => {
                let (c, a, b) = (value(c)?, value(a)?, value(b)?);
                (0..c.len()).map(|i| if c[i] != 0.0 { a[i] } else { b[i] }).collect()
            }
            Op::If(c, a, b) => {
                if self.number(*c, positions)? != 0.0 {
                    value(a)?
                } else {
                    value(b)?
                }
            }
            Op::Reduce(op, a, over) => self.reduce(*op, *a, over, positions)?,
            Op::Named(_, a) => value(a)?,
            Op::Scan { body, chain, .. } => {
                self.rows_before(id, *chain, positions)?;
                value(body)?
            }
            Op::Earlier { .. } => {
                let scan = self.graph.scan_of(id).ok_or_else(|| Bug("rows of a value that nothing makes".into()))?;
                value(&scan)?
            }
            Op::Forward { factor, chain, from, to } => paths::forward(self, *factor, *chain, [from, to], positions)?,
            Op::Index(a, picks) => self.index(*a, picks, positions)?,
            Op::Lift(a, axes) => self.over(axes, positions, &mut |at| self.at(*a, at))?.concat(),
            Op::Take { table, index } => self.take(*table, *index, positions)?,
            Op::Stack(list) | Op::Concat(list) => list.iter().map(value).collect::<Result<Vec<_>>>()?.concat(),
            Op::Reshape(a, _) => value(a)?,
            Op::Fill(a, sizes) => vec![value(a)?[0]; self.count(sizes)?],
            Op::Softmax(a) => rows(&value(a)?, self.last(*a)?, |x| log_softmax(x).into_iter().map(f64::exp).collect()),
            Op::LogSoftmax(a) => rows(&value(a)?, self.last(*a)?, log_softmax),
            Op::Cumsum(a) => rows(&value(a)?, self.last(*a)?, cumsum),
            Op::OneHot(a, size) => {
                let (label, n) = (value(a)?, self.size(size)?);
                label.iter().flat_map(|label| (0..n).map(move |k| f64::from(k as f64 == *label))).collect()
            }
            Op::Complete { data, with } => zip(&value(data)?, &value(with)?, |x, y| if x.is_nan() { y } else { x }),
            Op::Present(data) => value(data)?.into_iter().map(|x| f64::from(!x.is_nan())).collect(),
            Op::Layer { layer, input, weights } => self.layer(*layer, *input, weights, positions)?,
            op => match self.matrices(op, positions)? {
                Some(values) => values,
                None => (self.env.leaf)(self, op, positions).ok_or_else(|| Bug(format!("no value of {op:?}")))?,
            },
        })
    }

    fn matrices(&self, op: &Op, positions: &Positions) -> Result<Option<Values>> {
        let value = |id: &NodeId| self.at(*id, positions);
        Ok(Some(match op {
            Op::Dot(a, b) => vec![dot(&value(a)?, &value(b)?)],
            Op::Outer(a, b) => {
                let (a, b) = (value(a)?, value(b)?);
                a.iter().flat_map(|x| b.iter().map(move |y| x * y)).collect()
            }
            Op::MatMul(a, b) => self.matmul(*a, *b, positions)?,
            Op::Dense { input, weight, bias } => {
                let d = self.last(*input)?;
                let (input, weight) = (value(input)?, self.shared(*weight, positions)?);
                let bias = bias.as_ref().map(value).transpose()?;
                let unit = |x: &[f64], j: usize| dot(x, &weight[j * d..][..d]) + bias.as_ref().map_or(0.0, |b| b[j]);
                input
                    .chunks(d)
                    .flat_map(|x| (0..weight.len() / d).map(move |j| (x, j)))
                    .map(|(x, j)| unit(x, j))
                    .collect()
            }
            Op::Transpose(a) => transpose(&value(a)?, self.last(*a)?),
            Op::Diag(a) => {
                let (x, n) = (value(a)?, self.last(*a)?);
                match self.graph.event(*a).len() {
                    1 => (0..n * n).map(|i| if i % n == i / n { x[i % n] } else { 0.0 }).collect(),
                    _ => (0..n).map(|i| x[i * n + i]).collect(),
                }
            }
            Op::Triangle(a, n) => {
                let (x, n) = (value(a)?, self.size(n)?);
                let entry = |(i, j): (usize, usize)| if j < i { x[i * (i - 1) / 2 + j] } else { 0.0 };
                (0..n * n).map(|at| entry((at / n, at % n))).collect()
            }
            Op::Trace(a) => {
                let (x, n) = (value(a)?, self.last(*a)?);
                vec![(0..n).map(|i| x[i * n + i]).sum()]
            }
            Op::Eye(n) => {
                let n = self.size(n)?;
                (0..n * n).map(|i| f64::from(i % n == i / n)).collect()
            }
            Op::Cholesky(a) => cholesky(&value(a)?, self.last(*a)?),
            Op::LogDet(a) => {
                let n = self.last(*a)?;
                let lower = cholesky(&value(a)?, n);
                vec![(0..n).map(|i| 2.0 * lower[i * n + i].ln()).sum()]
            }
            Op::SolveTriangular(a, b) => {
                let n = self.last(*a)?;
                match self.graph.transposed(*a) {
                    Some(lower) => solve_upper(&transpose(&self.at(lower, positions)?, n), &value(b)?, n),
                    None => solve_lower(&value(a)?, &value(b)?, n),
                }
            }
            Op::Solve(a, b) => solve(value(a)?, value(b)?, self.last(*a)?),
            _ => return Ok(None),
        }))
    }

    /// What `f` gives at every position of these axes, the first slowest.
    fn over(
        &self,
        axes: &[AxisId],
        positions: &Positions,
        f: &mut dyn FnMut(&Positions) -> Result<Values>,
    ) -> Result<Vec<Values>> {
        let [first, rest @ ..] = axes else { return Ok(vec![f(positions)?]) };
        let mut all = vec![];
        for row in 0..self.extent(*first)? {
            let mut at = positions.clone();
            at.insert(*first, row);
            all.extend(self.over(rest, &at, f)?);
        }
        Ok(all)
    }

    fn reduce(&self, op: Reduce, a: NodeId, over: &Over, positions: &Positions) -> Result<Values> {
        Ok(match over {
            Over::Event => vec![fold(op, &self.at(a, positions)?)],
            Over::Last => self.at(a, positions)?.chunks(self.last(a)?).map(|x| fold(op, x)).collect(),
            Over::Axes(axes) => {
                let all = self.over(axes, positions, &mut |at| self.at(a, at))?;
                let entry = |i: usize| fold(op, &all.iter().map(|values| values[i]).collect::<Vec<_>>());
                (0..self.count(self.graph.event(a))?).map(entry).collect()
            }
        })
    }

    fn matmul(&self, a: NodeId, b: NodeId, positions: &Positions) -> Result<Values> {
        let k = self.last(a)?;
        let columns = if self.graph.event(b).len() == 2 { self.last(b)? } else { 1 };
        let (a, b) = (self.at(a, positions)?, self.at(b, positions)?);
        let entry = |row: &[f64], j: usize| (0..k).map(|l| row[l] * b[l * columns + j]).sum::<f64>();
        Ok(a.chunks(k).flat_map(|row| (0..columns).map(move |j| (row, j))).map(|(row, j)| entry(row, j)).collect())
    }
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Values {
    match (a, b) {
        ([x], _) => b.iter().map(|y| f(*x, *y)).collect(),
        (_, [y]) => a.iter().map(|x| f(*x, *y)).collect(),
        _ => a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect(),
    }
}

fn rows(values: &[f64], last: usize, f: impl Fn(&[f64]) -> Values) -> Values {
    values.chunks(last.max(1)).flat_map(f).collect()
}

fn log_softmax(x: &[f64]) -> Values {
    let norm = special::logsumexp(x);
    x.iter().map(|x| x - norm).collect()
}

fn cumsum(x: &[f64]) -> Values {
    let mut sum = 0.0;
    x.iter()
        .map(|x| {
            sum += x;
            sum
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn fold(op: Reduce, x: &[f64]) -> f64 {
    let (n, sum) = (x.len() as f64, x.iter().sum::<f64>());
    match op {
        Reduce::Sum => sum,
        Reduce::Mean => sum / n,
        Reduce::Sd => (x.iter().map(|x| (x - sum / n).powi(2)).sum::<f64>() / n).sqrt(),
        Reduce::Max => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Reduce::Min => x.iter().copied().fold(f64::INFINITY, f64::min),
        Reduce::Prod => x.iter().product(),
        Reduce::LogSumExp => special::logsumexp(x),
        Reduce::Norm => dot(x, x).sqrt(),
    }
}
