//! What is derived of an energy is true: at random sizes, parameters and states the logit of every unit is the energy where
//! the unit is 0 less the energy where it is 1, and units that are drawn together are not in each other's logits.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ppl::elbo::energy::Contrast;
use ppl::elbo::{Elbo, Objective};
use ppl::math::eval::{Env, Eval, Positions, Values};
use ppl::math::{DataId, NodeId, Op, SiteId};
use ppl::model::{Settings, Statement, Unit};
use ppl::shape::AxisId;
use ppl::source::Source;

use crate::truth::derived;
use crate::world::{Random, World};

/// The bits of every unit: rows, then entries.
type Bits = BTreeMap<usize, Values>;

struct Machine<'w, 'm> {
    elbo: &'m Elbo,
    contrast: &'m Contrast,
    world: &'w World<'m>,
    energy: NodeId,
    plates: Vec<AxisId>,
    bits: RefCell<Bits>,
}

fn contrast(elbo: &Elbo) -> &Contrast {
    let Objective::Contrast(contrast) = &elbo.objective else { panic!("no energy") };
    contrast
}

impl<'w, 'm> Machine<'w, 'm> {
    fn new(elbo: &'m Elbo, world: &'w World<'m>, random: &mut Random) -> Machine<'w, 'm> {
        let contrast = contrast(elbo);
        let Statement::Boltzmann(of) = &elbo.model.statements[contrast.statement] else { panic!("no energy") };
        let mut bits = Bits::new();
        for (at, own) in contrast.conditionals.iter().enumerate() {
            let n = world.rows(&of.plates) * world.count(elbo.graph.event(own.value));
            bits.insert(at, (0..n).map(|_| random.below(2) as f64).collect());
        }
        let plates = of.plates.clone();
        Machine { elbo, contrast, world, energy: of.value, plates, bits: RefCell::new(bits) }
    }

    fn at(&self, node: NodeId, row: &Positions) -> Values {
        let bits = self.bits.borrow();
        let place = |unit: Unit| self.contrast.conditionals.iter().position(|own| own.unit == unit).expect("a unit");
        let observed = |id: DataId| {
            let is = |unit: &Unit| matches!(unit, Unit::Observed(data, _) if *data == id);
            self.contrast.conditionals.iter().position(|own| is(&own.unit)).expect("a unit")
        };
        let latent = |id: SiteId, at: &Positions| {
            let site = &self.elbo.model.sites[id.index()];
            let n = self.world.count(&site.event);
            bits[&place(Unit::Latent(id))][self.world.row(&site.plates, at) * n..][..n].to_vec()
        };
        let leaf = |_: &Eval, op: &Op, at: &Positions| match op {
            Op::Site(id) => Some(latent(*id, at)),
            Op::Data(id) => Some(bits[&observed(*id)].clone()),
            _ => self.world.leaf(op, at),
        };
        let env = Env {
            leaf: &leaf,
            dim: &|dim| self.world.sizes.get(&dim.index()).copied(),
            first: &|axis| self.elbo.axes.get(axis).map_or(0, |axis| self.world.size(&axis.first)),
        };
        Eval::new(&self.elbo.graph, env).at(node, row).expect("a value")
    }

    /// Runs `f` with one bit changed.
    fn with<T>(&self, unit: usize, entry: usize, to: impl Fn(f64) -> f64, f: impl Fn() -> T) -> T {
        let before = self.bits.borrow()[&unit][entry];
        self.bits.borrow_mut().get_mut(&unit).expect("a unit")[entry] = to(before);
        let value = f();
        self.bits.borrow_mut().get_mut(&unit).expect("a unit")[entry] = before;
        value
    }

    /// How many entries of a vector, and where those of a row begin.
    fn entries(&self, unit: usize, row: &Positions) -> (usize, usize) {
        let n = self.world.count(self.elbo.graph.event(self.contrast.conditionals[unit].value));
        (n, self.world.row(&self.plates, row) * n)
    }

    fn check_row(&self, name: &str, row: &Positions) -> usize {
        let mut seen = 0;
        for (at, own) in self.contrast.conditionals.iter().enumerate() {
            let (n, first) = self.entries(at, row);
            let logits = self.at(own.logit, row);
            assert_eq!(logits.len(), n, "{name}");
            for (entry, logit) in logits.iter().enumerate() {
                let energy = |bit: f64| self.with(at, first + entry, |_| bit, || self.at(self.energy, row)[0]);
                let (zero, one) = (energy(0.0), energy(1.0));
                let close = (zero - one - logit).abs() <= 1e-9 * (1.0 + zero.abs() + one.abs());
                assert!(close, "{name}, unit {entry} of vector {at}: {zero} - {one} is not {logit}");
                seen += 1;
            }
            for other in self.together(at) {
                let (n, first) = self.entries(other, row);
                for entry in (0..n).map(|entry| first + entry) {
                    let flipped = self.with(other, entry, |bit| 1.0 - bit, || self.at(own.logit, row));
                    assert_eq!(flipped, logits, "{name}: vector {other} is in the logits of {at}");
                }
            }
        }
        seen
    }

