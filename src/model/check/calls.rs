//! Calls: which function a name is, and the table of built-in functions.

use super::Checker;
use super::arrays;
use super::expr::{Place, Value};
use super::names::Meaning;
use crate::math::{Binary, Graph, NodeId, Op, Over, Pick, Reduce, Unary};
use crate::model::problems::Calls;
use crate::shape::{AxisId, AxisKind, Size};
use crate::source::Span;
use crate::syntax::{Binder, Call, Expr, ExprKind, Name};

/// A call with its arguments, a piped one first.
pub(super) struct Given<'a> {
    pub name: &'a str,
    pub name_span: Span,
    pub args: Vec<&'a Expr>,
    pub each: &'a [Binder],
    pub span: Span,
}

type Check = for<'a> fn(&mut Checker<'a>, &Given<'a>) -> Option<NodeId>;

/// How a built-in function is checked and what it becomes.
#[derive(Clone, Copy)]
enum Form {
    Elementwise(Unary),
    Reduction(Reduce),
    /// A reduction of one, elementwise of two.
    Either(Reduce, Binary),
    /// Of arrays: its own rule.
    Own(Check),
    /// Only in a column expression.
    Column,
    /// Only where a param starts.
    Start,
}

struct Builtin {
    name: &'static str,
    /// How it is called, for help.
    written: &'static str,
    form: Form,
}

const fn row(name: &'static str, written: &'static str, form: Form) -> Builtin {
    Builtin { name, written, form }
}

use Form::{Column, Either, Elementwise, Own, Reduction, Start};

const BUILTINS: &[Builtin] = &[
    row("exp", "exp(x)", Elementwise(Unary::Exp)),
    row("log", "log(x)", Elementwise(Unary::Log)),
    row("log1p", "log1p(x)", Elementwise(Unary::Log1p)),
    row("expm1", "expm1(x)", Elementwise(Unary::Expm1)),
    row("sqrt", "sqrt(x)", Elementwise(Unary::Sqrt)),
    row("abs", "abs(x)", Elementwise(Unary::Abs)),
    row("sin", "sin(x)", Elementwise(Unary::Sin)),
    row("cos", "cos(x)", Elementwise(Unary::Cos)),
    row("tanh", "tanh(x)", Elementwise(Unary::Tanh)),
    row("sigmoid", "sigmoid(x)", Elementwise(Unary::Sigmoid)),
    row("log_sigmoid", "log_sigmoid(x)", Elementwise(Unary::LogSigmoid)),
    row("softplus", "softplus(x)", Elementwise(Unary::Softplus)),
    row("relu", "relu(x)", Elementwise(Unary::Relu)),
    row("elu", "elu(x)", Elementwise(Unary::Elu)),
    row("gelu", "gelu(x)", Elementwise(Unary::Gelu)),
    row("erf", "erf(x)", Elementwise(Unary::Erf)),
    row("lgamma", "lgamma(x)", Elementwise(Unary::Lgamma)),
    row("digamma", "digamma(x)", Elementwise(Unary::Digamma)),
    row("logit", "logit(p)", Elementwise(Unary::Logit)),
    row("round", "round(x)", Elementwise(Unary::Round)),
    row("floor", "floor(x)", Elementwise(Unary::Floor)),
    row("clamp", "clamp(x, lo, hi)", Own(arrays::clamp)),
    row("min", "min(a, b), min(v) or min(... for k in K)", Either(Reduce::Min, Binary::Min)),
    row("max", "max(a, b), max(v) or max(... for k in K)", Either(Reduce::Max, Binary::Max)),
    row("sum", "sum(v) or sum(... for k in K)", Reduction(Reduce::Sum)),
    row("mean", "mean(v) or mean(... for k in K)", Reduction(Reduce::Mean)),
    row("sd", "sd(v) or sd(... for k in K)", Reduction(Reduce::Sd)),
    row("prod", "prod(v) or prod(... for k in K)", Reduction(Reduce::Prod)),
    row("logsumexp", "logsumexp(v) or logsumexp(... for k in K)", Reduction(Reduce::LogSumExp)),
    row("norm", "norm(v) or norm(... for k in K)", Reduction(Reduce::Norm)),
    row("dot", "dot(a, b), of two vectors", Own(arrays::dot)),
    row("softmax", "softmax(v)", Own(arrays::softmax)),
    row("log_softmax", "log_softmax(v)", Own(arrays::log_softmax)),
    row("cumsum", "cumsum(v)", Own(arrays::cumsum)),
    row("concat", "concat(a, b, ...), of arrays", Own(arrays::concat)),
    row("stack", "stack(a, b, ...), of equal shapes", Own(arrays::stack)),
    row("reshape", "reshape(x, n, ...)", Own(arrays::reshape)),
    row("flatten", "flatten(x)", Own(arrays::flatten)),
    row("transpose", "transpose(A), of a matrix", Own(arrays::transpose)),
    row("outer", "outer(a, b), of two vectors", Own(arrays::outer)),
    row("diag", "diag(v) or diag(A)", Own(arrays::diag)),
    row("trace", "trace(A), of a square matrix", Own(arrays::trace)),
    row("eye", "eye(n)", Own(arrays::eye)),
    row("fill", "fill(number, n, ...), or fill(x[n], 0) in a guide", Own(arrays::fill)),
    row("one_hot", "one_hot(label, K)", Own(arrays::one_hot)),
    row("cholesky", "cholesky(A), of a square matrix", Own(arrays::cholesky)),
    row("solve", "solve(A, b)", Own(arrays::solve)),
    row("solve_triangular", "solve_triangular(L, b)", Own(arrays::solve_triangular)),
    row("logdet", "logdet(A), of a square matrix", Own(arrays::logdet)),
    row("threshold", "threshold(column, t)", Column),
    row("standardize", "standardize(column)", Column),
    row("bernoulli", "bernoulli(column)", Column),
    row("levels", "levels(column)", Column),
    row("column", "column(\"name\")", Column),
    row("columns", "columns(0..4)", Column),
    row("normal", "normal(m, s)", Start),
    row("uniform", "uniform(lo, hi)", Start),
];

