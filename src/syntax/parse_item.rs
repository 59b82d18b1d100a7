//! Items, blocks and statements: which grammar rule a piece is for is said by its first words.

use super::grammar::{Parts, Rule};
use super::parse::Parser;
use super::problems::{Fact, Place};
use super::slips::{self, Look};
use super::split::{Body, Piece};
use super::{Block, FitItem, Item, NetStmt, PhaseOf, Stmt};
use crate::problem::Bug;
use crate::source::{Span, Spanned};

/// What each item is called by its first word, its rule, and whether it has a block.
const ITEMS: [(&str, Rule, Blocks); 10] = [
    ("dim", Rule::dim_item, Blocks::None),
    ("const", Rule::const_item, Blocks::None),
    ("data", Rule::data_item, Blocks::None),
    ("param", Rule::param_item, Blocks::None),
    ("net", Rule::net_head, Blocks::One),
    ("fun", Rule::fun_item, Blocks::None),
    ("energy", Rule::energy_item, Blocks::None),
    ("model", Rule::model_head, Blocks::One),
    ("guide", Rule::guide_head, Blocks::Optional),
    ("fit", Rule::fit_head, Blocks::One),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocks {
    None,
    One,
    Optional,
}

impl<'a> Parser<'a> {
    pub fn item(&mut self, piece: &Piece) -> Spanned<Item> {
        let span = self.split.whole(piece);
        let first = self.first(piece).to_string();
        let row = ITEMS.iter().find(|(word, ..)| *word == first);
        let item = match row {
            Some(&(_, rule, blocks)) => {
                let fits = self.check_block(piece, blocks, Place::Top);
                self.item_of(rule, piece).filter(|_| fits)
            }
            None => {
                self.check_body(piece);
                self.unknown(piece, Place::Top);
                None
            }
        };
        Spanned::new(item.unwrap_or_else(|| self.broken_item(piece)), span)
    }

    fn item_of(&mut self, rule: Rule, piece: &Piece) -> Option<Item> {
        let place = Place::Top;
        match rule {
            Rule::param_item => self.build(rule, piece, place, Parser::param).map(Item::Param),
            Rule::net_head => self.net(piece),
            Rule::model_head => {
                // A wrong head does not make the story another.
                self.recognize(rule, piece, place);
                self.block(piece).map(Item::Model)
            }
            Rule::guide_head => {
                let auto = self.build(rule, piece, place, |parser, mut parts| {
                    parts.take(Rule::kw_guide);
                    parts.take(Rule::automatic).map(|auto| parser.call(auto)).transpose()
                });
                let block = self.block(piece);
                auto.map(|auto| Item::Guide { auto, block })
            }
            Rule::fit_head => {
                self.recognize(rule, piece, place);
                let pieces = piece.body.as_ref().map_or(&[][..], |body| &body.pieces);
                Some(Item::Fit { entries: pieces.iter().map(|piece| self.fit_item(piece)).collect() })
            }
            _ => self.build(rule, piece, place, |parser, parts| parser.declaration(rule, parts)),
        }
    }

    /// An item of one piece: a name and what it is.
    fn declaration(&mut self, rule: Rule, mut parts: Parts<'a>) -> Result<Item, Bug> {
        let name = self.name(parts.need(Rule::name)?);
        match rule {
            Rule::dim_item => {
                let value = parts.take(Rule::expression).map(|value| self.expression(value)).transpose()?;
                Ok(Item::Dim { name, value })
            }
            Rule::const_item => Ok(Item::Const { name, value: self.expression(parts.need(Rule::expression)?)? }),
            Rule::data_item => {
                let rows = self.list(&mut parts, Rule::rows)?;
                let ty = self.type_(parts.need(Rule::type_)?)?;
                self.column = true;
                let value = parts.take(Rule::expression).map(|value| self.expression(value)).transpose();
                self.column = false;
                Ok(Item::Data { name, rows, ty, value: value? })
            }
            Rule::fun_item => {
                let arguments = parts.need(Rule::plain_arguments)?;
                let formals = self.plain_names(arguments);
                Ok(Item::Fun { name, formals, body: self.expression(parts.need(Rule::expression)?)? })
            }
            _ => {
                let formals = self.typed_names(parts.need(Rule::typed_arguments)?)?;
                Ok(Item::Energy { name, formals, body: self.expression(parts.need(Rule::expression)?)? })
            }
        }
    }

    fn net(&mut self, piece: &Piece) -> Option<Item> {
        let head = self.build(Rule::net_head, piece, Place::Top, |parser, mut parts| {
            let name = parser.name(parts.need(Rule::name)?);
            let formals = parser.typed_names(parts.need(Rule::typed_arguments)?)?;
            Ok((name, formals, parser.net_result(&mut parts)?))
        });
        let pieces = piece.body.as_ref().map_or(&[][..], |body| &body.pieces);
        let body = pieces.iter().map(|piece| self.net_stmt(piece)).collect();
        let (name, formals, result) = head?;
        Some(Item::Net { name, formals, result, body })
    }

    fn net_stmt(&mut self, piece: &Piece) -> Spanned<NetStmt> {
        let span = self.split.whole(piece);
        let looks = self.look(piece, Place::Net);
        let stmt = if looks.has("=") || looks.has("~") {
            self.definition(piece, Place::Net).map(|(name, value)| NetStmt::Def { name, value })
        } else {
            self.build(Rule::result, piece, Place::Net, |parser, mut parts| {
                parser.expression(parts.need(Rule::expression)?).map(NetStmt::Result)
            })
        };
        let fits = self.check_body(piece);
        let broken = || NetStmt::Error { binds: slips::binds(self.text, self.split, piece) };
        Spanned::new(stmt.filter(|_| fits).unwrap_or_else(broken), span)
    }

    /// Of `definition`.
    fn definition(&mut self, piece: &Piece, place: Place) -> Option<(super::Name, super::Expr)> {
        self.build(Rule::definition, piece, place, |parser, mut parts| {
            let name = parser.name(parts.need(Rule::name)?);
            Ok((name, parser.expression(parts.need(Rule::expression)?)?))
        })
    }

    /// The block of a piece, if it has one.
    fn block(&mut self, piece: &Piece) -> Option<Block> {
        let body = piece.body.as_ref()?;
        let stmts = body.pieces.iter().map(|piece| self.stmt(piece)).collect();
        Some(Block { stmts, span: self.split.body_span(body) })
    }

    fn stmt(&mut self, piece: &Piece) -> Spanned<Stmt> {
        let span = self.split.whole(piece);
        let first = self.first(piece);
        let looks = self.look(piece, Place::Block);
        let plate = first == "for";
        let (draws, defines) = (looks.has("~"), looks.has("="));
        let stmt = match first {
            "for" => self.plate(piece),
            "factor" => self.build(Rule::factor_statement, piece, Place::Block, |parser, mut parts| {
                parser.expression(parts.need(Rule::expression)?).map(Stmt::Factor)
            }),
            "param" => self.build(Rule::param_item, piece, Place::Block, Parser::param).map(Stmt::Param),
            _ if draws => self.build(Rule::draw, piece, Place::Block, Parser::draw),
            _ if defines => self.definition(piece, Place::Block).map(|(name, value)| Stmt::Def { name, value }),
            _ => {
                self.unknown(piece, Place::Block);
                None
            }
        };
        let fits = plate || self.check_body(piece);
        Spanned::new(stmt.filter(|_| fits).unwrap_or_else(|| self.broken_stmt(piece)), span)
    }

    fn plate(&mut self, piece: &Piece) -> Option<Stmt> {
        let fits = self.check_block(piece, Blocks::One, Place::Block);
        let head = self.build(Rule::plate_head, piece, Place::Block, |parser, mut parts| {
            let var = parser.name(parts.need(Rule::name)?);
            let dim = parser.name(parts.need(Rule::dim_name)?);
            Ok((var, dim, parts.take(Rule::kw_chain).is_some()))
        });
        let block = self.block(piece);
        let (var, dim, chain) = head.filter(|_| fits)?;
        Some(Stmt::Plate { var, dim, chain, block: block? })
    }

    pub fn phase_of(&mut self, parts: &mut Parts<'a>) -> Result<Spanned<PhaseOf>, Bug> {
        match parts.any() {
            Some(pair) if pair.as_rule() == Rule::kw_model => Ok(Spanned::new(PhaseOf::Model, self.span(&pair))),
            Some(pair) if pair.as_rule() == Rule::kw_guide => Ok(Spanned::new(PhaseOf::Guide, self.span(&pair))),
            other => Err(Bug(format!("a phase of {:?}", other.map(|pair| pair.as_rule())))),
        }
    }

    /// A piece of a `fit` block.
    pub fn fit_item(&mut self, piece: &Piece) -> Spanned<FitItem> {
        let span = self.split.whole(piece);
        let item = if self.first(piece) == "phase" && !self.look(piece, Place::Fit).has(":") {
            let fits = self.check_block(piece, Blocks::One, Place::Fit);
            let of = self.build(Rule::phase_head, piece, Place::Fit, |parser, mut parts| parser.phase_of(&mut parts));
            let pieces = piece.body.as_ref().map_or(&[][..], |body| &body.pieces);
            let entries = pieces.iter().filter_map(|piece| self.entry(piece, Place::Phase)).collect();
            of.filter(|_| fits).map(|of| FitItem::Phase { of, entries })
        } else {
            self.entry(piece, Place::Fit).map(|entry| FitItem::Entry(entry.node))
        };
        Spanned::new(item.unwrap_or(FitItem::Error), span)
    }

    fn first(&self, piece: &Piece) -> &'a str {
        let span = self.split.tokens.get(piece.head.start).map_or(Span::default(), |token| token.span);
        if piece.head.is_empty() { "" } else { self.text.get(span.start..span.end).unwrap_or("") }
    }

    fn look(&self, piece: &Piece, place: Place) -> Look<'a> {
        Look::new(self.text, self.split, piece, place)
    }

    /// Whether a piece has the block it needs, or none where it takes none.
    fn check_block(&mut self, piece: &Piece, blocks: Blocks, place: Place) -> bool {
        match (blocks, &piece.body) {
            (Blocks::None, _) => self.check_body(piece),
            (Blocks::One, None) => {
                if !piece.broken {
                    let missing = slips::missing_block(&Look::new(self.text, self.split, piece, place));
                    self.facts.push(Fact::Slip(missing));
                }
                false
            }
            _ => true,
        }
    }

    /// Whether a piece that takes no block has none. The statements in one that it has are parsed all the same.
    pub fn check_body(&mut self, piece: &Piece) -> bool {
        let Some(body) = &piece.body else { return true };
        if !piece.broken && !self.is_reported_block(piece) {
            let fact = slips::stray_block(self.split.tokens[body.open].span);
            self.facts.push(Fact::Slip(fact));
        }
        self.strays(body);
        false
    }

    /// Whether the message about the head speaks of its block too.
    fn is_reported_block(&self, piece: &Piece) -> bool {
        let looks = Look::new(self.text, self.split, piece, Place::Block);
        !looks.has("~") && !looks.has("=") && !looks.has(":")
    }

    fn strays(&mut self, body: &Body) {
        for piece in &body.pieces {
            self.stmt(piece);
        }
    }

    /// A piece that begins like nothing that may stand there.
    fn unknown(&mut self, piece: &Piece, place: Place) {
        if piece.broken {
            return;
        }
        let looks = Look::new(self.text, self.split, piece, place);
        let fact = match slips::find(&looks) {
            Some(slip) => Fact::Slip(slip),
            None => looks.unknown(),
        };
        self.facts.push(fact);
    }
}
