//! Expressions as the user would write them: definitions and calls by name, plates as `z[n]`, `x[n]`, `theta[j]`.

use crate::arena::Arena;
use crate::math::rules::{self, binding};
use crate::math::{DataId, DefId, Graph, Label, NodeId, Op, Over, ParamId, Pick, SiteId, Unary};
use crate::shape::{Axis, AxisId, Dim, Size};

/// What leaves and axes are called.
pub trait Names {
    fn data(&self, id: DataId) -> &str;
    fn param(&self, id: ParamId) -> &str;
    fn site(&self, id: SiteId) -> &str;
    fn definition(&self, id: DefId) -> &str;
    fn axes(&self) -> &Arena<Axis>;
    fn dims(&self) -> &Arena<Dim>;
}

/// The node as text.
pub fn print(graph: &Graph, id: NodeId, names: &dyn Names) -> String {
    Printer { graph, names }.at(id, binding::IF)
}

/// The node as text inside something that binds this tightly.
pub fn print_within(graph: &Graph, id: NodeId, names: &dyn Names, within: u8) -> String {
    Printer { graph, names }.at(id, within)
}

/// A call of a net or function of the user.
pub fn print_call(graph: &Graph, name: &str, args: &[NodeId], names: &dyn Names) -> String {
    Printer { graph, names }.call(name, args, &[]).0
}

/// A site, with the plates it is in: `z[n]`.
pub fn print_site(site: SiteId, plates: &[AxisId], names: &dyn Names) -> String {
    let rows: Vec<&str> = plates.iter().map(|axis| names.axes()[*axis].name.as_str()).collect();
    with_index(names.site(site), &rows)
}

/// A number as it is typed.
pub fn print_number(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 {
        return "0".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.into();
    }
    if !(1e-4..1e7).contains(&size) { format!("{x:e}") } else { format!("{x}") }
}

fn with_index(name: &str, index: &[impl AsRef<str>]) -> String {
    if index.is_empty() {
        return name.to_string();
    }
    let index: Vec<&str> = index.iter().map(AsRef::as_ref).collect();
    format!("{name}[{}]", index.join(", "))
}

struct Printer<'a> {
    graph: &'a Graph,
    names: &'a dyn Names,
}

