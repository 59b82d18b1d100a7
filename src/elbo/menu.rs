//! The menu of gradient estimators, a row each: when it is legal, whether it is biased, what it costs, and its formula.
//!
//! C is the cost of a site (see `cost`), q its factor, b its draw, l the logit of a Bernoulli; of the costs of particles
//! the mean is taken. What stands here is what may stand after `by` in a guide, and what `ppl estimators` compares.

use crate::elbo::cost::{self, Asked, Facts};
use crate::elbo::requests::{self, Legal};
use crate::elbo::{Elbo, Treatment, derive, particles};
use crate::math::SiteId;
use crate::model::{Baseline, Model, Request};
use crate::shape::{AxisKind, Size};

/// An estimator.
pub struct Row {
    /// As it is written, with the arguments it has where nobody writes others.
    pub request: Request,
    /// Whether a site may have it, and as what; or why not.
    pub legal: fn(&Facts, SiteId, Request) -> Legal,
    /// Whether its mean is the gradient of another function.
    pub biased: bool,
    /// How often it evaluates the cost of a row of the site for one gradient.
    evaluations: fn(&Elbo, SiteId, Sizes) -> u64,
}

/// What a size is, where that is known.
pub type Sizes<'a> = &'a dyn Fn(&Size) -> Option<i64>;

/// The whole menu, in the order in which it is compared.
pub static MENU: [Row; 14] = [
    ENUMERATE,
    PATHWISE,
    DISARM,
    SCORE,
    score(Baseline::LeaveOneOut),
    score(Baseline::None),
    score(Baseline::Mean),
    score(Baseline::Regression),
    score(Baseline::Net(UNITS)),
    REBAR,
    RELAX,
    concrete(0.5),
    concrete(0.1),
    STRAIGHT_THROUGH,
];

/// Hidden units of a baseline's network.
pub const UNITS: usize = 100;

/// `sum over b of q(b) C(b)`, differentiated: the expectation itself, with one evaluation for each joint state.
pub const ENUMERATE: Row =
    Row { request: Request::Enumerate, legal: requests::enumerate, biased: false, evaluations: states };

/// `d C(b(e))` with b a differentiable function of noise e: explicitly (Kingma & Welling 2014, "Auto-encoding
/// variational Bayes") or by the implicit function theorem (Figurnov, Mohamed & Mnih 2018, "Implicit
/// reparameterization gradients").
pub const PATHWISE: Row =
    Row { request: Request::Pathwise, legal: requests::pathwise, biased: false, evaluations: once };

/// `(C(b) - C(b')) / 2 * (-1)^b' * [b != b'] * sigmoid(|l|)` in the logit l, with b and b' antithetic draws (Dong, Mnih &
/// Tucker 2020, "DisARM: an antithetic gradient estimator for binary latent variables"; Yin, Ho, Yan, Qian & Zhou 2020,
/// "Probabilistic best subset selection via gradient-based optimization").
pub const DISARM: Row = Row { request: Request::Disarm, legal: requests::disarm, biased: false, evaluations: in_pairs };

/// `(C - baseline) * d log q(b)` (Williams 1992, "Simple statistical gradient-following algorithms for connectionist
/// reinforcement learning"), with the baseline that the compiler chooses; under weights, the log weights of the other
/// draws (Mnih & Rezende 2016, "Variational inference for Monte Carlo objectives").
pub const SCORE: Row = Row { request: Request::Score(None), legal: requests::score, biased: false, evaluations: once };

/// `(C - baseline) * d log q(b)`, with the baseline 0; the running mean of C; `E[C |d log q|^2] / E[|d log q|^2]`, which
/// is Cov / Var of the control variate d log q, over earlier steps (Weaver & Tao 2001, "The optimal reward baseline for
/// gradient-based reinforcement learning"); the mean C of the other particles (Kool, van Hoof & Welling 2019, "Buy 4
/// REINFORCE samples, get a baseline for free!"); or a network over what q reads (Mnih & Gregor 2014, "Neural
/// variational inference and learning in belief networks").
pub const fn score(baseline: Baseline) -> Row {
    Row { request: Request::Score(Some(baseline)), ..SCORE }
}

/// `(C(b) - c(z')) * d log q(b) + d c(z) - d c(z')`, with c the cost at relaxed draws: z alone, z' given b (Tucker, Mnih,
/// Maddison, Lawson & Sohl-Dickstein 2017, "REBAR: low-variance, unbiased gradient estimates for discrete latent variable
/// models").
pub const REBAR: Row = Row { request: Request::Rebar, legal: requests::rebar, biased: false, evaluations: relaxed_too };

/// As `REBAR`, with a network added to c that learns to lower the variance (Grathwohl, Choi, Wu, Roeder & Duvenaud 2018,
/// "Backpropagation through the void: optimizing control variates for black-box gradient estimation").
pub const RELAX: Row = Row { request: Request::Relax, legal: requests::relax, biased: false, evaluations: relaxed_too };

