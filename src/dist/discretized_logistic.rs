//! `DiscretizedLogistic(loc, scale)` over `count(m)` or `category(m + 1)`: a Logistic rounded to 0..=m, its tails to the
//! end bins (Salimans et al., "PixelCNN++", ICLR 2017). How many bins there are is what the declared type says: `complete`
//! puts it beside the arguments.

use super::{Args, Draw, Kind, Param, Row, Want, log1mexp};
use crate::math::{Graph, NodeId, Op, Support};
use crate::shape::Size;

pub const ROW: Row = Row {
    kind: Kind::DiscretizedLogistic,
    name: "DiscretizedLogistic",
    params: &[Param::number("loc", Want::Real, 0), Param::number("scale", Want::Positive, 1)],
    support: |g, args, _| match (args.get(COUNT), args.get(CATEGORY)) {
        (Some(most), _) => Support::Count(Some(size(g, *most))),
        (None, Some(most)) => Support::Category(size(g, *most).plus(&Size::fixed(1))),
        (None, None) => Support::Count(None),
    },
    log_prob,
    canonical: |_, args| args.clone(),
    draw: Draw::SampleOnly(|uniform, arg| {
        let (loc, scale) = (arg("loc").unwrap_or(f64::NAN), arg("scale").unwrap_or(f64::NAN));
        let u = uniform();
        let most = arg(COUNT).or(arg(CATEGORY)).unwrap_or(f64::NAN);
        (loc + scale * (u.ln() - (-u).ln_1p())).round().clamp(0.0, most)
    }),
    noises: 1,
    mean: None,
    entropy: None,
    expect: |_, _, _| None,
};

/// The last bin, under the name of the type it is of.
pub const COUNT: &str = "count";
pub const CATEGORY: &str = "category";

/// The last bin of a declared type, with its name.
pub fn last_bin(declared: &Support) -> Option<(&'static str, Size)> {
    let last = declared.states()?.minus(&Size::fixed(1));
    match declared {
        Support::Count(_) => Some((COUNT, last)),
        Support::Category(_) => Some((CATEGORY, last)),
        _ => None,
    }
}

fn size(g: &Graph, most: NodeId) -> Size {
    match &g.nodes[most].op {
        Op::Size(size) => size.clone(),
        _ => Size::default(),
    }
}

/// With b and a the upper and the lower end of the bin in standard units, sigmoid(b) - sigmoid(a) is
/// sigmoid(b) sigmoid(-a) (1 - e^(a - b)); the first bin has no lower end, the last one no upper.
fn log_prob(g: &mut Graph, value: NodeId, args: &Args) -> NodeId {
    let last = args.get(COUNT).or(args.get(CATEGORY)).copied();
    let (zero, last) = (g.number(0.0), last.unwrap_or_else(|| g.number(f64::INFINITY)));
    let (has_lower, has_upper) = (g.less(zero, value), g.less(value, last));
    let end = |g: &mut Graph, by: f64| {
        let end = g.shift(value, by);
        let distance = g.sub(end, args["loc"]);
        g.div(distance, args["scale"])
    };
    let (upper, lower) = (end(g, 0.5), end(g, -0.5));
    let lower = g.neg(lower);
    let (upper, lower) = (g.log_sigmoid(upper), g.log_sigmoid(lower));
    let width = g.recip(args["scale"]);
    let width = g.neg(width);
    let share = log1mexp(g, width);
    let inner = g.mul(has_lower, has_upper);
    let parts = [g.mul(has_upper, upper), g.mul(has_lower, lower), g.mul(inner, share)];
    g.sum_of(&parts)
}
