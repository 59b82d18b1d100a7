//! Chains, missing entries, energies and the `fit` block: legal, and checked to what they say.

use ppl::math::{Op, SiteId};
use ppl::model::{self, Baseline, Draws, Model, Objective, Origin, Owner, Rate, Request, Statement};

use crate::rules::{legal, says};

fn statement<'m, T>(model: &'m Model, is: impl Fn(&'m Statement) -> Option<T>) -> T {
    model.statements.iter().find_map(is).expect("such a statement")
}

#[test]
fn a_site_of_a_chain_reads_earlier_rows_of_itself() {
    let text = "
dim T
dim K = 3
data y[T]: real
model {
  start: simplex[K] ~ Dirichlet(1)
  for k in K { move: simplex[K] ~ Dirichlet(1) }
  for t in T chain {
    s ~ Categorical(if t == 0 then start else move[s[t-1]])
    x ~ Normal(if t < 2 then 0 else 0.5 * x[t-1] + 0.2 * x[t - 2] + y[t-1], 1)
    y[t] ~ Normal(x + s_effect[s], 1)
  }
}
param s_effect[K]: real
";
    says(text, "s: category(3) ~ Categorical(if t == 0 then start else move[s[t-1]])");
    says(text, "x: real ~ Normal(if t < 2 then 0 else 0.5 * x[t-1] + 0.2 * x[t-2] + y[t-1], 1)");
    says(text, "for t in T chain");
}

#[test]
fn conditions_keep_a_lag_from_the_first_rows() {
    let legal_with = |condition: &str, value: &str| {
        legal(&format!(
            "dim T\ndata y[T]: real\ndata u[T]: binary\nmodel {{\n  for t in T chain {{ y[t] ~ Normal({condition} {value}, 1) }}\n}}"
        ))
    };
    for condition in
        ["if t > 0 then", "if t >= 1 and u[t] == 1 then", "if 0 < t then", "if not (t == 0) then", "if t != 0 then"]
    {
        legal_with(condition, "y[t-1] else 0");
    }
    for condition in ["if t == 0 then 0 else", "if t < 1 or u[t] == 1 then 0 else", "if t <= 0.5 then 0 else"] {
        legal_with(condition, "y[t-1]");
    }
    legal_with("if t == 0 then 0 else if t == 1 then y[t-1] else", "y[t-2]");
}

#[test]
fn a_guide_may_follow_the_chain() {
    let text = "
dim Series
dim T
data y[Series, T]: real
model {
  for i in Series {
    for t in T chain {
      x ~ Normal(if t == 0 then 0 else x[t-1], 1)
      y[i, t] ~ Normal(x, 1)
    }
  }
}
guide {
  param a: real
  for j in Series {
    for u in T chain { x ~ Normal(if u == 0 then 0 else a * x[u-1] + y[j, u], 1) }
  }
}";
    says(text, "x[j, u] ~ Normal(if u == 0 then 0 else a * x[j, u-1] + y[j, u], 1)");
}

#[test]
fn missing_entries_that_are_read_are_a_site() {
    let text = "
dim N
dim D = 2
data x[N]: real[D]?
data y[N]: real
model {
  for n in N {
    x[n] ~ Normal(0, 1)
    y[n] ~ Normal(sum(x[n]) + x[n, 0], 1)
  }
}";
    let model = legal(text);
    assert_eq!(model.sites.len(), 1);
    assert_eq!((model.sites[0].name.as_str(), model.sites[0].origin), ("x", Origin::Missing(ppl::math::DataId(0))));
    let seen = statement(&model, |s| if let Statement::Observe(seen) = s { Some(seen) } else { None });
    assert_eq!(seen.missing, Some(SiteId(0)));
    assert!(matches!(model.graph.nodes[seen.value].op, Op::Complete { .. }));
    says(text, "observe y[n]: real ~ Normal(sum(x[n]) + x[n, 0], 1)");
}

