//! Ast to `Model`: every mistake at once, none of them twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::Arena;
use crate::math::{DataId, DefId, Graph, NodeId, ParamId, SiteId};
use crate::model::problems::{Items, Sizes};
use crate::model::{
    Constant, Data, Definition, Factor, FitBlock, Model, Owner, Param, Proviso, Settings, Site, Statement,
};
use crate::problem::{Label, Problem, Problems, Severity};
use crate::shape::{Axis, AxisId, Dim, DimId};
use crate::source::{Source, Span, Spanned};
use crate::syntax::{self, Ast, Block, FitItem, Formal, Stmt};

mod arguments;
mod arrays;
mod autos;
mod build;
mod calls;
mod chains;
mod columns;
mod composites;
mod comprehensions;
mod constants;
mod dists;
mod energies;
mod ends;
mod estimators;
mod expr;
mod fit;
pub(crate) mod fitting;
mod funnel;
mod funs;
mod guide;
mod index;
mod items;
mod layers;
mod lints;
mod missing;
mod names;
mod nets;
mod objectives;
mod observe;
mod picks;
mod sizes;
mod statements;
mod symmetry;
mod types;
mod walk;
mod weights;

use expr::Place;
use names::Scope;

/// Parses and checks.
pub fn compile_model(source: &Source, settings: &Settings) -> (Option<Model>, Problems) {
    let (ast, mut problems) = syntax::parse(source);
    let (model, found) = check(&ast, settings);
    problems.extend(found);
    (model.filter(|_| !problems.has_errors()), problems)
}

