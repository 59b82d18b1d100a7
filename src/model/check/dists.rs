//! Distributions: arguments by position, then by name; shapes and supports of each parameter (LANGUAGE.md 1.7).

use super::Checker;
use crate::dist::catalogue::{self, Named};
use crate::dist::{self, Dist, Param, ParamAxes, Row, Want};
use crate::math::{NodeId, Op, Pick, Support};
use crate::model::problems::{Dists, Limits};
use crate::shape::{AxisId, Size};
use crate::source::Span;
use crate::syntax::{Call, ExprKind};

/// What a distribution is drawn for: its name, where it stands, the axes of one value and the declared support.
pub(super) struct For<'n> {
    pub name: &'n str,
    pub event: &'n [Size],
    pub declared: Option<&'n Support>,
    /// The components of the mixtures that it is inside of, outermost first: its parameters have them in front.
    pub mixed: &'n [(AxisId, Size)],
    /// Whether its axes are known. What it is drawn for may not have parsed, and then no shape is wrong.
    pub known: bool,
}

/// An argument as given, and where.
#[derive(Clone)]
pub(super) enum Given<'a> {
    Value(NodeId, Span),
    /// One distribution, or a list of them.
    Dists {
        list: bool,
        calls: Vec<&'a Call>,
        span: Span,
    },
}

impl Given<'_> {
    pub(super) fn span(&self) -> Span {
        match self {
            Given::Value(_, span) | Given::Dists { span, .. } => *span,
        }
    }
}

/// The arguments of a call, each with its parameter.
pub(super) type Arguments<'a> = Vec<(&'static Param, Given<'a>)>;

/// Words that are arguments of `Flow`.
const FLOWS: &[&str] = &["planar", "radial", "coupling", "iaf"];

pub(super) fn is_distribution(name: &str) -> bool {
    catalogue::by_name(name).is_some()
}

impl<'a> Checker<'a> {
    /// A distribution with its arguments, legal for a value of these axes.
    pub(super) fn check_dist(&mut self, call: &'a Call, of: &For) -> Option<Dist> {
        if call.name.node == "Boltzmann" {
            self.report(crate::model::problems::Energies::InGuide { span: call.span });
            return None;
        }
        let row = match catalogue::by_name(&call.name.node) {
            Some(Named::Known(row)) => row,
            Some(Named::ToCome) => {
                self.report(Limits::Distribution { name: call.name.node.clone(), span: call.name.span });
                self.check_foreign(call);
                return None;
            }
            None => {
                self.unknown_distribution(call);
                return None;
            }
        };
        if let Some(binder) = call.each.first() {
            let name = call.name.node.clone();
            self.report(crate::model::problems::Calls::ForInCall { name, span: binder.name.span });
            return None;
        }
        let given = self.arguments(row, call)?;
        let args = self.check_inner(row, &given, call, of)?;
        let mut dist = Dist { kind: row.kind, args };
        if let Some(ty) = catalogue::value_type(row.kind)
            && of.event.len() < dist::value_rank(&dist)
        {
            if of.known {
                self.report(Dists::NeedsAxis { dist: row.name, ty, site: of.name.into(), span: call.span });
            }
            return None;
        }
        let components = dist::component_axes(&dist, of.event).to_vec();
        let mut good = true;
        for (param, given) in given {
            let Given::Value(node, span) = given else { continue };
            match self.check_argument(row, param, (node, span), of, &components) {
                Some(node) => _ = dist.args.insert(param.name, node),
                None => good = false,
            }
        }
        if !good {
            return None;
        }
        dist::complete(&mut self.graph, &mut dist, of.event, of.declared);
        self.check_composite(row, &dist, call, of)?;
        self.check_ends(call, &dist, of)?;
        Some(dist)
    }

    fn unknown_distribution(&mut self, call: &'a Call) {
        let name = &call.name.node;
        let function = super::calls::is_builtin(name) || super::nets::is_layer(name);
        let declared = self.scope.top.get(name).map(|entry| entry.meaning.word());
        // `normal(0, 1)` is a start of params: after `~` the distribution was meant. `exp` is no Exponential.
        let meant = if function { catalogue::same(name) } else { catalogue::meant(name) };
        let nearest = meant.map(String::from).or_else(|| super::names::nearest(name, catalogue::names()));
        let word = if function { Some("a function").filter(|_| meant.is_none()) } else { declared };
        self.report(Dists::Unknown { name: name.clone(), word, nearest, span: call.name.span });
        self.check_foreign(call);
    }

