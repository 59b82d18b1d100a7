//! Arithmetic as densities and bounds write it: short names, each simplified by the laws on the way.

use std::collections::BTreeMap;

use crate::math::{Binary, Graph, NodeId, Op, Over, Reduce, Unary};

macro_rules! unary {
    ($($name:ident = $op:ident),*) => {$(
        pub fn $name(&mut self, a: NodeId) -> NodeId {
            self.simple(Op::Unary(Unary::$op, a))
        }
    )*};
}

macro_rules! binary {
    ($($name:ident = $op:ident),*) => {$(
        pub fn $name(&mut self, a: NodeId, b: NodeId) -> NodeId {
            self.simple(Op::Binary(Binary::$op, a, b))
        }
    )*};
}

impl Graph {
    unary!(
        neg = Neg,
        exp = Exp,
        log = Log,
        log1p = Log1p,
        sqrt = Sqrt,
        abs = Abs,
        sigmoid = Sigmoid,
        log_sigmoid = LogSigmoid,
        softplus = Softplus,
        lgamma = Lgamma,
        digamma = Digamma,
        tanh = Tanh,
        stop_gradient = StopGradient
    );
    binary!(
        add = Add,
        sub = Sub,
        mul = Mul,
        div = Div,
        min = Min,
        max = Max,
        pow = Pow,
        equal = Equal,
        less = Less,
        less_equal = LessEqual
    );

    pub fn square(&mut self, a: NodeId) -> NodeId {
        self.mul(a, a)
    }

    /// Where the condition holds `a`, else `b`, entry by entry; numbers go beside arrays.
    pub fn either(&mut self, condition: NodeId, a: NodeId, b: NodeId) -> NodeId {
        let all = [condition, a, b];
        let event = all.iter().map(|id| self.event(*id).to_vec()).max_by_key(Vec::len).unwrap_or_default();
        let [c, a, b] = all.map(|id| if self.shape(id).is_number() { self.fill(id, event.clone()) } else { id });
        self.choose(c, a, b)
    }

    /// `c * a`
    pub fn scale(&mut self, a: NodeId, c: f64) -> NodeId {
        let c = self.number(c);
        self.mul(c, a)
    }

    /// `a + c`
    pub fn shift(&mut self, a: NodeId, c: f64) -> NodeId {
        let c = self.number(c);
        self.add(a, c)
    }

    /// `1 - a`
    pub fn complement(&mut self, a: NodeId) -> NodeId {
        let one = self.number(1.0);
        self.sub(one, a)
    }

    /// `1 / a`
    pub fn recip(&mut self, a: NodeId) -> NodeId {
        let one = self.number(1.0);
        self.div(one, a)
    }

    /// The sum of a list; 0 of an empty one.
    pub fn sum_of(&mut self, list: &[NodeId]) -> NodeId {
        let zero = self.number(0.0);
        list.iter().fold(zero, |sum, a| self.add(sum, *a))
    }

    /// Over all event axes: a number.
    pub fn sum_event(&mut self, a: NodeId) -> NodeId {
        self.simple(Op::Reduce(Reduce::Sum, a, Over::Event))
    }

    pub fn sum_last(&mut self, a: NodeId) -> NodeId {
        self.simple(Op::Reduce(Reduce::Sum, a, Over::Last))
    }

    pub fn logsumexp_last(&mut self, a: NodeId) -> NodeId {
        self.simple(Op::Reduce(Reduce::LogSumExp, a, Over::Last))
    }

    /// `x log(y)`, and 0 where x is 0, also for y = 0. The comparison keeps the logarithm and its slope finite there;
    /// where x is not 0 the value is exact, so what cannot happen has log density -inf.
    pub fn xlogy(&mut self, x: NodeId, y: NodeId) -> NodeId {
        let log = match self.log(y) {
            log if matches!(self.nodes[log].op, Op::Unary(Unary::Log | Unary::Log1p, _)) => {
                let zero = self.number(0.0);
                let none = self.equal(x, zero);
                let some = self.complement(none);
                let kept = self.mul(some, y);
                let safe = self.add(none, kept);
                self.log(safe)
            }
            simpler => simpler,
        };
        self.mul(x, log)
    }

    /// The same expression with some nodes replaced (`with` says by what), simplified, shapes and supports inferred
    /// anew. Names over a changed value go: the text they stand for is no longer what is computed.
    pub fn substitute(&mut self, root: NodeId, with: &mut dyn FnMut(&mut Graph, NodeId) -> Option<NodeId>) -> NodeId {
        let mut made = BTreeMap::new();
        self.substitute_all(&[root], with, &mut made)[0]
    }

    /// Of several roots; `made` remembers what was done, and may be kept between calls with the same `with`.
    pub fn substitute_all(
        &mut self,
        roots: &[NodeId],
        with: &mut dyn FnMut(&mut Graph, NodeId) -> Option<NodeId>,
        made: &mut BTreeMap<NodeId, NodeId>,
    ) -> Vec<NodeId> {
        for id in self.reachable(roots) {
            if !made.contains_key(&id) {
                let new = with(self, id).unwrap_or_else(|| self.remade(id, made));
                made.insert(id, new);
            }
        }
        roots.iter().map(|root| made[root]).collect()
    }

    fn remade(&mut self, id: NodeId, made: &BTreeMap<NodeId, NodeId>) -> NodeId {
        let node = self.nodes[id].clone();
        let op = node.op.map_children(&mut |child| made.get(&child).copied().unwrap_or(child));
        match op {
            Op::Named(_, inner) if op != node.op => inner,
            _ if op.children().is_empty() => id,
            // What was said about its support stays with a node that no law changes.
            op if op == node.op => self.law(&op).unwrap_or(id),
            op => self.simple(op),
        }
    }
}
