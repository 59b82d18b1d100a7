//! Fits that are stopped after any step and go on from what was kept end as if they had not been.

use ppl::data::Bound;
use ppl::elbo::Elbo;
use ppl::fit::drive::{Outcome, Task, resume};
use ppl::fit::{Control, Event, State, Watch};
use ppl::plan::reference::Reference;

use crate::known::{compiled, table};

/// Keeps every state and the last event before it, and stops after a step.
#[derive(Default)]
struct Keeper {
    states: Vec<State>,
    events: Vec<Event>,
    stop: Option<usize>,
}

impl Watch for Keeper {
    fn event(&mut self, event: &Event) -> Control {
        if event.bound.is_finite() {
            self.events.push(*event);
        }
        Control::Continue
    }

    fn step(&mut self, state: &dyn Fn() -> State) -> Control {
        assert_ne!(Some(self.states.len()), self.stop, "a step after the stop");
        self.states.push(state());
        if self.stop == Some(self.states.len()) { Control::Stop } else { Control::Continue }
    }
}

fn run(elbo: &Elbo, data: &Bound, from: &State, stop: Option<usize>) -> (Outcome, Keeper) {
    let task = Task { elbo, data, block: &elbo.model.fit, seed: 3, backend: &Reference };
    let mut keeper = Keeper { stop, ..Keeper::default() };
    let outcome = resume(&task, from, &mut keeper).unwrap_or_else(|failure| panic!("{failure:?}"));
    (outcome, keeper)
}

/// Goes on from two steps, the last one of them.
fn check(name: &str, text: &str, columns: &[(&str, &[f64])]) {
    let (elbo, data) = compiled(name, text, &[table(columns)]);
    let (whole, kept) = run(&elbo, &data, &State::default(), None);
    let steps = kept.states.len();
    assert!(steps > 5 && !whole.stopped, "{name}: {steps} steps");
    let stop = steps / 3;
    let (stopped, first) = run(&elbo, &data, &State::default(), Some(stop));
    assert!(stopped.stopped && first.states[..] == kept.states[..stop], "{name}: stopping changed the states");
    for stop in [2 * steps / 3, steps] {
        let (ended, second) = run(&elbo, &data, &kept.states[stop - 1], None);
        assert_eq!(format!("{ended:?}"), format!("{whole:?}"), "{name}, stopped after {stop} of {steps}");
        assert!(second.states[..] == kept.states[stop..], "{name}: other states after {stop} of {steps}");
        assert!(kept.events.ends_with(&second.events), "{name}: other events after {stop} of {steps}");
    }
}

const Y: &[f64] = &[28.0, 8.0, -3.0];
const SIGMA: &[f64] = &[15.0, 10.0, 16.0];

#[test]
fn the_deterministic_path_goes_on_to_the_last_bit() {
    let model = |guide: &str| {
        format!(
            "dim J\ndata y[J]: real\ndata sigma[J]: positive\nmodel {{\n  mu ~ Normal(0, 5)\n  tau ~ HalfCauchy(5)\n  \
             for j in J {{\n    y[j] ~ Normal(mu, sqrt(tau^2 + sigma[j]^2))\n  }}\n}}\nguide {guide}\n"
        )
    };
    for guide in ["meanfield", "fullrank"] {
        check(guide, &model(guide), &[("y", Y), ("sigma", SIGMA)]);
    }
}

const X: &[f64] = &[-2.2, -1.9, -2.0, 1.8, 2.1, -1.6];

/// Several starts with and without latents: what was searched before is part of the state.
#[test]
fn several_starts_go_on_where_they_were() {
    let label = "dim N\ndim K = 2\ndata x[N]: real\n";
    let points = "param pi: simplex[K] = [0.5, 0.5]\nparam m[K]: real\nparam s: real(0.2, 5) = 1\nmodel {\n  for n in N \
                  {\n    c ~ Categorical(pi)\n    x[n] ~ Normal(m[c], s)\n  }\n}\nfit {\n  starts: 3\n}\n";
    check("points", &format!("{label}{points}"), &[("x", X)]);
    let latents = "model {\n  m: real[K] ~ Normal(0, 3)\n  for n in N {\n    c ~ Categorical([0.5, 0.5])\n    x[n] ~ \
                   Normal(m[c], 0.5)\n  }\n}\nguide meanfield\nfit {\n  starts: 3\n}\n";
    check("latents", &format!("{label}{latents}"), &[("x", X)]);
}