pub(super) fn is_start_function(name: &str) -> bool {
    BUILTINS.iter().any(|builtin| builtin.name == name && matches!(builtin.form, Start))
}

pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.iter().any(|builtin| builtin.name == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|builtin| builtin.name)
}

/// How a built-in function is called.
pub(super) fn written(name: &str) -> &'static str {
    BUILTINS.iter().find(|builtin| builtin.name == name).map_or("", |builtin| builtin.written)
}

impl<'a> Checker<'a> {
    pub(super) fn check_call(&mut self, call: &'a Call, piped: Option<&'a Expr>, span: Span) -> Option<Value> {
        if let Some(at) = self.function_named(&call.name.node) {
            return self.check_function_call(at, call, piped, span);
        }
        if super::nets::is_layer(&call.name.node) {
            let Call { name, args, each, .. } = call;
            let (name, name_span) = (name.node.as_str(), name.span);
            let written = super::layers::Written { name, name_span, args, each, span: call.span };
            return self.check_layer(written, piped, span).map(Value::Node);
        }
        let args: Vec<&'a Expr> = piped.into_iter().chain(call.args.iter().map(|arg| &arg.value)).collect();
        if let Some(name) = call.args.iter().find_map(|arg| arg.name.as_ref())
            && let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == call.name.node)
        {
            let (written, word) = (builtin.written, name.node.clone());
            self.report(Calls::NamedArgument { name: word, written, span: name.span });
            return None;
        }
        let given = Given { name: &call.name.node, name_span: call.name.span, args, each: &call.each, span };
        self.check_given(given)
    }

    /// `a |> f`
    pub(super) fn check_named_call(
        &mut self,
        name: &'a str,
        name_span: Span,
        args: Vec<&'a Expr>,
        span: Span,
    ) -> Option<Value> {
        if let Some(meaning) = self.function_named(name) {
            let named = args.into_iter().map(|arg| (None, arg)).collect();
            return self.call_function(meaning, named, span);
        }
        if super::nets::is_layer(name) {
            let written = super::layers::Written { name, name_span, args: &[], each: &[], span: name_span };
            return self.check_layer(written, args.first().copied(), span).map(Value::Node);
        }
        self.check_given(Given { name, name_span, args, each: &[], span })
    }

    /// The net or fun of this name; only those are called by a name that was declared.
    fn function_named(&self, name: &str) -> Option<Meaning> {
        let entry = self.scope.top.get(name)?;
        matches!(entry.meaning, Meaning::Net(_) | Meaning::Fun(_)).then(|| entry.meaning.clone())
    }

    fn check_function_call(
        &mut self,
        meaning: Meaning,
        call: &'a Call,
        piped: Option<&'a Expr>,
        span: Span,
    ) -> Option<Value> {
        if let Some(binder) = call.each.first() {
            self.report(Calls::ForInCall { name: call.name.node.clone(), span: binder.name.span });
            return None;
        }
        let piped = piped.into_iter().map(|arg| (None, arg));
        let args: Vec<(Option<&'a Name>, &'a Expr)> =
            piped.chain(call.args.iter().map(|arg| (arg.name.as_ref(), &arg.value))).collect();
        self.call_function(meaning, args, span)
    }

    fn check_given(&mut self, given: Given<'a>) -> Option<Value> {
        let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == given.name) else {
            self.unknown_function(&given);
            return None;
        };
        let iterates = matches!(builtin.form, Reduction(_) | Either(..));
        if let Some(binder) = given.each.first()
            && !iterates
        {
            self.report(Calls::ForInCall { name: given.name.into(), span: binder.name.span });
            return None;
        }
        let node = match builtin.form {
            Elementwise(op) => self.check_elementwise(op, &given),
            Reduction(op) => self.check_reduction(op, &given),
            Either(_, op) if given.args.len() == 2 => self.check_pairwise(op, &given),
            Either(op, _) => self.check_reduction(op, &given),
            Own(check) => check(self, &given),
            Column => {
                self.report(Calls::OnlyInColumns { name: given.name.into(), span: given.span });
                None
            }
            Start => {
                self.report(Calls::OnlyAtStart { name: given.name.into(), span: given.span });
                None
            }
        };
        node.map(Value::Node)
    }

    fn unknown_function(&mut self, given: &Given<'a>) {
        let name = given.name;
        if crate::model::check::dists::is_distribution(name) {
            self.report(Calls::DistributionAsValue { name: name.into(), span: given.span });
            return;
        }
        if let Some(entry) = self.scope.top.get(name).or_else(|| self.scope.block.get(name)) {
            let (word, declared) = (entry.meaning.word(), entry.span);
            if !matches!(entry.meaning, Meaning::Broken) {
                self.report(Calls::NotAFunction { name: name.into(), word, declared, span: given.name_span });
            }
            return;
        }
        let declared: Vec<String> = self
            .nets
            .iter()
            .map(|net| net.name)
            .chain(self.funs.iter().map(|fun| fun.name))
            .map(|n| n.node.clone())
            .collect();
        let known: Vec<String> =
            declared.into_iter().chain(names().chain(super::nets::layers()).map(String::from)).collect();
        let nearest = super::names::nearest(name, known.iter().map(String::as_str));
        self.report(Calls::UnknownFunction { name: name.into(), nearest, span: given.name_span });
    }

    /// As many arguments as the function takes, each checked; mistakes in all of them are reported.
    pub(super) fn check_args<const N: usize>(&mut self, given: &Given<'a>) -> Option<[NodeId; N]> {
        let nodes: Vec<Option<NodeId>> = given.args.iter().map(|arg| self.check_node(arg)).collect();
        if nodes.len() != N {
            self.wrong_count(given);
            return None;
        }
        let nodes: Vec<NodeId> = nodes.into_iter().collect::<Option<_>>()?;
        nodes.try_into().ok()
    }

    pub(super) fn wrong_count(&mut self, given: &Given<'a>) {
        let written = written(given.name);
        self.report(Calls::Count { name: given.name.into(), given: given.args.len(), written, span: given.span });
    }

    fn check_elementwise(&mut self, op: Unary, given: &Given<'a>) -> Option<NodeId> {
        let [a] = self.check_args(given)?;
        self.check_arithmetic(a, given.args[0].span, given.name)?;
        Some(self.unary(op, a, given.span))
    }

    fn check_pairwise(&mut self, op: Binary, given: &Given<'a>) -> Option<NodeId> {
        let [a, b] = self.check_args(given)?;
        let (a_span, b_span) = (given.args[0].span, given.args[1].span);
        self.check_arithmetic(a, a_span, given.name).and(self.check_arithmetic(b, b_span, given.name))?;
        self.check_same_shape(given.name, (a, a_span), (b, b_span), given.name_span)?;
        Some(self.binary(op, a, b, given.span))
    }

    fn check_reduction(&mut self, op: Reduce, given: &Given<'a>) -> Option<NodeId> {
        if !given.each.is_empty() {
            return self.check_reduce_for(op, given);
        }
        if let Some(node) = self.check_statistic(op, given) {
            return node;
        }
        let [a] = self.check_args(given)?;
        self.check_arithmetic(a, given.args[0].span, given.name)?;
        if self.is_number(a) {
            let text = self.text(given.args[0].span);
            self.report(Calls::ReducesANumber { name: given.name.into(), text, span: given.args[0].span });
            return None;
        }
        Some(self.reduce(op, a, Over::Event, given.span))
    }

    /// Where a param starts, `mean(x)` of data with rows runs over the rows, entry by entry.
    fn check_statistic(&mut self, op: Reduce, given: &Given<'a>) -> Option<Option<NodeId>> {
        let statistic = matches!(op, Reduce::Mean | Reduce::Sd | Reduce::Min | Reduce::Max);
        let ([arg], Place::Start, true) = (given.args.as_slice(), self.place, statistic) else { return None };
        let mut inner = *arg;
        while let ExprKind::Paren(of) = &inner.kind {
            inner = of;
        }
        let ExprKind::Name(name) = &inner.kind else { return None };
        let Some(Meaning::Data(id)) = self.scope.top.get(name).map(|entry| entry.meaning.clone()) else { return None };
        if self.broken_data.contains(&id) {
            return Some(None);
        }
        let rows = self.data[id.index()].rows.clone();
        if rows.is_empty() {
            return None;
        }
        self.data_reads.entry(id).or_insert(inner.span);
        let missing = self.data[id.index()].missing;
        let data = self.data_node(id, inner.span);
        if self.check_arithmetic(data, inner.span, given.name).is_none() {
            return Some(None);
        }
        let mut axes = vec![];
        for dim in rows {
            let label = Name::new(self.dims[dim].name.to_lowercase(), inner.span);
            axes.push(self.add_axis(&label, Size::dim(dim), Size::default(), AxisKind::Comprehension));
        }
        let picks = axes.iter().map(|axis| Pick::Row(*axis)).collect();
        let row = self.op(Op::Index(data, picks), inner.span);
        if missing {
            return Some(Some(self.statistic_there(op, row, axes)));
        }
        Some(Some(self.reduce(op, row, Over::Axes(axes), given.span)))
    }

    /// A statistic of the entries that are there.
    fn statistic_there(&mut self, op: Reduce, row: NodeId, axes: Vec<AxisId>) -> NodeId {
        let g = &mut self.graph;
        let filled = |g: &mut Graph, x: f64| {
            let with = g.number(x);
            g.op(Op::Complete { data: row, with })
        };
        let over = Over::Axes(axes);
        match op {
            Reduce::Min | Reduce::Max => {
                let filled = filled(g, if op == Reduce::Min { f64::INFINITY } else { f64::NEG_INFINITY });
                g.reduce(op, filled, over)
            }
            _ => {
                let (filled, there) = (filled(g, 0.0), g.op(Op::Present(row)));
                let (sum, count) =
                    (g.reduce(Reduce::Sum, filled, over.clone()), g.reduce(Reduce::Sum, there, over.clone()));
                let mean = g.div(sum, count);
                if op == Reduce::Mean {
                    return mean;
                }
                let distance = g.sub(filled, mean);
                let square = g.square(distance);
                let square = g.mul(there, square);
                let sum = g.reduce(Reduce::Sum, square, over);
                let variance = g.div(sum, count);
                g.sqrt(variance)
            }
        }
    }
}
