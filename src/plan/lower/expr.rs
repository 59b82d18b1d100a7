//! Expressions: one arm an operation.

use super::value::{Label, union};
use super::{Lowerer, Trouble, Value, bug, limitation};
use crate::math::{self, NodeId, Op, Over};
use crate::plan::{Binary, Contraction, Reduce, Unary};

impl Lowerer<'_> {
    /// A node of the graph as a plan node; each is lowered once.
    pub(super) fn lower(&mut self, id: NodeId) -> Result<Value, Trouble> {
        if let Some(value) = self.memo.get(&id) {
            return Ok(value.clone());
        }
        let node = self.graph.nodes[id].clone();
        if let Some(value) = self.in_row(id, &node)? {
            self.memo.insert(id, value.clone());
            return Ok(value);
        }
        let value = self.operation(&node).map_err(|trouble| match trouble {
            Trouble::Limitation { what, span: None } => Trouble::Limitation { what, span: node.span },
            other => other,
        })?;
        if !value.labels.is_sorted_by(|a, b| a < b) {
            return bug(format!("{:?} has the axes {:?}", node.op, value.labels));
        }
        self.memo.insert(id, value.clone());
        Ok(value)
    }

    fn operation(&mut self, node: &math::Node) -> Result<Value, Trouble> {
        match &node.op {
            Op::Number(value) => self.literal(*value),
            Op::Size(size) => {
                let n = self.size(size)?;
                self.literal(n as f64)
            }
            Op::Row(axis) => self.row(*axis),
            Op::Data(_) | Op::Param(_) | Op::Site(_) | Op::Free(_) => self.leaf(&node.op),
            Op::AutoLoc(_) | Op::AutoScale(_) | Op::AutoNoise(_) => self.leaf(&node.op),
            Op::Noise(site, noise) => self.noise_leaf(*site, *noise, &node.shape),
            Op::Unary(op, a) => {
                let a = self.lower(*a)?;
                self.math_unary(*op, &a)
            }
            Op::Binary(op, a, b) => {
                let (a, b) = (self.lower(*a)?, self.lower(*b)?);
                self.math_binary(*op, &a, &b)
            }
            Op::If(c, a, b) => {
                let (c, a, b) = (self.lower(*c)?, self.lower(*a)?, self.lower(*b)?);
                self.select(&c, &a, &b)
            }
            Op::Reduce(op, a, over) => {
                let a = self.lower(*a)?;
                self.reduce(*op, &a, over)
            }
            Op::Dot(a, b) | Op::MatMul(a, b) => {
                let (a, b) = (self.lower(*a)?, self.lower(*b)?);
                self.product(&a, &b)
            }
            Op::Dense { input, weight, bias } => self.dense(*input, *weight, *bias),
            Op::Index(base, picks) => self.index(*base, picks),
            Op::Lift(base, axes) => {
                let base = self.lower(*base)?;
                self.lift(&base, axes)
            }
            Op::Take { table, index } => self.take(*table, *index),
            Op::Named(_, a) => self.lower(*a),
            Op::Softmax(a) | Op::LogSoftmax(a) => {
                let a = self.lower(*a)?;
                let last = self.log_softmax(&a)?;
                if matches!(node.op, Op::Softmax(_)) { self.unary(Unary::Exp, &last) } else { Ok(last) }
            }
            Op::Forward { factor, chain, from, to } => self.forward(*factor, *chain, from, to),
            Op::Scan { own, body, chain } => {
                let made = self.row_by_row([(*own, *body)].into(), *chain)?;
                made.get(own).cloned().map_or_else(|| bug("a chain without rows"), Ok)
            }
            Op::Earlier { .. } => bug("rows of a value that nothing makes"),
            Op::Sample { kind, .. } => limitation(format!("a draw of {kind}")),
            Op::Present(data) => {
                let data = self.lower(*data)?;
                self.present(&data)
            }
            Op::Complete { data, with } => {
                let (data, with) = (self.lower(*data)?, self.lower(*with)?);
                let there = self.present(&data)?;
                self.select(&there, &data, &with)
            }
            Op::Layer { layer, input, weights } => self.layer(*layer, *input, weights),
            _ => self.array(&node.op),
        }
    }

    /// 1 where an entry is a number: no comparison with what is none holds.
    fn present(&mut self, data: &Value) -> Result<Value, Trouble> {
        let size = self.unary(Unary::Abs, data)?;
        let most = self.literal(f64::MAX)?;
        self.binary(Binary::LessEqual, &size, &most)
    }

    pub(super) fn row(&mut self, axis: crate::shape::AxisId) -> Result<Value, Trouble> {
        if let Some(dim) = self.drawn_dim(axis) {
            return self.numbers(axis, dim);
        }
        let n = self.extent(axis)?;
        let first = self.axes[axis].first.clone();
        let first = self.size(&first)?;
        let rows = Value { id: self.b.iota(n), labels: vec![Label::Axis(axis)], event: 0 };
        let first = self.literal(first as f64)?;
        self.binary(Binary::Add, &rows, &first)
    }

    fn math_unary(&mut self, op: math::Unary, a: &Value) -> Result<Value, Trouble> {
        use math::Unary as M;
        let op = match op {
            M::Neg => Unary::Neg,
            M::Exp => Unary::Exp,
            M::Log => Unary::Log,
            M::Log1p => Unary::Log1p,
            M::Expm1 => Unary::Expm1,
            M::Sqrt => Unary::Sqrt,
            M::Abs => Unary::Abs,
            M::Sin => Unary::Sin,
            M::Cos => Unary::Cos,
            M::Tanh => Unary::Tanh,
            M::Sigmoid => Unary::Sigmoid,
            M::LogSigmoid => Unary::LogSigmoid,
            M::Softplus => Unary::Softplus,
            M::Relu => Unary::Relu,
            M::Erf => Unary::Erf,
            M::Lgamma => Unary::Lgamma,
            M::Digamma => Unary::Digamma,
            M::LogNormalCdf => Unary::LogNormalCdf,
            M::NormalLogQuantile => Unary::NormalLogQuantile,
            M::LogBesselI0e => Unary::LogBesselI0e,
            M::BesselRatio => Unary::BesselRatio,
            M::LogCauchyCdf => Unary::LogCauchyCdf,
            M::Round => Unary::Round,
            M::Floor => Unary::Floor,
            M::StopGradient => Unary::StopGradient,
            M::Elu => return self.elu(a),
            M::Gelu => return self.gelu(a),
            M::Logit => return self.logit(a),
            M::Not => {
                let one = self.literal(1.0)?;
                return self.binary(Binary::Sub, &one, a);
            }
        };
        self.unary(op, a)
    }

    /// x above 0, exp(x) - 1 below; the exponential never sees a positive number.
    fn elu(&mut self, a: &Value) -> Result<Value, Trouble> {
        let zero = self.literal(0.0)?;
        let below = self.binary(Binary::Min, a, &zero)?;
        let below = self.unary(Unary::Expm1, &below)?;
        let above = self.unary(Unary::Relu, a)?;
        self.binary(Binary::Add, &above, &below)
    }

    /// x Phi(x), with the exact normal distribution function.
    fn gelu(&mut self, a: &Value) -> Result<Value, Trouble> {
        let inner = self.scaled(a, std::f64::consts::FRAC_1_SQRT_2)?;
        let erf = self.unary(Unary::Erf, &inner)?;
        let one = self.literal(1.0)?;
        let sum = self.binary(Binary::Add, &one, &erf)?;
        let half = self.scaled(&sum, 0.5)?;
        self.binary(Binary::Mul, a, &half)
    }

    fn logit(&mut self, a: &Value) -> Result<Value, Trouble> {
        let minus = self.unary(Unary::Neg, a)?;
        let (yes, no) = (self.unary(Unary::Log, a)?, self.unary(Unary::Log1p, &minus)?);
        self.binary(Binary::Sub, &yes, &no)
    }

    fn math_binary(&mut self, op: math::Binary, a: &Value, b: &Value) -> Result<Value, Trouble> {
        use math::Binary as M;
        let plain = |op| (op, false);
        let (op, swap) = match op {
            M::Add => plain(Binary::Add),
            M::Sub => plain(Binary::Sub),
            M::Mul => plain(Binary::Mul),
            M::Div => plain(Binary::Div),
            M::Pow => plain(Binary::Pow),
            M::Min => plain(Binary::Min),
            M::Max => plain(Binary::Max),
            M::Equal => plain(Binary::Equal),
            M::Less => plain(Binary::Less),
            M::LessEqual => plain(Binary::LessEqual),
            M::Greater => (Binary::Less, true),
            M::GreaterEqual => (Binary::LessEqual, true),
            M::GammaLogQuantile => plain(Binary::GammaLogQuantile),
            M::VonMisesQuantile => plain(Binary::VonMisesQuantile),
            M::LogBeta => plain(Binary::LogBeta),
            M::LogGammaLower => plain(Binary::LogGammaLower),
            M::LogGammaUpper => plain(Binary::LogGammaUpper),
            M::LogStudentCdf => plain(Binary::LogStudentCdf),
            // On 0 and 1.
            M::And => plain(Binary::Min),
            M::Or => plain(Binary::Max),
            M::NotEqual => {
                let (equal, one) = (self.binary(Binary::Equal, a, b)?, self.literal(1.0)?);
                return self.binary(Binary::Sub, &one, &equal);
            }
        };
        if swap { self.binary(op, b, a) } else { self.binary(op, a, b) }
    }

    fn reduce(&mut self, op: math::Reduce, a: &Value, over: &Over) -> Result<Value, Trouble> {
        let event: Vec<usize> = match over {
            Over::Event => (0..a.event).collect(),
            Over::Last => vec![a.event - 1],
            Over::Axes(axes) => return self.reduce_axes(op, a, axes),
        };
        let count: usize = event.iter().map(|i| self.event_shape(a)[*i]).product();
        self.statistic(op, a, count as f64, 1.0, &|this, op, v| this.reduce_event(op, v, &event))
    }

    /// Over plate axes; one that the value does not vary over repeats it.
    fn reduce_axes(&mut self, op: math::Reduce, a: &Value, axes: &[crate::shape::AxisId]) -> Result<Value, Trouble> {
        let gone: Vec<Label> = axes.iter().map(|axis| Label::Axis(*axis)).collect();
        for axis in axes {
            if op == math::Reduce::LogSumExp && self.axes[*axis].kind == crate::shape::AxisKind::States {
                self.states.insert(*axis, a.clone());
            }
        }
        let mut count = 1.0;
        let mut repeats = 1.0;
        for axis in axes {
            let n = self.extent(*axis)? as f64;
            if a.labels.contains(&Label::Axis(*axis)) { count *= n } else { repeats *= n }
        }
        self.statistic(op, a, count, repeats, &|this, op, v| this.reduce_labels(op, v, &gone))
    }

    /// A reduction in terms of the plan's four; `count` entries are reduced, each standing for `repeats` equal ones.
    #[allow(clippy::type_complexity)]
    fn statistic(
        &mut self,
        op: math::Reduce,
        a: &Value,
        count: f64,
        repeats: f64,
        run: &dyn Fn(&mut Self, Reduce, &Value) -> Result<Value, Trouble>,
    ) -> Result<Value, Trouble> {
        match op {
            math::Reduce::Sum => {
                let sum = run(self, Reduce::Sum, a)?;
                self.scaled(&sum, repeats)
            }
            math::Reduce::Mean => {
                let sum = run(self, Reduce::Sum, a)?;
                self.scaled(&sum, 1.0 / count)
            }
            math::Reduce::Sd => {
                let sum = run(self, Reduce::Sum, a)?;
                let square = self.unary(Unary::Square, a)?;
                let squares = run(self, Reduce::Sum, &square)?;
                let mean = self.scaled(&sum, 1.0 / count)?;
                let mean = self.unary(Unary::Square, &mean)?;
                let squares = self.scaled(&squares, 1.0 / count)?;
                let variance = self.binary(Binary::Sub, &squares, &mean)?;
                self.unary(Unary::Sqrt, &variance)
            }
            math::Reduce::Max => run(self, Reduce::Max, a),
            math::Reduce::Min => {
                let minus = self.unary(Unary::Neg, a)?;
                let max = run(self, Reduce::Max, &minus)?;
                self.unary(Unary::Neg, &max)
            }
            math::Reduce::Prod => {
                let product = run(self, Reduce::Prod, a)?;
                let power = self.literal(repeats)?;
                if repeats == 1.0 { Ok(product) } else { self.binary(Binary::Pow, &product, &power) }
            }
            math::Reduce::LogSumExp => {
                let sum = run(self, Reduce::LogSumExp, a)?;
                let more = self.literal(repeats.ln())?;
                if repeats == 1.0 { Ok(sum) } else { self.binary(Binary::Add, &sum, &more) }
            }
            math::Reduce::Norm => {
                let square = self.unary(Unary::Square, a)?;
                let sum = run(self, Reduce::Sum, &square)?;
                let sum = self.scaled(&sum, repeats)?;
                self.unary(Unary::Sqrt, &sum)
            }
        }
    }

    /// `dot` and `@`: sums over the last axis of the left and the first of the right's last two (or only) axes.
    fn product(&mut self, a: &Value, b: &Value) -> Result<Value, Trouble> {
        const SUM: u8 = 100;
        let left: Vec<u8> = if a.event == 1 { vec![SUM] } else { vec![101, SUM] };
        let right: Vec<u8> = if b.event == 1 { vec![SUM] } else { vec![SUM, 102] };
        let out = [&left[..left.len() - 1], &right[1..]].concat();
        self.contract(a, &left, b, &right, &out)
    }

    fn dense(&mut self, input: NodeId, weight: NodeId, bias: Option<NodeId>) -> Result<Value, Trouble> {
        let (x, w) = (self.lower(input)?, self.lower(weight)?);
        const SUM: u8 = 100;
        // A number counts as a vector of one; a weight of one row may be kept as a vector, giving a number.
        let x = if x.event == 0 { self.with_ones(&x, 0, 1)? } else { x };
        let left: Vec<u8> = (110..110 + x.event as u8 - 1).chain([SUM]).collect();
        let right: Vec<u8> = if w.event == 1 { vec![SUM] } else { vec![101, SUM] };
        let out = [&left[..left.len() - 1], &right[..right.len() - 1]].concat();
        let product = self.contract(&x, &left, &w, &right, &out)?;
        let Some(bias) = bias else { return Ok(product) };
        let bias = self.lower(bias)?;
        let bias = if bias.event == 0 { bias } else { self.with_ones(&bias, product.event - bias.event, 0)? };
        self.binary(Binary::Add, &product, &bias)
    }

    /// A contraction with labels joined by name; the event axes are named by the caller (100 and above).
    pub(super) fn contract(
        &mut self,
        a: &Value,
        left: &[u8],
        b: &Value,
        right: &[u8],
        out: &[u8],
    ) -> Result<Value, Trouble> {
        let labels = union([a, b]);
        if labels.len() >= 100 {
            return bug("more than a hundred axes in one product");
        }
        let name = |l: &Label| labels.iter().position(|x| x == l).map_or(0, |i| i as u8);
        let full = |v: &Value, event: &[u8]| v.labels.iter().map(name).chain(event.iter().copied()).collect();
        let axes = Contraction {
            left: full(a, left),
            right: full(b, right),
            out: (0..labels.len() as u8).chain(out.iter().copied()).collect(),
        };
        Ok(Value { id: self.b.contract(a.id, b.id, axes), labels, event: out.len() })
    }

    fn log_softmax(&mut self, a: &Value) -> Result<Value, Trouble> {
        let total = self.reduce_event(Reduce::LogSumExp, a, &[a.event - 1])?;
        let total = self.with_ones(&total, 0, 1)?;
        // Rank of the event is equal now, so a number is not meant.
        self.binary(Binary::Sub, a, &total)
    }
}
