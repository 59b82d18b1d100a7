//! Arguments of a distribution: values by parameter name, and distributions where one is made of others.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use super::Dist;
use crate::math::NodeId;
use crate::shape::AxisId;

/// Arguments by parameter name. Reading as a map (`args["loc"]`, `get`, `iter`) is about a distribution's own values;
/// `values` is about everything that is read, in the distributions inside too.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Args {
    own: BTreeMap<&'static str, NodeId>,
    /// The distributions among the arguments: of `Mixture` one for each component, or one for all.
    pub of: Vec<Dist>,
    /// The axis of the components, over which the arguments of the one distribution for all of them vary.
    pub components: Option<AxisId>,
}

impl Args {
    pub fn new() -> Args {
        Args::default()
    }

    /// All values that are read.
    pub fn values(&self) -> Box<dyn Iterator<Item = &NodeId> + '_> {
        Box::new(self.own.values().chain(self.of.iter().flat_map(|dist| dist.args.values())))
    }

    /// The same arguments with every value replaced.
    pub fn map(&self, f: &mut dyn FnMut(NodeId) -> NodeId) -> Args {
        let own = self.own.iter().map(|(name, id)| (*name, f(*id))).collect();
        let of = self.of.iter().map(|dist| Dist { kind: dist.kind, args: dist.args.map(f) }).collect();
        Args { own, of, components: self.components }
    }
}

impl Deref for Args {
    type Target = BTreeMap<&'static str, NodeId>;

    fn deref(&self) -> &Self::Target {
        &self.own
    }
}

impl DerefMut for Args {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.own
    }
}

impl<const N: usize> From<[(&'static str, NodeId); N]> for Args {
    fn from(own: [(&'static str, NodeId); N]) -> Args {
        own.into_iter().collect()
    }
}

impl FromIterator<(&'static str, NodeId)> for Args {
    fn from_iter<I: IntoIterator<Item = (&'static str, NodeId)>>(own: I) -> Args {
        Args { own: own.into_iter().collect(), ..Args::default() }
    }
}
