//! `ppl explain`: what a code means, with an example.

use crate::cli::args::Explain;
use crate::cli::codes::{self, Explained};
use crate::cli::problems::CliProblem;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended};
use crate::data::lookup::nearest;

pub fn run(verb: &Explain, screen: &Screen) -> Ended {
    let code = verb.code.trim();
    let whole = |row: &Explained| row.code == code || row.code.strip_prefix("ppl::") == Some(code);
    // The last part is enough where it is said of one code only.
    let ends: Vec<Explained> = codes::all().filter(|row| row.code.rsplit("::").next() == Some(code)).collect();
    let found = codes::all().find(whole).or(if let [one] = ends.as_slice() { Some(*one) } else { None });
    match found {
        Some(row) => screen.out(&row.text()),
        None => {
            let near = nearest(code, codes::all().map(|row| row.code));
            screen.problem(CliProblem::NoCode { code: code.into(), near });
            Err(End::Usage)
        }
    }
}
