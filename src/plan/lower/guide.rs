//! Leaves: draws of the automatic guide, point parameters on their constrained scale, noise, and data.

use super::value::Label;
use super::{InputKind, Layout, Lowerer, Trouble, Value, bug, dream, layout, limitation};
use crate::dist::bijector::Bijector;
use crate::elbo::Treatment;
use crate::math::{Noise, Op, ParamId, SiteId};
use crate::model::Auto;
use crate::plan::{Array, Binary, Contraction, NodeId, Reduce, Unary};
use crate::shape::{Axis, AxisKind, Shape, Size};
use crate::source::Span;

/// Where draws and parameters come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// The caller gives whole points: `[draws, latents + params]`.
    Points,
    /// The caller gives the parameters of the guide, and noise.
    Guide,
}

/// The automatic guide's joint Gaussian, lowered once where it is needed.
#[derive(Debug, Clone)]
pub(super) struct Gaussian {
    /// `[draws, latents]`
    pub draws: NodeId,
    /// `[latents]`; absent where the caller gives points.
    pub loc: Option<NodeId>,
    /// Standard deviations of a mean-field factor; the diagonal of a full-rank one's Cholesky factor.
    pub scale: Option<NodeId>,
    /// A number: the sum of the logarithms of the scales, and the standard noise `[draws, latents]`.
    pub log_scale: Option<NodeId>,
    pub noise: Option<NodeId>,
    /// Of a low rank: see `LowRank`.
    pub low_rank: Option<LowRank>,
    /// Of a full rank, the Cholesky factor `[latents, latents]`.
    pub factor: Option<NodeId>,
    /// Of independent factors, the logarithms of their scales, `[latents]`.
    pub logs: Option<NodeId>,
}

/// What the density of a Gaussian of low rank is made of: offsets `[draws, latents]` and columns `[latents, rank]` in
/// units of the sds, and the Cholesky factor of I plus the product of the columns.
#[derive(Debug, Clone)]
pub(super) struct LowRank {
    pub scaled: NodeId,
    pub relative: NodeId,
    pub inner: NodeId,
}