#[test]
fn missing_entries_that_nothing_reads_are_none() {
    let text = "
dim N
data x[N]: binary[4]?
net encoder(x: real[4]) -> (loc: real, scale: positive) {
  loc   = dense(x)
  scale = exp(dense(x))
}
model {
  for n in N {
    z ~ Normal(0, 1)
    x[n] ~ Bernoulli(logits: z)
  }
}
guide { for n in N { z ~ Normal(encoder(fill(x[n], 0))) } }
";
    let model = legal(text);
    assert_eq!(model.sites.len(), 1);
    let seen = statement(&model, |s| if let Statement::Observe(seen) = s { Some(seen) } else { None });
    assert_eq!(seen.missing, None);
    says(text, "z[n] ~ Normal(encoder(fill(x[n], 0)).loc, encoder(fill(x[n], 0)).scale)");
}

#[test]
fn the_guide_may_write_the_factor_of_missing_entries() {
    let text = "
dim N
dim T
data x[N, T]: real?
data y[N, T]: real
model {
  for t in T {
    for n in N {
      x[n, t] ~ Normal(0, 1)
      y[n, t] ~ Normal(x[n, t], 1)
    }
  }
}
guide {
  param s: positive
  for t in T {
    for i in N {
      x[i, t] ~ Normal(y[i, t], s)
    }
  }
}";
    says(text, "x[t, i] ~ Normal(y[i, t], s)");
}

#[test]
fn a_chain_of_data_with_holes_reads_its_own_holes() {
    let text = "
dim T
data y[T]: real?
model {
  for t in T chain { y[t] ~ Normal(if t == 0 then 0 else 0.9 * y[t-1], 1) }
}";
    assert_eq!(legal(text).sites.len(), 1);
    says(text, "observe y[t]: real ~ Normal(if t == 0 then 0 else 0.9 * y[t-1], 1)");
}

#[test]
fn an_energy_is_inlined_over_its_units() {
    let text = "
dim N
dim D = 4
dim H = 3
data x[N]: binary[D]
param a: real[D] = 0
param W: real[D, H] = normal(0, 0.01)
energy rbm(v: binary[D], h: binary[H]) = -dot(a, v) - dot(v, W @ h)
model { for n in N { (x[n], h: binary[H]) ~ Boltzmann(rbm) } }
fit { objective: pcd(5) }
";
    let model = legal(text);
    let of = statement(&model, |s| if let Statement::Boltzmann(of) = s { Some(of) } else { None });
    assert_eq!((of.units.len(), of.plates.len()), (2, 1));
    assert_eq!(ppl::math::print::print(&model.graph, of.value, &model), "-dot(a, x[n]) - dot(x[n], W @ h[n])");
    assert!(model.params.iter().all(|param| param.owner == Owner::Model));
    says(text, "(observe x[n]: binary[4], h: binary[3]) ~ Boltzmann(rbm)");
}

#[test]
fn every_entry_of_the_fit_block_is_kept() {
    let fit = |entries: &str| {
        legal(&format!("dim N\ndata y[N]: real\nparam m: real\nmodel {{\n  z ~ Normal(0, 1)\n  for n in N {{ y[n] ~ Normal(m + z, 1) }}\n}}\nfit {{\n{entries}\n}}")).fit
    };
    for (written, objective) in [
        ("elbo(beta: linear(0, 1, 100))", Objective::Elbo(Some(Rate::Linear { from: 0.0, to: 1.0, steps: 100 }))),
        ("iwae(50)", Objective::Iwae(50)),
        ("renyi(-0.5, 10)", Objective::Renyi { order: -0.5, draws: 10 }),
        ("renyi(1, 10)", Objective::Elbo(None)),
        ("forward_kl(256)", Objective::ForwardKl(256)),
        ("rws(10)", Objective::Rws { draws: 10, sleep: 0.0 }),
        ("rws(10, sleep: 0.5)", Objective::Rws { draws: 10, sleep: 0.5 }),
        ("em", Objective::Em),
        ("cavi", Objective::Cavi),
    ] {
        let found = fit(&format!("objective: {written}")).objective.expect("an objective");
        assert_eq!(found, objective);
        if !written.starts_with("renyi(1") {
            assert_eq!(found.to_string(), written);
        }
    }
    let block =
        fit("optimizer: natural(lr: cosine(1e-3, warmup: 100))\ndraws: antithetic\nstop: converged\npatience: 5\n\
         starts: 8\nkl: sampled\nphase guide { steps: 5 }\nphase model { epochs: 1; objective: iwae(5) }");
    assert_eq!(block.optimizer.map(|o| o.to_string()).as_deref(), Some("natural(lr: cosine(0.001, warmup: 100))"));
    assert_eq!((block.draws, block.stop_converged, block.patience), (Some(Draws::Antithetic), true, Some(5)));
    let phases: Vec<_> = block.phases.iter().map(|phase| (phase.of, phase.block.steps, phase.block.epochs)).collect();
    assert_eq!(phases, [(Owner::Guide, Some(5), None), (Owner::Model, None, Some(1))]);
}

