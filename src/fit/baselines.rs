//! What earlier steps say of costs: the running means and networks that score-function gradients take as baselines.

use std::collections::BTreeMap;

use super::Failure;
use super::optimizer::{Optimizer, Rule};
use super::state::{Buffer, foreign};
use crate::kernel::noise::{Index, Key, Stream};
use crate::math::SiteId;
use crate::plan::lower::{InputKind, OutputKind};

/// How much of a running mean is kept from one step to the next, and of one that is a coefficient.
const KEPT: f64 = 0.95;
const KEPT_COEFFICIENT: f64 = 0.999;
/// The rate of networks, under Adam.
const RATE: f64 = 1e-3;
/// The noise of a network's start is named beside that of sites and params.
const NETS: u32 = 1 << 27;

/// Of sites whose gradients are scored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Baselines {
    means: BTreeMap<SiteId, Running>,
    nets: BTreeMap<SiteId, Net>,
}

/// A sum of costs over steps, older ones counting less, and of what each counts, for every row.
#[derive(Debug, Clone, PartialEq)]
struct Running {
    sums: Vec<f64>,
    weights: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
struct Net {
    params: Vec<f64>,
    optimizer: Optimizer,
}

impl Baselines {
    /// Fills an input; a mean is 0 before the first step, and a network starts small.
    pub fn give(&mut self, kind: &InputKind, seed: u64, out: &mut [f64]) {
        match kind {
            InputKind::Baseline(site) => match self.means.get(site) {
                Some(Running { sums, weights }) => {
                    let mean = |(sum, weight): (&f64, &f64)| if *weight > 0.0 { sum / weight } else { 0.0 };
                    out.iter_mut().zip(sums.iter().zip(weights)).for_each(|(to, of)| *to = mean(of));
                }
                None => out.fill(0.0),
            },
            InputKind::BaselineNet { site, fan_in } => {
                let net = self.nets.entry(*site).or_insert_with(|| Net::new(*site, *fan_in, out.len(), seed));
                out.copy_from_slice(&net.params);
            }
            _ => {}
        }
    }

    /// Takes what a step says.
    pub fn learn(&mut self, kinds: &[OutputKind], outputs: &[Vec<f64>]) {
        for (kind, costs) in kinds.iter().zip(outputs) {
            match kind {
                OutputKind::Cost(site) => {
                    let at = kinds.iter().position(|other| *other == OutputKind::CostWeight(*site));
                    let ones = vec![1.0; costs.len()];
                    let (weights, kept) = at.map_or((&ones, KEPT), |at| (&outputs[at], KEPT_COEFFICIENT));
                    let zeros = || vec![0.0; costs.len()];
                    let mean = self.means.entry(*site).or_insert_with(|| Running { sums: zeros(), weights: zeros() });
                    mean.sums.iter_mut().zip(costs).for_each(|(sum, cost)| *sum = kept * *sum + cost);
                    mean.weights.iter_mut().zip(weights).for_each(|(sum, weight)| *sum = kept * *sum + weight);
                }
                OutputKind::BaselineSlope(site) => {
                    if let Some(net) = self.nets.get_mut(site) {
                        net.optimizer.descend(RATE, 1.0, &mut net.params, costs);
                    }
                }
                _ => {}
            }
        }
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        let mut buffers = vec![];
        let mut put = |name: String, values: &[f64]| buffers.push(Buffer { name, values: values.to_vec() });
        for (site, mean) in &self.means {
            put(format!("{}.sums", site.0), &mean.sums);
            put(format!("{}.weights", site.0), &mean.weights);
        }
        for (site, net) in &self.nets {
            put(format!("{}.net", site.0), &net.params);
            for part in net.optimizer.buffers() {
                put(format!("{}.adam.{}", site.0, part.name), &part.values);
            }
        }
        buffers
    }

    pub fn restore(&mut self, buffers: &[Buffer]) -> Result<(), Failure> {
        let get = |name: String| buffers.iter().find(|buffer| buffer.name == name).map(|buffer| buffer.values.clone());
        for buffer in buffers {
            let Some((site, part)) = buffer.name.split_once('.') else { return Err(foreign()) };
            let id = SiteId(site.parse().map_err(|_| foreign())?);
            match part {
                "sums" => {
                    let weights = get(format!("{site}.weights")).ok_or_else(foreign)?;
                    self.means.insert(id, Running { sums: buffer.values.clone(), weights });
                }
                "net" => {
                    let mut optimizer = Optimizer::new(Rule::ADAM, buffer.values.len());
                    let prefix = format!("{site}.adam.");
                    let named = |buffer: &Buffer| {
                        let name = buffer.name.strip_prefix(&prefix)?.to_string();
                        Some(Buffer { name, values: buffer.values.clone() })
                    };
                    if !optimizer.restore(&buffers.iter().filter_map(named).collect::<Vec<_>>()) {
                        return Err(foreign());
                    }
                    self.nets.insert(id, Net { params: buffer.values.clone(), optimizer });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Net {
    /// As layers start, the last of them at 0: nothing is said before something is learned.
    fn new(site: SiteId, fan_in: usize, count: usize, seed: u64) -> Net {
        let mut params = vec![0.0; count];
        let units = (count - 1) / (fan_in + 2);
        let width = 1.0 / (fan_in.max(1) as f64).sqrt();
        let first = &mut params[..units * (fan_in + 1)];
        let noise = Key { seed, stream: Stream::Start, step: 0, site: NETS | site.0 }.noise();
        noise.fill_uniform(Index::default(), first);
        first.iter_mut().for_each(|u| *u = width * (2.0 * *u - 1.0));
        Net { params, optimizer: Optimizer::new(Rule::ADAM, count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_is_the_mean_of_earlier_costs_and_comes_back_from_a_state() {
        let site = SiteId(3);
        let kinds = [OutputKind::Bound, OutputKind::Cost(site), OutputKind::BaselineSlope(site)];
        let inputs = [InputKind::Baseline(site), InputKind::BaselineNet { site, fan_in: 2 }];
        let mut baselines = Baselines::default();
        let (mut out, mut net) = ([7.0, 7.0], [0.0; 9]);
        let mut give = |baselines: &mut Baselines| {
            baselines.give(&inputs[0], 1, &mut out);
            baselines.give(&inputs[1], 1, &mut net);
            (out, net)
        };
        let start = give(&mut baselines);
        assert_eq!(start.0, [0.0, 0.0]);
        assert!(start.1[..6].iter().all(|x| *x != 0.0) && start.1[6..] == [0.0; 3], "{start:?}");
        for _ in 0..5 {
            baselines.learn(&kinds, &[vec![1.0], vec![2.0, -4.0], vec![1.0; 9]]);
        }
        let (mean, learned) = give(&mut baselines);
        assert!((mean[0] - 2.0).abs() < 1e-12 && (mean[1] + 4.0).abs() < 1e-12, "{mean:?}");
        assert!(learned.iter().zip(start.1).all(|(now, then)| *now < then));
        let mut again = Baselines::default();
        assert!(again.restore(&baselines.buffers()).is_ok());
        assert_eq!(again, baselines);
    }
}
