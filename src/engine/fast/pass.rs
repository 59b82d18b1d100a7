//! The program of one elementwise pass: which values are loaded, which stay in registers, which are results.

use std::collections::BTreeMap;

use super::tiles::{Act, Line, Place, Tiles};
use super::view::View;
use crate::plan::{Failure, NodeId, Op, Plan};
use crate::problem::Bug;

pub(super) struct Pass<'a> {
    plan: &'a Plan,
    /// The last line that reads each value.
    last: BTreeMap<NodeId, usize>,
    places: BTreeMap<NodeId, Place>,
    loads: Vec<View>,
    lines: Vec<Line>,
    outs: Vec<usize>,
    registers: usize,
    /// Registers whose value is not read any more.
    free: Vec<usize>,
}

impl<'a> Pass<'a> {
    pub fn new(plan: &'a Plan, members: &[NodeId]) -> Pass<'a> {
        let mut last = BTreeMap::new();
        for (number, member) in members.iter().enumerate() {
            last.extend(plan.nodes[*member].op.operands().into_iter().map(|of| (of, number)));
        }
        let (places, loads, lines, outs) = (BTreeMap::new(), vec![], vec![], vec![]);
        Pass { plan, last, places, loads, lines, outs, registers: 0, free: vec![] }
    }

    /// Operands that have no place yet: they come from outside.
    pub fn unknown(&self, member: NodeId) -> Vec<NodeId> {
        let mut list = self.plan.nodes[member].op.operands();
        list.retain(|of| !self.places.contains_key(of));
        list.sort_unstable();
        list.dedup();
        list
    }

    pub fn load(&mut self, of: NodeId, view: View) {
        self.places.insert(of, Place::Load(self.loads.len()));
        self.loads.push(view);
    }

    /// The next operation, into this buffer or else into a register.
    pub fn line(&mut self, member: NodeId, out: Option<usize>) -> Result<(), Failure> {
        let op = &self.plan.nodes[member].op;
        let args: Vec<Place> = op.operands().iter().filter_map(|of| self.places.get(of).copied()).collect();
        let into = match out {
            Some(buffer) => {
                self.outs.push(buffer);
                Place::Out(self.outs.len() - 1)
            }
            None => Place::Register(self.register()),
        };
        self.places.insert(member, into);
        // Registers are freed only now: a line never writes where it reads.
        for of in op.operands().iter().filter(|of| self.last.get(of) == Some(&self.lines.len())) {
            if let Some(Place::Register(r)) = self.places.get(of)
                && !self.free.contains(r)
            {
                self.free.push(*r);
            }
        }
        let (act, args) = match (op, &args[..]) {
            (Op::Unary(op, _), [a]) => (Act::Unary(*op), [*a; 3]),
            (Op::Binary(op, ..), [a, b]) => (Act::Binary(*op), [*a, *b, *b]),
            (Op::Select(..), [a, b, c]) => (Act::Select, [*a, *b, *c]),
            _ => return Err(Failure::Bug(Bug(format!("{op:?} is not elementwise")))),
        };
        self.lines.push(Line { act, args, into });
        Ok(())
    }

    fn register(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.registers += 1;
            self.registers - 1
        })
    }

    pub fn done(self, shape: &[usize]) -> Tiles {
        Tiles::new(shape, &self.loads, self.lines, self.registers, self.outs)
    }
}
