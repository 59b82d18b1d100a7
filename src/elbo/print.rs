//! The bound as text: what `ppl elbo` prints, and the golden files.
//!
//! A header with the sizes, the guide, the terms that are maximized with the estimator of each and the reason for it,
//! and the definitions that they mention. A reader can compute the bound from it.

use std::collections::BTreeSet;

use crate::arena::Arena;
use crate::dist::{Args, Dist, ParamAxes, catalogue};
use crate::elbo::problems::thousands;
use crate::elbo::{Elbo, Estimator, Term, TermKind, Treatment, because, cost};
use crate::math::print::Names;
use crate::math::rules::binding;
use crate::math::{DataId, DefId, Label, NodeId, Op, ParamId, SiteId, Support};
use crate::model::{Auto, Model, Statement};
use crate::shape::{Axis, AxisId, Dim};

/// Where the right column starts, unless the left one is wider.
const COLUMN: usize = 52;
/// Between the widest left text and the right column.
const GAP: usize = 3;

pub fn print(elbo: &Elbo) -> String {
    let printer = Printer { elbo, words: Words { model: &elbo.model, axes: &elbo.axes } };
    let mut text = String::new();
    let guide = printer.guide();
    let column = column(&guide);
    text.push_str(&columns(&[(format!("elbo {}", elbo.model.name), printer.dims())], column));
    if !guide.is_empty() {
        text.push_str("\nguide\n");
        text.push_str(&columns(&guide, column));
    }
    text.push_str("\nterms, maximized\n");
    text.push_str(&printer.terms());
    let definitions = printer.definitions();
    if !definitions.is_empty() {
        text.push_str("\nwhere\n");
        text.push_str(&definitions);
    }
    text
}

/// What leaves are called in a model, with the axes of a later form of it.
pub struct Words<'a> {
    pub model: &'a Model,
    pub axes: &'a Arena<Axis>,
}

impl Names for Words<'_> {
    fn data(&self, id: DataId) -> &str {
        &self.model.data[id.index()].name
    }
    fn param(&self, id: ParamId) -> &str {
        &self.model.params[id.index()].name
    }
    fn site(&self, id: SiteId) -> &str {
        &self.model.sites[id.index()].name
    }
    fn definition(&self, id: DefId) -> &str {
        &self.model.definitions[id.index()].name
    }
    fn axes(&self) -> &Arena<Axis> {
        self.axes
    }
    fn dims(&self) -> &Arena<Dim> {
        &self.model.dims
    }
}

fn column(lines: &[(String, String)]) -> usize {
    lines
        .iter()
        .filter(|(_, right)| !right.is_empty())
        .map(|(left, _)| left.chars().count() + GAP)
        .fold(COLUMN, usize::max)
}

fn columns(lines: &[(String, String)], at: usize) -> String {
    let line = |(left, right): &(String, String)| match right.is_empty() {
        true => format!("{left}\n"),
        false => format!("{left:at$}{right}\n"),
    };
    lines.iter().map(line).collect()
}

struct Printer<'a> {
    elbo: &'a Elbo,
    words: Words<'a>,
}