/// The model that a syntax tree stands for; `None` where something in it is wrong.
pub fn check(ast: &Ast, settings: &Settings) -> (Option<Model>, Problems) {
    let mut checker = Checker::new(ast, settings);
    let model = checker.check_file();
    let wrong = checker.errors() > 0 || checker.has_broken_items;
    let mut problems = Problems::default();
    let mut said: BTreeSet<(&'static str, String, Span)> = BTreeSet::new();
    for problem in checker.problems {
        // A mistake in a fun is found again at each call: it is said once.
        let place = problem.labels.first().map_or(Span::default(), |label| label.span);
        if said.insert((problem.code, problem.message.clone(), place)) {
            problems.push(problem);
        }
    }
    (model.filter(|_| !wrong), problems)
}

/// Everything known while a file is being checked. Each file of this folder adds one kind of knowledge.
pub(super) struct Checker<'a> {
    ast: &'a Ast,
    settings: &'a Settings,
    problems: Vec<Problem>,
    // What the model is made of.
    dims: Arena<Dim>,
    axes: Arena<Axis>,
    graph: Graph,
    constants: Vec<Constant>,
    data: Vec<Data>,
    params: Vec<Param>,
    sites: Vec<Site>,
    definitions: Vec<Definition>,
    definition_nodes: Vec<NodeId>,
    statements: Vec<Statement>,
    factors: Vec<Factor>,
    provisos: Vec<Proviso>,
    // Items as written.
    dim_states: Vec<sizes::DimState>,
    consts: Vec<constants::ConstItem<'a>>,
    data_items: Vec<items::DataItem<'a>>,
    param_items: Vec<(ParamId, &'a syntax::Param)>,
    nets: Vec<nets::NetItem<'a>>,
    funs: Vec<funs::FunItem<'a>>,
    energies: Vec<energies::EnergyItem<'a>>,
    models: Vec<(&'a Block, Span)>,
    guides: Vec<guide::GuideItem<'a>>,
    fits: Vec<(&'a [Spanned<FitItem>], Span)>,
    // What was reported: it is read as a value of its type or not at all.
    broken_data: BTreeSet<DataId>,
    broken_params: BTreeSet<ParamId>,
    broken_plates: usize,
    has_broken_items: bool,
    model_is_broken: bool,
    placeholders: u32,
    too_large: bool,
    // Where the checker is.
    scope: Scope,
    place: Place,
    body: Option<funs::Body>,
    plates: Vec<AxisId>,
    guards: Vec<picks::Guard>,
    declaring: Option<String>,
    /// The site whose distribution is being checked, where it is declared already.
    drawing: Option<SiteId>,
    /// The definition that is being checked and reads earlier rows of itself, and what stands for them; nothing does
    /// while its type is being guessed.
    recursion: Option<(String, Option<NodeId>)>,
    /// The type of what reads itself is being guessed.
    guessing: bool,
    /// Data that `fill` reads as they are.
    filling: Option<DataId>,
    depth: usize,
    work: usize,
    /// Checking a net's body by its types alone: nothing of it stays.
    trial: bool,
    guide_block: bool,
    guide_auto: bool,
    unknown_targets: usize,
    /// Names that were said to be declared twice: which of both is read is anybody's guess.
    doubled: BTreeSet<String>,
    /// Sites whose distribution was reported: of these only the type is known.
    unsettled: BTreeSet<SiteId>,
    // What was read and written.
    data_reads: BTreeMap<DataId, Span>,
    column_reads: BTreeMap<DataId, BTreeSet<DataId>>,
    observed: BTreeMap<DataId, Span>,
    seen: BTreeMap<DataId, missing::Seen<'a>>,
    missing_sites: BTreeMap<DataId, SiteId>,
    site_names: Vec<Span>,
    site_written: Vec<funnel::Written<'a>>,
    homes: guide::Homes,
    written: BTreeMap<String, Span>,
    batched: Vec<(DimId, Span)>,
    fit_block: FitBlock,
}

impl<'a> Checker<'a> {
    fn new(ast: &'a Ast, settings: &'a Settings) -> Checker<'a> {
        Checker {
            ast,
            settings,
            problems: vec![],
            dims: Arena::new(),
            axes: Arena::new(),
            graph: Graph::default(),
            constants: vec![],
            data: vec![],
            params: vec![],
            sites: vec![],
            definitions: vec![],
            definition_nodes: vec![],
            statements: vec![],
            factors: vec![],
            provisos: vec![],
            dim_states: vec![],
            consts: vec![],
            data_items: vec![],
            param_items: vec![],
            nets: vec![],
            funs: vec![],
            energies: vec![],
            models: vec![],
            guides: vec![],
            fits: vec![],
            broken_data: BTreeSet::new(),
            broken_params: BTreeSet::new(),
            broken_plates: 0,
            has_broken_items: false,
            model_is_broken: false,
            placeholders: 0,
            too_large: false,
            scope: Scope::default(),
            place: Place::Model,
            body: None,
            plates: vec![],
            guards: vec![],
            declaring: None,
            drawing: None,
            recursion: None,
            guessing: false,
            filling: None,
            depth: 0,
            work: 0,
            trial: false,
            guide_block: false,
            guide_auto: false,
            unknown_targets: 0,
            doubled: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            data_reads: BTreeMap::new(),
            column_reads: BTreeMap::new(),
            observed: BTreeMap::new(),
            seen: BTreeMap::new(),
            missing_sites: BTreeMap::new(),
            site_names: vec![],
            site_written: vec![],
            fit_block: FitBlock::default(),
            homes: BTreeMap::new(),
            written: BTreeMap::new(),
            batched: vec![],
        }
    }

    fn check_file(&mut self) -> Option<Model> {
        self.declare_top();
        self.collect_block_names();
        self.check_once();
        self.check_dims();
        self.check_settings();
        self.check_consts();
        self.check_data();
        self.check_params();
        self.check_signatures();
        self.check_functions();
        self.check_energies();
        self.check_starts();
        if let Some((block, _)) = self.models.first().copied() {
            let before = self.errors();
            self.check_model_block(block);
            self.model_is_broken = self.errors() > before || self.has_broken_items;
        }
        let guide = self.check_guide();
        self.fit_block = self.check_fit();
        self.give_owners();
        self.check_whole(&guide);
        let model = Model {
            name: self.ast.source.stem().into(),
            source: self.ast.source.clone(),
            dims: std::mem::take(&mut self.dims),
            axes: std::mem::take(&mut self.axes),
            graph: std::mem::take(&mut self.graph),
            constants: std::mem::take(&mut self.constants),
            data: std::mem::take(&mut self.data),
            params: std::mem::take(&mut self.params),
            sites: std::mem::take(&mut self.sites),
            definitions: std::mem::take(&mut self.definitions),
            statements: std::mem::take(&mut self.statements),
            guide,
            fit: std::mem::take(&mut self.fit_block),
            provisos: std::mem::take(&mut self.provisos),
        };
        if self.errors() == 0 {
            let batched: Vec<_> = self.batched.iter().map(|(dim, span)| (*dim, Some(*span))).collect();
            self.problems.extend(super::batch::check_batch(&model, &batched).sorted());
        }
        Some(model)
    }

    pub(super) fn add_model(&mut self, block: &'a Block, span: Span) {
        self.models.push((block, span));
    }

    /// One model, at most one guide and one fit block.
    fn check_once(&mut self) {
        if self.models.is_empty() && !self.has_broken_items {
            self.report(Items::NoModel);
        }
        let keyword = |span: Span, word: &str| Span::new(span.start, span.start + word.len());
        let spans: [(&'static str, Vec<Span>); 3] = [
            ("model", self.models.iter().map(|(_, span)| *span).collect()),
            ("guide", self.guides.iter().map(|guide| guide.span).collect()),
            ("fit", self.fits.iter().map(|(_, span)| *span).collect()),
        ];
        for (word, list) in spans {
            if let [first, second, ..] = list.as_slice() {
                self.report(Items::Twice { word, first: keyword(*first, word), second: keyword(*second, word) });
            }
        }
    }

    /// Names that the blocks declare anywhere, so that one used too early is told from one that is not there.
    fn collect_block_names(&mut self) {
        if let Some((block, _)) = self.models.first() {
            let mut open = vec![*block];
            while let Some(block) = open.pop() {
                for stmt in &block.stmts {
                    match &stmt.node {
                        Stmt::Plate { block, .. } => open.push(block),
                        Stmt::Def { name, .. } => {
                            self.scope.model_names.entry(name.node.clone()).or_insert(name.span);
                        }
                        Stmt::Draw { targets, .. } => {
                            for target in
                                targets.iter().filter(|target| !self.scope.top.contains_key(&target.name.node))
                            {
                                let name = &target.name;
                                self.scope.model_names.entry(name.node.clone()).or_insert(name.span);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        if let Some(block) = self.guides.first().and_then(|guide| guide.block) {
            self.scope.guide_names = guide::guide_names(block);
        }
    }

    /// `--set` names dims and consts.
    fn check_settings(&mut self) {
        for (name, _) in self.settings.set.clone() {
            let known = self.dims.iter().any(|(_, dim)| dim.name == name)
                || self.consts.iter().any(|constant| constant.name.node == name);
            if !known {
                let names: Vec<String> = self
                    .dims
                    .iter()
                    .map(|(_, dim)| dim.name.clone())
                    .chain(self.consts.iter().map(|constant| constant.name.node.clone()))
                    .collect();
                let nearest = names::nearest(&name, names.iter().map(String::as_str));
                self.report(Sizes::SetUnknown { name, nearest, names });
            }
        }
    }

    /// A param or net belongs to the model if the model reads it, else to the guide.
    fn give_owners(&mut self) {
        let roots = self.model_roots();
        let read = self.read_params(&roots);
        let nets: BTreeSet<String> = read.iter().filter_map(|id| self.params.get(id.index())?.net.clone()).collect();
        for (at, param) in self.params.iter_mut().enumerate() {
            let by_net = param.net.as_ref().is_some_and(|net| nets.contains(net));
            if read.contains(&ParamId(at as u32)) || by_net {
                param.owner = Owner::Model;
            }
        }
    }

    pub(super) fn report(&mut self, problem: impl Into<Problem>) {
        self.problems.push(problem.into());
    }

    pub(super) fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// Labels what was reported since then with where it came from.
    pub(super) fn label_since(&mut self, before: usize, span: Span, text: &str) {
        const MOST: usize = 4;
        for problem in &mut self.problems[before..] {
            if !problem.labels.iter().any(|label| label.span == span) {
                // Of a long chain of calls the innermost few and the outermost say most.
                problem.labels.truncate(MOST - 1);
                problem.labels.push(Label { span, text: text.into() });
            }
        }
    }

    pub(super) fn definition(&self, id: DefId) -> &Definition {
        &self.definitions[id.index()]
    }
}

pub(super) fn formal_names(formals: &[Formal]) -> Vec<String> {
    formals.iter().map(|formal| formal.name.node.clone()).collect()
}
