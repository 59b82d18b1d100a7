//! Functions: `fun`s are inlined at every call; neither they nor nets may call themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use super::expr::Value;
use super::names::{Entry, Meaning};
use super::walk;
use crate::math::{Label, Op};
use crate::model::problems::Calls;
use crate::source::Span;
use crate::syntax::{Expr, ExprKind, Formal, Name, NetStmt};

pub(super) struct FunItem<'a> {
    pub name: &'a Name,
    pub formals: &'a [Formal],
    pub body: &'a Expr,
    /// Its body names something that is not there, or it calls itself; reported where it stands.
    pub broken: bool,
}

/// The body that is being inlined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Net(usize),
    Fun(usize),
    Energy,
}

impl<'a> Checker<'a> {
    pub(super) fn add_fun(&mut self, name: &'a Name, formals: &'a [Formal], body: &'a Expr) -> usize {
        self.check_formals(formals);
        self.funs.push(FunItem { name, formals, body, broken: false });
        self.funs.len() - 1
    }

    pub(super) fn check_formals(&mut self, formals: &'a [Formal]) {
        for (at, formal) in formals.iter().enumerate() {
            if let Some(first) = formals[..at].iter().find(|other| other.name.node == formal.name.node) {
                let (first, second) = (first.name.span, formal.name.span);
                let name = formal.name.node.clone();
                self.report(crate::model::problems::Names::Duplicate { name, first, second });
            }
        }
    }

    /// What can be said of the bodies of funs and nets before they are called: names, and that none calls itself.
    pub(super) fn check_functions(&mut self) {
        self.check_recursion();
        for at in 0..self.funs.len() {
            let FunItem { formals, body, name, .. } = &self.funs[at];
            let (formals, body, name) = (*formals, *body, name.node.clone());
            if !self.check_body_names(&name, formals, body) {
                self.funs[at].broken = true;
            }
        }
        for at in 0..self.nets.len() {
            self.check_net(at);
        }
    }