/// `d C(z)` with `z = sigmoid((l + logistic noise) / t)` in place of the draw (Maddison, Mnih & Teh 2017, "The concrete
/// distribution"; Jang, Gu & Poole 2017, "Categorical reparameterization with Gumbel-softmax").
pub const fn concrete(temperature: f64) -> Row {
    Row { request: Request::Concrete(temperature), legal: requests::concrete, biased: true, evaluations: once }
}

/// `d C` as if b were its mean (Bengio, Leonard & Courville 2013, "Estimating or propagating gradients through stochastic
/// neurons for conditional computation").
pub const STRAIGHT_THROUGH: Row =
    Row { request: Request::StraightThrough, legal: requests::straight_through, biased: true, evaluations: once };

/// The row of a request, whatever its arguments.
pub fn row(request: Request) -> &'static Row {
    &MENU[place(request)]
}

fn place(request: Request) -> usize {
    let kind = std::mem::discriminant(&request);
    let same = |row: &Row| std::mem::discriminant(&row.request) == kind;
    let exact = MENU.iter().position(|row| row.request == request);
    exact.or_else(|| MENU.iter().position(same)).unwrap_or(0)
}

/// A site with an estimator that it may have, all else being as it was.
#[derive(Debug, Clone)]
pub struct Offer {
    pub request: Request,
    pub elbo: Elbo,
}

impl Offer {
    pub fn biased(&self) -> bool {
        row(self.request).biased
    }

    /// Evaluations of the cost of a row of the site for one gradient.
    pub fn evaluations(&self, site: SiteId, sizes: Sizes) -> u64 {
        (row(self.request).evaluations)(&self.elbo, site, sizes)
    }
}

/// Every estimator that is legal at a site, where others have what they are asked to. What the guide writes there goes
/// before the row of its kind.
pub fn offers(model: &Model, site: SiteId, others: &Asked) -> Vec<Offer> {
    let own = Facts::new(model).request(site);
    let mut offers: Vec<Offer> = vec![];
    for request in own.into_iter().chain(MENU.iter().map(|row| row.request)) {
        let mut asked = others.clone();
        asked.insert(site, Some(request));
        let (Some(elbo), _) = derive::derive_as(model, &asked) else { continue };
        // With the baseline that was chosen, where none was written.
        let Some(request) = elbo.sites[site.index()].choice.estimator.request() else { continue };
        if !offers.iter().any(|other| other.request == request) {
            offers.push(Offer { request, elbo });
        }
    }
    offers.sort_by_key(|offer| place(offer.request));
    offers
}

fn once(elbo: &Elbo, _: SiteId, _: Sizes) -> u64 {
    particles::draws(elbo) as u64
}

/// At a draw, and at two relaxed ones.
fn relaxed_too(elbo: &Elbo, _: SiteId, _: Sizes) -> u64 {
    3 * particles::draws(elbo) as u64
}

fn in_pairs(elbo: &Elbo, site: SiteId, _: Sizes) -> u64 {
    // Particles that are no pairs have partners of their own.
    particles::draws(elbo) as u64 * if particles::paired(elbo, site) { 1 } else { 2 }
}

/// The largest table that the states of the site are in.
fn states(elbo: &Elbo, site: SiteId, sizes: Sizes) -> u64 {
    let Treatment::Enumerated(_, axis) = elbo.sites[site.index()].treatment else { return 0 };
    let mut most = 1;
    for term in &elbo.terms {
        for id in elbo.graph.reachable(&[term.value]) {
            let plates = &elbo.graph.nodes[id].shape.plates;
            if plates.contains(&axis) {
                let states = plates.iter().filter(|axis| elbo.axes[**axis].kind == AxisKind::States);
                let table = states.filter_map(|axis| sizes(&elbo.axes[*axis].size)).fold(1i64, i64::saturating_mul);
                most = most.max(table as u64);
            }
        }
    }
    most * particles::draws(elbo) as u64
}

/// What is to be asked of all sites so that none is biased: its own, or the compiler's choice.
pub fn unbiased(model: &Model) -> Asked {
    let facts = Facts::new(model);
    let biased = |id: &SiteId| facts.request(*id).is_some_and(|request| row(request).biased);
    cost::sites(model).filter(biased).map(|id| (id, None)).collect()
}

/// The same with as many sites enumerated as may be: what is left to chance, if anything, is drawn.
pub fn enumerated(model: &Model) -> Asked {
    let mut asked = unbiased(model);
    for site in cost::sites(model) {
        let mut more = asked.clone();
        more.insert(site, Some(Request::Enumerate));
        if derive::derive_as(model, &more).0.is_some() {
            asked = more;
        }
    }
    asked
}