#[test]
fn the_stochastic_path_goes_on_in_the_middle_of_an_epoch() {
    let model = |fit: &str| {
        format!(
            "dim N\ndata x[N]: real\nmodel {{\n  m ~ Normal(0, 3)\n  for n in N {{\n    x[n] ~ Normal(m, 1)\n  \
             }}\n}}\nguide meanfield\nfit {{\n{fit}\n}}\n"
        )
    };
    for (name, entries) in [
        ("ragged", "  batch: N = 4\n  epochs: 8\n  optimizer: adam(lr: cosine(1e-1, warmup: 3))"),
        ("whole", "  steps: 30\n  optimizer: rmsprop(lr: 1e-2)\n  clip: 1\n  particles: 2"),
        ("levels", "  batch: N = 4"),
        ("patience", "  optimizer: adam(lr: 1e-1)"),
        ("turns", "  steps: 30\n  phase guide { steps: 2 }\n  phase model { optimizer: sgd(lr: 1e-2) }"),
    ] {
        check(name, &model(entries), &[("x", X)]);
    }
}

/// Rows that follow a batch move with it, with moments of their own.
#[test]
fn rows_that_follow_go_on_where_they_were() {
    let model = |fit: &str, guide: &str| {
        format!(
            "dim G = 4\ndim N\ndata g[N]: category(G)\ndata x[N]: real\nmodel {{\n  m ~ Normal(0, 3)\n  for j in G {{ e ~ \
             Normal(m, 1) }}\n  for n in N {{\n    u ~ Normal(e[g[n]], 1)\n    x[n] ~ Normal(u, 1)\n  }}\n}}\n{guide}\nfit \
             {{ batch: G = 3; {fit} }}\n"
        )
    };
    let written = "guide meanfield {\n  for n in N {\n    param a: real\n    u ~ Normal(a + e[g[n]], 0.7)\n  }\n}";
    let g = [0.0, 3.0, 0.0, 1.0, 0.0, 3.0];
    for (name, fit, guide) in [
        ("levels", "", "guide meanfield"),
        ("counted", "steps: 30; optimizer: adam(lr: 5e-2)", "guide meanfield"),
        ("written", "epochs: 12", written),
    ] {
        check(name, &model(fit, guide), &[("g", &g), ("x", X)]);
    }
}

/// What baselines have learned is part of the state; dreams are named by the step.
#[test]
fn baselines_and_dreams_go_on_where_they_were() {
    let model = |by: &str, fit: &str| {
        format!(
            "dim N\ndata x[N]: real\nparam m: real = 0\nmodel {{\n  for n in N {{\n    b ~ Bernoulli(0.4)\n    \
             x[n] ~ Normal(m + 3 * b, 1)\n  }}\n}}\nguide {{\n  param a: real\n  param c: real\n  for n in N {{\n    \
             b ~ Bernoulli(logits: a + c * x[n]) {by}\n  }}\n}}\nfit {{\n  batch: N = 4\n  epochs: 8\n{fit}\n}}\n"
        )
    };
    for by in ["mean", "regression", "net(3)", "loo"] {
        check(by, &model(&format!("by score(baseline: {by})"), ""), &[("x", X)]);
    }
    check("sleep", &model("by score", "  objective: rws(3, sleep: 0.5)"), &[("x", X)]);
    check("weights", &model("by score", "  objective: iwae(3)"), &[("x", X)]);
}

#[test]
fn the_state_of_another_fit_is_refused() {
    let text = "param a: real = 1\ndim N\ndata x[N]: real\nmodel { for n in N { x[n] ~ Normal(a, 1) } }\n";
    let (elbo, data) = compiled("m", text, &[table(&[("x", X)])]);
    let mut other = State::default();
    other.put("ascent.params", vec![1.0]);
    let task = Task { elbo: &elbo, data: &data, block: &elbo.model.fit, seed: 0, backend: &Reference };
    let refused = format!("{:?}", resume(&task, &other, &mut |_: &Event| Control::Continue).unwrap_err());
    assert!(refused.contains("ppl::fit::state"), "{refused}");
}
