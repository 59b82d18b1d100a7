//! `ppl fmt`: models in the standard layout.

use crate::cli::args::Fmt;
use crate::cli::screen::Screen;
use crate::cli::{End, Ended, file};
use crate::syntax;

pub fn run(fmt: &Fmt, screen: &Screen) -> Ended {
    let mut end = Ok(());
    for path in &fmt.models {
        let source = file::model(path, screen)?;
        let (ast, problems) = syntax::parse(&source);
        if problems.has_errors() {
            // What does not parse is left as it is; the other files are still formatted.
            screen.problems(&problems, &source);
            end = Err(End::Wrong);
            continue;
        }
        let text = syntax::print(&ast);
        match (text == *source.text, fmt.check) {
            (true, _) => {}
            (false, true) => {
                screen.out(&format!("{} would change\n", source.name))?;
                end = Err(End::Wrong);
            }
            (false, false) => file::replace(path, &text, screen)?,
        }
    }
    end
}
