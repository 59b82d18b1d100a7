//! Sizes from data: who says how large a dim is, in which order they are believed, and where they disagree.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::problems::{Claim, ValueProblem};
use crate::data::{Column, Table, Values};
use crate::model::Model;
use crate::shape::{DimId, Size};

/// What is known of every dim so far: the first claim is believed, a later one that differs is a problem.
pub struct Sizes<'a> {
    model: &'a Model,
    claims: BTreeMap<DimId, Claim>,
    declared: BTreeSet<DimId>,
    known: BTreeMap<DimId, usize>,
    pub problems: BTreeMap<DimId, ValueProblem>,
}

impl<'a> Sizes<'a> {
    /// Declarations and `--set`, which come first.
    pub fn new(model: &'a Model) -> Sizes<'a> {
        let (claims, known) = (BTreeMap::new(), BTreeMap::new());
        let mut sizes = Sizes { model, claims, declared: BTreeSet::new(), known, problems: BTreeMap::new() };
        sizes.settle();
        sizes
    }

    pub fn known(&self) -> &BTreeMap<DimId, usize> {
        &self.known
    }

    /// Gives their values to declared dims whose expressions are known by now.
    fn settle(&mut self) {
        loop {
            let next = self.model.dims.iter().find_map(|(id, dim)| {
                let unknown = !self.known.contains_key(&id);
                dim.value.as_ref().filter(|_| unknown).and_then(|size| self.size(size)).map(|size| (id, size))
            });
            let Some((dim, size)) = next else { return };
            self.declared.insert(dim);
            self.known.insert(dim, size);
            self.claims.insert(dim, Claim { size, by: "as declared or set".into() });
        }
    }

    /// The number, where every dim in it is known.
    pub fn size(&self, size: &Size) -> Option<usize> {
        let number = size.substitute(&|dim| self.known.get(&dim).map(|n| Size::fixed(*n))).known()?;
        usize::try_from(number).ok()
    }

    /// True where this said something new.
    pub fn claim(&mut self, dim: DimId, size: usize, by: impl FnOnce() -> String) -> bool {
        match self.claims.get(&dim) {
            None => {
                self.claims.insert(dim, Claim { size, by: by() });
                self.known.insert(dim, size);
                self.settle();
                true
            }
            Some(first) if first.size != size && !self.problems.contains_key(&dim) => {
                let declared = &self.model.dims[dim];
                let problem = ValueProblem::Sizes {
                    dim: declared.name.clone(),
                    span: declared.span,
                    first: first.clone(),
                    second: Claim { size, by: by() },
                    set: self.declared.contains(&dim),
                };
                self.problems.insert(dim, problem);
                false
            }
            Some(_) => false,
        }
    }

    /// What an entry of this shape says about the sizes of a value with these axes. An entry with the right number of
    /// elements says nothing: it is read row by row.
    pub fn claims_of(&self, event: &[Size], entry: &[usize]) -> Vec<(DimId, usize)> {
        let total: usize = entry.iter().product();
        let sizes: Vec<Option<usize>> = event.iter().map(|size| self.size(size)).collect();
        let known: usize = sizes.iter().flatten().product();
        let unknown: Vec<&Size> =
            event.iter().zip(&sizes).filter(|(_, known)| known.is_none()).map(|(e, _)| e).collect();
        if unknown.is_empty() && known == total {
            return vec![];
        }
        if event.len() == entry.len() {
            return event.iter().zip(entry).filter_map(|(size, n)| Some((size.as_dim()?, *n))).collect();
        }
        match (unknown.as_slice(), event) {
            ([one], _) if known > 0 && total.is_multiple_of(known) => {
                one.as_dim().map(|dim| (dim, total / known)).into_iter().collect()
            }
            ([], [one]) => one.as_dim().map(|dim| (dim, total)).into_iter().collect(),
            _ => vec![],
        }
    }

    /// The one declared dim that could be meant by the first axis on which two shapes differ, and its size there.
    /// (A declared dim is a number by now in the sizes of types, so its name is found by its value.)
    pub fn settable(&self, wanted: &[usize], found: &[usize]) -> Option<(String, usize)> {
        let axis = (wanted.len() == found.len()).then(|| wanted.iter().zip(found).find(|(a, b)| a != b)).flatten()?;
        let mut dims =
            self.model.dims.iter().filter(|(id, _)| self.declared.contains(id) && self.known.get(id) == Some(axis.0));
        let (_, dim) = dims.next()?;
        dims.next().is_none().then(|| (dim.name.clone(), *axis.1))
    }

    /// Scalars of the data that bear the name of a dim: `"N": 434`.
    pub fn claim_scalars(&mut self, tables: &[Table]) -> bool {
        let mut any = false;
        for table in tables {
            for column in table.columns.iter().filter(|column| column.shape.is_empty()) {
                let dims = &self.model.dims;
                let dim = dims.iter().find(|(_, dim)| column.name.as_ref() == Some(&dim.name)).map(|(id, _)| id);
                if let (Some(dim), Some(size)) = (dim, whole(column)) {
                    any |= self.claim(dim, size, || format!("the number in {}", table.name));
                }
            }
        }
        any
    }
}

fn whole(column: &Column) -> Option<usize> {
    let value = match &column.values {
        Values::Bytes(list) => f64::from(*list.first()?),
        Values::Reals(list) => *list.first()?,
        Values::Text(_) => return None,
    };
    (value >= 0.0 && value.fract() == 0.0).then_some(value as usize)
}
