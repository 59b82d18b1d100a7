//! `--resume`: the flags of a run that goes on, as they were unless they are given anew.

use std::collections::BTreeMap;

use crate::cli::End;
use crate::cli::args::{Entries, Fit, Set};
use crate::cli::drive;
use crate::cli::screen::Screen;
use crate::cli::{fit, flags};
use crate::run::{Folder, Identity, Kept, Run, RunProblem};

/// Flags that say how far and how fast a fit goes, and not which one it is.
const MAY_CHANGE: [&str; 6] = ["steps", "epochs", "stop", "patience", "lr", "clip"];
/// Of these, one takes the place of the others.
const LENGTHS: [&str; 3] = ["steps", "epochs", "stop"];

/// A run that was taken up again, with what it kept.
pub type Taken = (Run<Folder>, Option<Kept>);

/// A fit as it is asked for, with what a run that goes on has kept of it.
pub struct Asked {
    pub backend: String,
    pub seed: u64,
    pub set: Set,
    pub entries: Entries,
    /// The run that goes on.
    pub from: Option<Taken>,
}

impl Asked {
    pub fn new(verb: &Fit, screen: &Screen) -> Result<Asked, End> {
        let from = verb.resume.as_ref().map(|path| Run::resume(Folder::new(path))).transpose();
        let from = from.map_err(|problem| fit::kept(problem, screen))?;
        let kept = from.as_ref().and_then(|(_, kept)| kept.as_ref()).map(|kept| &kept.identity);
        let entries = flags::resolved(&verb.entries, screen)?;
        let backend = verb.backend.clone().or_else(|| kept.map(|kept| kept.backend.clone()));
        Ok(Asked {
            backend: backend.unwrap_or_else(|| drive::DEFAULT_BACKEND.into()),
            seed: verb.seed.or(kept.map(|kept| kept.seed)).unwrap_or(0),
            set: kept.map_or(verb.set.clone(), |kept| set(&verb.set, &kept.set)),
            entries: kept.map_or(entries.clone(), |kept| merged(&entries, &kept.flags)),
            from,
        })
    }

    /// What the run is of; the hashes are of its texts and data.
    pub fn identity(&self, model: String, bound: String, data: String) -> Identity {
        let set = self.set.set.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        let (backend, seed) = (self.backend.clone(), self.seed);
        Identity { model, bound, data, backend, seed, set, flags: named(&self.entries) }
    }

    /// The run that goes on, if it is the one that is asked for.
    pub fn resumed(&mut self, identity: &Identity, screen: &Screen) -> Result<Option<Taken>, End> {
        let Some((run, kept)) = self.from.take() else { return Ok(None) };
        let list = kept.as_ref().map_or(vec![], |kept| kept.identity.differences(identity, &MAY_CHANGE));
        match list.is_empty() {
            true => Ok(Some((run, kept))),
            false => Err(fit::kept(RunProblem::Differs { folder: run.name(), list }, screen)),
        }
    }
}

/// Settings that are not given are as they were.
fn set(given: &Set, kept: &BTreeMap<String, String>) -> Set {
    let missing = |name: &String| given.set.iter().all(|(other, _)| other != name);
    let old = kept.iter().filter(|(name, _)| missing(name)).filter_map(|(n, v)| Some((n.clone(), v.parse().ok()?)));
    let mut set = given.clone();
    set.set.extend(old);
    set.set.sort_by(|a, b| a.0.cmp(&b.0));
    set
}

/// The flags by name. The rate is told apart from its optimizer, since it may change.
fn named(entries: &Entries) -> BTreeMap<String, String> {
    let mut entries = entries.clone();
    let mut named: BTreeMap<String, String> = flags::fields(&mut entries)
        .into_iter()
        .filter_map(|(name, value)| Some((name.into(), value.take()?)))
        .collect();
    let split = named.get("optimizer").and_then(|text| {
        let (rule, rest) = text.split_once('(')?;
        let rate = rest.trim().strip_suffix(')')?.trim().strip_prefix("lr")?.trim().strip_prefix(':')?;
        Some((rule.trim().to_string(), rate.trim().to_string()))
    });
    if let Some((rule, rate)) = split {
        named.extend([("optimizer".into(), rule), ("lr".into(), rate)]);
    }
    if !entries.batch.is_empty() {
        named.insert("batch".into(), entries.batch.join(","));
    }
    named
}

/// Flags that are not given are as they were.
fn merged(given: &Entries, kept: &BTreeMap<String, String>) -> Entries {
    let given_names = named(given);
    let is_given = |name: &str| given_names.contains_key(name);
    let length = LENGTHS.iter().any(|name| is_given(name));
    let old = |name: &str| match name {
        name if is_given(name) => None,
        name if length && LENGTHS.contains(&name) => None,
        name => kept.get(name).cloned(),
    };
    let mut entries = given.clone();
    for (name, value) in flags::fields(&mut entries) {
        if let Some(text) = given_names.get(name).cloned().or_else(|| old(name)) {
            *value = Some(text);
        }
    }
    if let Some(batch) = old("batch") {
        entries.batch = batch.split(',').map(String::from).collect();
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(optimizer: &str, lr: Option<&str>, steps: Option<&str>) -> Entries {
        let text = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        let (lr, steps) = (lr.and_then(text), steps.and_then(text));
        Entries { optimizer: text(optimizer), lr, steps, ..Entries::default() }
    }

    #[test]
    fn what_is_not_given_is_as_it_was() {
        let first = Entries { batch: vec!["N=8".into()], ..entries("adam(lr: 1e-2)", None, Some("50")) };
        let kept = named(&first);
        assert_eq!((kept["optimizer"].as_str(), kept["lr"].as_str(), kept["batch"].as_str()), ("adam", "1e-2", "N=8"));
        let same = merged(&Entries::default(), &kept);
        assert_eq!(named(&same), kept);
        assert_eq!(same, Entries { batch: vec!["N=8".into()], ..entries("adam", Some("1e-2"), Some("50")) });
        // A length takes the place of another, a rate that of the one inside the optimizer.
        let longer = Entries { epochs: Some("9".into()), lr: Some("1e-3".into()), ..Entries::default() };
        let longer = merged(&longer, &kept);
        assert_eq!((longer.steps, longer.epochs, longer.lr), (None, Some("9".into()), Some("1e-3".into())));
    }

    #[test]
    fn a_setting_that_is_not_given_is_as_it_was() {
        let kept = BTreeMap::from([("K".to_string(), "3".to_string()), ("a".into(), "0.5".into())]);
        let given = Set { set: vec![("a".into(), 0.25)] };
        assert_eq!(set(&given, &kept).set, [("K".to_string(), 3.0), ("a".to_string(), 0.25)]);
    }
}
