//! Items, blocks and statements: which grammar rule a piece is for is said by its first words.

use super::grammar::{Parts, Rule};
use super::look::{self, Look};
use super::parse::Parser;
use super::problems::{Fact, Place};
use super::slips;
use super::split::Piece;
use super::token::RESERVED;
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
            Some(_) if self.is_reserved_name(piece, Place::Top) => None,
            Some((_, _, Blocks::One)) if !self.check_block(piece, Place::Top) => None,
            Some((_, rule, Blocks::None)) => self.item_of(*rule, piece).filter(|_| self.check_body(piece)),
            Some((_, rule, _)) => self.item_of(*rule, piece),
            None => {
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
        let broken = || NetStmt::Error { binds: look::binds(self.text, self.split, piece) };
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
        let mut stmts = vec![];
        for (at, piece) in body.pieces.iter().enumerate() {
            // What is said of a line that begins with `~` is said of the name above it too.
            let tilde = body.pieces.get(at + 1).is_some_and(|next| self.first(next) == "~");
            let alone = tilde && !self.look(piece, Place::Block).has("~");
            stmts.push(match alone {
                true => Spanned::new(self.broken_stmt(piece), self.split.whole(piece)),
                false => self.stmt(piece),
            });
        }
        Some(Block { stmts, span: self.split.body_span(body) })
    }

    fn stmt(&mut self, piece: &Piece) -> Spanned<Stmt> {
        let span = self.split.whole(piece);
        let first = self.first(piece);
        let looks = self.look(piece, Place::Block);
        let plate = first == "for";
        let (draws, defines) = (looks.has("~"), looks.has("="));
        let stmt = match first {
            _ if RESERVED.contains(&first) && self.is_reserved_name(piece, Place::Block) => None,
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
        let fits = plate || stmt.is_none() || self.check_body(piece);
        Spanned::new(stmt.filter(|_| fits).unwrap_or_else(|| self.broken_stmt(piece)), span)
    }

    fn plate(&mut self, piece: &Piece) -> Option<Stmt> {
        if !self.check_block(piece, Place::Block) {
            return None;
        }
        let head = self.build(Rule::plate_head, piece, Place::Block, |parser, mut parts| {
            let var = parser.name(parts.need(Rule::name)?);
            let dim = parser.name(parts.need(Rule::dim_name)?);
            Ok((var, dim, parts.take(Rule::kw_chain).is_some()))
        });
        let block = self.block(piece);
        let (var, dim, chain) = head?;
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
            self.phase(piece)
        } else {
            self.entry(piece, Place::Fit).map(|entry| FitItem::Entry(entry.node))
        };
        Spanned::new(item.unwrap_or(FitItem::Error), span)
    }

    fn phase(&mut self, piece: &Piece) -> Option<FitItem> {
        if !self.check_block(piece, Place::Fit) {
            return None;
        }
        let of = self.build(Rule::phase_head, piece, Place::Fit, |parser, mut parts| parser.phase_of(&mut parts));
        let pieces = piece.body.as_ref().map_or(&[][..], |body| &body.pieces);
        let entries = pieces.iter().filter_map(|piece| self.entry(piece, Place::Phase)).collect();
        of.map(|of| FitItem::Phase { of, entries })
    }

    fn first(&self, piece: &Piece) -> &'a str {
        let span = self.split.tokens.get(piece.head.start).map_or(Span::default(), |token| token.span);
        if piece.head.is_empty() { "" } else { self.text.get(span.start..span.end).unwrap_or("") }
    }

    fn look(&self, piece: &Piece, place: Place) -> Look<'a> {
        Look::new(self.text, self.split, piece, place)
    }

    /// `for = 3`: a word that begins a statement, used as a name.
    fn is_reserved_name(&mut self, piece: &Piece, place: Place) -> bool {
        let look = self.look(piece, place);
        let [first, second, ..] = look.tokens[..] else { return false };
        let named = matches!(second.text, "=" | "~" | ":");
        if named && !piece.broken {
            self.facts.push(Fact::Reserved { span: first.span, word: first.text.to_string() });
        }
        named
    }

    /// Whether a piece that needs a block has one.
    fn check_block(&mut self, piece: &Piece, place: Place) -> bool {
        if piece.body.is_none() && !piece.broken {
            let missing = slips::missing_block(&self.look(piece, place));
            self.facts.push(Fact::Slip(missing));
        }
        piece.body.is_some()
    }

    /// Whether a piece that takes no block has none.
    pub fn check_body(&mut self, piece: &Piece) -> bool {
        let Some(body) = &piece.body else { return true };
        if !piece.broken {
            self.facts.push(Fact::Slip(slips::stray_block(self.split.tokens[body.open].span)));
        }
        self.strays(piece);
        false
    }

    /// The statements of a block that cannot stand here are read all the same, unless it is a branch of an `if`.
    fn strays(&mut self, piece: &Piece) {
        let Some(body) = &piece.body else { return };
        if !self.look(piece, Place::Block).tokens.iter().any(|t| matches!(t.text, "if" | "else")) {
            body.pieces.iter().for_each(|piece| drop(self.stmt(piece)));
        }
    }

    /// A piece that begins like nothing that may stand there.
    fn unknown(&mut self, piece: &Piece, place: Place) {
        if !piece.broken {
            let look = self.look(piece, place);
            let fact = slips::find(&look).map_or_else(|| look.unknown(), Fact::Slip);
            self.facts.push(fact);
        }
        self.strays(piece);
    }
}
