//! The weights of layers: every place where a layer is written has one set of them, shared by all calls of its net.

use super::Checker;
use super::nets::State;
use crate::math::{NodeId, ParamId, Support};
use crate::model::{Owner, Param, Start};
use crate::shape::Size;
use crate::source::Span;

/// A place where a layer is written.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub span: Span,
    /// `dense` in `encoder.dense1.weight`
    pub stem: &'static str,
    pub weights: Vec<Weight>,
}

#[derive(Debug, Clone)]
pub(super) struct Weight {
    name: &'static str,
    event: Vec<Size>,
    start: First,
}

/// Where it starts.
#[derive(Debug, Clone)]
enum First {
    /// As layers do, by the number of inputs of one output.
    Layer(Size),
    Constant(f64),
}

impl Weight {
    pub fn layer(name: &'static str, event: Vec<Size>, fan_in: &Size) -> Weight {
        Weight { name, event, start: First::Layer(fan_in.clone()) }
    }

    pub fn constant(name: &'static str, event: Vec<Size>, value: f64) -> Weight {
        Weight { name, event, start: First::Constant(value) }
    }
}

impl<'a> Checker<'a> {
    /// The weights of a place: stand-ins while a body is checked, params once its net is called.
    pub(super) fn weights_of(&mut self, net: usize, place: Place) -> Vec<NodeId> {
        if !self.trial {
            if self.nets[net].weights.is_empty() {
                self.add_weights(net);
            }
            let params = self.nets[net].weights.get(&place.span).cloned();
            let nodes = params.and_then(|ids| ids.into_iter().map(|id| self.param_node(id, place.span)).collect());
            if let Some(nodes) = nodes {
                return nodes;
            }
        }
        let nodes = place.weights.iter().map(|weight| self.placeholder(&weight.event, &Support::Real)).collect();
        let known = self.nets[net].layers.iter().any(|layer| layer.span == place.span);
        if self.trial && self.nets[net].state == State::Reading && !known {
            self.nets[net].layers.push(place);
        }
        nodes
    }

    /// `encoder.dense1.weight` and `.bias`, counted in the order in which the layers are applied.
    fn add_weights(&mut self, net: usize) {
        let name = self.nets[net].name.node.clone();
        let places = self.nets[net].layers.clone();
        for (at, place) in places.iter().enumerate() {
            let count = places[..=at].iter().filter(|other| other.stem == place.stem).count();
            let layer = format!("{name}.{}{count}", place.stem);
            let ids = place.weights.iter().map(|weight| self.add_weight(&layer, weight, &name, place.span)).collect();
            self.nets[net].weights.insert(place.span, ids);
        }
    }

    fn add_weight(&mut self, layer: &str, weight: &Weight, net: &str, span: Span) -> ParamId {
        let start = match &weight.start {
            First::Layer(fan_in) => Start::Layer { fan_in: fan_in.clone() },
            First::Constant(value) => Start::Value(self.number(*value, None)),
        };
        self.params.push(Param {
            name: format!("{layer}.{}", weight.name),
            rows: vec![],
            event: weight.event.clone(),
            support: Support::Real,
            start,
            owner: Owner::Guide,
            net: Some(net.into()),
            plates: vec![],
            span,
        });
        ParamId(self.params.len() as u32 - 1)
    }
}
