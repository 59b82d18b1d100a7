//! The density and the entropy of the automatic guide's joint Gaussian, and the one of low rank.

use super::guide::{Gaussian, LowRank};
use super::value::Label;
use super::{InputKind, Lowerer, Trouble, Value, bug, limitation};
use crate::math::SiteId;
use crate::plan::{Binary, Contraction, NodeId, Reduce, Unary};

impl Lowerer<'_> {
    /// `loc + sd * e + F f`, with the logarithms of sd and F, row by row, packed. Entropy and density are those of the
    /// small matrix M = I + F' D^-1 F.
    pub(super) fn low_rank(
        &mut self,
        loc: NodeId,
        packed: NodeId,
        noise: NodeId,
        rank: usize,
    ) -> Result<Gaussian, Trouble> {
        let d = self.layout.latents;
        let logs = self.b.slice(packed, 0, 0, d);
        let columns = self.b.slice(packed, 0, d, d * (1 + rank));
        let columns = self.b.reshape(columns, &[d, rank]);
        let scale = self.b.unary(Unary::Exp, logs);
        let (own, shared) = (self.b.slice(noise, 1, 0, d), self.b.slice(noise, 1, d, d + rank));
        let row = self.b.reshape(scale, &[1, d]);
        let spread = self.b.binary(Binary::Mul, row, own);
        let axes = Contraction { left: vec![0, 1], right: vec![2, 1], out: vec![0, 2] };
        let along = self.b.contract(shared, columns, axes);
        let offset = self.b.binary(Binary::Add, spread, along);
        let centre = self.b.reshape(loc, &[1, d]);
        let draws = self.b.binary(Binary::Add, centre, offset);

        // F in units of the sds.
        let by = self.b.reshape(scale, &[d, 1]);
        let relative = self.b.binary(Binary::Div, columns, by);
        let axes = Contraction { left: vec![0, 1], right: vec![0, 2], out: vec![1, 2] };
        let product = self.b.contract(relative, relative, axes);
        let identity: Vec<f64> = (0..rank * rank).map(|at| f64::from(at / rank == at % rank)).collect();
        let identity = self.b.constant(crate::plan::Array::from_reals(identity), &[rank, rank]);
        let inner = self.b.binary(Binary::Add, product, identity);
        let inner = self.b.cholesky(inner);
        let own = self.b.reduce(Reduce::Sum, logs, &[0]);
        let kept = self.b.binary(Binary::Mul, inner, identity);
        let diagonal = self.b.reduce(Reduce::Sum, kept, &[1]);
        let diagonal = self.b.unary(Unary::Log, diagonal);
        let beyond = self.b.reduce(Reduce::Sum, diagonal, &[0]);
        let log_scale = self.b.binary(Binary::Add, own, beyond);
        let scaled = self.b.binary(Binary::Div, offset, row);
        let low_rank = Some(LowRank { scaled, relative, inner });
        Ok(Gaussian {
            draws,
            loc: Some(loc),
            scale: None,
            log_scale: Some(log_scale),
            noise: Some(noise),
            low_rank,
            logs: None,
            factor: None,
        })
    }

    /// The squared length of every draw's offset in units of the covariance: of a low rank by Woodbury's identity,
    /// `w'w - |C^-1 G' w|^2` with `w` and `G` in units of the sds and `C C' = I + G' G`.
    fn gaussian_square(&mut self, gaussian: &Gaussian, noise: NodeId) -> NodeId {
        let own = gaussian.low_rank.as_ref().map_or(noise, |of| of.scaled);
        let square = self.b.unary(Unary::Square, own);
        let sum = self.b.reduce(Reduce::Sum, square, &[1]);
        let Some(of) = &gaussian.low_rank else { return sum };
        let axes = Contraction { left: vec![0, 1], right: vec![1, 2], out: vec![2, 0] };
        let seen = self.b.contract(of.scaled, of.relative, axes);
        let solved = self.b.solve_triangular(of.inner, seen, false);
        let square = self.b.unary(Unary::Square, solved);
        let explained = self.b.reduce(Reduce::Sum, square, &[0]);
        self.b.binary(Binary::Sub, sum, explained)
    }

    /// How much each coordinate of some sites counts: rows of a batch stand for all rows; `None` where all count once.
    fn counts(&self, sites: Option<&[SiteId]>) -> Option<Vec<f64>> {
        let mut counts = vec![0.0; self.layout.latents];
        for block in self.layout.sites.iter().filter(|block| sites.is_none_or(|sites| sites.contains(&block.of))) {
            counts[block.offset..block.offset + block.len()].fill(self.scale_of(block.dims.iter().flatten().copied()));
        }
        counts.iter().any(|count| *count != 1.0).then_some(counts)
    }

    /// How much each coordinate counts, the logarithms of the scales, each as often as it counts, and `each` so often.
    fn weighed(&mut self, gaussian: &Gaussian, counts: &[f64], each: f64) -> Result<(NodeId, NodeId, Value), Trouble> {
        let Some(logs) = gaussian.logs else { return bug("rows of a batch in a joint Gaussian") };
        let mut weights = self.b.constant(crate::plan::Array::from_reals(counts.to_vec()), &[counts.len()]);
        let follows =
            |block: &super::Coordinates<SiteId>| block.dims.iter().flatten().any(|dim| self.led.contains_key(dim));
        let constant = match self.layout.sites.iter().any(follows) {
            false => self.literal(each * counts.iter().sum::<f64>())?,
            true => {
                let mask = self.input(InputKind::LatentMask, "rows".into(), vec![counts.len()])?;
                weights = self.b.binary(Binary::Mul, weights, mask);
                let count = self.b.reduce(Reduce::Sum, weights, &[0]);
                self.scaled(&Value::plain(count, 0), each)?
            }
        };
        let weighed = self.b.binary(Binary::Mul, logs, weights);
        Ok((weights, self.b.reduce(Reduce::Sum, weighed, &[0]), constant))
    }

    /// log q of the automatic guide's draws on the unconstrained scale, one a draw.
    pub(super) fn gaussian_log_q(&mut self) -> Result<Value, Trouble> {
        let gaussian = self.gaussian()?;
        let (Some(noise), Some(log_scale)) = (gaussian.noise, gaussian.log_scale) else {
            return bug("the density of given points under the guide");
        };
        let each = -0.5 * std::f64::consts::TAU.ln();
        let (sum, log_scale, constant) = match self.counts(None) {
            None => {
                let constant = self.literal(self.layout.latents as f64 * each)?;
                (self.gaussian_square(&gaussian, noise), log_scale, constant)
            }
            Some(counts) => {
                let (weights, log_scale, constant) = self.weighed(&gaussian, &counts, each)?;
                let square = self.b.unary(Unary::Square, noise);
                let row = self.b.reshape(weights, &[1, counts.len()]);
                let weighed = self.b.binary(Binary::Mul, square, row);
                (self.b.reduce(Reduce::Sum, weighed, &[1]), log_scale, constant)
            }
        };
        let sum = Value { id: sum, labels: vec![Label::Draws], event: 0 };
        let half = self.scaled(&sum, -0.5)?;
        let base = self.binary(Binary::Add, &half, &constant)?;
        self.binary(Binary::Sub, &base, &Value::plain(log_scale, 0))
    }

    /// The same of a full rank as a function of the draws: with the Cholesky factor L, of L^-1 (draw - loc).
    pub(super) fn gaussian_log_q_of_draws(&mut self) -> Result<Value, Trouble> {
        let draws = self.gaussian()?.draws;
        self.gaussian_log_q_at(draws)
    }

    /// The same at other coordinates, `[draws, latents]`.
    pub(super) fn gaussian_log_q_at(&mut self, draws: NodeId) -> Result<Value, Trouble> {
        let gaussian = self.gaussian()?;
        let (Some(factor), Some(loc), Some(log_scale)) = (gaussian.factor, gaussian.loc, gaussian.log_scale) else {
            return limitation("this automatic guide under this objective");
        };
        let d = self.layout.latents;
        let centre = self.b.reshape(loc, &[1, d]);
        let offset = self.b.minus(draws, centre);
        let offset = self.b.permute(offset, &[1, 0]);
        let noise = self.b.solve_triangular(factor, offset, false);
        let square = self.b.unary(Unary::Square, noise);
        let sum = Value { id: self.b.reduce(Reduce::Sum, square, &[0]), labels: vec![Label::Draws], event: 0 };
        let half = self.scaled(&sum, -0.5)?;
        let constant = self.literal(-0.5 * d as f64 * std::f64::consts::TAU.ln())?;
        let base = self.binary(Binary::Add, &half, &constant)?;
        self.binary(Binary::Sub, &base, &Value::plain(log_scale, 0))
    }

    /// Entropy of the automatic guide's Gaussian over these sites, closed.
    pub(super) fn gaussian_entropy(&mut self, sites: &[SiteId]) -> Result<Value, Trouble> {
        let gaussian = self.gaussian()?;
        let Some(log_scale) = gaussian.log_scale else {
            return bug("the entropy of given points");
        };
        // A joint Gaussian has one entropy over all its sites.
        let each = 0.5 * (1.0 + std::f64::consts::TAU.ln());
        let (log_scale, constant) = match self.counts(Some(sites)).filter(|_| gaussian.logs.is_some()) {
            None => (log_scale, self.literal(self.layout.latents as f64 * each)?),
            Some(counts) => {
                let (_, log_scale, constant) = self.weighed(&gaussian, &counts, each)?;
                (log_scale, constant)
            }
        };
        self.binary(Binary::Add, &Value::plain(log_scale, 0), &constant)
    }
}
