//! The recognizer that pest makes of `grammar/vi.pest`, and a cursor over what it found.

use pest::iterators::{Pair, Pairs};
use pest_derive::Parser;

use crate::problem::Bug;

#[derive(Parser)]
#[grammar = "../grammar/vi.pest"]
pub struct Grammar;

/// The parts of one recognized construct in order, without its punctuation.
pub struct Parts<'a> {
    rest: std::iter::Peekable<Box<dyn Iterator<Item = Pair<'a, Rule>> + 'a>>,
}

impl<'a> Parts<'a> {
    pub fn of(pair: Pair<'a, Rule>) -> Parts<'a> {
        Parts::new(pair.into_inner())
    }

    pub fn new(pairs: Pairs<'a, Rule>) -> Parts<'a> {
        let parts: Box<dyn Iterator<Item = Pair<'a, Rule>> + 'a> =
            Box::new(pairs.filter(|pair| !is_punctuation(pair.as_rule())));
        Parts { rest: parts.peekable() }
    }

    pub fn peek(&mut self) -> Option<Rule> {
        self.rest.peek().map(|pair| pair.as_rule())
    }

    pub fn look(&mut self) -> Option<&Pair<'a, Rule>> {
        self.rest.peek()
    }

    /// The next part, if it is of this rule.
    pub fn take(&mut self, rule: Rule) -> Option<Pair<'a, Rule>> {
        self.rest.next_if(|pair| pair.as_rule() == rule)
    }

    /// The next part, which the grammar says is of this rule.
    pub fn need(&mut self, rule: Rule) -> Result<Pair<'a, Rule>, Bug> {
        match self.rest.next() {
            Some(pair) if pair.as_rule() == rule => Ok(pair),
            other => Err(Bug(format!("the grammar gave {:?} where {rule:?} belongs", other.map(|p| p.as_rule())))),
        }
    }

    pub fn any(&mut self) -> Option<Pair<'a, Rule>> {
        self.rest.next()
    }

    /// All following parts of this rule.
    pub fn all(&mut self, rule: Rule) -> Vec<Pair<'a, Rule>> {
        std::iter::from_fn(|| self.take(rule)).collect()
    }
}

/// Symbols and keywords that say nothing beyond the rule they stand in.
fn is_punctuation(rule: Rule) -> bool {
    use Rule::*;
    matches!(
        rule,
        EOI | equals
            | tilde
            | colon
            | comma
            | arrow
            | dot
            | dots
            | left_paren
            | right_paren
            | left_bracket
            | right_bracket
            | left_brace
            | right_brace
            | kw_dim
            | kw_const
            | kw_data
            | kw_param
            | kw_net
            | kw_fun
            | kw_energy
            | kw_for
            | kw_in
            | kw_factor
            | kw_by
            | kw_if
            | kw_then
            | kw_else
            | kw_phase
            | kw_fit
    )
}
