//! What a user can be wrong about in asking for a device.

use crate::problem::Problem;

/// A backend that cannot be had.
#[derive(Debug, Clone, PartialEq)]
pub enum EngineProblem {
    /// No backend has this name.
    Unknown { name: String, known: Vec<&'static str> },
    /// This binary was built without it.
    NotCompiled { name: &'static str, feature: &'static str },
    /// It is compiled in, but this machine does not offer it.
    NoDevice { name: &'static str, reason: String },
}

impl From<EngineProblem> for Problem {
    fn from(problem: EngineProblem) -> Problem {
        match problem {
            EngineProblem::Unknown { name, known } => {
                let close = known.iter().max_by(|a, b| similarity(&name, a).total_cmp(&similarity(&name, b)));
                let close = close.filter(|best| similarity(&name, best) > 0.7);
                let list = known.join("`, `");
                Problem::error("ppl::engine::backend", format!("there is no backend `{name}`")).help(match close {
                    Some(best) => format!("did you mean `--backend {best}`?"),
                    None => format!("write one of `{list}`"),
                })
            }
            EngineProblem::NotCompiled { name, feature } => {
                Problem::error("ppl::engine::backend", format!("this `ppl` was built without the backend `{name}`"))
                    .help(format!("build it with `cargo build --release --features {feature}`, or use `--backend cpu`"))
            }
            EngineProblem::NoDevice { name, reason } => {
                Problem::error("ppl::engine::device", format!("no device for the backend `{name}`: {reason}")).help(
                    "install a driver of its graphics card, or without one Mesa's lavapipe (on Debian and Ubuntu \
                         `apt-get install mesa-vulkan-drivers libvulkan1`), or use `--backend cpu`",
                )
            }
        }
    }
}

fn similarity(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}