    /// Checks what stands in the arguments of a distribution without a row: names in it must still mean something.
    fn check_foreign(&mut self, call: &'a Call) {
        for arg in &call.args {
            self.check_foreign_value(&arg.value);
        }
    }

    fn check_foreign_value(&mut self, expr: &'a crate::syntax::Expr) {
        match &expr.kind {
            ExprKind::Call(inner) if is_distribution(&inner.name.node) => self.check_foreign(inner),
            ExprKind::Call(inner) if FLOWS.contains(&inner.name.node.as_str()) => {}
            ExprKind::Array(items) if items.iter().any(is_dist_call) => {
                items.iter().for_each(|item| self.check_foreign_value(item));
            }
            ExprKind::Name(name)
                if self.scope.top.get(name).is_some_and(|e| matches!(e.meaning, super::names::Meaning::Energy(_))) => {}
            _ => _ = self.check_value(expr),
        }
    }

    /// Shape and support of one argument.
    fn check_argument(
        &mut self,
        row: &Row,
        param: &Param,
        (given, span): (NodeId, Span),
        of: &For,
        components: &[Size],
    ) -> Option<NodeId> {
        let node = self.component_rows(given, of);
        let have = node.map(|node| self.event(node).to_vec());
        let own = self.own_axes(row, param, (given, have.as_deref()), span, of)?;
        let full: Vec<Size> = components.iter().chain(&own).cloned().collect();
        if param.axes == ParamAxes::Square && own != full && have.as_ref() == Some(&full) {
            self.report(Limits::MatrixRows { dist: row.name, param: param.name, span });
            return None;
        }
        if param.axes == ParamAxes::Free && own.iter().any(|size| size.known().is_none()) {
            self.report(Limits::UnknownOrder { dist: row.name, param: param.name, text: self.text(span), span });
            return None;
        }
        let stretches = |have: &[Size]| have.is_empty() && param.repeats_numbers();
        let fitting = node.filter(|_| have.is_some_and(|have| stretches(&have) || have == own || have == full));
        let Some(node) = fitting else {
            if of.known {
                self.argument_shape(row, param, (given, span), of, &own, &full);
            }
            return None;
        };
        let repeated = self.is_number(node) && param.axes == ParamAxes::Categories;
        let node = if repeated { self.op(Op::Fill(node, own.clone()), span) } else { node };
        let infinite = param.want == Want::Bound && self.fold_number(given).is_some_and(f64::is_infinite);
        if infinite || param.want == Want::Any {
            return Some(node);
        }
        // Where components are in front, all of them must lie in the support.
        let whole = if self.is_number(given) { node } else { given };
        let want = wanted(param.want, own.last().cloned().unwrap_or_default());
        self.require_fit(whole, &want, span, &format!("`{}` of {}", param.name, row.name))?;
        Some(node)
    }

    /// The argument in one component of the mixtures around; a number serves all. `None` where it has other axes.
    fn component_rows(&mut self, node: NodeId, of: &For) -> Option<NodeId> {
        let have = self.event(node);
        if have.is_empty() {
            return Some(node);
        }
        let fits = have.len() >= of.mixed.len() && of.mixed.iter().zip(have).all(|((_, size), n)| size == n);
        let picks: Vec<Pick> = of.mixed.iter().map(|(axis, _)| Pick::Row(*axis)).collect();
        fits.then(|| self.graph.index(node, picks))
    }

