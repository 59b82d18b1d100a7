//! A model's data items against tables: columns made, sizes told, every value proven to lie in its support.

use std::collections::BTreeMap;

use crate::data::cells::Cell;
use crate::data::columns::{Ledger, Scope, Stop};
use crate::data::kept::{Kept, Taken};
use crate::data::limits::known_support;
use crate::data::problems::{At, ColumnProblem, Item, Place, ValueProblem};
use crate::data::redraw::Redraws;
use crate::data::sizes::Sizes;
use crate::data::support::{Known, Misfit};
use crate::data::{Array, Bound, BoundArray, Table};
use crate::math::Support;
use crate::model::{Data, Model, Proviso, Statement};
use crate::problem::Problems;

/// Binds every data item of the model, or says everything that is wrong with the data.
pub fn bind(model: &Model, tables: &[Table]) -> Result<Bound, Problems> {
    bind_as(model, tables, &Asked::default())
}

/// How data are bound.
pub struct Asked<'a> {
    /// The data items that are wanted.
    pub given: &'a dyn Fn(usize) -> bool,
    /// What a fit has kept, where these are other data of a fitted model.
    pub kept: Option<&'a Kept>,
    /// Of columns that are drawn.
    pub seed: u64,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Asked { given: &|_| true, kept: None, seed: 0 }
    }
}

/// Binds data items as they are asked for.
pub fn bind_as(model: &Model, tables: &[Table], asked: &Asked) -> Result<Bound, Problems> {
    let state = |item| if (asked.given)(item) { State::Open } else { State::Absent };
    let mut binder = Binder {
        model,
        tables,
        asked,
        sizes: Sizes::new(model),
        cells: (0..model.data.len()).map(state).collect(),
        drawn: vec![None; model.data.len()],
        arrays: model.data.iter().map(|_| None).collect(),
        taken: BTreeMap::new(),
        problems: Problems::default(),
    };
    binder.make();
    binder.fit();
    binder.leave_out();
    let Binder { sizes, arrays, drawn, taken, mut problems, .. } = binder;
    for problem in sizes.problems.values() {
        problems.push(problem.clone());
    }
    for problem in beyond(model, &sizes) {
        problems.push(problem);
    }
    if problems.has_errors() {
        return Err(problems);
    }
    let arrays: Vec<BoundArray> = arrays.into_iter().flatten().collect();
    let rows = rows(model, &arrays);
    let dims = sizes.known().clone();
    let kept = Kept::of(model, &dims, taken);
    let mut redraws = Redraws::default();
    for (item, cell) in drawn.iter().enumerate() {
        if let Some(cell) = cell {
            redraws.push(item, cell);
        }
    }
    Ok(Bound { arrays, dims, rows, kept, redraws })
}

/// Where values lie that do not fit the declared support of their item, whose sizes are those of `bound`.
pub fn misfit(model: &Model, bound: &Bound, item: usize) -> Option<Misfit> {
    let mut sizes = Sizes::new(model);
    for (dim, size) in &bound.dims {
        sizes.claim(*dim, *size, String::new);
    }
    let arrays: Vec<Option<BoundArray>> = bound.arrays.iter().cloned().map(Some).collect();
    let (data, array) = (&model.data[item], &bound.arrays[item]);
    let rows: usize = array.shape[..data.rows.len()].iter().product();
    let known = known_support(model, &sizes, &arrays, data)?;
    known.misfit(&array.values, array.values.len() / rows.max(1), data.missing)
}

/// Indices and slices that turn out to leave their axis.
fn beyond(model: &Model, sizes: &Sizes) -> Vec<ValueProblem> {
    let outside = |proviso: &Proviso| match proviso {
        Proviso::Size { size, span } => {
            let known = size.value(&|dim| sizes.known().get(&dim).copied())?;
            (known < 0).then(|| ValueProblem::Beyond {
                text: model.source.slice(*span).into(),
                by: -known,
                span: *span,
            })
        }
        Proviso::Fits { .. } => None,
    };
    model.provisos.iter().filter_map(outside).collect()
}

/// Rows of the data: the most rows that one observed item has.
fn rows(model: &Model, arrays: &[BoundArray]) -> usize {
    let observed = model.statements.iter().filter_map(|statement| match statement {
        Statement::Observe(observation) => Some(observation.data.index()),
        _ => None,
    });
    let count = |place: usize| arrays[place].shape[..model.data[place].rows.len()].iter().product::<usize>();
    observed.map(count).max().or_else(|| (0..arrays.len()).map(count).max()).unwrap_or(0)
}

struct Binder<'a> {
    model: &'a Model,
    tables: &'a [Table],
    asked: &'a Asked<'a>,
    sizes: Sizes<'a>,
    cells: Vec<State<'a>>,
    /// The cells that are drawn.
    drawn: Vec<Option<Cell<'a>>>,
    arrays: Vec<Option<BoundArray>>,
    taken: BTreeMap<String, Vec<Taken>>,
    problems: Problems,
}

