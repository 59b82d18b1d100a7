//! `Erlang(k, rate)`: a Gamma of whole shape, the wait for the k-th of events at this rate.

use super::{Args, Kind, Param, Row, Want, gamma};

pub const ROW: Row = Row {
    kind: Kind::Erlang,
    name: "Erlang",
    params: &[Param::number("k", Want::Count, 0), Param::number("rate", Want::Positive, 1)],
    canonical: |_, args| Args::from([("shape", args["k"]), ("rate", args["rate"])]),
    ..gamma::ROW
};
