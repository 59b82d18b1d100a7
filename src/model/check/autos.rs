//! Automatic guides by name, with their arguments (LANGUAGE.md 1.8).

use super::Checker;
use super::fit::{literal, name_and_call};
use super::objectives::whole;
use crate::model::problems::Guides;
use crate::model::{Auto, Flow};
use crate::syntax::{Arg, Call, Expr};

/// A word that may stand there: how it is written, and what its arguments make of it.
type Word<T> = (&'static str, &'static str, fn(&[Arg]) -> Option<T>);

const AUTOS: &[Word<Auto>] = &[
    ("meanfield", "guide meanfield", |args| args.is_empty().then_some(Auto::MeanField)),
    ("fullrank", "guide fullrank", |args| args.is_empty().then_some(Auto::FullRank)),
    ("lowrank", "guide lowrank(5)", |args| one(args).and_then(literal).and_then(whole).map(Auto::LowRank)),
    ("map", "guide map", |args| args.is_empty().then_some(Auto::Map)),
    ("laplace", "guide laplace", |args| args.is_empty().then_some(Auto::Laplace)),
    ("flow", "guide flow(planar(8))", |args| one(args).and_then(flow).map(Auto::Flow)),
    ("exact", "guide exact", |args| args.is_empty().then_some(Auto::Exact)),
];

/// The maps of a flow: of these a guide `flow(...)` and the distribution `Flow(D, ...)` are made.
const FLOWS: &[Word<Flow>] = &[
    ("planar", "planar(8)", |args| match counts(args)?[..] {
        [maps] => Some(Flow::Planar(maps)),
        _ => None,
    }),
    ("radial", "radial(8)", |args| match counts(args)?[..] {
        [maps] => Some(Flow::Radial(maps)),
        _ => None,
    }),
    ("coupling", "coupling(4, 64)", |args| match counts(args)?[..] {
        [maps, hidden] => Some(Flow::Coupling { maps, hidden }),
        _ => None,
    }),
    ("iaf", "iaf(2, 64)", |args| match counts(args)?[..] {
        [maps, hidden] => Some(Flow::Iaf { maps, hidden }),
        _ => None,
    }),
];

fn one(args: &[Arg]) -> Option<&Expr> {
    match args {
        [Arg { name: None, value }] => Some(value),
        _ => None,
    }
}

/// Whole numbers from 1 up.
fn counts(args: &[Arg]) -> Option<Vec<usize>> {
    args.iter().map(|arg| arg.name.is_none().then(|| literal(&arg.value)).flatten().and_then(whole)).collect()
}

/// `planar(8)`
pub(super) fn is_flow(name: &str) -> bool {
    FLOWS.iter().any(|(known, ..)| *known == name)
}

pub(super) fn nearest_flow(name: &str) -> Option<String> {
    super::names::nearest(name, FLOWS.iter().map(|(known, ..)| *known))
}

pub(super) fn flow(expr: &Expr) -> Option<Flow> {
    let (name, call) = name_and_call(expr)?;
    let (_, _, make) = FLOWS.iter().find(|(known, ..)| *known == name)?;
    make(&call?.args)
}

impl<'a> Checker<'a> {
    pub(super) fn check_auto(&mut self, call: &'a Call) -> Option<Auto> {
        let name = &call.name.node;
        let Some((_, written, make)) = AUTOS.iter().find(|(known, ..)| known == name) else {
            let nearest = super::names::nearest(name, AUTOS.iter().map(|(known, ..)| *known));
            self.report(Guides::UnknownAuto { name: name.clone(), nearest, span: call.name.span });
            return None;
        };
        let auto = make(&call.args);
        if auto.is_none() {
            self.report(Guides::AutoArguments { name: name.clone(), written, span: call.span });
        }
        auto
    }
}
