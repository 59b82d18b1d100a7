//! Pieces to `Ast`: one function per grammar rule. A piece that fails becomes one problem and an error node that
//! binds the names it would have bound.

use pest::Parser as _;
use pest::iterators::Pair;

use super::expected;
use super::grammar::{Grammar, Parts, Rule};
use super::look::{self, Look};
use super::problems::{Fact, Place};
use super::slips;
use super::split::{Piece, Split};
use super::token::Kind;
use super::{Ast, Comment, Entry, FitValue, Formal, Item, NetResult, Param, Stmt, Target, Type};
use crate::problem::{Bug, Problems};
use crate::source::{Source, Span, Spanned};

/// One parse of one text.
pub struct Parser<'a> {
    pub text: &'a str,
    pub split: &'a Split,
    pub facts: Vec<Fact>,
    /// Whether a column expression is being read: strings may stand only there.
    pub column: bool,
    /// Where the text that pest sees begins in the source.
    offset: usize,
}

/// The whole text of a model. Never fails: what is wrong is in the problems and in the error nodes.
pub fn parse(source: &Source) -> (Ast, Problems) {
    let mut facts = vec![];
    let split = Split::new(&source.text, &mut facts);
    let mut parser = Parser { text: &source.text, split: &split, facts, column: false, offset: 0 };
    let items = split.pieces.iter().map(|piece| parser.item(piece)).collect();
    let mut problems = Problems::default();
    parser.facts.into_iter().for_each(|fact| problems.push(fact));
    (Ast { source: source.clone(), items, comments: comments(&source.text, &split) }, problems)
}

/// One fit entry by itself, as flags give them: `objective: iwae(50)`.
pub fn parse_entry(source: &Source) -> (Option<Entry>, Problems) {
    let mut facts = vec![];
    let split = Split::new(&source.text, &mut facts);
    let mut parser = Parser { text: &source.text, split: &split, facts, column: false, offset: 0 };
    let mut entries: Vec<Entry> =
        split.pieces.iter().filter_map(|piece| parser.entry(piece, Place::Fit)).map(|entry| entry.node).collect();
    let mut problems = Problems::default();
    parser.facts.into_iter().for_each(|fact| problems.push(fact));
    let entry = if entries.len() == 1 { entries.pop() } else { None };
    (entry, problems)
}

fn comments(text: &str, split: &Split) -> Vec<Comment> {
    let mut own_line = true;
    let mut comments = vec![];
    for token in &split.tokens {
        match token.kind {
            Kind::Newline => own_line = true,
            Kind::Comment => {
                let comment = text.get(token.span.start..token.span.end).unwrap_or("").to_string();
                comments.push(Comment { text: comment, span: token.span, own_line });
            }
            _ => own_line = false,
        }
    }
    comments
}

