//! `summary.json` as it is read again: signed, with the checksums of the files beside it.

use serde_json::Value;

use crate::run::sealed::Damage;
use crate::run::{FILES, FORMAT, RunProblem, SUMMARY, Store, damaged, hash};

/// The name of the last entry.
const ENTRY: &str = "\n  \"checksum\": \"";

/// The text of an object on lines of its own, with the checksum of all that stands before it as its last entry.
pub fn signed(text: &str) -> String {
    let open = text.trim_end().strip_suffix('}').unwrap_or(text).trim_end();
    let before = format!("{open},");
    format!("{before}{ENTRY}{}\"\n}}\n", hash(before.as_bytes()))
}

fn verified(bytes: &[u8]) -> Result<Value, Damage> {
    let broken = |why: &str| Damage::Broken(why.into());
    let text = std::str::from_utf8(bytes).map_err(|_| broken("it is no text"))?;
    let value: Value = serde_json::from_str(text).map_err(|error| Damage::Broken(error.to_string()))?;
    match value.get("format").and_then(Value::as_u64) {
        Some(FORMAT) => {}
        Some(other) => return Err(Damage::Format(other)),
        None => return Err(broken("it does not say its format")),
    }
    let (before, told) = text.rsplit_once(ENTRY).ok_or_else(|| broken("it has no checksum"))?;
    match told == format!("{}\"\n}}\n", hash(before.as_bytes())) {
        true => Ok(value),
        false => Err(broken("its checksum does not agree with what it holds")),
    }
}

/// A run that was written whole, to be read. Every file is looked at against its checksum before it is used.
pub struct Finished<S: Store> {
    store: S,
    pub summary: Value,
}

impl<S: Store> Finished<S> {
    pub fn open(store: S) -> Result<Finished<S>, RunProblem> {
        let files = store.list().map_err(super::cannot_open(&store))?;
        let folder = store.name();
        if !files.iter().any(|file| file == SUMMARY) {
            let any = files.iter().any(|file| FILES.contains(&file.as_str()));
            return Err(if any { RunProblem::NotFinished { folder } } else { RunProblem::NoRun { folder } });
        }
        let bytes = read(&store, SUMMARY)?;
        let summary = verified(&bytes).map_err(|damage| damaged(&store, SUMMARY, damage))?;
        Ok(Finished { store, summary })
    }

    pub fn name(&self) -> String {
        self.store.name()
    }

    /// The bytes of a file of the run.
    pub fn file(&self, file: &str) -> Result<Vec<u8>, RunProblem> {
        let bytes = read(&self.store, file)?;
        let told = self.summary.get("checksums").and_then(|sums| sums.get(file)).and_then(Value::as_str);
        match told == Some(&hash(&bytes)) {
            true => Ok(bytes),
            false => {
                let why = "its checksum in summary.json does not agree with what it holds";
                Err(damaged(&self.store, file, Damage::Broken(why.into())))
            }
        }
    }
}

fn read(store: &impl Store, file: &str) -> Result<Vec<u8>, RunProblem> {
    store.read(file).map_err(|error| RunProblem::Read {
        folder: store.name(),
        file: file.into(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_summary_is_seen() {
        let whole = signed("{\n  \"format\": 1,\n  \"elbo\": -1.5\n}\n").into_bytes();
        assert_eq!(verified(&whole).map(|value| value["elbo"].clone()), Ok(Value::from(-1.5)));
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(verified(&bytes).is_err(), "bit {bit}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}
