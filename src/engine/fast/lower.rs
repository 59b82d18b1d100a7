//! From a plan to steps over buffers. Moving elements about costs nothing here: it only changes views.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Clusters, is_elementwise};
use super::pass::Pass;
use super::product::Product;
use super::reduce::{Fold, Reduction};
use super::step::Step;
use super::tiles::{self, Act, Line, Place, Tiles};
use super::view::View;
use crate::engine::composed::live;
use crate::plan::{Array, Binary, Contraction, Failure, NodeId, Op, Plan, Reduce, Unary};
use crate::problem::Bug;

/// What a buffer holds before the first step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Step,
    Input(usize),
    Array(Array),
    /// 0, 1, 2, ...
    Count,
    Number(f64),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Buffer {
    pub length: usize,
    pub source: Source,
    /// No input reaches it.
    pub fixed: bool,
}

pub(super) struct Lowered {
    pub buffers: Vec<Buffer>,
    pub steps: Vec<Step>,
    pub outputs: Vec<View>,
}

pub(super) fn lower(plan: &Plan) -> Result<Lowered, Failure> {
    let mut fixed: Vec<bool> = vec![];
    for (_, node) in plan.nodes.iter() {
        let known = node.op.operands().iter().all(|of| fixed[of.index()]);
        fixed.push(known && !matches!(node.op, Op::Input(_)));
    }
    let clusters = Clusters::new(plan, &fixed);
    let views = vec![None; plan.nodes.len()];
    let mut lowering = Lowering { plan, fixed, views, buffers: vec![], steps: vec![], numbers: BTreeMap::new() };
    let live = live(plan);
    for members in &clusters.order {
        let members: Vec<NodeId> = members.iter().copied().filter(|member| live[member.index()]).collect();
        match members[..] {
            [] => {}
            [one] if !is_elementwise(&plan.nodes[one].op) => lowering.node(one)?,
            _ => lowering.pass(&members)?,
        }
    }
    let outputs = plan.outputs.iter().map(|output| lowering.view(output.node)).collect::<Result<_, _>>()?;
    Ok(Lowered { buffers: lowering.buffers, steps: lowering.steps, outputs })
}

struct Lowering<'a> {
    plan: &'a Plan,
    fixed: Vec<bool>,
    views: Vec<Option<View>>,
    buffers: Vec<Buffer>,
    steps: Vec<Step>,
    /// Buffers of one number, by its bits.
    numbers: BTreeMap<u64, usize>,
}

