//! `ppl`: a declarative probabilistic programming language for variational inference.
//!
//! # One way through
//!
//! ```text
//! source -> syntax::Ast -> model::Model -> elbo::Elbo -> plan::Plan -> fit::drive -> run, report
//!                               ^               ^            ^            ^
//!                     dist, math, shape      data::bind      Evaluate: plan::reference, or engine (burn)
//! ```
//!
//! A value is handed on already proven; each layer adds one kind of knowledge and is never asked again. Each arrow takes
//! the stage before by reference and builds a new type: no field that is filled in later, no earlier stage changed.
//!
//! * [`syntax`] knows what was written. It never gives up at a mistake: what does not parse becomes an error node that
//!   binds the names it would have bound, so every mistake of a file is told at once.
//! * [`model`] knows what it means: names, sizes, shapes with named plates, supports. Nets and funs are inlined; every
//!   expression of model and guide is a node of one [`math::Graph`].
//! * [`elbo`] knows what is maximized: terms with closed forms where they are exact, an estimator for every latent with
//!   the reason for it, discrete sites summed out. The printed bound is this value and nothing else.
//! * [`data`] knows the numbers: every value lies in its declared support, every size is known.
//! * [`simulate`] draws latents and data from the model alone, to try it on.
//! * [`plan`] knows the arithmetic: straight-line tensor code with concrete shapes, differentiated symbolically. Labels
//!   of plates become positions here, and scales of minibatches become factors.
//! * [`fit`] knows how to climb. It sees evaluators only ([`plan::Evaluate`]), emits events and prints nothing.
//! * [`run`] and [`report`] know what is kept and how it is told; [`cli`] is all that prints.
//!
//! A user can be wrong in `syntax`, `model`, `elbo` and `data`; each has its `problems.rs`, and a [`problem::Problem`]
//! is data until it is rendered. A broken invariant of ours is a [`problem::Bug`], exit code 70.
//!
//! # Axes
//!
//! A value varies over plates by name and over the axes of one value by position. A plate axis is a variable with its dim,
//! so two plates over one dim are two axes. Nothing is stretched silently: a number goes beside any shape, and that is all.
//! A discrete site that is summed out becomes an axis of its states, and a draw an axis of draws; the lowering
//! ([`plan::lower`]) labels axes and is the only place where positions are assigned.
//!
//! # The modules in reading order
//!
//! This is also the order of dependence: a module uses only those above it, and a test checks that.

pub mod source;
pub mod problem;
pub mod arena;
pub mod shape;
pub mod syntax;
pub mod kernel;
pub mod math;
pub mod dist;
pub mod model;
pub mod elbo;
pub mod data;
pub mod simulate;
pub mod plan;
pub mod diagnose;
pub mod fit;
#[cfg(feature = "cpu")]
pub mod engine;
pub mod run;
pub mod report;
pub mod cli;

use elbo::Elbo;
use model::Settings;
use problem::Problems;
use source::Source;

/// From text to the derived bound, with every problem on the way. The bound is there unless there is an error.
pub fn compile(source: &Source, settings: &Settings) -> (Option<Elbo>, Problems) {
    let (model, mut problems) = model::compile_model(source, settings);
    let Some(model) = model else { return (None, problems) };
    let (elbo, more) = elbo::derive(&model);
    problems.extend(more);
    (elbo.filter(|_| !problems.has_errors()), problems)
}
