//! What is kept of a fit that goes on: what it is a fit of, where it is, and what was traced so far.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fit::State;
use crate::problem::Bug;
use crate::run::sealed::{About, Damage, seal, unseal};

/// What a run is a run of. Where one of these differs it is another run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Hashes of the text of the model, of its compiled bound, and of the data.
    pub model: String,
    pub bound: String,
    pub data: String,
    pub backend: String,
    pub seed: u64,
    /// `--set`, by name.
    pub set: BTreeMap<String, String>,
    /// Flags in place of entries of the `fit` block, by name.
    pub flags: BTreeMap<String, String>,
}

/// What differs between two runs, and on each side how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub what: String,
    /// Kept in the run, and asked for; empty where only a hash could be shown.
    pub kept: String,
    pub asked: String,
}

/// A run between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub identity: Identity,
    /// The fit's own state, and what was traced so far.
    pub state: State,
}

impl Identity {
    /// How another run differs from this one. Flags that only say how far and how fast to go may change.
    pub fn differences(&self, asked: &Identity, may_change: &[&str]) -> Vec<Difference> {
        let hashes = [
            ("model", &self.model, &asked.model),
            ("compiled bound", &self.bound, &asked.bound),
            ("data", &self.data, &asked.data),
        ];
        let hashed = hashes.into_iter().filter(|(_, kept, asked)| kept != asked);
        let silent = |(what, ..): (&str, _, _)| Difference { what: what.into(), kept: "".into(), asked: "".into() };
        let mut list: Vec<Difference> = hashed.map(silent).collect();
        // A bound of another model is no further difference.
        list.dedup_by(|bound, model| bound.what == "compiled bound" && model.what == "model");
        let (seeds, backends) = ([self.seed, asked.seed].map(|s| s.to_string()), [&self.backend, &asked.backend]);
        let flag = |name: &String| if name.len() == 1 { format!("-{name}") } else { format!("--{name}") };
        let mut told = vec![("--seed".to_string(), seeds[0].clone(), seeds[1].clone())];
        told.push(("--backend".into(), backends[0].clone(), backends[1].clone()));
        told.extend(both(&self.set, &asked.set).map(|(name, a, b)| (format!("--set {name}"), a, b)));
        let fixed = both(&self.flags, &asked.flags).filter(|(name, ..)| !may_change.contains(&name.as_str()));
        told.extend(fixed.map(|(name, a, b)| (flag(name), a, b)));
        let differs = told.into_iter().filter(|(_, kept, asked)| kept != asked);
        list.extend(differs.map(|(what, kept, asked)| Difference { what, kept, asked }));
        list
    }

    fn about(&self) -> About {
        let texts = |map: &BTreeMap<String, String>| -> Value {
            map.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect::<About>().into()
        };
        let mut about = About::new();
        about.insert("ppl".into(), env!("CARGO_PKG_VERSION").into());
        about.insert("model".into(), self.model.clone().into());
        about.insert("bound".into(), self.bound.clone().into());
        about.insert("data".into(), self.data.clone().into());
        about.insert("backend".into(), self.backend.clone().into());
        about.insert("seed".into(), self.seed.into());
        about.insert("set".into(), texts(&self.set));
        about.insert("flags".into(), texts(&self.flags));
        about
    }

    fn read(about: &About) -> Option<Identity> {
        let text = |name: &str| about.get(name)?.as_str().map(String::from);
        let texts = |name: &str| -> Option<BTreeMap<String, String>> {
            let entries = about.get(name)?.as_object()?.iter();
            entries.map(|(name, value)| Some((name.clone(), value.as_str()?.to_string()))).collect()
        };
        Some(Identity {
            model: text("model")?,
            bound: text("bound")?,
            data: text("data")?,
            backend: text("backend")?,
            seed: about.get("seed")?.as_u64()?,
            set: texts("set")?,
            flags: texts("flags")?,
        })
    }
}

/// Every name of either side, with what each side says.
fn both<'a>(
    kept: &'a BTreeMap<String, String>,
    asked: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a String, String, String)> {
    let names: std::collections::BTreeSet<&String> = kept.keys().chain(asked.keys()).collect();
    let value = |map: &BTreeMap<String, String>, name: &String| map.get(name).cloned().unwrap_or("not given".into());
    names.into_iter().map(move |name| (name, value(kept, name), value(asked, name)))
}

impl Kept {
    /// The bytes of `state.safetensors`.
    pub fn bytes(&self) -> Result<Vec<u8>, Bug> {
        seal(self.identity.about(), &self.state.buffers)
    }

    pub fn read(bytes: &[u8]) -> Result<Kept, Damage> {
        let (about, buffers) = unseal(bytes)?;
        let identity = Identity::read(&about);
        let identity = identity.ok_or_else(|| Damage::Broken("it does not say what it is a run of".into()))?;
        Ok(Kept { identity, state: State { buffers } })
    }
}