    /// Every free name of a fun's body means something there, also where the fun is never called.
    fn check_body_names(&mut self, fun: &str, formals: &'a [Formal], body: &'a Expr) -> bool {
        let mut bound: BTreeSet<&str> = formals.iter().map(|formal| formal.name.node.as_str()).collect();
        walk::each(body, &mut |expr| bound.extend(walk::binders(expr).iter().map(|b| b.name.node.as_str())));
        let mut free: Vec<(&'a str, Span)> = vec![];
        walk::each(body, &mut |expr| {
            if let ExprKind::Name(name) = &expr.kind
                && !bound.contains(name.as_str())
            {
                free.push((name, expr.span));
            }
        });
        let before = self.scope.closed.replace((fun.into(), self.scope.locals.len()));
        let mut good = true;
        for (name, span) in free {
            // `x |> f` names a function.
            let function = super::calls::is_builtin(name);
            good &= function || self.lookup(name, span).is_some();
        }
        self.scope.closed = before;
        good
    }

    fn check_recursion(&mut self) {
        let bodies: Vec<(Body, &'a Name, BTreeSet<&'a str>)> = self.called_names();
        let calls: BTreeMap<&str, &BTreeSet<&'a str>> =
            bodies.iter().map(|(_, name, calls)| (name.node.as_str(), calls)).collect();
        let mut said: BTreeSet<&str> = BTreeSet::new();
        for (body, name, _) in &bodies {
            let mut reached: BTreeSet<&str> = BTreeSet::new();
            let mut next = vec![name.node.as_str()];
            while let Some(at) = next.pop() {
                let called = calls.get(at).into_iter().copied().flatten();
                next.extend(called.filter(|called| reached.insert(**called)).copied());
            }
            if reached.contains(name.node.as_str()) {
                // The others of the same circle are said with the first.
                if !said.contains(name.node.as_str()) {
                    let through = reached.iter().filter(|other| **other != name.node).map(|s| s.to_string()).collect();
                    self.report(Calls::Recursion { name: name.node.clone(), through, span: name.span });
                }
                said.extend(reached);
                match body {
                    Body::Fun(at) => self.funs[*at].broken = true,
                    Body::Net(at) => self.nets[*at].state = super::nets::State::Broken,
                    Body::Energy => {}
                }
            }
        }
    }

    /// Which declared functions every body calls.
    fn called_names(&self) -> Vec<(Body, &'a Name, BTreeSet<&'a str>)> {
        let declared = |name: &str| {
            self.scope.top.get(name).is_some_and(|entry| matches!(entry.meaning, Meaning::Net(_) | Meaning::Fun(_)))
        };
        let calls = |exprs: Vec<&'a Expr>| -> BTreeSet<&'a str> {
            let mut names = BTreeSet::new();
            for expr in exprs {
                walk::each(expr, &mut |expr| match &expr.kind {
                    ExprKind::Call(call) if declared(&call.name.node) => _ = names.insert(call.name.node.as_str()),
                    ExprKind::Name(name) if declared(name) => _ = names.insert(name.as_str()),
                    _ => {}
                });
            }
            names
        };
        let funs = self.funs.iter().enumerate().map(|(at, fun)| (Body::Fun(at), fun.name, calls(vec![fun.body])));
        let nets = self.nets.iter().enumerate().map(|(at, net)| {
            let exprs = net.body.iter().filter_map(|stmt| match &stmt.node {
                NetStmt::Def { value, .. } | NetStmt::Result(value) => Some(value),
                NetStmt::Error { .. } => None,
            });
            (Body::Net(at), net.name, calls(exprs.collect()))
        });
        funs.chain(nets).collect()
    }

    /// A call of a declared net or fun, arguments by position, then by name.
    pub(super) fn call_function(
        &mut self,
        meaning: Meaning,
        args: Vec<(Option<&'a Name>, &'a Expr)>,
        span: Span,
    ) -> Option<Value> {
        let (name, formals) = match meaning {
            Meaning::Net(at) => (self.nets[at].name, self.nets[at].formals),
            Meaning::Fun(at) => (self.funs[at].name, self.funs[at].formals),
            _ => return None,
        };
        let exprs = self.arrange(name, formals, args, span);
        let Some(exprs) = exprs else {
            return self.net_placeholder(&meaning);
        };
        let nodes: Vec<Option<Value>> = exprs.iter().map(|expr| self.check_value(expr)).collect();
        match meaning {
            Meaning::Net(at) => {
                let mut args = vec![];
                for (value, expr) in nodes.into_iter().zip(&exprs) {
                    let node = match value {
                        Some(Value::Node(node)) => Some(node),
                        // Says that it has named outputs.
                        Some(Value::Outputs(_)) => self.check_node(expr),
                        None => None,
                    };
                    args.push(node.map(|node| (node, expr.span)));
                }
                self.call_net(at, args, span)
            }
            Meaning::Fun(at) => self.call_fun(at, nodes.into_iter().collect::<Option<_>>()?, span),
            _ => None,
        }
    }

    /// One expression for every formal.
    fn arrange(
        &mut self,
        name: &Name,
        formals: &'a [Formal],
        args: Vec<(Option<&'a Name>, &'a Expr)>,
        span: Span,
    ) -> Option<Vec<&'a Expr>> {
        let written = || format!("{}({})", name.node, super::formal_names(formals).join(", "));
        let mut given: Vec<Option<&'a Expr>> = vec![None; formals.len()];
        let mut position = 0;
        let count = args.len();
        for (label, expr) in args {
            let at = match label {
                Some(label) => formals.iter().position(|formal| formal.name.node == label.node),
                None => {
                    position += 1;
                    Some(position - 1).filter(|at| *at < formals.len())
                }
            };
            let Some(slot) = at.and_then(|at| given.get_mut(at)) else {
                let label = label.map(|label| label.node.clone());
                self.report(Calls::Argument {
                    name: name.node.clone(),
                    label,
                    count,
                    written: written(),
                    span: expr.span,
                });
                return None;
            };
            if slot.replace(expr).is_some() {
                let label = label.map(|label| label.node.clone());
                self.report(Calls::Argument {
                    name: name.node.clone(),
                    label,
                    count,
                    written: written(),
                    span: expr.span,
                });
                return None;
            }
        }
        if given.iter().any(Option::is_none) {
            self.report(Calls::FunctionCount { name: name.node.clone(), given: count, written: written(), span });
        }
        given.into_iter().collect()
    }

    fn call_fun(&mut self, at: usize, args: Vec<Value>, span: Span) -> Option<Value> {
        let FunItem { name, formals, body, broken } = &self.funs[at];
        let (name, formals, body) = (*name, *formals, *body);
        if *broken {
            return None;
        }
        let before = self.problems.len();
        let locals = formals.iter().zip(&args).map(|(formal, arg)| (&formal.name, arg.clone())).collect();
        let value = self.inside(Body::Fun(at), &name.node, locals, |checker| checker.check_value(body));
        // What is wrong in the body for these arguments says where it was called from.
        self.label_since(before, span, "called here");
        match value? {
            Value::Node(node) => {
                let args = args.iter().filter_map(|arg| if let Value::Node(node) = arg { Some(*node) } else { None });
                let label = Label::Call { name: name.node.clone(), args: args.collect(), output: None };
                Some(Value::Node(self.op(Op::Named(label, node), span)))
            }
            outputs => Some(outputs),
        }
    }

    /// Checks a closed body: only its arguments, dims, consts, params and other nets and funs are in scope.
    pub(super) fn inside<T>(
        &mut self,
        body: Body,
        name: &str,
        locals: Vec<(&Name, Value)>,
        check: impl FnOnce(&mut Checker<'a>) -> T,
    ) -> T {
        let height = self.scope.locals.len();
        let closed = self.scope.closed.replace((name.into(), height));
        let outer = self.body.replace(body);
        for (name, value) in locals {
            let entry = Entry { meaning: Meaning::Local(value), span: name.span };
            self.scope.locals.push((name.node.clone(), entry));
        }
        let result = check(self);
        self.scope.locals.truncate(height);
        self.scope.closed = closed;
        self.body = outer;
        result
    }
}
