//! Expressions read as the user would write them.

use crate::arena::Arena;
use crate::dist::{Dist, Kind};
use crate::math::print::{Names, print};
use crate::math::{Binary, DataId, DefId, Graph, Label, NodeId, Over, ParamId, Pick, Reduce, SiteId, Support, Unary};
use crate::shape::{Axis, AxisId, AxisKind, Dim, Shape, Size};
use crate::source::Span;

struct World {
    axes: Arena<Axis>,
    dims: Arena<Dim>,
}

impl Names for World {
    fn data(&self, id: DataId) -> &str {
        ["x", "doc"][id.index()]
    }
    fn param(&self, _: ParamId) -> &str {
        "w"
    }
    fn site(&self, id: SiteId) -> &str {
        ["z", "theta"][id.index()]
    }
    fn definition(&self, _: DefId) -> &str {
        "h"
    }
    fn axes(&self) -> &Arena<Axis> {
        &self.axes
    }
    fn dims(&self) -> &Arena<Dim> {
        &self.dims
    }
}

/// Plates n and t over N, and a comprehension k over K.
fn world() -> (World, Graph, [AxisId; 3]) {
    let mut world = World { axes: Arena::new(), dims: Arena::new() };
    let span = Span { start: 0, end: 0 };
    let sizes = ["N", "K"].map(|name| Size::dim(world.dims.add(Dim { name: name.into(), value: None, span })));
    let mut g = Graph::default();
    let axes = [("n", 0, AxisKind::Plate), ("t", 0, AxisKind::Chain), ("k", 1, AxisKind::Comprehension)];
    let axes = axes.map(|(name, dim, kind)| {
        let axis = Axis { name: name.into(), size: sizes[dim].clone(), first: Size::default(), kind, span };
        let id = world.axes.add(axis);
        g.declare_axis(id, sizes[dim].clone());
        id
    });
    (world, g, axes)
}

fn dim(n: usize) -> Size {
    Size::dim(crate::arena::Id::new(n))
}

fn reads(world: &World, g: &Graph, id: NodeId, text: &str) {
    assert_eq!(print(g, id, world), text);
}

#[test]
fn rows_plates_and_picks() {
    let (world, mut g, [n, t, k]) = world();
    let x = g.data(DataId(0), Shape::event([dim(0), dim(1)]), Support::Real);
    let row = g.index(x, vec![Pick::Row(n)]);
    reads(&world, &g, row, "x[n]");
    let z = g.site(SiteId(0), Shape::new([n], [dim(1)]), Support::Real);
    reads(&world, &g, z, "z[n]");
    let doc = g.data(DataId(1), Shape::event([dim(0)]), Support::Category(dim(0)));
    let of = g.index(doc, vec![Pick::Row(t)]);
    let all = g.lift(z, vec![n]);
    reads(&world, &g, all, "z");
    let picked = g.index(all, vec![Pick::At(of)]);
    reads(&world, &g, picked, "z[doc[t]]");
    let entry = g.index(all, vec![Pick::At(of), Pick::Row(k)]);
    reads(&world, &g, entry, "z[doc[t], k]");
    let both = g.site(SiteId(1), Shape::new([n, t], []), Support::Real);
    let over_t = g.lift(both, vec![t]);
    let before = g.index(over_t, vec![Pick::Lag(t, 1)]);
    reads(&world, &g, before, "theta[n, t-1]");
    let slice = g.index(row, vec![Pick::Slice(2.into(), 5.into())]);
    reads(&world, &g, slice, "x[n][2..5]");
}