impl Printer<'_> {
    fn model(&self) -> &Model {
        &self.elbo.model
    }

    fn expr(&self, id: NodeId) -> String {
        crate::math::print::print(&self.elbo.graph, id, &self.words)
    }

    /// `dims N, D = 784, K = 20`
    fn dims(&self) -> String {
        let dims = &self.model().dims;
        let one = |dim: &Dim| match &dim.value {
            Some(value) => format!("{} = {}", dim.name, value.print(dims)),
            None => dim.name.clone(),
        };
        let list: Vec<String> = dims.iter().map(|(_, dim)| one(dim)).collect();
        match list.len() {
            0 => String::new(),
            1 => format!("dim {}", list[0]),
            _ => format!("dims {}", list.join(", ")),
        }
    }

    fn site(&self, id: SiteId) -> String {
        because::name(self.model(), id)
    }

    fn sites<'s>(&self, ids: impl IntoIterator<Item = &'s SiteId>) -> String {
        ids.into_iter().map(|id| self.site(*id)).collect::<Vec<_>>().join(", ")
    }

    // The guide.

    fn guide(&self) -> Vec<(String, String)> {
        let names: Vec<String> =
            self.elbo.sites.iter().map(|view| self.guide_name(view.site, &view.treatment)).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0) + 4;
        let line = |(name, view): (&String, &crate::elbo::SiteView)| {
            let (factor, remark) = self.factor(view.site, &view.treatment, &view.choice.because);
            (format!("  {name:width$}{factor}"), remark)
        };
        names.iter().zip(&self.elbo.sites).map(line).collect()
    }

    /// A site by the names of the guide's own plates.
    fn guide_name(&self, id: SiteId, treatment: &Treatment) -> String {
        let (Treatment::Written(at) | Treatment::Enumerated(at, _)) = treatment else { return self.site(id) };
        let factor = &self.model().guide.factors[*at];
        crate::math::print::print_site(id, &factor.plates, &self.words)
    }

    fn factor(&self, id: SiteId, treatment: &Treatment, because: &str) -> (String, String) {
        match treatment {
            Treatment::Auto => {
                let joint = self.model().guide.auto == Some(Auto::FullRank);
                (through_bijector(&self.model().sites[id.index()].support), remark(joint))
            }
            Treatment::Written(at) => self.written(*at),
            Treatment::Enumerated(at, _) => {
                let (factor, remark) = self.written(*at);
                (factor, join(&remark, "summed over its states"))
            }
            Treatment::SummedOut(_) => {
                ("summed out of the model".into(), because.replace(" and no factor in the guide", ""))
            }
            Treatment::Leaf => ("drawn from the model".into(), "integrates to one".into()),
        }
    }

    fn written(&self, at: usize) -> (String, String) {
        let factor = &self.model().guide.factors[at];
        let roots: Vec<NodeId> = factor.dist.args.values().copied().collect();
        let text = match self.spread(&factor.dist) {
            Some(call) => call,
            None => self.dist(&factor.dist, None),
        };
        let mut remark = self.weights(&roots);
        let given = crate::elbo::rewrite::sites_read(&self.elbo.graph, &roots);
        if !given.is_empty() {
            let names: Vec<&str> = given.iter().map(|id| self.model().sites[id.index()].name.as_str()).collect();
            remark = join(&remark, &format!("given {}", names.join(", ")));
        }
        (text, remark)
    }

    /// `Normal(loc, scale) = encoder(x[n])`, where every argument is an output of one call.
    fn spread(&self, dist: &Dist) -> Option<String> {
        let mut call = None;
        for arg in dist.args.values() {
            let Op::Named(Label::Call { name, args, output: Some(_) }, _) = &self.elbo.graph.nodes[*arg].op else {
                return None;
            };
            if *call.get_or_insert((name, args)) != (name, args) {
                return None;
            }
        }
        let (name, args) = call?;
        let args: Vec<String> = args.iter().map(|arg| self.expr(*arg)).collect();
        let row = catalogue::row(dist.kind);
        let outputs = row.params.iter().filter(|param| dist.args.contains_key(param.name)).map(|param| param.name);
        Some(format!("{}({}) = {name}({})", row.name, outputs.collect::<Vec<_>>().join(", "), args.join(", ")))
    }

    /// `amortized, 330,040 weights`, or the point parameters that a factor reads.
    fn weights(&self, roots: &[NodeId]) -> String {
        let read = self.elbo.graph.reachable(roots);
        let params: BTreeSet<ParamId> = read
            .iter()
            .filter_map(|id| match self.elbo.graph.nodes[*id].op {
                Op::Param(param) => Some(param),
                _ => None,
            })
            .collect();
        let facts = cost::Facts::new(self.model());
        let (nets, free): (Vec<ParamId>, Vec<ParamId>) =
            params.iter().partition(|id| self.model().params[id.index()].net.is_some());
        let count = |id: &ParamId| {
            let param = &self.model().params[id.index()];
            param.rows.iter().chain(&param.event).try_fold(1, |n, size| Some(n * facts.resolved(size).known()?))
        };
        let total: Option<i64> = nets.iter().map(count).sum();
        let names: Vec<&str> = free.iter().map(|id| self.model().params[id.index()].name.as_str()).collect();
        let free = match names.len() {
            0 => String::new(),
            1 => format!("param {}", names[0]),
            _ => format!("params {}", names.join(", ")),
        };
        match (nets.is_empty(), total) {
            (true, _) => free,
            (false, Some(n)) => join(&format!("amortized, {} weights", thousands(n)), &free),
            (false, None) => join("amortized", &free),
        }
    }

    // The terms.

    fn terms(&self) -> String {
        let lines: Vec<(Vec<String>, &Term)> = self.elbo.terms.iter().map(|term| (self.term(term), term)).collect();
        let heads: Vec<(String, String)> =
            lines.iter().map(|(lines, term)| (lines[0].clone(), self.place(term))).collect();
        let at = column(&heads);
        let mut text = String::new();
        for ((lines, term), head) in lines.iter().zip(heads) {
            text.push_str(&columns(&[head], at));
            for line in &lines[1..] {
                text.push_str(&format!("{line}\n"));
            }
            for (estimator, because) in self.choices(term) {
                text.push_str(&format!("      {:13}{because}\n", estimator_name(estimator)));
            }
        }
        text
    }

    fn choices(&self, term: &Term) -> Vec<(Estimator, String)> {
        let mut list = vec![];
        if let TermKind::SummedOut { sites, .. } = &term.kind {
            for id in sites {
                let view = &self.elbo.sites[id.index()];
                list.push((view.choice.estimator, format!("{}: {}", self.site(*id), view.choice.because)));
            }
            if term.choice.estimator == Estimator::Analytic {
                return list;
            }
        }
        list.push((term.choice.estimator, term.choice.because.clone()));
        list
    }

    fn term(&self, term: &Term) -> Vec<String> {
        let sign = if term.sign < 0.0 { "-" } else { "+" };
        let line = |text: String| vec![format!("  {sign} {text}")];
        let model = self.model();
        match &term.kind {
            TermKind::Observed(at) | TermKind::Factor(at) => {
                line(self.expected(self.statement(*at), self.random(&[*at])))
            }
            TermKind::Prior(id) => {
                let site = &model.sites[id.index()];
                line(self.expected(format!("log {}", self.dist(&site.dist, Some(&self.site(*id)))), true))
            }
            TermKind::Kl(id) => line(self.kl(*id)),
            TermKind::Entropy(id) => {
                let given = self.guide_parents(*id);
                line(self.expected(format!("H( q({}) )", self.given(*id, &given)), !given.is_empty()))
            }
            TermKind::AutoEntropy(sites) => {
                let names: Vec<String> = sites.iter().map(|id| self.unconstrained(*id)).collect();
                line(format!("H( q({}) )", names.join(", ")))
            }
            TermKind::LogDet(id) => {
                line(self.expected(format!("log |d {} / d {}|", self.site(*id), self.unconstrained(*id)), true))
            }
            TermKind::LogQ(id) => {
                line(self.expected(format!("log q({})", self.given(*id, &self.guide_parents(*id))), true))
            }
            TermKind::SummedOut { sites, statements } => self.summed_out(sign, sites, statements),
        }
    }

    fn expected(&self, text: String, random: bool) -> String {
        if random { format!("E_q[ {text} ]") } else { text }
    }

    /// Whether what these statements read is drawn, or summed under the guide.
    fn random(&self, statements: &[usize]) -> bool {
        let read = statements.iter().flat_map(|at| cost::reads(self.model(), &self.model().statements[*at]));
        let is = |id: SiteId| !matches!(self.elbo.sites[id.index()].treatment, Treatment::SummedOut(_));
        read.into_iter().any(is)
    }

    /// `log Bernoulli(x[n] | logits: decoder(z[n]))`
    fn statement(&self, at: usize) -> String {
        match &self.model().statements[at] {
            Statement::Factor { value, .. } => self.expr(*value),
            other => format!("log {}", self.density(other)),
        }
    }

    fn density(&self, statement: &Statement) -> String {
        match statement {
            Statement::Latent(id) => self.dist(&self.model().sites[id.index()].dist, Some(&self.site(*id))),
            Statement::Observe(y) => self.dist(&y.dist, Some(&self.expr(y.value))),
            Statement::Factor { value, .. } => format!("exp({})", self.expr(*value)),
            Statement::Define(_) => String::new(),
        }
    }

    fn kl(&self, id: SiteId) -> String {
        let facts = cost::Facts::new(self.model());
        let (q, p) = (self.guide_parents(id), facts.parents[id.index()].clone());
        let text = format!("KL( q({}) || p({}) )", self.given(id, &q), self.given(id, &p));
        self.expected(text, !q.is_empty() || !p.is_empty())
    }

    fn guide_parents(&self, id: SiteId) -> BTreeSet<SiteId> {
        cost::Facts::new(self.model()).guide_parents[id.index()].clone()
    }

    fn given(&self, id: SiteId, parents: &BTreeSet<SiteId>) -> String {
        if parents.is_empty() { self.site(id) } else { format!("{} | {}", self.site(id), self.sites(parents)) }
    }

    /// The coordinate in which an automatic factor is Normal.
    fn unconstrained(&self, id: SiteId) -> String {
        match self.model().sites[id.index()].support {
            Support::Real => self.site(id),
            Support::Positive => format!("log {}", self.site(id)),
            _ => format!("free({})", self.site(id)),
        }
    }

    /// The sum over states, one density a line, each with the plates over which its product runs.
    fn summed_out(&self, sign: &str, sites: &[SiteId], statements: &[usize]) -> Vec<String> {
        let outer: &[AxisId] = sites
            .iter()
            .map(|id| self.model().sites[id.index()].plates.as_slice())
            .min_by_key(|p| p.len())
            .unwrap_or(&[]);
        let random = self.random(statements);
        let (open, close) = if random { ("E_q[ ", " ]") } else { ("", "") };
        let mut lines = vec![format!("  {sign} {open}log sum over {} of", self.sites(sites))];
        for (i, at) in statements.iter().enumerate() {
            let statement = &self.model().statements[*at];
            let plates = crate::elbo::estimator::place(self.model(), statement).0;
            let inner: Vec<String> =
                plates.iter().filter(|axis| !outer.contains(axis)).map(|axis| self.range(*axis)).collect();
            let product = if inner.is_empty() { String::new() } else { format!("prod {} ", inner.join(", ")) };
            let times = if i == 0 { "  " } else { "* " };
            let end = if i + 1 == statements.len() { close } else { "" };
            lines.push(format!("          {times}{product}{}{end}", self.density(statement)));
        }
        lines
    }

    fn range(&self, axis: AxisId) -> String {
        let Axis { name, size, .. } = &self.elbo.axes[axis];
        format!("{name} in {}", size.print(&self.model().dims))
    }

    /// `sum n in N, scale N/|batch|`
    fn place(&self, term: &Term) -> String {
        let mut parts: Vec<String> = term.plates.iter().map(|axis| format!("sum {}", self.range(*axis))).collect();
        if let TermKind::AutoEntropy(sites) = &term.kind {
            let inside =
                |id: &SiteId| self.model().sites[id.index()].plates.iter().any(|axis| !term.plates.contains(axis));
            if sites.iter().any(inside) {
                parts.push("all rows".into());
            }
        }
        let dims: BTreeSet<_> = term.plates.iter().filter_map(|axis| cost::batched_dim(self.model(), *axis)).collect();
        let name = |dim: &crate::shape::DimId| self.model().dims[*dim].name.as_str();
        match dims.iter().collect::<Vec<_>>().as_slice() {
            [] => {}
            [dim] => parts.push(format!("scale {}/|batch|", name(dim))),
            many => {
                let each: Vec<String> = many.iter().map(|dim| format!("{0}/|batch {0}|", name(dim))).collect();
                parts.push(format!("scale {}", each.join(" ")));
            }
        }
        parts.join(", ")
    }

    /// `Normal(y[j] | theta[j], sigma[j])`: arguments by position while they are first choices, then by name.
    fn dist(&self, dist: &Dist, value: Option<&str>) -> String {
        let row = catalogue::row(dist.kind);
        let mut by_position = true;
        let mut groups = vec![];
        let mut list = vec![];
        for param in row.params {
            let first = !groups.contains(&param.group);
            groups.push(param.group);
            let Some(arg) = argument(&dist.args, param.name) else { continue };
            by_position &= first;
            let text = self.argument(arg, param.axes);
            list.push(if by_position { text } else { format!("{}: {text}", param.name) });
        }
        match (value, list.is_empty()) {
            (Some(value), false) => format!("{}({value} | {})", row.name, list.join(", ")),
            (Some(value), true) => format!("{}({value})", row.name),
            (None, _) => format!("{}({})", row.name, list.join(", ")),
        }
    }

    /// A number that the checker repeated for a vector is printed as it was written.
    fn argument(&self, arg: NodeId, axes: ParamAxes) -> String {
        match self.elbo.graph.nodes[arg].op {
            Op::Fill(number, _) if axes == ParamAxes::Event => self.expr(number),
            _ => self.expr(arg),
        }
    }

    // Definitions.

    /// Those that the printed text mentions, directly or through others, in the order written.
    fn definitions(&self) -> String {
        let model = self.model();
        let mut roots: Vec<NodeId> = model.statements.iter().flat_map(|s| cost::roots(model, s)).collect();
        roots.extend(model.guide.factors.iter().flat_map(|factor| factor.dist.args.values().copied()));
        let mut found: BTreeSet<DefId> = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while let Some(id) = roots.pop() {
            if !seen.insert(id) {
                continue;
            }
            match &model.graph.nodes[id].op {
                Op::Named(Label::Definition(def), value) => {
                    found.insert(*def);
                    roots.push(*value);
                }
                Op::Named(Label::Call { args, .. }, _) => roots.extend(args),
                op => roots.extend(op.children()),
            }
        }
        found.iter().map(|def| self.definition(*def)).collect()
    }

    fn definition(&self, id: DefId) -> String {
        let definition = &self.model().definitions[id.index()];
        let rows: Vec<&str> = definition.plates.iter().map(|axis| self.elbo.axes[*axis].name.as_str()).collect();
        let name = match rows.is_empty() {
            true => definition.name.clone(),
            false => format!("{}[{}]", definition.name, rows.join(", ")),
        };
        let value = match self.elbo.graph.nodes[definition.value].op {
            Op::Named(Label::Definition(_), value) => value,
            _ => definition.value,
        };
        format!("  {name} = {}\n", crate::math::print::print_within(&self.elbo.graph, value, &self.words, binding::IF))
    }
}

