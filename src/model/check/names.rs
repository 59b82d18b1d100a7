//! Names: what each means where it is read, who sees it, and what was meant by one that nothing is called.

use std::collections::BTreeMap;

use super::Checker;
use super::expr::{Place, Value};
use crate::arena::Id;
use crate::math::{DataId, DefId, NodeId, ParamId, SiteId};
use crate::model::problems::{Calls, Expressions, Limits, Names, Sought};
use crate::shape::{AxisId, Dim};
use crate::source::Span;
use crate::syntax::{Item, Name};

/// What a name means where it is read.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    Dim(Id<Dim>),
    Const(usize),
    Data(DataId),
    Param(ParamId),
    Net(usize),
    Fun(usize),
    Energy(usize),
    Site(SiteId),
    Definition(DefId),
    /// `e = encoder(x[n])` with named outputs: one definition each.
    Outputs(Vec<(String, DefId)>),
    /// A plate or comprehension variable.
    Axis(AxisId),
    /// An argument of a net or fun, or a definition inside a net.
    Local(Value),
    /// Reported where it was declared.
    Broken,
}

impl Meaning {
    /// The word for it in messages.
    pub fn word(&self) -> &'static str {
        match self {
            Meaning::Dim(_) => "a dim",
            Meaning::Const(_) => "a const",
            Meaning::Data(_) => "data",
            Meaning::Param(_) => "a param",
            Meaning::Net(_) => "a net",
            Meaning::Fun(_) => "a fun",
            Meaning::Energy(_) => "an energy",
            Meaning::Site(_) => "a site",
            Meaning::Definition(_) | Meaning::Outputs(_) => "a definition",
            Meaning::Axis(_) => "a loop variable",
            Meaning::Local(_) => "an argument",
            Meaning::Broken => "a name",
        }
    }
}

/// A name and where it was declared.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub meaning: Meaning,
    pub span: Span,
}

/// Everything that can be read at one place of the text.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub top: BTreeMap<String, Entry>,
    /// Sites and definitions of the block being checked, as far as it has come.
    pub block: BTreeMap<String, Entry>,
    /// Loop variables and arguments, innermost last.
    pub locals: Vec<(String, Entry)>,
    /// Inside the body of a net or fun: its name, and where its own locals begin.
    pub closed: Option<(String, usize)>,
    /// Names that the model block declares anywhere, with their places: for "used before" and hiding.
    pub model_names: BTreeMap<String, Span>,
    /// Names that the guide declares anywhere.
    pub guide_names: BTreeMap<String, Span>,
}

impl Scope {
    pub(super) fn local(&self, name: &str) -> Option<&Entry> {
        let from = self.closed.as_ref().map_or(0, |(_, from)| *from);
        self.locals[from..].iter().rev().find(|(n, _)| n == name).map(|(_, entry)| entry)
    }

    /// What can be written here, for "did you mean".
    fn visible(&self) -> Vec<&str> {
        let from = self.closed.as_ref().map_or(0, |(_, from)| *from);
        let mut names: Vec<&str> = self.locals[from..].iter().map(|(n, _)| n.as_str()).collect();
        names.extend(self.block.keys().map(String::as_str).filter(|_| self.closed.is_none()));
        names.extend(self.top.keys().map(String::as_str));
        names
    }

    /// The top-level names that are what is sought.
    fn declared(&self, sought: Sought) -> Vec<&str> {
        let fits = |entry: &Entry| match entry.meaning {
            Meaning::Dim(_) => sought != Sought::Value,
            Meaning::Const(_) => sought == Sought::Number,
            _ => false,
        };
        self.top.iter().filter(|(_, entry)| fits(entry)).map(|(name, _)| name.as_str()).collect()
    }
}