    /// The vectors that are said to be in no logit of this one, itself among them where its entries are independent.
    fn together(&self, at: usize) -> Vec<usize> {
        let block = self.contrast.blocks.iter().find(|block| block.contains(&at)).expect("a block");
        block.iter().copied().filter(|other| *other != at || self.contrast.conditionals[at].independent).collect()
    }
}

fn check(name: &str, elbo: &Elbo, size: usize) {
    let mut seen = 0;
    let verified = ppl::math::verify::verify(&elbo.graph).and_then(|()| ppl::elbo::verify(elbo));
    verified.unwrap_or_else(|bug| panic!("{name}: {bug}"));
    for seed in 0..5 {
        let mut random = Random(seed);
        let world = World::new(&elbo.model, size, &[], &mut random);
        let machine = Machine::new(elbo, &world, &mut random);
        let rows = RefCell::new(vec![]);
        world.each(&machine.plates, &Positions::new(), &mut |row| rows.borrow_mut().push(row.clone()));
        seen += rows.into_inner().iter().map(|row| machine.check_row(name, row)).sum::<usize>();
    }
    assert!(seen > 20, "{name}: only {seen} units");
}

#[test]
fn logits_are_differences_of_energies() {
    check("rbm", &derived("models/rbm.vi", &[("D", 4.0), ("H", 3.0)]), 2);
    let small = [("D", 3.0), ("H1", 2.0), ("H2", 4.0), ("H3", 2.0)];
    check("deep_rbm", &derived("models/deep_rbm.vi", &small), 2);
    check("elbo_energy", &derived("tests/cases/elbo_energy.vi", &[]), 2);
}

#[test]
fn every_form_of_a_sum_of_products_has_conditionals() {
    for body in [
        "-dot(x, V @ x) - 2 * sum(x) * dot(x, a)",
        "-(sum(x) - 2)^2 + sum(x * a) * dot(h, b)",
        "-sum(outer(x, h) * W) / 3 + sum(x) / b[1]",
        "-dot(transpose(W) @ (x * a), h) - dot(x @ W + b, h)",
        "-sum([a[i] * x[i] for i in 0..4]) + sum(x[i] * sum(V[i, j] * x[j] for j in 0..4) for i in 0..4)",
        "-sum(x + sum(h)) - h[0] * x[2] * x[3] - dot([x[i] * a[i] for i in 0..4], V @ a)",
        "-sum((a - x) * (h @ transpose(W)) + 1)",
        "-sum(h)",
    ] {
        let text = format!(
            "dim N\ndata x[N]: binary[4]\nparam a: real[4]\nparam b: real[3]\nparam W: real[4, 3]\n\
             param V: real[4, 4]\nenergy e(x: binary[4], h: binary[3]) = {body}\n\
             model {{ for n in N {{ (x[n], h: binary[3]) ~ Boltzmann(e) }} }}\nfit {{ objective: cd(1) }}"
        );
        let source = Source::new("energy.vi", text);
        let (elbo, problems) = ppl::compile(&source, &Settings::default());
        let said = problems.render(&source, ppl::problem::Style { color: false, width: 100 });
        check(body, &elbo.unwrap_or_else(|| panic!("{body}\n{said}")), 2);
    }
}

#[test]
fn layers_that_share_no_term_are_one_block() {
    assert_eq!(contrast(&derived("models/rbm.vi", &[])).blocks, [[0], [1]]);
    let deep = derived("models/deep_rbm.vi", &[]);
    assert_eq!(contrast(&deep).blocks, [[0, 2], [1, 3]]);
    assert!(contrast(&deep).conditionals.iter().all(|own| own.independent));
    assert!(!contrast(&deep).is_exact_given_data() && contrast(&derived("models/rbm.vi", &[])).is_exact_given_data());
    let mixed = derived("tests/cases/elbo_energy.vi", &[]);
    assert!(!contrast(&mixed).conditionals[0].independent);
    assert_eq!(contrast(&mixed).blocks, [vec![0, 2], vec![1]]);
}