impl Lowerer<'_> {
    pub(super) fn leaf(&mut self, op: &Op) -> Result<Value, Trouble> {
        match op {
            Op::Data(id) => self.data_leaf(id.index()),
            Op::Param(id) => match self.leaves.params.get(&id.index()) {
                Some(value) => Ok(value.clone()),
                None => self.param_leaf(*id),
            },
            Op::Site(site) => self.site_leaf(*site),
            Op::Free(site) => {
                let draws = self.gaussian()?.draws;
                let value = self.coordinates(*site, draws, true)?;
                self.held(*site, value)
            }
            Op::AutoLoc(site) => match self.gaussian()?.loc {
                Some(loc) => self.coordinates(*site, loc, false),
                None => bug("the location of the guide was asked of given points"),
            },
            Op::AutoScale(site) => match self.gaussian()?.scale {
                Some(scale) => self.coordinates(*site, scale, false),
                None => bug("a mean-field scale was asked of another guide"),
            },
            Op::AutoNoise(site) => match self.gaussian()?.noise {
                Some(noise) => self.coordinates(*site, noise, true),
                None => bug("the noise of the guide was asked of given points"),
            },
            _ => bug(format!("{op:?} is no leaf")),
        }
    }

    fn data_leaf(&mut self, index: usize) -> Result<Value, Trouble> {
        let data = &self.elbo.model.data[index];
        let bound = &self.data.arrays[index];
        let batched: Vec<usize> =
            (0..data.rows.len()).filter(|i| self.batch.rows.contains_key(&data.rows[*i])).collect();
        let before = self.b.set_origin(Some(format!("data {}", data.name).into()));
        let id = if batched.is_empty() && self.data.redraws.has(index) {
            self.input(InputKind::Whole(index), format!("data.{}", data.name), bound.shape.clone())?
        } else if batched.is_empty() {
            self.b.constant(bound.values.clone(), &bound.shape)
        } else {
            let mut shape = bound.shape.clone();
            for i in batched {
                shape[i] = self.batch.rows[&data.rows[i]];
            }
            self.input(InputKind::Rows(index), format!("data.{}", data.name), shape)?
        };
        self.b.set_origin(before);
        Ok(Value::plain(id, bound.shape.len()))
    }

    /// A site's value, its axes renamed from the guide's to the model's.
    fn site_leaf(&mut self, site: SiteId) -> Result<Value, Trouble> {
        let view = &self.elbo.sites[site.index()];
        let (node, treatment) = (view.value, view.treatment.clone());
        let name = self.elbo.model.sites[site.index()].name.as_str();
        if let Some(value) = self.drawn_in_turn(site)? {
            return Ok(value);
        }
        if !self.leaves.open.insert(site) {
            return limitation(format!("`{name}`, whose draws read its own earlier rows,"));
        }
        let before = self.b.set_origin(Some(name.into()));
        let value = match self.relaxed_draw(site)? {
            Some(value) => value,
            None => self.lower(node)?,
        };
        self.b.set_origin(before);
        self.leaves.open.remove(&site);
        let value = self.held(site, value)?;
        let (Treatment::Written(at) | Treatment::Enumerated(at, _)) = treatment else { return Ok(value) };
        self.renamed(&value, at)
    }

    /// A value over the plates of a factor, over those of its site.
    pub(super) fn renamed(&mut self, value: &Value, factor: usize) -> Result<Value, Trouble> {
        let factor = &self.elbo.model.guide.factors[factor];
        let from = &factor.plates;
        let to = &self.elbo.model.sites[factor.site.index()].plates;
        let mut axes: Vec<Option<Label>> = value
            .labels
            .iter()
            .map(|label| match label {
                Label::Axis(axis) => match from.iter().position(|a| a == axis) {
                    Some(i) => Some(Label::Axis(to[i])),
                    None => Some(*label),
                },
                Label::Draws => Some(*label),
            })
            .collect();
        axes.extend(std::iter::repeat_n(None, value.event));
        self.sorted(value.id, &axes)
    }

    /// A draw that is not differentiated through stands still.
    pub(super) fn held(&mut self, site: SiteId, draw: Value) -> Result<Value, Trouble> {
        match self.elbo.sites[site.index()].choice.estimator.is_score() {
            true => self.unary(Unary::StopGradient, &draw),
            false => Ok(draw),
        }
    }

    /// The part of a packed array `[.., latents]` that is one site's, in its plates.
    pub(super) fn coordinates(&mut self, site: SiteId, packed: NodeId, draws: bool) -> Result<Value, Trouble> {
        let Some(block) = self.layout.sites.iter().find(|block| block.of == site).cloned() else {
            return bug("a site without coordinates");
        };
        let axis = usize::from(draws);
        let id = self.b.slice(packed, axis, block.offset, block.offset + block.len());
        let site = &self.elbo.model.sites[site.index()];
        let mut axes: Vec<Option<Label>> = draws.then_some(Some(Label::Draws)).into_iter().collect();
        axes.extend(site.plates.iter().map(|axis| Some(Label::Axis(*axis))));
        axes.extend(std::iter::repeat_n(None, block.shape.len() - site.plates.len()));
        let mut shape = block.shape.clone();
        if draws {
            shape.insert(0, self.batch.draws);
        }
        let id = self.b.reshape(id, &shape);
        self.sorted(id, &axes)
    }

    /// Standard noise in the plates and event of its node: the event of some draws has an axis of its own in front.
    pub(super) fn noise_leaf(&mut self, site: SiteId, noise: Noise, of: &Shape) -> Result<Value, Trouble> {
        let mut shape = vec![self.batch.draws];
        for axis in &of.plates {
            shape.push(self.extent(*axis)?);
        }
        for size in &of.event {
            shape.push(self.size(size)?);
        }
        let mut axes = vec![Some(Label::Draws)];
        axes.extend(of.plates.iter().map(|axis| Some(Label::Axis(*axis))));
        axes.extend(std::iter::repeat_n(None, of.event.len()));
        if let Some(place) = dream::place(site) {
            let kind = InputKind::Dream { place, noise, axes: of.plates.to_vec() };
            let id = self.input(kind, format!("dream.{place}"), shape)?;
            return self.sorted(id, &axes);
        }
        let name = format!("noise.{}", self.elbo.model.sites[site.index()].name);
        let id = self.input(InputKind::Noise { site, noise }, name, shape)?;
        let id = if self.is_outside(site) { self.shared(id) } else { id };
        self.sorted(id, &axes)
    }

    /// A point parameter on its constrained scale: rows and event as event axes.
    fn param_leaf(&mut self, id: ParamId) -> Result<Value, Trouble> {
        let param = self.elbo.model.params[id.index()].clone();
        let block = self.layout.params[id.index()].clone();
        let (axis, start) = match self.given {
            Given::Points => (1, self.layout.latents),
            Given::Guide => (0, self.layout.params_at()),
        };
        let source = self.source()?;
        let flat = self.b.slice(source, axis, start + block.offset, start + block.offset + block.len());
        let mut shape = block.shape.clone();
        if axis == 1 {
            shape.insert(0, self.batch.draws);
        }
        let flat = self.b.reshape(flat, &shape);
        let labels = if axis == 1 { vec![Label::Draws] } else { vec![] };
        let free = Value { id: flat, labels, event: block.shape.len() };
        let value = self.constrained(id, &param, free)?;
        self.leaves.params.insert(id.index(), value.clone());
        Ok(value)
    }

    /// Through the map of its support, in a graph of its own whose one leaf is the unconstrained array.
    fn constrained(&mut self, id: ParamId, param: &crate::model::Param, free: Value) -> Result<Value, Trouble> {
        let bijector = layout::bijector(&param.support, &param.name)?;
        if bijector == Bijector::Identity {
            return Ok(free);
        }
        let rows: Vec<_> = param.rows.iter().map(|size| self.scratch_axis(size)).collect();
        let mut axes: Vec<Option<Label>> = free.labels.iter().copied().map(Some).collect();
        axes.extend(rows.iter().map(|axis| Some(Label::Axis(*axis))));
        axes.extend(std::iter::repeat_n(None, free.event - rows.len()));
        let leaf = self.sorted(free.id, &axes)?;

        // Bounds of an interval are nodes of the bound's graph, so the scratch graph extends it.
        let mut graph = self.graph.clone();
        let shape = Shape::new(rows.iter().copied(), bijector.free_event(&param.event));
        let node = graph.nodes.add(crate::math::Node {
            op: Op::Param(id),
            shape,
            support: crate::math::Support::Real,
            span: None,
        });
        let result = bijector.forward(&mut graph, node, &param.event);
        let (outer, outer_memo) = (std::mem::replace(&mut self.graph, graph), self.memo.clone());
        self.memo.insert(node, leaf);
        let value = self.lower(result);
        (self.graph, self.memo) = (outer, outer_memo);
        let value = value?;
        self.lift(&value, &rows)
    }

    fn scratch_axis(&mut self, size: &Size) -> crate::shape::AxisId {
        // Of a batched dim it has the rows of the batch, as a plate over it has.
        let batched = size.as_dim().is_some_and(|dim| self.batch.rows.contains_key(&dim));
        self.axes.add(Axis {
            name: "row".into(),
            size: size.clone(),
            first: Size::fixed(0),
            kind: if batched { AxisKind::Plate } else { AxisKind::Comprehension },
            span: Span::default(),
        })
    }

    /// The caller's array that holds parameters: points, or the guide's parameters.
    pub(super) fn source(&mut self) -> Result<NodeId, Trouble> {
        match self.given {
            Given::Points => {
                let shape = vec![self.batch.draws, self.layout.point()];
                self.input(InputKind::Points, "points".into(), shape)
            }
            Given::Guide => {
                let shape = vec![self.layout.guide()];
                self.input(InputKind::Params, "params".into(), shape)
            }
        }
    }

    /// The draws of the automatic guide: loc + scale * noise, or the points given.
    pub(super) fn gaussian(&mut self) -> Result<Gaussian, Trouble> {
        if let Some(gaussian) = &self.gaussian {
            return Ok(gaussian.clone());
        }
        let Layout { latents: d, scale_count, .. } = self.layout;
        let source = self.source()?;
        let gaussian = match self.given {
            Given::Points => Gaussian {
                draws: self.b.slice(source, 1, 0, d),
                loc: None,
                scale: None,
                log_scale: None,
                noise: None,
                low_rank: None,
                logs: None,
                factor: None,
            },
            Given::Guide => {
                let before = self.b.set_origin(Some("draws of the guide".into()));
                let loc = self.b.slice(source, 0, 0, d);
                if self.elbo.model.guide.auto == Some(Auto::Map) {
                    let row = self.b.reshape(loc, &[1, d]);
                    let draws = self.b.expand(row, &[self.batch.draws, d]);
                    self.b.set_origin(before);
                    let point = Gaussian {
                        draws,
                        loc: Some(loc),
                        scale: None,
                        log_scale: None,
                        noise: None,
                        low_rank: None,
                        logs: None,
                        factor: None,
                    };
                    self.gaussian = Some(point.clone());
                    return Ok(point);
                }
                let packed = self.b.slice(source, 0, d, d + scale_count);
                let beside = match self.elbo.model.guide.auto {
                    Some(Auto::LowRank(rank)) => rank.min(d),
                    _ => 0,
                };
                let noise = self.input(InputKind::AutoNoise, "noise".into(), vec![self.batch.draws, d + beside])?;
                let noise = self.grouped_noise(noise)?;
                let gaussian = match self.elbo.model.guide.auto {
                    Some(Auto::MeanField) => self.mean_field(loc, packed, noise)?,
                    Some(Auto::FullRank) => self.full_rank(loc, packed, noise)?,
                    Some(Auto::LowRank(_)) => self.low_rank(loc, packed, noise, beside)?,
                    _ => return limitation("this automatic guide"),
                };
                self.b.set_origin(before);
                gaussian
            }
        };
        self.gaussian = Some(gaussian.clone());
        Ok(gaussian)
    }

    fn mean_field(&mut self, loc: NodeId, logs: NodeId, noise: NodeId) -> Result<Gaussian, Trouble> {
        let d = self.layout.latents;
        let scale = self.b.unary(Unary::Exp, logs);
        let row = self.b.reshape(scale, &[1, d]);
        let spread = self.b.binary(Binary::Mul, row, noise);
        let centre = self.b.reshape(loc, &[1, d]);
        let draws = self.b.binary(Binary::Add, centre, spread);
        let log_scale = self.b.reduce(Reduce::Sum, logs, &[0]);
        Ok(Gaussian {
            draws,
            loc: Some(loc),
            scale: Some(scale),
            log_scale: Some(log_scale),
            noise: Some(noise),
            low_rank: None,
            logs: Some(logs),
            factor: None,
        })
    }

    /// The factor's lower triangle is packed by rows; its diagonal is kept as logarithms.
    fn full_rank(&mut self, loc: NodeId, packed: NodeId, noise: NodeId) -> Result<Gaussian, Trouble> {
        let d = self.layout.latents;
        let place = |i: usize, j: usize| if j <= i { i * (i + 1) / 2 + j } else { 0 };
        let entries =
            |f: &dyn Fn(usize, usize) -> f64| -> Vec<f64> { (0..d * d).map(|at| f(at / d, at % d)).collect() };
        let index = self.b.constant(Array::Reals(entries(&|i, j| place(i, j) as f64).into()), &[d, d]);
        let below = self.b.constant(Array::from_reals(entries(&|i, j| f64::from(j < i))), &[d, d]);
        let diagonal = self.b.constant(Array::from_reals(entries(&|i, j| f64::from(i == j))), &[d, d]);
        let full = self.b.gather(packed, index);
        let low = self.b.binary(Binary::Mul, full, below);
        let logs = self.b.binary(Binary::Mul, full, diagonal);
        let scales = self.b.unary(Unary::Exp, logs);
        let scales = self.b.binary(Binary::Mul, scales, diagonal);
        let factor = self.b.binary(Binary::Add, low, scales);
        let scale = self.b.reduce(Reduce::Sum, scales, &[1]);
        let axes = Contraction { left: vec![0, 1], right: vec![2, 1], out: vec![0, 2] };
        let spread = self.b.contract(noise, factor, axes);
        let centre = self.b.reshape(loc, &[1, d]);
        let draws = self.b.binary(Binary::Add, centre, spread);
        let log_scale = self.b.reduce(Reduce::Sum, logs, &[0, 1]);
        Ok(Gaussian {
            draws,
            loc: Some(loc),
            scale: Some(scale),
            log_scale: Some(log_scale),
            noise: Some(noise),
            low_rank: None,
            logs: None,
            factor: Some(factor),
        })
    }
}
