//! `const`: numbers and arrays of numbers, evaluated when the file is checked.

use std::collections::BTreeMap;

use super::Checker;
use super::expr::Place;
use crate::math::eval::{binary, unary};
use crate::math::{Binary, NodeId, Op, Over, Pick, Reduce};
use crate::model::Constant;
use crate::model::problems::Constants;
use crate::shape::Size;
use crate::source::Span;
use crate::syntax::{Expr, Name};

pub(super) struct ConstItem<'a> {
    pub name: &'a Name,
    pub value: &'a Expr,
    pub state: ConstState,
}

#[derive(Debug, Clone)]
pub(super) enum ConstState {
    Unread,
    Reading,
    Known(Constant),
    Broken,
}

/// An array of numbers while it is evaluated.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

/// Larger arrays belong in data.
const MOST: usize = 10_000;

impl<'a> Checker<'a> {
    pub(super) fn add_const(&mut self, name: &'a Name, value: &'a Expr) -> usize {
        self.consts.push(ConstItem { name, value, state: ConstState::Unread });
        self.consts.len() - 1
    }

    pub(super) fn check_consts(&mut self) {
        for at in 0..self.consts.len() {
            self.constant(at);
            if let ConstState::Known(constant) = &self.consts[at].state {
                self.constants.push(constant.clone());
            }
        }
    }

    fn constant(&mut self, at: usize) -> Option<Constant> {
        let ConstItem { name, value, state } = &self.consts[at];
        let (name, value) = (*name, *value);
        match state {
            ConstState::Known(constant) => return Some(constant.clone()),
            ConstState::Broken => return None,
            ConstState::Reading => {
                self.report(Constants::Cycle { name: name.node.clone(), span: name.span });
                return None;
            }
            ConstState::Unread => {}
        }
        self.consts[at].state = ConstState::Reading;
        let known = self.evaluate_const(name, value);
        self.consts[at].state = known.clone().map_or(ConstState::Broken, ConstState::Known);
        known
    }

    fn evaluate_const(&mut self, name: &Name, value: &'a Expr) -> Option<Constant> {
        let written = self.at_place(Place::Const, |checker| checker.check_node(value));
        let array = written.and_then(|node| {
            let array = self.evaluate(node, &mut BTreeMap::new());
            if array.is_none() {
                self.report(Constants::NotKnown { name: name.node.clone(), span: value.span });
            }
            array
        });
        let set = self.settings.set.get(&name.node).copied();
        let array = match (set, array) {
            (Some(_), Some(array)) if !array.shape.is_empty() => {
                self.report(Constants::SetArray { name: name.node.clone(), span: name.span });
                return None;
            }
            (Some(number), _) => Array { shape: vec![], values: vec![number] },
            (None, array) => array?,
        };
        Some(Constant { name: name.node.clone(), shape: array.shape, values: array.values, span: name.span })
    }

    /// A const as a node: a number, or numbers stacked.
    pub(super) fn const_node(&mut self, at: usize, span: Span) -> Option<NodeId> {
        let constant = self.constant(at)?;
        let numbers: Vec<NodeId> = constant.values.iter().map(|value| self.number(*value, Some(span))).collect();
        let mut level = numbers;
        for size in constant.shape.iter().rev() {
            level = level.chunks((*size).max(1)).map(|row| self.graph.stack(row.to_vec())).collect();
        }
        level.first().copied()
    }

    /// The numbers a node stands for, where they are known from the text alone.
    pub(super) fn evaluate(&self, node: NodeId, seen: &mut BTreeMap<NodeId, Option<Array>>) -> Option<Array> {
        if let Some(array) = seen.get(&node) {
            return array.clone();
        }
        let array = self.evaluate_op(node, seen);
        seen.insert(node, array.clone());
        array
    }