/// How far an item is.
enum State<'a> {
    Open,
    Made(Cell<'a>),
    /// Already said.
    Failed,
    /// Not asked for.
    Absent,
}

impl<'a> Binder<'a> {
    /// Makes every item, in the order in which what they need becomes known.
    fn make(&mut self) {
        for (name, size) in self.asked.kept.iter().flat_map(|kept| &kept.sizes) {
            let dim = self.model.dims.iter().find(|(_, dim)| dim.name == *name).map(|(id, _)| id);
            if let Some(dim) = dim {
                self.sizes.claim(dim, *size, || "as it was fitted".into());
            }
        }
        let mut waiting = self.pass();
        for step in 0.. {
            let progress = match step {
                0 => self.sizes.claim_scalars(self.tables),
                1 => self.claim_categories(),
                _ => break,
            };
            if progress {
                waiting = self.pass();
            }
        }
        for (item, why) in waiting {
            match why {
                // What it needs has failed and was said, or will be as a size that nobody knows.
                Stop::WaitsForData(other) if matches!(self.cells[other], State::Open) => self.cycle(item, other),
                Stop::WaitsForData(other) if matches!(self.cells[other], State::Absent) => {
                    let of = self.model.data[other].name.clone();
                    self.problems.push(ColumnProblem::MadeOfAbsent { item: named(&self.model.data[item]), of });
                    self.cells[item] = State::Failed;
                }
                _ => self.cells[item] = State::Failed,
            }
        }
        let unknown = self.model.dims.iter().filter(|(id, _)| !self.sizes.known().contains_key(id));
        let mut problems = Problems::default();
        for (_, dim) in unknown {
            // A column that is wrong may be what says the size.
            if !self.problems.has_errors() {
                problems.push(ValueProblem::UnknownSize { dim: dim.name.clone(), span: dim.span });
            }
        }
        self.problems.extend(problems);
    }

    /// Tries every open item until none gets further; those left and what they wait for.
    fn pass(&mut self) -> Vec<(usize, Stop)> {
        loop {
            let mut progress = false;
            let mut waiting = vec![];
            for item in 0..self.model.data.len() {
                if !matches!(self.cells[item], State::Open) {
                    continue;
                }
                match self.attempt(item) {
                    Ok(cell) => {
                        self.cells[item] = State::Made(cell);
                        progress = true;
                    }
                    Err(Stop::Wrong(problem)) => {
                        self.problems.push(problem);
                        self.cells[item] = State::Failed;
                    }
                    Err(stop) => waiting.push((item, stop)),
                }
            }
            // Entries whose axes were unknown may say more by now.
            for item in 0..self.model.data.len() {
                progress |= self.claim_axes(item);
            }
            if !progress {
                return waiting;
            }
        }
    }