fn argument(args: &Args, name: &str) -> Option<NodeId> {
    args.get(name).copied()
}

fn join(a: &str, b: &str) -> String {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.into(),
        (_, true) => a.into(),
        _ => format!("{a}; {b}"),
    }
}

fn remark(joint: bool) -> String {
    if joint { "full-rank, joint".into() } else { "mean-field".into() }
}

fn estimator_name(estimator: Estimator) -> &'static str {
    match estimator {
        Estimator::IntegratesToOne => "one",
        Estimator::SummedOut => "summed out",
        Estimator::Enumerate => "enumerate",
        Estimator::Analytic => "analytic",
        Estimator::Pathwise => "pathwise",
    }
}

/// The map of an automatic factor, as LANGUAGE.md 1.8 lists them.
fn through_bijector(support: &Support) -> String {
    let normal = "Normal(loc, scale)";
    match support {
        Support::Real => normal.into(),
        Support::Positive => format!("exp({normal})"),
        Support::Unit => format!("sigmoid({normal})"),
        Support::Interval(..) => format!("interval({normal})"),
        Support::Simplex(_) => format!("stick_breaking({normal})"),
        Support::Ordered(_) => format!("ordered({normal})"),
        Support::PositiveOrdered(_) => format!("positive_ordered({normal})"),
        Support::Cholesky(_) => format!("cholesky({normal})"),
        Support::CholeskyCorr(_) => format!("cholesky_corr({normal})"),
        Support::Cov(_) => format!("cov({normal})"),
        _ => normal.into(),
    }
}