    fn evaluate_op(&self, node: NodeId, seen: &mut BTreeMap<NodeId, Option<Array>>) -> Option<Array> {
        let mut of = |id: NodeId| self.evaluate(id, seen);
        let array = match &self.graph.nodes[node].op {
            Op::Number(value) => Array { shape: vec![], values: vec![*value] },
            Op::Size(size) => Array { shape: vec![], values: vec![size.known()? as f64] },
            Op::Named(_, inner) => of(*inner)?,
            Op::Unary(op, a) => {
                let mut a = of(*a)?;
                for value in &mut a.values {
                    *value = unary(*op, *value);
                }
                a
            }
            Op::Binary(op, a, b) => pairwise(*op, of(*a)?, of(*b)?)?,
            Op::If(test, a, b) => {
                let test = *of(*test)?.values.first()? != 0.0;
                of(if test { *a } else { *b })?
            }
            Op::Stack(list) => {
                let items: Vec<Array> = list.iter().map(|item| of(*item)).collect::<Option<_>>()?;
                let shape = [vec![items.len()], items.first()?.shape.clone()].concat();
                Array { shape, values: items.into_iter().flat_map(|item| item.values).collect() }
            }
            Op::Concat(list) => {
                let items: Vec<Array> = list.iter().map(|item| of(*item)).collect::<Option<_>>()?;
                let mut shape = items.first()?.shape.clone();
                *shape.first_mut()? = items.iter().filter_map(|item| item.shape.first()).sum();
                Array { shape, values: items.into_iter().flat_map(|item| item.values).collect() }
            }
            Op::Fill(a, sizes) => {
                let shape = known_sizes(sizes)?;
                let count = shape.iter().try_fold(1usize, |n, m| n.checked_mul(*m)).filter(|n| *n <= MOST)?;
                Array { values: vec![*of(*a)?.values.first()?; count], shape }
            }
            Op::Reshape(a, sizes) => Array { shape: known_sizes(sizes)?, values: of(*a)?.values },
            Op::Reduce(op, a, Over::Event) => Array { shape: vec![], values: vec![reduce(*op, &of(*a)?.values)?] },
            Op::Dot(a, b) => {
                let (a, b) = (of(*a)?, of(*b)?);
                Array { shape: vec![], values: vec![a.values.iter().zip(&b.values).map(|(x, y)| x * y).sum()] }
            }
            Op::Index(a, picks) => {
                let mut array = of(*a)?;
                for pick in picks {
                    let Pick::At(at) = pick else { return None };
                    let (at, rows) = (*of(*at)?.values.first()? as usize, *array.shape.first()?);
                    let row = array.values.len() / rows.max(1);
                    let values = array.values.get(at * row..(at + 1) * row)?.to_vec();
                    array = Array { shape: array.shape[1..].to_vec(), values };
                }
                array
            }
            _ => return None,
        };
        (array.values.len() <= MOST).then_some(array)
    }
}

fn known_sizes(sizes: &[Size]) -> Option<Vec<usize>> {
    sizes.iter().map(|size| usize::try_from(size.known()?).ok()).collect()
}

fn pairwise(op: Binary, a: Array, b: Array) -> Option<Array> {
    let (long, short) = (a.values.len().max(b.values.len()), a.values.len().min(b.values.len()));
    if long != short && short != 1 {
        return None;
    }
    let shape = if a.shape.len() >= b.shape.len() { a.shape.clone() } else { b.shape.clone() };
    let at = |values: &[f64], i: usize| if values.len() == 1 { values[0] } else { values[i] };
    let values = (0..long).map(|i| binary(op, at(&a.values, i), at(&b.values, i))).collect();
    Some(Array { shape, values })
}

fn reduce(op: Reduce, values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    Some(match op {
        Reduce::Sum => values.iter().sum(),
        Reduce::Mean => mean,
        Reduce::Sd => (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt(),
        Reduce::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Reduce::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Reduce::Prod => values.iter().product(),
        Reduce::Norm => values.iter().map(|x| x * x).sum::<f64>().sqrt(),
        Reduce::LogSumExp => values.iter().map(|x| x.exp()).sum::<f64>().ln(),
    })
}
