//! Fits whose process is killed at any of its writes: the folder they leave is gone on with, to the same bits.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::drive::{self, Request};
use crate::cli::keep::{Desk, Keeper};
use crate::data::{Bound, Column, Table, Values, bind};
use crate::elbo::Elbo;
use crate::fit::State;
use crate::model::Settings;
use crate::plan::reference::Reference;
use crate::run::fake::Full;
use crate::run::{Identity, Kept, Overwrite, Run};
use crate::source::Source;

const MODEL: &str =
    "dim N\ndata x[N]: real\nparam m: real\nparam s: positive\nmodel { for n in N { x[n] ~ Normal(m, s) } }\n";

fn compiled(text: &str) -> (Elbo, Bound) {
    let (elbo, _) = crate::compile(&Source::new("m.vi", text.to_string()), &Settings::default());
    let elbo = elbo.expect("a right model");
    let values = Values::Reals(vec![1.0, 2.5, 4.0, -1.0, 0.5]);
    let column = Column { name: Some("x".into()), shape: vec![5], values };
    let table = Table { name: "x".into(), alias: None, columns: vec![column], lines: Default::default() };
    let data = bind(&elbo.model, &[table]).expect("right data");
    (elbo, data)
}

/// As the command does it, with a state kept after every step; `None` where a write failed, as it does to the killed.
fn fit(elbo: &Elbo, data: &Bound, store: &mut Full) -> Option<()> {
    let identity = || {
        let [model, bound, hash] = ["m", "b", "d"].map(String::from);
        let (set, flags) = (BTreeMap::new(), BTreeMap::new());
        Identity { model, bound, data: hash, backend: "reference".into(), seed: 1, set, flags }
    };
    let (mut run, kept) = match store.files.is_empty() {
        true => (Run::open(store, Overwrite::Never).ok()?, None),
        false => Run::resume(store).ok()?,
    };
    let new = kept.is_none();
    let kept = kept.unwrap_or_else(|| Kept { identity: identity(), state: State::default() });
    let state = new.then(|| kept.bytes().expect("bytes"));
    run.begin(state.as_deref(), &[("model.vi", MODEL), ("elbo.txt", "elbo")]).ok()?;
    let request = Request { elbo, bound: data, seed: 1, backend: &Reference };
    let mut desk = Desk { show: &mut |_| {}, stop: &|| false };
    let mut keeper = Keeper::new(&mut run, kept, &mut desk, drive::batches(&request)).at_pace(Duration::ZERO);
    let outcome = drive::drive(&request, &mut keeper).expect("a fit");
    if keeper.lost.is_some() {
        return None;
    }
    let (outcome, files) = outcome.files().expect("files");
    run.finish(&files, &outcome.summary.json()).ok()
}

/// What a run holds but for its seconds: those of the summary, of the trace, and of the state's trace.
fn timeless(store: &Full) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let kept_cell = |(i, cell): (usize, &str)| (i != 2).then(|| format!("{cell},"));
    let cells = |line: &str| line.split(',').enumerate().filter_map(kept_cell).collect::<String>() + "\n";
    let without = |file: &str, bytes: &[u8]| match file {
        "trace.csv" => text(bytes).lines().map(cells).collect(),
        "summary.json" => {
            let mut value: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
            value["seconds"].take();
            value["checksum"].take();
            value["checksums"]["trace.csv"].take();
            value.to_string()
        }
        "state.safetensors" => {
            let kept = Kept::read(bytes).expect("a state");
            let buffers = kept.state.buffers.iter().filter(|buffer| !buffer.name.ends_with("seconds"));
            format!("{:?}", buffers.collect::<Vec<_>>())
        }
        _ => text(bytes),
    };
    store.files.iter().map(|(file, bytes)| (file.clone(), without(file, bytes))).collect()
}

#[test]
fn a_fit_that_is_killed_at_any_write_goes_on_to_the_same_bits() {
    let mode = "dim N\ndata x[N]: real\nmodel { m ~ Cauchy(0, 1); for n in N { x[n] ~ Normal(m, 1) } }\nguide map\n";
    for text in [MODEL, &format!("{MODEL}fit {{ batch: N = 2; epochs: 3 }}\n"), mode] {
        let (elbo, data) = compiled(text);
        let mut whole = Full::default();
        fit(&elbo, &data, &mut whole).expect("nothing fails");
        assert!(whole.writes >= 8, "{} writes", whole.writes);
        let wanted = timeless(&whole);
        for at in 1..=whole.writes {
            let mut store = Full { fails_at: Some(at), ..Full::default() };
            assert_eq!(fit(&elbo, &data, &mut store), None, "write {at}");
            assert!(!store.files.contains_key("summary.json"), "write {at}");
            store.fails_at = None;
            fit(&elbo, &data, &mut store).expect("it goes on");
            assert_eq!(timeless(&store), wanted, "killed at write {at} of {}", whole.writes);
        }
    }
}