#[test]
fn estimators_and_guides_keep_their_arguments() {
    for (written, request) in [
        ("score", Request::Score(None)),
        ("score(baseline: net(100))", Request::Score(Some(Baseline::Net(100)))),
        ("score(baseline: loo)", Request::Score(Some(Baseline::LeaveOneOut))),
        ("disarm", Request::Disarm),
        ("concrete(0.5)", Request::Concrete(0.5)),
        ("straight_through", Request::StraightThrough),
    ] {
        let model = legal(&format!(
            "model {{ x ~ Bernoulli(0.5) }}\nguide {{\n  param p: unit\n  x ~ Bernoulli(p) by {written}\n}}"
        ));
        let by = model.guide.factors[0].by.as_ref().expect("a request").node;
        assert_eq!((by, by.to_string().as_str()), (request, written));
    }
    for auto in ["meanfield", "fullrank", "lowrank(5)", "map", "laplace", "exact", "flow(coupling(4, 64))"] {
        let model = legal(&format!("model {{ x ~ Normal(0, 1) }}\nguide {auto}"));
        assert_eq!(model.guide.auto.map(|auto| auto.to_string()).as_deref(), Some(auto));
        assert!(model::print::print(&model).contains(&format!("\nguide {auto}\n")));
    }
}

#[test]
fn layers_count_their_weights_and_know_their_shapes() {
    let model = legal(
        "
dim N
dim V = 5
data x[N]: binary[1, 28, 28]
data c[N]: category(V)
net encoder(x: real[1, 28, 28], c: category(V)) -> (loc: real[2], scale: positive[2]) {
  a     = x |> conv2d(32, kernel: 4, stride: 2, padding: 1) |> relu
  b     = relu(conv2d(a, 64, 4, 2, 1, bias: false))
  e     = embedding(c, 8) |> layer_norm
  h     = relu(dense(concat(flatten(b), e), 16)) |> dropout(0.2)
  loc   = dense(h, 2)
  scale = softplus(dense(h, 2))
}
net decoder(z: real[2]) -> real[1, 28, 28] {
  a = reshape(relu(dense(z, 64 * 7 * 7)), 64, 7, 7)
  b = relu(conv_transpose2d(a, 32, kernel: 4, stride: 2, padding: 1))
  conv_transpose2d(b, 1, kernel: 3, stride: 2, padding: 1, output_padding: 1)
}
net story(z: real[2]) -> unit[7] { 0.5 + 0.5 * flatten(gru(fill(0, 7, 3), 1)) }
model {
  for n in N {
    z: real[2] ~ Normal(0, 1)
    x[n] ~ Bernoulli(logits: decoder(z))
    c[n] ~ Categorical(logits: [sum(story(z)) * z[0] for v in V])
  }
}
guide { for n in N { z ~ Normal(encoder(x[n], c[n])) } }
",
    );
    let weight = |name: &str| {
        let param = model.params.iter().find(|param| param.name == name).unwrap_or_else(|| panic!("no {name}"));
        param.event.iter().map(|size| size.known().expect("a number")).collect::<Vec<_>>()
    };
    assert_eq!(weight("encoder.conv1.weight"), [32, 1, 4, 4]);
    assert_eq!(weight("encoder.conv2.weight"), [64, 32, 4, 4]);
    assert!(!model.params.iter().any(|param| param.name == "encoder.conv2.bias"));
    assert_eq!(weight("encoder.embedding1.weight"), [5, 8]);
    assert_eq!(weight("encoder.layer_norm1.weight"), [8]);
    assert_eq!(weight("encoder.dense1.weight"), [16, 64 * 7 * 7 + 8]);
    assert_eq!(weight("encoder.dense3.bias"), [2]);
    assert_eq!(weight("decoder.conv_transpose1.weight"), [64, 32, 4, 4]);
    assert_eq!(weight("decoder.conv_transpose2.bias"), [1]);
    assert_eq!(weight("story.gru1.recurrent"), [3, 1]);
}