impl Printer<'_> {
    fn at(&self, id: NodeId, within: u8) -> String {
        let (text, binds) = self.node(id);
        if binds < within { format!("({text})") } else { text }
    }

    fn node(&self, id: NodeId) -> (String, u8) {
        let op = &self.graph.nodes[id].op;
        match op {
            Op::Unary(Unary::Neg, a) => (format!("-{}", self.at(*a, binding::NEG)), binding::NEG),
            Op::Unary(Unary::Not, a) => (format!("not {}", self.at(*a, binding::NOT)), binding::NOT),
            Op::Unary(op, a) => self.call(rules::unary_name(*op), &[*a], &[]),
            Op::Binary(op, a, b) => match rules::binary_name(*op) {
                (name, binding::TIGHT) => self.call(name, &[*a, *b], &[]),
                (name, binds) => self.operator(name, binds, *a, *b),
            },
            Op::MatMul(a, b) => self.operator("@", binding::MUL, *a, *b),
            Op::If(c, a, b) => {
                let [c, a, b] = [c, a, b].map(|id| self.at(*id, binding::IF));
                (format!("if {c} then {a} else {b}"), binding::IF)
            }
            Op::Scan { body, .. } => self.node(*body),
            Op::Number(x) if *x < 0.0 => (print_number(*x), binding::NEG),
            Op::Size(size) if size.dims().next().is_some() && size.as_dim().is_none() => {
                (size.print(self.names.dims()), binding::ADD)
            }
            _ => (self.tight(id, op), binding::TIGHT),
        }
    }

    fn operator(&self, name: &str, binds: u8, a: NodeId, b: NodeId) -> (String, u8) {
        // Operators group to the left, powers to the right; comparisons do not chain.
        let (left, right) = match binds {
            binding::POW => (binds + 1, binds),
            binding::COMPARE => (binds + 1, binds + 1),
            _ => (binds, binds + 1),
        };
        (format!("{} {name} {}", self.at(a, left), self.at(b, right)), binds)
    }

    fn call(&self, name: &str, args: &[NodeId], sizes: &[Size]) -> (String, u8) {
        let args = args.iter().map(|id| self.at(*id, binding::IF));
        let sizes = sizes.iter().map(|size| size.print(self.names.dims()));
        (format!("{name}({})", args.chain(sizes).collect::<Vec<_>>().join(", ")), binding::TIGHT)
    }

    /// What needs no brackets around it.
    fn tight(&self, id: NodeId, op: &Op) -> String {
        let names = self.names;
        let call = |name: &str, args: &[NodeId], sizes: &[Size]| self.call(name, args, sizes).0;
        let rows = || self.plates(&self.graph.shape(id).plates);
        match op {
            Op::Number(x) => print_number(*x),
            Op::Size(size) => size.print(names.dims()),
            Op::Row(axis) => self.axis(*axis).name.clone(),
            Op::Data(id) => names.data(*id).into(),
            Op::Param(id) => names.param(*id).into(),
            Op::Site(site) => with_index(names.site(*site), &rows()),
            Op::Earlier { of, .. } => with_index(names.definition(*of), &rows()),
            Op::Free(site) => format!("free({})", with_index(names.site(*site), &rows())),
            Op::AutoLoc(site) => format!("loc({})", with_index(names.site(*site), &rows())),
            Op::AutoScale(site) => format!("scale({})", with_index(names.site(*site), &rows())),
            Op::AutoNoise(site) => format!("noise({})", with_index(names.site(*site), &rows())),
            Op::Noise(site, _) => format!("noise({})", with_index(names.site(*site), &rows())),
            Op::Named(label, _) => self.label(label, &rows()),
            Op::Reduce(op, a, Over::Axes(axes)) => self.comprehension(rules::reduce_name(*op), "(", *a, axes, ")"),
            Op::Reduce(op, a, _) => call(rules::reduce_name(*op), &[*a], &[]),
            Op::Lift(a, axes) => match self.lifted(*a, axes, &[]) {
                Some(text) => text,
                None => self.comprehension("", "[", *a, axes, "]"),
            },
            Op::Index(a, picks) => self.index(*a, picks),
            Op::Dense { input, weight, bias: Some(bias) } => call("dense", &[*input, *weight, *bias], &[]),
            Op::Dense { input, weight, bias: None } => call("dense", &[*input, *weight], &[]),
            Op::Forward { factor, .. } => call("forward", &[*factor], &[]),
            Op::Sample { kind, args, noise } => {
                let args = args.iter().map(|(_, arg)| *arg).chain([*noise]).collect::<Vec<_>>();
                call(&format!("sample_{kind}"), &args, &[])
            }
            Op::Layer { layer, input, weights } => call(layer.name(), &[&[*input], weights.as_slice()].concat(), &[]),
            Op::Take { table, index } => format!("{}[{}]", self.at(*table, binding::TIGHT), self.at(*index, 0)),
            Op::Stack(list) => {
                format!("[{}]", list.iter().map(|id| self.at(*id, binding::IF)).collect::<Vec<_>>().join(", "))
            }
            Op::Reshape(a, sizes) => call("reshape", &[*a], sizes),
            Op::Fill(a, sizes) => call("fill", &[*a], sizes),
            // Entries that are a latent are read as those that are there.
            Op::Complete { data, with } if self.graph.mentions(*with, |op| matches!(op, Op::Site(_))) => {
                self.at(*data, binding::TIGHT)
            }
            Op::Complete { data, with } => call("fill", &[*data, *with], &[]),
            Op::Eye(n) => call("eye", &[], std::slice::from_ref(n)),
            Op::Triangle(a, n) => call("triangle", &[*a], std::slice::from_ref(n)),
            Op::OneHot(a, n) => call("one_hot", &[*a], std::slice::from_ref(n)),
            _ => call(function_name(op), &op.children(), &[]),
        }
    }

    fn label(&self, label: &Label, rows: &[String]) -> String {
        match label {
            Label::Definition(id) => with_index(self.names.definition(*id), rows),
            Label::Call { name, args, output } => {
                let call = self.call(name, args, &[]).0;
                output.as_ref().map_or(call.clone(), |output| format!("{call}.{output}"))
            }
        }
    }

    fn index(&self, a: NodeId, picks: &[Pick]) -> String {
        if let Op::Lift(inner, axes) = &self.graph.nodes[a].op
            && let Some(text) = self.lifted(*inner, axes, picks)
        {
            return text;
        }
        // An entry of a row with missing entries is written as one of the row.
        if let Op::Complete { data, .. } = &self.graph.nodes[a].op
            && let Op::Index(base, row) = &self.graph.nodes[*data].op
        {
            return self.index(*base, &[row.as_slice(), picks].concat());
        }
        let picks: Vec<String> = picks.iter().map(|pick| self.pick(pick)).collect();
        with_index(&self.at(a, binding::TIGHT), &picks)
    }

    /// A name whose rows are chosen: each plate of it shows the pick that took its place, or its own variable.
    fn lifted(&self, inner: NodeId, axes: &[AxisId], picks: &[Pick]) -> Option<String> {
        let node = &self.graph.nodes[inner];
        let name = match &node.op {
            Op::Site(id) => self.names.site(*id),
            Op::Named(Label::Definition(id), _) | Op::Earlier { of: id, .. } => self.names.definition(*id),
            _ => return None,
        };
        if picks.is_empty() && node.shape.plates == axes {
            return Some(name.into());
        }
        let mut index = vec![];
        for plate in &node.shape.plates {
            index.push(match axes.iter().position(|axis| axis == plate) {
                Some(place) => self.pick(picks.get(place)?),
                None => self.axis(*plate).name.clone(),
            });
        }
        index.extend(picks.iter().skip(axes.len()).map(|pick| self.pick(pick)));
        Some(with_index(name, &index))
    }

    fn pick(&self, pick: &Pick) -> String {
        match pick {
            Pick::Row(axis) => self.axis(*axis).name.clone(),
            Pick::Lag(axis, lag) => format!("{}-{lag}", self.axis(*axis).name),
            Pick::At(id) => self.at(*id, binding::IF),
            Pick::Slice(from, to) => {
                let dims = self.names.dims();
                format!("{}..{}", from.print(dims), to.print(dims))
            }
        }
    }

    fn comprehension(&self, name: &str, open: &str, body: NodeId, axes: &[AxisId], close: &str) -> String {
        let dims = self.names.dims();
        let ranges = axes.iter().map(|axis| {
            let Axis { name, size, first, .. } = self.axis(*axis);
            match first.known() {
                Some(0) => format!("{name} in {}", size.print(dims)),
                _ => format!("{name} in {}..{}", first.print(dims), first.plus(size).print(dims)),
            }
        });
        let ranges: Vec<String> = ranges.collect();
        format!("{name}{open}{} for {}{close}", self.at(body, binding::IF), ranges.join(", "))
    }

    fn plates(&self, plates: &[AxisId]) -> Vec<String> {
        plates.iter().map(|axis| self.axis(*axis).name.clone()).collect()
    }

    fn axis(&self, id: AxisId) -> &Axis {
        &self.names.axes()[id]
    }
}

/// Functions of expressions alone.
fn function_name(op: &Op) -> &'static str {
    match op {
        Op::Dot(..) => "dot",
        Op::Concat(_) => "concat",
        Op::Transpose(_) => "transpose",
        Op::Softmax(_) => "softmax",
        Op::LogSoftmax(_) => "log_softmax",
        Op::Cumsum(_) => "cumsum",
        Op::Outer(..) => "outer",
        Op::Diag(_) => "diag",
        Op::Trace(_) => "trace",
        Op::Cholesky(_) => "cholesky",
        Op::Solve(..) => "solve",
        Op::SolveTriangular(..) => "solve_triangular",
        Op::LogDet(_) => "logdet",
        Op::Present(_) => "present",
        _ => "",
    }
}
