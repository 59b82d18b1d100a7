//! A random small world for a model: sizes, data, parameters, and the coordinates of automatic factors.

use std::collections::BTreeMap;

use ppl::data::{Array, Bound, BoundArray};
use ppl::math::eval::{Positions, Values};
use ppl::math::support::Bound as End;
use ppl::math::{Op, SiteId, Support};
use ppl::model::{Auto, Model, Origin};
use ppl::shape::{AxisId, Size};

/// SplitMix64 (Steele, Lea & Flood 2014), with normals by Box and Muller.
pub struct Random(pub u64);

impl Random {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) as f64 + 0.5) / 2f64.powi(64)
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    pub fn normals(&mut self, n: usize) -> Values {
        (0..n).map(|_| self.normal()).collect()
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }
}

pub struct World<'m> {
    pub model: &'m Model,
    pub sizes: BTreeMap<usize, usize>,
    /// Sites that integrate to one.
    pub leaves: Vec<SiteId>,
    data: Vec<Values>,
    params: Vec<Values>,
    /// Of every automatic site, over its rows: where its coordinates are, and the rows of the factor of their joint
    /// covariance (diagonal for `meanfield`) in the coordinates of all automatic sites.
    pub loc: BTreeMap<SiteId, Values>,
    pub factor: Vec<Values>,
    pub offset: BTreeMap<SiteId, usize>,
}

