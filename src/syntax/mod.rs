//! Text to `Ast`: what was written, with spans and comments, nothing yet understood.

mod token;
mod characters;
mod problems;
mod brackets;
mod nesting;
mod split;
mod grammar;
mod expected;
mod look;
mod slips;
mod slips_statement;
mod parse;
mod parse_item;
mod parse_expr;
mod print;
mod print_line;
mod print_space;
mod print_align;
pub mod tree;
#[cfg(test)]
mod tests;

pub use parse::{parse, parse_entry};
pub use print::print;

use crate::problem::Problem;
use crate::source::{Source, Span, Spanned};

/// Bytes as a source; the one place where text comes in.
#[allow(clippy::result_large_err)] // Made once a file, and then only to be shown.
pub fn decode(name: &str, bytes: &[u8]) -> Result<Source, Problem> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let offset = error.valid_up_to();
            let line = bytes[..offset].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(problems::Fact::Encoding { name: name.to_string(), offset, line }.into())
        }
    }
}

/// A name as written.
pub type Name = Spanned<String>;

/// One file: items in the order written. Pieces that did not parse are `Item::Error` and `Stmt::Error`
/// nodes that bind the names they would have bound, so that nothing below cascades.
#[derive(Debug, Clone, PartialEq)]
pub struct Ast {
    pub source: Source,
    pub items: Vec<Spanned<Item>>,
    pub comments: Vec<Comment>,
}

/// A `#` comment, with its `#`.
#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    pub text: String,
    pub span: Span,
    /// On a line of its own: belongs to what follows. Otherwise to the line it ends.
    pub own_line: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `dim N`, `dim K = EXPR`
    Dim {
        name: Name,
        value: Option<Expr>,
    },
    /// `const a = EXPR`
    Const {
        name: Name,
        value: Expr,
    },
    /// `data y[N]: TYPE = EXPR`
    Data {
        name: Name,
        rows: Vec<Expr>,
        ty: Type,
        value: Option<Expr>,
    },
    /// `param mu[K]: TYPE = EXPR`
    Param(Param),
    /// `net f(a: TYPE) -> TYPE { ... }`
    Net {
        name: Name,
        formals: Vec<Formal>,
        result: NetResult,
        body: Vec<Spanned<NetStmt>>,
    },
    /// `fun f(a, b) = EXPR`
    Fun {
        name: Name,
        formals: Vec<Formal>,
        body: Expr,
    },
    /// `energy e(x: TYPE) = EXPR`
    Energy {
        name: Name,
        formals: Vec<Formal>,
        body: Expr,
    },
    Model(Block),
    /// `guide { ... }`, `guide NAME`, `guide NAME { ... }`; NAME may be a call: `lowrank(5)`
    Guide {
        auto: Option<Call>,
        block: Option<Block>,
    },
    Fit {
        entries: Vec<Spanned<FitItem>>,
    },
    Error {
        binds: Vec<Name>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub name: Name,
    pub rows: Vec<Expr>,
    pub ty: Type,
    pub value: Option<Expr>,
}

/// A support, its arguments in `( )`, its shape in `[ ]`, and `?` where entries may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    pub name: Name,
    pub args: Vec<Expr>,
    pub shape: Vec<Expr>,
    pub missing: bool,
    pub span: Span,
}

/// An argument of a `net`, `fun` or `energy`; a `fun` has no types.
#[derive(Debug, Clone, PartialEq)]
pub struct Formal {
    pub name: Name,
    pub ty: Option<Type>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum NetResult {
    One(Type),
    Named(Vec<Formal>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum NetStmt {
    Def { name: Name, value: Expr },
    Result(Expr),
    Error { binds: Vec<Name> },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub stmts: Vec<Spanned<Stmt>>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Stmt {
    /// `for n in N { ... }`, with `chain` an ordered plate
    Plate {
        var: Name,
        dim: Name,
        chain: bool,
        block: Block,
    },
    /// `factor EXPR`
    Factor(Expr),
    Param(Param),
    /// `h = EXPR`
    Def {
        name: Name,
        value: Expr,
    },
    /// `TARGET ~ Dist(...) by ESTIMATOR`; more than one target only for `Boltzmann`
    Draw {
        targets: Vec<Target>,
        grouped: bool,
        dist: Call,
        by: Option<Call>,
    },
    Error {
        binds: Vec<Name>,
    },
}

/// Left of `~`: a name, its indices, its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub name: Name,
    pub index: Vec<Expr>,
    pub ty: Option<Type>,
    pub span: Span,
}

/// `Normal(0, 1)`, `meanfield` (no parentheses), `score(baseline: loo)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub name: Name,
    pub args: Vec<Arg>,
    /// `sum(... for k in K)`; empty where there is none.
    pub each: Vec<Binder>,
    /// Whether parentheses were written.
    pub parens: bool,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

/// `k in K`, `k in 2..5`
#[derive(Debug, Clone, PartialEq)]
pub struct Binder {
    pub name: Name,
    /// A dim, or a range `lo..hi`.
    pub over: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FitItem {
    Entry(Entry),
    /// `phase guide { ... }`
    Phase {
        of: Spanned<PhaseOf>,
        entries: Vec<Spanned<Entry>>,
    },
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseOf {
    Model,
    Guide,
}

/// `batch: N = 128, M = 16`
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: Name,
    pub values: Vec<FitValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FitValue {
    /// `N` in `N = 128`
    pub key: Option<Name>,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// With the text as written, for `fmt`; `inf` is a number.
    Number {
        value: f64,
        text: String,
    },
    /// Without its quotes.
    Text(String),
    Name(String),
    Unary {
        op: UnaryOp,
        of: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        op_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Array(Vec<Expr>),
    /// `[f(i, j) for i in N, j in N]`
    ArrayFor {
        body: Box<Expr>,
        each: Vec<Binder>,
    },
    Call(Call),
    Index {
        base: Box<Expr>,
        index: Vec<Expr>,
    },
    Field {
        base: Box<Expr>,
        name: Name,
    },
    /// `lo..hi`: only as an index, an argument of `columns`, or a binder's range.
    Range {
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// Parentheses are kept, for `fmt`.
    Paren(Box<Expr>),
    /// `{mu: 3}`, only as the value of a fit entry.
    Record(Vec<(Name, Expr)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Negate,
    Not,
}

/// Loosest first: `|>`, `or`, `and`, (`not`), comparisons, `+ -`, `* / @`, (unary `-`), `^`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Pipe,
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    MatMul,
    Power,
}