impl Lowering<'_> {
    fn view(&self, of: NodeId) -> Result<View, Failure> {
        let view = self.views[of.index()].clone();
        view.ok_or_else(|| Failure::Bug(Bug(format!("node {of:?} is read before it is made"))))
    }

    fn buffer(&mut self, length: usize, source: Source, fixed: bool) -> usize {
        self.buffers.push(Buffer { length, source, fixed });
        self.buffers.len() - 1
    }

    /// A buffer for the result of a node.
    fn made(&mut self, id: NodeId) -> View {
        let shape = &self.plan.nodes[id].shape;
        let buffer = self.buffer(shape.iter().product(), Source::Step, self.fixed[id.index()]);
        View::whole(buffer, shape)
    }

    fn number(&mut self, value: f64, shape: &[usize]) -> View {
        let buffer = match self.numbers.get(&value.to_bits()) {
            Some(buffer) => *buffer,
            None => self.buffer(1, Source::Number(value), true),
        };
        self.numbers.insert(value.to_bits(), buffer);
        View::repeated(buffer, shape)
    }

    /// The operand with its elements one after another.
    fn packed(&mut self, of: NodeId) -> Result<View, Failure> {
        let view = self.view(of)?;
        if view.is_row_major() {
            return Ok(view);
        }
        let into = self.made(of);
        self.steps.push(Step::Copy { from: view, into: into.clone() });
        Ok(into)
    }

    /// An operation that is not elementwise.
    fn node(&mut self, id: NodeId) -> Result<(), Failure> {
        let node = &self.plan.nodes[id];
        let shape = &node.shape;
        let view = match &node.op {
            Op::Literal(value) => self.number(*value, shape),
            Op::Constant(array) => View::whole(self.buffer(array.len(), Source::Array(array.clone()), true), shape),
            Op::Iota => View::whole(self.buffer(shape.iter().product(), Source::Count, true), shape),
            Op::Input(at) => View::whole(self.buffer(shape.iter().product(), Source::Input(*at), false), shape),
            Op::Unary(Unary::StopGradient, of) => self.view(*of)?,
            Op::Reshape(of) => match self.view(*of)?.reshaped(shape) {
                Some(view) => view,
                None => View { axes: View::whole(0, shape).axes, ..self.packed(*of)? },
            },
            Op::Permute(of, order) => self.view(*of)?.permuted(order),
            Op::Expand(of) => self.view(*of)?.expanded(shape),
            Op::Slice { of, axis, start, end } => self.view(*of)?.sliced(*axis, *start, end - start),
            Op::Reduce(op, of, axes) => self.reduce(id, *op, *of, axes)?,
            Op::Contract { left, right, axes } => self.contract(id, *left, *right, axes)?,
            Op::Unary(..) | Op::Binary(..) | Op::Select(..) => {
                return Err(Failure::Bug(Bug("an elementwise operation outside a pass".to_string())));
            }
            _ => self.moved(id)?,
        };
        self.views[id.index()] = Some(view);
        Ok(())
    }

    /// Operations that move elements into a new buffer, or are done on the processor.
    fn moved(&mut self, id: NodeId) -> Result<View, Failure> {
        let node = &self.plan.nodes[id];
        let result = self.made(id);
        let out = result.buffer;
        let step = match &node.op {
            Op::Pad { of, axis, before, .. } => {
                let from = self.view(*of)?;
                let into = result.sliced(*axis, *before, from.axes[*axis].length);
                self.steps.push(Step::Fill { out });
                Step::Copy { from, into }
            }
            Op::Concat(parts, axis) => return self.concat(parts, *axis, result),
            Op::Cumsum { of, axis, reverse } => {
                let count = |axes: &[usize]| axes.iter().product();
                let sizes = [count(&node.shape[..*axis]), node.shape[*axis], count(&node.shape[axis + 1..])];
                Step::Cumsum { of: self.packed(*of)?, out, sizes, reverse: *reverse }
            }
            Op::Gather { table, index } => {
                let (table, index) = (self.packed(*table)?, self.packed(*index)?);
                let width = table.axes[1..].iter().map(|axis| axis.length).product();
                Step::Gather { table, index, out, width }
            }
            Op::ScatterAdd { values, index, .. } => {
                let (values, index) = (self.packed(*values)?, self.packed(*index)?);
                let width = node.shape[1..].iter().product();
                Step::ScatterAdd { values, index, out, width }
            }
            _ => {
                let args = node.op.operands().into_iter().map(|of| self.view(of)).collect::<Result<_, _>>()?;
                Step::Host { node: node.clone(), args, out }
            }
        };
        self.steps.push(step);
        Ok(result)
    }

    fn concat(&mut self, parts: &[NodeId], axis: usize, result: View) -> Result<View, Failure> {
        let mut start = 0;
        for part in parts {
            let from = self.view(*part)?;
            let length = from.axes[axis].length;
            self.steps.push(Step::Copy { from, into: result.sliced(axis, start, length) });
            start += length;
        }
        Ok(result)
    }

    fn contract(&mut self, id: NodeId, left: NodeId, right: NodeId, axes: &Contraction) -> Result<View, Failure> {
        let (left, right, out) = (self.view(left)?, self.view(right)?, self.made(id));
        self.steps.push(Step::Product(Product::new(left, right, out.clone(), axes)));
        Ok(out)
    }

    fn reduce(&mut self, id: NodeId, op: Reduce, of: NodeId, axes: &[usize]) -> Result<View, Failure> {
        let (from, result) = (self.view(of)?, self.made(id));
        let fold = match op {
            Reduce::Sum => Fold::Sum,
            Reduce::Max => Fold::Max,
            Reduce::Prod => Fold::Prod,
            Reduce::LogSumExp => return self.log_sum_exp(id, &from, result, axes),
        };
        self.steps.push(Step::Reduce(Reduction::new(fold, from, result.buffer, axes)));
        Ok(result)
    }

    /// `max + ln sum exp(x - max)`; an infinite maximum is left out of the difference, which would not be a number.
    fn log_sum_exp(&mut self, id: NodeId, from: &View, result: View, axes: &[usize]) -> Result<View, Failure> {
        let kept = &self.plan.nodes[id].shape;
        let full: Vec<usize> = from.axes.iter().map(|axis| axis.length).collect();
        let (top, shift, sum) = (self.made(id), self.made(id), self.made(id));
        let terms = View::whole(self.buffer(full.iter().product(), Source::Step, self.fixed[id.index()]), &full);
        self.steps.push(Step::Reduce(Reduction::new(Fold::Max, from.clone(), top.buffer, axes)));
        let (zero, endless) = (self.number(0.0, kept), self.number(f64::INFINITY, kept));
        use Place::{Load, Out, Register};
        let line = |act, args: [Place; 3], into| Line { act, args, into };
        let finite = vec![
            line(Act::Unary(Unary::Abs), [Load(0); 3], Register(0)),
            line(Act::Binary(Binary::Less), [Register(0), Load(1), Load(1)], Register(1)),
            line(Act::Select, [Register(1), Load(0), Load(2)], Out(0)),
        ];
        self.steps.push(Step::Tiles(Tiles::new(kept, &[top, endless, zero], finite, 2, vec![shift.buffer])));
        let ones: Vec<usize> = (0..full.len()).map(|i| if axes.contains(&i) { 1 } else { full[i] }).collect();
        let wide = View { axes: View::whole(0, &ones).axes, ..shift.clone() }.expanded(&full);
        let exps = vec![
            line(Act::Binary(Binary::Sub), [Load(0), Load(1), Load(1)], Register(0)),
            line(Act::Unary(Unary::Exp), [Register(0); 3], Out(0)),
        ];
        self.steps.push(Step::Tiles(Tiles::new(&full, &[from.clone(), wide], exps, 1, vec![terms.buffer])));
        self.steps.push(Step::Reduce(Reduction::new(Fold::Sum, terms, sum.buffer, axes)));
        let back = vec![
            line(Act::Unary(Unary::Log), [Load(0); 3], Register(0)),
            line(Act::Binary(Binary::Add), [Register(0), Load(1), Load(1)], Out(0)),
        ];
        self.steps.push(Step::Tiles(Tiles::new(kept, &[sum, shift], back, 1, vec![result.buffer])));
        Ok(result)
    }

    /// Elementwise operations in one pass. Results are what is read outside it; the others stay in registers.
    fn pass(&mut self, members: &[NodeId]) -> Result<(), Failure> {
        let outside = self.read_outside(members);
        if members.len() > 1 && (outside.len() > tiles::OUTS || self.read_inside(members).len() > tiles::LOADS) {
            let (head, tail) = members.split_at(members.len() / 2);
            self.pass(head)?;
            return self.pass(tail);
        }
        let shape = &self.plan.nodes[members[0]].shape;
        let mut pass = Pass::new(self.plan, members);
        for member in members {
            for operand in pass.unknown(*member) {
                pass.load(operand, self.view(operand)?.expanded(shape));
            }
            let out = outside.contains(member).then(|| self.made(*member));
            pass.line(*member, out.as_ref().map(|view| view.buffer))?;
            if let Some(view) = out {
                self.views[member.index()] = Some(view);
            }
        }
        self.steps.push(Step::Tiles(pass.done(shape)));
        Ok(())
    }

    /// Members that an output or another node reads.
    fn read_outside(&self, members: &[NodeId]) -> Vec<NodeId> {
        let mut read: BTreeSet<NodeId> = self.plan.outputs.iter().map(|output| output.node).collect();
        for (_, node) in self.plan.nodes.iter().filter(|(id, _)| !members.contains(id)) {
            read.extend(node.op.operands());
        }
        members.iter().copied().filter(|member| read.contains(member)).collect()
    }

    /// Nodes that members read and that are not among them.
    fn read_inside(&self, members: &[NodeId]) -> BTreeSet<NodeId> {
        let read = members.iter().flat_map(|member| self.plan.nodes[*member].op.operands());
        read.filter(|of| !members.contains(of)).collect()
    }
}
