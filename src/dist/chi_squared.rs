//! `ChiSquared(df)`: `Gamma(df / 2, 1 / 2)`.

use super::{Args, Kind, Param, Row, Want, gamma};

pub const ROW: Row = Row {
    kind: Kind::ChiSquared,
    name: "ChiSquared",
    params: &[Param::number("df", Want::Positive, 0)],
    canonical: |g, args| Args::from([("shape", g.scale(args["df"], 0.5)), ("rate", g.number(0.5))]),
    ..gamma::ROW
};