impl<'a> Parser<'a> {
    /// The parts of the head of a piece, or a problem.
    pub fn recognize(&mut self, rule: Rule, piece: &Piece, place: Place) -> Option<Pair<'a, Rule>> {
        if piece.broken {
            return None;
        }
        let span = self.split.span(&piece.head);
        self.offset = span.start;
        match Grammar::parse(rule, &self.text[span.start..span.end]) {
            Ok(mut pairs) => pairs.next(),
            Err(error) => {
                let fact = match slips::find(&Look::new(self.text, self.split, piece, place)) {
                    Some(slip) => Fact::Slip(slip),
                    None => expected::explain(rule, &error, self.text, self.split, piece),
                };
                self.facts.push(fact);
                None
            }
        }
    }

    /// Builds from the head of a piece. A builder that does not know what the grammar found is a bug of ours.
    pub fn build<T>(
        &mut self,
        rule: Rule,
        piece: &Piece,
        place: Place,
        build: impl FnOnce(&mut Self, Parts<'a>) -> Result<T, Bug>,
    ) -> Option<T> {
        let pair = self.recognize(rule, piece, place)?;
        let span = self.split.span(&piece.head);
        match build(self, Parts::of(pair)) {
            Ok(built) => Some(built),
            Err(bug) => {
                self.facts.push(Fact::Bug { span, bug });
                None
            }
        }
    }

    /// The span of what pest found, without the blanks that it may take with an optional end.
    pub fn span(&self, pair: &Pair<'a, Rule>) -> Span {
        let span = pair.as_span();
        let (start, end) = (self.offset + span.start(), self.offset + span.end());
        let after = self.split.tokens.partition_point(|token| token.span.start < end);
        let last = self.split.tokens[..after].iter().rfind(|token| token.is_code());
        Span::new(start, last.map_or(end, |token| token.span.end.min(end)))
    }

    /// The empty span where this begins.
    pub fn start(&self, pair: &Pair<'a, Rule>) -> Span {
        let start = self.offset + pair.as_span().start();
        Span::new(start, start)
    }

    /// An item that did not parse.
    pub fn broken_item(&self, piece: &Piece) -> Item {
        Item::Error { binds: look::binds(self.text, self.split, piece) }
    }

    pub fn broken_stmt(&self, piece: &Piece) -> Stmt {
        Stmt::Error { binds: look::binds(self.text, self.split, piece) }
    }

    /// Of `param_item`, in either place.
    pub fn param(&mut self, mut parts: Parts<'a>) -> Result<Param, Bug> {
        let name = self.name(parts.need(Rule::name)?);
        let rows = self.list(&mut parts, Rule::rows)?;
        let ty = self.type_(parts.need(Rule::type_)?)?;
        let value = parts.take(Rule::expression).map(|value| self.expression(value)).transpose()?;
        Ok(Param { name, rows, ty, value })
    }

    pub fn type_(&mut self, pair: Pair<'a, Rule>) -> Result<Type, Bug> {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.need(Rule::support)?);
        let args = self.list(&mut parts, Rule::support_arguments)?;
        let shape = self.list(&mut parts, Rule::shape)?;
        let missing = parts.take(Rule::missing).is_some();
        Ok(Type { name, args, shape, missing, span })
    }

    /// The expressions of an optional bracket.
    pub fn list(&mut self, parts: &mut Parts<'a>, rule: Rule) -> Result<Vec<super::Expr>, Bug> {
        match parts.take(rule) {
            Some(list) => self.each_of(Parts::of(list).all(Rule::expression), Parser::expression),
            None => Ok(vec![]),
        }
    }

    /// Of `typed_arguments` and `named_outputs`.
    pub fn typed_names(&mut self, pair: Pair<'a, Rule>) -> Result<Vec<Formal>, Bug> {
        self.each_of(Parts::of(pair).all(Rule::typed_name), |parser, pair| {
            let mut parts = Parts::of(pair);
            let name = parser.name(parts.need(Rule::name)?);
            Ok(Formal { name, ty: Some(parser.type_(parts.need(Rule::type_)?)?) })
        })
    }

    pub fn plain_names(&mut self, pair: Pair<'a, Rule>) -> Vec<Formal> {
        let names = Parts::of(pair).all(Rule::name);
        names.into_iter().map(|name| Formal { name: self.name(name), ty: None }).collect()
    }

    pub fn net_result(&mut self, parts: &mut Parts<'a>) -> Result<NetResult, Bug> {
        match parts.take(Rule::named_outputs) {
            Some(outputs) => Ok(NetResult::Named(self.typed_names(outputs)?)),
            None => Ok(NetResult::One(self.type_(parts.need(Rule::type_)?)?)),
        }
    }

    /// Of `draw`.
    pub fn draw(&mut self, mut parts: Parts<'a>) -> Result<Stmt, Bug> {
        let (sites, grouped) = match parts.take(Rule::group) {
            Some(group) => (Parts::of(group).all(Rule::site), true),
            None => (vec![parts.need(Rule::site)?], false),
        };
        let targets = self.each_of(sites, Parser::site)?;
        let dist = self.call(parts.need(Rule::distribution)?)?;
        let by = parts.take(Rule::estimator).map(|by| self.call(by)).transpose()?;
        Ok(Stmt::Draw { targets, grouped, dist, by })
    }

    fn site(&mut self, pair: Pair<'a, Rule>) -> Result<Target, Bug> {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.need(Rule::name)?);
        let index = self.list(&mut parts, Rule::site_index)?;
        let ty = parts.take(Rule::type_).map(|ty| self.type_(ty)).transpose()?;
        Ok(Target { name, index, ty, span })
    }

    /// One entry of a `fit` block or a phase.
    pub fn entry(&mut self, piece: &Piece, place: Place) -> Option<Spanned<Entry>> {
        let span = self.split.whole(piece);
        if !self.check_body(piece) {
            return None;
        }
        let entry = self.build(Rule::fit_entry, piece, place, |parser, mut parts| {
            let name = parser.name(parts.need(Rule::name)?);
            let values = parser.each_of(parts.all(Rule::fit_value), Parser::fit_value)?;
            Ok(Entry { name, values })
        })?;
        Some(Spanned::new(entry, span))
    }

    fn fit_value(&mut self, pair: Pair<'a, Rule>) -> Result<FitValue, Bug> {
        let mut parts = Parts::of(pair);
        if let Some(record) = parts.take(Rule::record) {
            let span = self.span(&record);
            let entries = self.each_of(Parts::of(record).all(Rule::record_entry), |parser, pair| {
                let mut parts = Parts::of(pair);
                let name = parser.name(parts.need(Rule::name)?);
                Ok((name, parser.expression(parts.need(Rule::expression)?)?))
            })?;
            let value = super::Expr { kind: super::ExprKind::Record(entries), span };
            return Ok(FitValue { key: None, value });
        }
        let key = match parts.take(Rule::label_equals) {
            Some(label) => Some(self.name(Parts::of(label).need(Rule::name)?)),
            None => None,
        };
        Ok(FitValue { key, value: self.expression(parts.need(Rule::expression)?)? })
    }
}