impl<'a> Checker<'a> {
    /// Gives every top-level item its name; each is declared once.
    pub(super) fn declare_top(&mut self) {
        let ast = self.ast;
        for item in &ast.items {
            match &item.node {
                Item::Dim { name, .. } => {
                    let id = self.add_dim(name);
                    self.declare_item(name, Meaning::Dim(id));
                }
                Item::Const { name, value } => {
                    let at = self.add_const(name, value);
                    self.declare_item(name, Meaning::Const(at));
                }
                Item::Data { name, rows, ty, value } => {
                    let id = self.add_data(name, rows, ty, value.as_ref());
                    self.declare_item(name, Meaning::Data(id));
                }
                Item::Param(param) => {
                    let id = self.add_param(param, &[]);
                    self.declare_item(&param.name, Meaning::Param(id));
                }
                Item::Net { name, formals, result, body } => {
                    let at = self.add_net(name, formals, result, body);
                    self.declare_function(name, Meaning::Net(at));
                }
                Item::Fun { name, formals, body } => {
                    let at = self.add_fun(name, formals, body);
                    self.declare_function(name, Meaning::Fun(at));
                }
                Item::Energy { name, formals, body } => {
                    let at = self.add_energy(name, formals, body);
                    self.declare_function(name, Meaning::Energy(at));
                }
                Item::Model(block) => self.add_model(block, item.span),
                Item::Guide { auto, block } => self.add_guide(auto.as_ref(), block.as_ref(), item.span),
                Item::Fit { entries } => self.add_fit(entries, item.span),
                Item::Error { binds } => {
                    binds.iter().for_each(|name| {
                        let entry = Entry { meaning: Meaning::Broken, span: name.span };
                        self.scope.top.entry(name.node.clone()).or_insert(entry);
                    });
                    self.has_broken_items = true;
                }
            }
        }
    }

    fn declare_item(&mut self, name: &Name, meaning: Meaning) {
        if let Some(first) = self.scope.top.get(&name.node) {
            let first = first.span;
            self.report(Names::Duplicate { name: name.node.clone(), first, second: name.span });
            return;
        }
        self.scope.top.insert(name.node.clone(), Entry { meaning, span: name.span });
    }

    fn declare_function(&mut self, name: &Name, meaning: Meaning) {
        if super::calls::is_builtin(&name.node) || super::nets::is_layer(&name.node) {
            self.report(Names::Builtin { name: name.node.clone(), span: name.span });
        }
        self.declare_item(name, meaning);
    }

    /// A site or definition of the block being checked; the names of the block were compared before.
    pub(super) fn declare(&mut self, name: &Name, meaning: Meaning) -> bool {
        let first = (self.scope.block.get(&name.node)).or_else(|| self.scope.top.get(&name.node));
        if let Some(first) = first {
            if !matches!(first.meaning, Meaning::Broken) {
                let first = first.span;
                self.report(Names::Duplicate { name: name.node.clone(), first, second: name.span });
                self.doubled.insert(name.node.clone());
            }
            return false;
        }
        self.scope.block.insert(name.node.clone(), Entry { meaning, span: name.span });
        true
    }

    /// Nothing below should stumble over a name whose declaration was already reported.
    pub(super) fn declare_broken(&mut self, name: &Name) {
        let entry = Entry { meaning: Meaning::Broken, span: name.span };
        if !self.scope.top.contains_key(&name.node) {
            self.scope.block.entry(name.node.clone()).or_insert(entry);
        }
    }

    /// Brings a loop variable into scope. It may not hide a name of its scope, nor an outer variable.
    pub(super) fn push_variable(&mut self, name: &Name, axis: AxisId) {
        let from = self.scope.closed.as_ref().map_or(0, |(_, from)| *from);
        let local = self.scope.locals[from..].iter().rev().find(|(n, _)| *n == name.node).map(|(_, e)| e.span);
        let hidden = local.or_else(|| self.scope.top.get(&name.node).map(|e| e.span)).or_else(|| {
            let open = self.scope.closed.is_none();
            let names = if self.in_guide() { &self.scope.guide_names } else { &self.scope.model_names };
            names.get(&name.node).copied().filter(|_| open)
        });
        if let Some(hidden) = hidden {
            self.report(Names::Hides { name: name.node.clone(), span: name.span, hidden });
        }
        let entry = Entry { meaning: Meaning::Axis(axis), span: name.span };
        self.scope.locals.push((name.node.clone(), entry));
    }

    /// What the name means here; `None` has been reported.
    pub(super) fn lookup(&mut self, name: &str, span: Span) -> Option<Meaning> {
        let sought = if self.place == Place::Const { Sought::Number } else { Sought::Value };
        self.lookup_as(name, span, sought)
    }

    /// What the name means here, where a dim is wanted.
    pub(super) fn lookup_dim(&mut self, name: &str, span: Span) -> Option<Meaning> {
        self.lookup_as(name, span, Sought::Dim)
    }