    fn attempt(&mut self, item: usize) -> Result<Cell<'a>, Stop> {
        let data = &self.model.data[item];
        let scope = self.scope(item, false);
        let cell = match scope.cell() {
            // An item may read its own number of rows, which its columns say.
            Err(Stop::WaitsForDim(dim)) if data.rows.first() == Some(&dim) => {
                let rows = self.scope(item, true).cell().ok().and_then(|cell| cell.rows);
                let rows = rows.ok_or(Stop::WaitsForDim(dim))?;
                drop(scope);
                self.sizes.claim(dim, rows, || format!("the rows of `{}`", data.name));
                return self.attempt(item);
            }
            other => other?,
        };
        let taken = scope.ledger.into_taken();
        if !taken.is_empty() {
            self.taken.insert(data.name.clone(), taken);
        }
        self.drawn[item] = cell.is_drawn().then(|| cell.clone());
        self.arrays[item] = Some(BoundArray { shape: cell.shape(), values: cell.array() });
        Ok(cell)
    }

    fn scope(&self, item: usize, probe: bool) -> Scope<'_, 'a> {
        let data = &self.model.data[item];
        let given = self.asked.kept.and_then(|kept| kept.items.get(&data.name)).map(Vec::as_slice);
        Scope {
            model: self.model,
            tables: self.tables,
            bound: &self.arrays,
            dims: self.sizes.known(),
            item: data,
            place: item,
            probe,
            drawn: &self.drawn,
            ledger: Ledger::new(given, self.asked.seed),
        }
    }

    /// The axes of a made array speak for the dims of its item.
    fn claim_axes(&mut self, item: usize) -> bool {
        let (State::Made(_), Some(array)) = (&self.cells[item], &self.arrays[item]) else { return false };
        let data = &self.model.data[item];
        let shape = array.shape.clone();
        let rows = data.rows.len();
        let mut any = false;
        for (dim, size) in data.rows.iter().zip(&shape) {
            any |= self.sizes.claim(*dim, *size, || format!("the rows of `{}`", data.name));
        }
        for (dim, size) in self.sizes.claims_of(&data.event, shape.get(rows..).unwrap_or(&[])) {
            any |= self.sizes.claim(dim, size, || format!("the entries of `{}`", data.name));
        }
        any
    }

    /// One more than the largest index, for a `category(K)` of a `K` that nothing else says.
    fn claim_categories(&mut self) -> bool {
        let mut largest = BTreeMap::new();
        for (data, array) in self.model.data.iter().zip(&self.arrays) {
            let (Support::Category(size), Some(array)) = (&data.support, array) else { continue };
            let Some(dim) = size.as_dim().filter(|dim| !self.sizes.known().contains_key(dim)) else { continue };
            let most = (0..array.values.len()).map(|i| array.values.get(i)).fold(-1.0, f64::max);
            let entry = largest.entry(dim).or_insert((most, data.name.clone()));
            if most > entry.0 {
                *entry = (most, data.name.clone());
            }
        }
        let mut any = false;
        for (dim, (most, by)) in largest {
            any |= self.sizes.claim(dim, (most + 1.0) as usize, || format!("the labels of `{by}`"));
        }
        any
    }

    /// Gives every array the shape of its item and tests its values.
    fn fit(&mut self) {
        for item in 0..self.model.data.len() {
            let data = &self.model.data[item];
            let Some(wanted) = self.wanted(data) else { continue };
            let (State::Made(cell), Some(array)) = (&self.cells[item], &mut self.arrays[item]) else { continue };
            let rows = data.rows.len();
            let same_rows = array.shape.get(..rows) == wanted.get(..rows);
            if !same_rows || array.values.len() != wanted.iter().product::<usize>() {
                // A size that disagrees is already said.
                let dims = data.rows.iter().copied().chain(data.event.iter().flat_map(|size| size.dims()));
                if !dims.into_iter().any(|dim| self.sizes.problems.contains_key(&dim)) {
                    // Where the rows agree, the entries are what is wrong.
                    let skip = if same_rows { rows } else { 0 };
                    let (found, wanted) = (array.shape[skip..].to_vec(), wanted[skip..].to_vec());
                    let set = self.sizes.settable(&wanted, &found);
                    self.problems.push(ValueProblem::Shape { item: named(data), found, wanted, set });
                }
                continue;
            }
            array.shape = wanted;
            let array = array.clone();
            let cell = cell.clone();
            match known_support(self.model, &self.sizes, &self.arrays, data) {
                Some(known) => self.test(data, &cell, &array, &known),
                None => self.problems.push(ValueProblem::BoundNotKnown { item: named(data) }),
            }
        }
    }

    /// What was not asked for has its shape alone, where that is known.
    fn leave_out(&mut self) {
        for item in 0..self.cells.len() {
            if matches!(self.cells[item], State::Absent)
                && let Some(shape) = self.wanted(&self.model.data[item])
            {
                self.arrays[item] = Some(BoundArray { shape, values: Array::Reals([].into()) });
            }
        }
    }

    fn wanted(&self, data: &Data) -> Option<Vec<usize>> {
        let rows = data.rows.iter().map(|dim| self.sizes.known().get(dim).copied());
        rows.chain(data.event.iter().map(|size| self.sizes.size(size))).collect()
    }

    fn test(&mut self, data: &Data, cell: &Cell, array: &BoundArray, known: &Known) {
        let rows: usize = array.shape[..data.rows.len()].iter().product();
        let width = array.values.len() / rows.max(1);
        let Some(misfit) = known.misfit(&array.values, width, data.missing) else { return };
        let (Misfit::Missing(at) | Misfit::Outside(at, _) | Misfit::Vector(at, _)) = misfit;
        let width = cell.width().max(1);
        let (place, missing) = cell.place(at / width, at % width).unwrap_or_else(|| {
            (Place { file: self.model.source.name.clone(), at: At::Whole, column: format!("`{}`", data.name) }, false)
        });
        let item = named(data);
        self.problems.push(match (misfit, known) {
            (Misfit::Missing(_), _) if missing => ValueProblem::Missing { place, item },
            (Misfit::Missing(_), _) => ValueProblem::NoNumber { place, item },
            (Misfit::Outside(_, value), Known::Category(size)) => {
                ValueProblem::Index { place, item, value, size: *size }
            }
            (Misfit::Outside(_, value), _) => {
                ValueProblem::Outside { place, item, value, support: known.name(), hint: known.hint() }
            }
            (Misfit::Vector(_, why), _) => {
                ValueProblem::OutsideVector { place, item, support: known.name(), why: why.into() }
            }
        });
    }

    /// Items that wait for each other.
    fn cycle(&mut self, item: usize, first: usize) {
        let mut through = vec![];
        let mut at = first;
        while !through.contains(&at) && at != item {
            through.push(at);
            match self.attempt(at) {
                Err(Stop::WaitsForData(next)) => at = next,
                _ => break,
            }
        }
        let name = |place: &usize| self.model.data[*place].name.clone();
        let through: Vec<String> = through.iter().map(name).collect();
        self.problems.push(ColumnProblem::Cycle { item: named(&self.model.data[item]), through });
        self.cells[item] = State::Failed;
    }
}

fn named(data: &Data) -> Item {
    Item { name: data.name.clone(), span: data.span }
}