    /// The axes of one value of a parameter.
    fn own_axes(
        &mut self,
        row: &Row,
        param: &Param,
        (given, have): (NodeId, Option<&[Size]>),
        span: Span,
        of: &For,
    ) -> Option<Vec<Size>> {
        let last = of.event.last().cloned().unwrap_or_default();
        let (dist, name) = (row.name, param.name);
        let mine = have.and_then(|have| have.last()).or(self.event(given).last()).cloned();
        Some(match (param.axes, mine, of.declared) {
            (ParamAxes::Number, ..) => vec![],
            (ParamAxes::Event, ..) => vec![last],
            (ParamAxes::Less, ..) => vec![last.minus(&Size::fixed(1))],
            (ParamAxes::Square, ..) => vec![last.clone(), last],
            (ParamAxes::Categories | ParamAxes::Cutpoints | ParamAxes::Free, Some(size), _) => vec![size],
            (ParamAxes::Categories, None, Some(Support::Category(size))) => vec![size.clone()],
            (ParamAxes::Categories, None, _) => {
                self.report(Dists::NeedsCategories { dist, param: name, text: self.text(span), span });
                return None;
            }
            (ParamAxes::Cutpoints | ParamAxes::Free, None, _) => {
                self.report(Dists::NeedsVector { dist, param: name, text: self.text(span), span });
                return None;
            }
        })
    }

    fn argument_shape(
        &mut self,
        row: &Row,
        param: &Param,
        (node, span): (NodeId, Span),
        of: &For,
        own: &[Size],
        full: &[Size],
    ) {
        let param_axes = param.axes;
        let mixed: Vec<Size> = of.mixed.iter().map(|(_, size)| size.clone()).collect();
        let number = param.repeats_numbers() && param.axes != ParamAxes::Categories;
        let shapes = number.then_some(&[][..]).into_iter().chain([own, full]);
        let shapes = shapes.map(|event| [&mixed[..], event].concat());
        let mut allowed = vec![];
        for event in number.then_some(vec![]).into_iter().chain(shapes) {
            let text = self.print_event(&event);
            if !allowed.contains(&text) {
                allowed.push(text);
            }
        }
        let (have, mut site_shape) = (self.print_shape(node), self.print_event(of.event));
        if param_axes == ParamAxes::Less {
            site_shape.push_str(", which takes one entry less");
        }
        let (dist, param, site) = (row.name, param.name, of.name.to_string());
        if !mixed.is_empty() {
            let components = self.print_event(&mixed);
            self.report(Dists::ComponentShape { dist, param, have, allowed, components, span });
            return;
        }
        if param_axes == ParamAxes::Square && self.is_number(node) {
            let size = own.last().map_or(String::new(), |size| self.print_size(size));
            allowed = vec![format!("{}, for example `{} * eye({size})`", allowed.join(" or "), self.text(span))];
        }
        self.report(Dists::ArgumentShape { dist, param, have, allowed, site, site_shape, text: self.text(span), span });
    }

    /// The arguments of a distribution that read a latent or a param.
    pub(super) fn varies(&self, dist: &Dist) -> Option<NodeId> {
        dist.args.values().copied().find(|arg| self.graph.mentions(*arg, |op| matches!(op, Op::Site(_) | Op::Param(_))))
    }
}

/// What a parameter must lie in; `last` is the last axis of one value of it.
fn wanted(want: Want, last: Size) -> Support {
    match want {
        Want::Positive => Support::Positive,
        Want::Unit => Support::Unit,
        Want::Count => Support::Count(None),
        Want::Simplex => Support::Simplex(last),
        Want::Ordered => Support::Ordered(last),
        Want::Cov => Support::Cov(last),
        Want::Cholesky => Support::Cholesky(last),
        Want::Real | Want::Any | Want::Bound | Want::Distribution | Want::Components => Support::Real,
    }
}

pub(super) fn is_dist_call(expr: &crate::syntax::Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(call) if is_distribution(&call.name.node))
}

/// Of alternatives the first is the positional one.
pub(super) fn positional(row: &'static Row, position: usize) -> Option<&'static Param> {
    let mut seen: Vec<u8> = vec![];
    for param in row.params {
        if seen.contains(&param.group) {
            continue;
        }
        if seen.len() == position {
            return Some(param);
        }
        seen.push(param.group);
    }
    None
}

pub(super) fn alternatives(row: &'static Row, group: u8) -> Vec<&'static str> {
    row.params.iter().filter(|param| param.group == group).map(|param| param.name).collect()
}

/// `Normal(loc, scale | var | prec)`
pub(super) fn written(row: &'static Row) -> String {
    let mut groups: Vec<u8> = row.params.iter().map(|param| param.group).collect();
    groups.dedup();
    let groups: Vec<String> = groups.into_iter().map(|group| alternatives(row, group).join(" | ")).collect();
    format!("{}({})", row.name, groups.join(", "))
}