    fn lookup_as(&mut self, name: &str, span: Span, sought: Sought) -> Option<Meaning> {
        if let Some(entry) = self.scope.local(name) {
            return Some(entry.meaning.clone());
        }
        if let Some((body, _)) = self.scope.closed.clone() {
            return self.lookup_closed(name, span, &body, sought);
        }
        if let Some(entry) = self.scope.block.get(name).or_else(|| self.scope.top.get(name)) {
            return Some(entry.meaning.clone());
        }
        self.unknown(name, span, sought);
        None
    }

    /// Bodies of nets and funs see dims, consts, params and other nets and funs; no data, no sites.
    fn lookup_closed(&mut self, name: &str, span: Span, body: &str, sought: Sought) -> Option<Meaning> {
        let entry = self.scope.top.get(name).cloned();
        match entry {
            Some(Entry { meaning: meaning @ (Meaning::Data(_) | Meaning::Energy(_)), span: declared }) => {
                let what = meaning.word();
                self.report(Names::Closed { name: name.into(), span, declared, what, body: body.into() });
                None
            }
            Some(entry) => Some(entry.meaning),
            None => {
                let of_model = self.scope.model_names.get(name).map(|span| (*span, "a name of the model"));
                let of_guide = self.scope.guide_names.get(name).map(|span| (*span, "a name of the guide"));
                match of_model.or(of_guide) {
                    Some((declared, what)) => {
                        self.report(Names::Closed { name: name.into(), span, declared, what, body: body.into() });
                    }
                    None => self.unknown(name, span, sought),
                }
                None
            }
        }
    }

    fn unknown(&mut self, name: &str, span: Span, sought: Sought) {
        if self.declaring.as_deref() == Some(name) {
            if self.in_chain() {
                self.report(Limits::ChainDefinition { name: name.into(), span });
                return;
            }
            self.report(Names::ReadsItself { name: name.into(), span });
            return;
        }
        let guide = self.in_guide();
        let later = if guide { self.scope.guide_names.get(name) } else { self.scope.model_names.get(name) };
        if let Some(declared) = later.copied() {
            self.report(Names::UsedBefore { name: name.into(), span, declared });
            return;
        }
        if guide && let Some(declared) = self.scope.model_names.get(name).copied() {
            self.report(Names::ModelDefinition { name: name.into(), span, declared });
            return;
        }
        if !guide && let Some(declared) = self.scope.guide_names.get(name).copied() {
            self.report(Names::GuideName { name: name.into(), span, declared });
            return;
        }
        if sought != Sought::Dim && (super::calls::is_builtin(name) || super::nets::is_layer(name)) {
            self.report(Expressions::FunctionAsValue { name: name.into(), word: "a function", span });
            return;
        }
        if sought == Sought::Value && super::dists::is_distribution(name) {
            self.report(Calls::DistributionAsValue { name: name.into(), span });
            return;
        }
        let among = if sought == Sought::Value { self.scope.visible() } else { self.scope.declared(sought) };
        let nearest = nearest(name, among.iter().copied());
        let visible = among.into_iter().map(String::from).collect();
        let guide = self.place == Place::Guide;
        self.report(Names::Unknown { name: name.into(), span, sought, guide, nearest, visible });
    }

    /// The node a definition stands for, under its name.
    pub(super) fn definition_node(&self, def: DefId) -> NodeId {
        self.definition_nodes[def.index()]
    }
}

/// The name that was probably meant: at most a third of its letters differ.
pub(super) fn nearest<'n>(name: &str, among: impl Iterator<Item = &'n str>) -> Option<String> {
    let allowed = (name.chars().count() / 3).max(1);
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let mut best: Option<(usize, &str)> = None;
    for other in among {
        // A long name cannot be near; skipping it keeps hostile inputs cheap.
        if other == name || other.len().abs_diff(name.len()) > allowed || name.len() > 64 {
            continue;
        }
        let d = distance(other);
        let whole = name.chars().count() == 1 && d > 0 && !other.eq_ignore_ascii_case(name);
        if d <= allowed && !whole && best.is_none_or(|(least, _)| d < least) {
            best = Some((d, other));
        }
    }
    best.map(|(_, other)| other.to_string())
}
