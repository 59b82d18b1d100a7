//! `ppl data`: the named sets, where they lie, and getting them.

use serde_json::{Value, json};

use crate::cli::args::{DataVerb, OneSet, SetList};
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::sets::Sets;
use crate::cli::{End, Ended};
use crate::data::lookup;
use crate::data::named::{self, Named, Origin, Split};

pub fn run(verb: &DataVerb, screen: &Screen) -> Ended {
    match verb {
        DataVerb::List(verb) => list(verb, screen),
        DataVerb::Path(verb) => path(verb, screen),
        DataVerb::Fetch(verb) => fetch(verb, screen),
    }
}

fn list(verb: &SetList, screen: &Screen) -> Ended {
    let sets = Sets::new(verb.data_dir.as_deref(), screen);
    if verb.json {
        let all: Vec<Value> = named::SETS.iter().map(|set| described(set, &sets)).collect();
        return screen.out(&format!("{:#}\n", json!({ "sets": all })));
    }
    let width = named::SETS.iter().map(|set| set.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for set in named::SETS {
        let (rows, test) = set.rows();
        let rows = test.map_or(format!("{rows} rows"), |test| format!("{rows} rows, and {test} with `--split test`"));
        let place = match (&set.origin, sets.place(set)) {
            (Origin::BuiltIn(_), _) => "built in".into(),
            (_, Some(place)) => place.display().to_string(),
            (Origin::Digits, None) => "drawn when it is first used".into(),
            (Origin::Fetched(_), None) => format!("not here: `ppl data fetch {}`", set.name),
        };
        let (name, columns) = (set.name, set.columns.join(", "));
        text.push_str(&format!("{name:width$}  {}\n", set.about));
        text.push_str(&format!("{:width$}  {rows}; columns {columns}\n{:width$}  {place}\n", "", ""));
    }
    screen.out(&text)
}

fn described(set: &Named, sets: &Sets) -> Value {
    let origin = match set.origin {
        Origin::BuiltIn(_) => "built in",
        Origin::Digits => "drawn",
        Origin::Fetched(_) => "fetched",
    };
    let rows = match set.rows() {
        (rows, None) => json!(rows),
        (rows, Some(test)) => json!({ "train": rows, "test": test }),
    };
    let path = sets.place(set).filter(|_| set.has_splits()).map(|place| place.display().to_string());
    json!({
        "name": set.name, "about": set.about, "origin": origin, "rows": rows, "columns": set.columns, "path": path,
    })
}

fn path(verb: &OneSet, screen: &Screen) -> Ended {
    let set = find(&verb.name, screen)?;
    let sets = Sets::new(verb.data_dir.as_deref(), screen);
    if let Origin::BuiltIn(_) = set.origin {
        screen.problem(CliProblem::BuiltIn { name: set.name.into() });
        return Err(End::Usage);
    }
    match sets.place(set) {
        Some(place) => told(verb, set, &place.display().to_string(), vec![], screen),
        None => {
            let places = sets.places(set).iter().map(|place| place.display().to_string()).collect();
            screen.problem(CliProblem::SetNotFound { name: set.name.into(), places });
            Err(End::Usage)
        }
    }
}

fn fetch(verb: &OneSet, screen: &Screen) -> Ended {
    let set = find(&verb.name, screen)?;
    let sets = Sets::new(verb.data_dir.as_deref(), screen);
    match (&set.origin, sets.place(set)) {
        (Origin::BuiltIn(_), _) => {
            screen.problem(CliProblem::BuiltIn { name: set.name.into() });
            Err(End::Usage)
        }
        (_, Some(place)) => told(verb, set, &place.display().to_string(), vec![], screen),
        (Origin::Fetched(remote), None) => {
            let (place, files) = sets.fetch(set, remote)?;
            told(verb, set, &place.display().to_string(), files, screen)
        }
        (Origin::Digits, None) => {
            for split in [Split::Train, Split::Test] {
                sets.draw(set, split);
            }
            // What could not be written has been said.
            let Some(place) = sets.place(set) else { return Err(End::Failed) };
            told(verb, set, &place.display().to_string(), vec![], screen)
        }
    }
}

fn told(verb: &OneSet, set: &Named, place: &str, fetched: Vec<String>, screen: &Screen) -> Ended {
    match verb.json {
        true => screen.out(&format!("{:#}\n", json!({ "name": set.name, "path": place, "fetched": fetched }))),
        false => screen.out(&format!("{place}\n")),
    }
}

fn find(name: &str, screen: &Screen) -> Result<&'static Named, End> {
    named::find(name).ok_or_else(|| {
        let sets: Vec<String> = named::SETS.iter().map(|set| set.name.to_string()).collect();
        let near = lookup::nearest(name, sets.iter().map(String::as_str));
        screen.problem(CliProblem::NoSuchSet { name: name.into(), near, sets });
        End::Usage
    })
}