#[test]
fn operators_keep_their_brackets() {
    let (world, mut g, _) = world();
    let w = g.param(ParamId(0), Shape::scalar(), Support::Real);
    let one = g.number(1.0);
    let sum = g.binary(Binary::Add, w, one);
    let product = g.binary(Binary::Mul, sum, sum);
    reads(&world, &g, product, "(w + 1) * (w + 1)");
    let less = g.binary(Binary::Sub, w, sum);
    reads(&world, &g, less, "w - (w + 1)");
    let chain = g.binary(Binary::Sub, sum, w);
    reads(&world, &g, chain, "w + 1 - w");
    let minus = g.unary(Unary::Neg, sum);
    reads(&world, &g, minus, "-(w + 1)");
    let power = g.binary(Binary::Pow, minus, w);
    reads(&world, &g, power, "(-(w + 1)) ^ w");
    let condition = g.binary(Binary::Less, w, one);
    let chosen = g.choose(condition, w, sum);
    let twice = g.binary(Binary::Mul, chosen, w);
    reads(&world, &g, twice, "(if w < 1 then w else w + 1) * w");
    let small = g.number(1e-6);
    let clamped = g.binary(Binary::Max, small, minus);
    reads(&world, &g, clamped, "max(1e-6, -(w + 1))");
}

#[test]
fn comprehensions_and_names() {
    let (world, mut g, [n, _, k]) = world();
    let w = g.param(ParamId(0), Shape::event([dim(1)]), Support::Real);
    let one = g.index(w, vec![Pick::Row(k)]);
    let square = g.unary(Unary::Exp, one);
    let sum = g.reduce(Reduce::Sum, square, Over::Axes(vec![k]));
    reads(&world, &g, sum, "sum(exp(w[k]) for k in K)");
    let list = g.lift(square, vec![k]);
    reads(&world, &g, list, "[exp(w[k]) for k in K]");
    let z = g.site(SiteId(0), Shape::new([n], []), Support::Real);
    let h = g.named(Label::Definition(DefId(0)), z);
    reads(&world, &g, h, "h[n]");
    let call = Label::Call { name: "encoder".into(), args: vec![h], output: Some("loc".into()) };
    let loc = g.named(call, z);
    reads(&world, &g, loc, "encoder(h[n]).loc");
}

#[test]
fn distributions() {
    let (world, mut g, _) = world();
    let reads = |g: &Graph, dist: &Dist, text: &str| assert_eq!(crate::dist::print::print(g, dist, &world), text);
    let w = g.param(ParamId(0), Shape::scalar(), Support::Real);
    let five = g.number(5.0);
    let mut dist = Dist { kind: Kind::Normal, args: [("loc", w), ("scale", five)].into() };
    reads(&g, &dist, "Normal(w, 5)");
    dist.args = [("loc", w), ("prec", five)].into();
    reads(&g, &dist, "Normal(w, prec: 5)");
    let logits = Dist { kind: Kind::Bernoulli, args: [("logits", w)].into() };
    reads(&g, &logits, "Bernoulli(logits: w)");
    let mut dirichlet = Dist { kind: Kind::Dirichlet, args: [("concentration", five)].into() };
    crate::dist::complete(&mut g, &mut dirichlet, &[dim(1)], None);
    assert_eq!(g.event(dirichlet.args["concentration"]), [dim(1)]);
    reads(&g, &dirichlet, "Dirichlet(5)");
    let output = |g: &mut Graph, name: &str| {
        let label = Label::Call { name: "encoder".into(), args: vec![w], output: Some(name.into()) };
        g.named(label, five)
    };
    let args = [("loc", output(&mut g, "loc")), ("scale", output(&mut g, "scale"))].into();
    reads(&g, &Dist { kind: Kind::Normal, args }, "Normal(encoder(w))");
}

#[test]
fn supports() {
    let (world, mut g, _) = world();
    let w = g.param(ParamId(0), Shape::scalar(), Support::Real);
    let value = |id| print(&g, id, &world);
    let reads = |support: Support, text: &str| assert_eq!(support.print(&world.dims, &value), text);
    use crate::math::support::Bound;
    reads(Support::between(-1.0, f64::INFINITY), "real(-1, inf)");
    reads(Support::Interval(Bound::Number(0.0), Bound::Value(w)), "real(0, w)");
    reads(Support::Simplex(dim(1)), "simplex[K]");
    reads(Support::Category(256.into()), "category(256)");
    reads(Support::Count(Some(dim(0))), "count(N)");
}
