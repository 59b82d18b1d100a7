//! Networks of one layer that learn beside the fit, each by a loss of its own: of baselines and of control variates.

use super::{InputKind, Lowerer, Trouble, Value};
use crate::math::SiteId;
use crate::plan::{Binary, NodeId, Unary};

/// `out . tanh(weight x + bias) + last`, over so many numbers x.
pub(super) struct Network {
    /// All of its parameters, and what may stand after them.
    pub input: NodeId,
    pub weight: Value,
    pub bias: Value,
    pub out: Value,
    pub last: Value,
    /// Numbers that learn with it.
    pub spare: Value,
}

impl Lowerer<'_> {
    /// The network of a site, with so many numbers beside it.
    pub(super) fn network(
        &mut self,
        site: SiteId,
        units: usize,
        fan_in: usize,
        spare: usize,
    ) -> Result<Network, Trouble> {
        let count = units * fan_in + 2 * units + 1;
        let name = format!("baseline.{}.net", self.elbo.model.sites[site.index()].name);
        let input = self.input(InputKind::BaselineNet { site, fan_in }, name, vec![count + spare])?;
        let mut at = 0;
        let mut cut = |shape: &[usize]| {
            let from = at;
            at += shape.iter().product::<usize>();
            let part = self.b.slice(input, 0, from, at);
            Value::plain(if shape.len() == 1 { part } else { self.b.reshape(part, shape) }, shape.len())
        };
        let (weight, bias, out, last) = (cut(&[units, fan_in]), cut(&[units]), cut(&[units]), cut(&[]));
        Ok(Network { input, weight, bias, out, last, spare: cut(&[spare]) })
    }

    /// `tanh(weight x + bias)`
    pub(super) fn hidden(&mut self, net: &Network, x: &Value) -> Result<Value, Trouble> {
        let hidden = self.contract(x, &[100], &net.weight, &[101, 100], &[101])?;
        let hidden = self.binary(Binary::Add, &hidden, &net.bias)?;
        self.unary(Unary::Tanh, &hidden)
    }

    /// What it says, a number.
    pub(super) fn said(&mut self, net: &Network, hidden: &Value) -> Result<Value, Trouble> {
        let said = self.contract(hidden, &[100], &net.out, &[100], &[])?;
        self.binary(Binary::Add, &said, &net.last)
    }

    /// Its derivative in x.
    pub(super) fn slope(&mut self, net: &Network, hidden: &Value) -> Result<Value, Trouble> {
        let one = self.literal(1.0)?;
        let square = self.unary(Unary::Square, hidden)?;
        let rest = self.binary(Binary::Sub, &one, &square)?;
        let weighed = self.binary(Binary::Mul, &rest, &net.out)?;
        self.contract(&weighed, &[101], &net.weight, &[101, 100], &[100])
    }
}