impl<'m> World<'m> {
    /// Dims without a value get the size `n`, then `n + 1`, and so on, so that no two are confused.
    pub fn new(model: &'m Model, n: usize, leaves: &[&str], random: &mut Random) -> World<'m> {
        let is_leaf = |site: &SiteId| leaves.contains(&model.sites[site.index()].name.as_str());
        let leaves = (0..model.sites.len() as u32).map(SiteId).filter(is_leaf).collect();
        let mut world = World {
            model,
            sizes: BTreeMap::new(),
            leaves,
            data: vec![],
            params: vec![],
            loc: BTreeMap::new(),
            factor: vec![],
            offset: BTreeMap::new(),
        };
        let mut next = n;
        for (id, dim) in model.dims.iter() {
            let size = match &dim.value {
                Some(value) => world.size(value),
                None => {
                    next += 1;
                    next - 1
                }
            };
            world.sizes.insert(id.index(), size);
        }
        for data in &model.data {
            let rows: usize = data.rows.iter().map(|dim| world.sizes[&dim.index()]).product();
            let mut values: Values = (0..rows).flat_map(|_| world.value(&data.support, &data.event, random)).collect();
            if data.missing {
                values.iter_mut().step_by(2).for_each(|value| *value = f64::NAN);
            }
            world.data.push(values);
        }
        for param in &model.params {
            let rows = world.count(&param.rows);
            let values = (0..rows).flat_map(|_| world.value(&param.support, &param.event, random));
            let values = values.map(|x| if param.net.is_some() { 0.08 * x } else { x }).collect();
            world.params.push(values);
        }
        world.automatic(random);
        world
    }

    /// Which entries of a site are there already, as data: its other entries are latent.
    pub fn there(&self, id: SiteId) -> Option<Vec<bool>> {
        match self.model.sites[id.index()].origin {
            Origin::Missing(data) => Some(self.data[data.index()].iter().map(|x| !x.is_nan()).collect()),
            _ => None,
        }
    }

    pub fn size(&self, size: &Size) -> usize {
        let known = size.value(&|dim| self.sizes.get(&dim.index()).copied());
        usize::try_from(known.expect("every dim has a size")).expect("a size")
    }

    pub fn count(&self, sizes: &[Size]) -> usize {
        sizes.iter().map(|size| self.size(size)).product()
    }

    pub fn rows(&self, axes: &[AxisId]) -> usize {
        axes.iter().map(|axis| self.size(&self.model.axes[*axis].size)).product()
    }

    /// A random value of a support, away from its ends.
    fn value(&self, support: &Support, event: &[Size], random: &mut Random) -> Values {
        let n = self.count(event);
        let number = |random: &mut Random| match support {
            Support::Real => random.normal(),
            Support::Positive => (0.5 * random.normal()).exp(),
            Support::Unit => 0.1 + 0.8 * random.uniform(),
            Support::Binary => random.below(2) as f64,
            Support::Count(None) => random.below(5) as f64,
            Support::Count(Some(m)) => random.below(self.size(m) + 1) as f64,
            Support::Category(k) => random.below(self.size(k)) as f64,
            Support::Interval(End::Number(lo), End::Number(hi)) => lo + (hi - lo) * random.uniform(),
            other => panic!("no random value of {other:?}"),
        };
        if let Support::OneHot(k) = support {
            let k = self.size(k);
            let label = |random: &mut Random| {
                let own = random.below(k);
                (0..k).map(move |i| f64::from(i == own))
            };
            return (0..n / k).flat_map(|_| label(random)).collect();
        }
        // Counts that lie in 0..=n and are several are those of n tries.
        if let (Support::Count(Some(m)), true) = (support, n > 1) {
            let tries = self.size(m);
            let mut counts = vec![0.0; n];
            (0..tries).for_each(|_| counts[random.below(n)] += 1.0);
            return counts;
        }
        if support.is_matrix() {
            let map = ppl::dist::Bijector::of(support).expect("a continuous support");
            let (own, free) = (support.own_axes(), self.count(&map.free_event(&support.own_axes())));
            let value = |random: &mut Random| {
                let u: Values = random.normals(free).iter().map(|x| 0.4 * x).collect();
                map.forward_f64(&u)
            };
            return (0..n / self.count(&own)).flat_map(|_| value(random)).collect();
        }
        if let Support::Simplex(k) = support {
            let k = self.size(k);
            let mut weights = vec![];
            for _ in 0..n / k {
                let piece: Values = (0..k).map(|_| 0.2 + random.uniform()).collect();
                let sum: f64 = piece.iter().sum();
                weights.extend(piece.iter().map(|x| x / sum));
            }
            return weights;
        }
        (0..n).map(|_| number(random)).collect()
    }

    /// The values of a param at these unconstrained coordinates of all its rows.
    pub fn set_param(&mut self, id: ppl::math::ParamId, u: &[f64]) {
        let param = &self.model.params[id.index()];
        let map = ppl::dist::Bijector::of(&param.support).expect("a continuous support");
        let own = param.support.own_axes();
        let free = if own.is_empty() { 1 } else { self.count(&map.free_event(&own)) };
        self.params[id.index()] = u.chunks(free).flat_map(|u| map.forward_f64(u)).collect();
    }

    /// The sizes and the data as if they had been read from files.
    pub fn bound(&self) -> Bound {
        let shape = |data: &ppl::model::Data| {
            let rows = data.rows.iter().map(|dim| self.sizes[&dim.index()]);
            rows.chain(data.event.iter().map(|size| self.size(size))).collect()
        };
        let arrays = self.model.data.iter().zip(&self.data);
        let array = |(data, values): (&ppl::model::Data, &Values)| BoundArray {
            shape: shape(data),
            values: Array::from_reals(values.clone()),
        };
        let dims: BTreeMap<_, _> = self.model.dims.iter().map(|(id, _)| (id, self.sizes[&id.index()])).collect();
        let rows = self.model.data.iter().filter_map(|data| data.rows.first()).map(|dim| dims[dim]).max();
        Bound { arrays: arrays.map(array).collect(), rows: rows.unwrap_or(0), dims, ..Bound::default() }
    }

    /// How many unconstrained coordinates one row of a site has.
    pub fn free(&self, id: SiteId) -> usize {
        let site = &self.model.sites[id.index()];
        let map = ppl::dist::Bijector::of(&site.support).expect("a continuous site");
        self.count(&map.free_event(&site.event))
    }

    fn automatic(&mut self, random: &mut Random) {
        let written = |id: &SiteId| self.model.guide.factors.iter().any(|factor| factor.site == *id);
        let ids: Vec<SiteId> = (0..self.model.sites.len() as u32)
            .map(SiteId)
            .filter(|id| {
                !written(id) && !self.leaves.contains(id) && !self.model.sites[id.index()].support.is_discrete()
            })
            .collect();
        let mut total = 0;
        for id in ids {
            let n = self.rows(&self.model.sites[id.index()].plates) * self.free(id);
            self.loc.insert(id, random.normals(n).iter().map(|x| 0.5 * x).collect());
            self.offset.insert(id, total);
            total += n;
        }
        let joint = self.model.guide.auto.is_some_and(Auto::is_joint);
        for i in 0..total {
            let mut row = vec![0.0; total];
            if joint {
                row[..i].fill_with(|| 0.2 * random.normal());
            }
            row[i] = (0.3 * random.normal() - 1.0).exp();
            self.factor.push(row);
        }
    }

    /// Draws of the coordinates of all automatic sites.
    pub fn draw_free(&self, random: &mut Random) -> BTreeMap<SiteId, Values> {
        let noise = random.normals(self.factor.len());
        let spread: Values = self.factor.iter().map(|row| row.iter().zip(&noise).map(|(l, e)| l * e).sum()).collect();
        let site = |(id, loc): (&SiteId, &Values)| {
            let from = self.offset[id];
            (*id, loc.iter().enumerate().map(|(i, m)| m + spread[from + i]).collect())
        };
        self.loc.iter().map(site).collect()
    }

    /// log N(u | loc, L L').
    pub fn log_normal(&self, free: &BTreeMap<SiteId, Values>) -> f64 {
        let one =
            |(i, e): (usize, &f64)| -0.5 * e * e - self.factor[i][i].ln() - 0.5 * (2.0 * std::f64::consts::PI).ln();
        self.noise(free).iter().enumerate().map(one).sum()
    }

    /// The noise of these coordinates, one after the other, by forward substitution.
    pub fn noise(&self, free: &BTreeMap<SiteId, Values>) -> Values {
        let gaps: Values = self.loc.iter().flat_map(|(id, loc)| free[id].iter().zip(loc).map(|(u, m)| u - m)).collect();
        let mut noise: Values = vec![];
        for (i, row) in self.factor.iter().enumerate() {
            let done: f64 = row.iter().zip(&noise).map(|(l, e)| l * e).sum();
            noise.push((gaps[i] - done) / row[i]);
        }
        noise
    }

    /// Which row of an array over these plates the positions say.
    pub fn row(&self, plates: &[AxisId], at: &Positions) -> usize {
        plates.iter().fold(0, |row, axis| row * self.size(&self.model.axes[*axis].size) + at[axis])
    }

    /// Data, parameters and the parameters of automatic factors.
    pub fn leaf(&self, op: &Op, at: &Positions) -> Option<Values> {
        match op {
            Op::Data(id) => Some(self.data[id.index()].clone()),
            Op::Param(id) => Some(self.params[id.index()].clone()),
            Op::AutoLoc(id) => Some(self.free_row(*id, &self.loc[id], at)),
            Op::AutoScale(id) => {
                let from = self.offset[id];
                let diagonal: Values = (0..self.loc[id].len()).map(|i| self.factor[from + i][from + i]).collect();
                Some(self.free_row(*id, &diagonal, at))
            }
            _ => None,
        }
    }

    /// One row of the coordinates of a site.
    pub fn free_row(&self, id: SiteId, all: &[f64], at: &Positions) -> Values {
        let (n, row) = (self.free(id), self.row(&self.model.sites[id.index()].plates, at));
        all[row * n..][..n].to_vec()
    }

    /// Calls `f` at every position of these plates.
    pub fn each(&self, plates: &[AxisId], at: &Positions, f: &mut dyn FnMut(&Positions)) {
        let [first, rest @ ..] = plates else { return f(at) };
        for row in 0..self.size(&self.model.axes[*first].size) {
            let mut at = at.clone();
            at.insert(*first, row);
            self.each(rest, &at, f);
        }
    }
}
