//! What can be wrong with a command line.

use crate::problem::Problem;

/// Facts about arguments, and about files that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CliProblem {
    Later {
        verb: &'static str,
        does: &'static str,
    },
    NoFile {
        file: String,
        why: String,
    },
    NotWritten {
        file: String,
        why: String,
    },
    NotUtf8 {
        file: String,
        line: usize,
    },
    NotAModel {
        file: String,
    },
    NoSuchSet {
        name: String,
        near: Option<String>,
        sets: Vec<String>,
    },
    BuiltIn {
        name: String,
    },
    NotFetched(Box<Lost>),
    /// Another process is fetching it.
    #[cfg_attr(not(feature = "fetch"), allow(dead_code))]
    Fetching {
        name: String,
        file: String,
    },
    NoCache {
        name: String,
    },
    NoCacheWritten {
        name: String,
        folder: String,
        why: String,
    },
    SetNotFound {
        name: String,
        places: Vec<String>,
    },
    NotMnist {
        folder: String,
        missing: Vec<String>,
    },
    /// Neither MNIST's layout nor pictures.
    NoData {
        folder: String,
        found: Vec<String>,
    },
    Unlabelled {
        folder: String,
        file: String,
    },
    NoSplit {
        name: String,
    },
    NeedsData {
        stage: String,
    },
    NoFormat {
        stage: String,
        format: String,
        stages: Vec<String>,
    },
    Rows {
        sources: usize,
    },
    SimulateTo {
        file: String,
    },
    NoTable {
        file: String,
        item: String,
        why: &'static str,
    },
    ParamFile {
        file: String,
        why: String,
    },
    MadeData {
        items: Vec<String>,
    },
    LrTwice {
        optimizer: String,
    },
    NoEntry {
        flag: String,
        value: String,
    },
    Backend {
        name: String,
    },
    Threads,
    /// The system did not give as many threads.
    #[cfg_attr(not(feature = "cpu"), allow(dead_code))]
    ThreadPool {
        count: usize,
        why: String,
    },
    InitFile {
        file: String,
        why: String,
    },
    NoCode {
        code: String,
        near: Option<String>,
    },
}

impl From<CliProblem> for Problem {
    fn from(problem: CliProblem) -> Problem {
        use CliProblem as P;
        match problem {
            P::Later { verb, does } => {
                error("ppl::limitation::verb", format!("`ppl {verb}` ({does}) is not there yet"))
                    .help("`ppl --help` lists what is")
            }
            P::NoFile { file, why } => error("ppl::cli::file", format!("{file} cannot be read: {why}")),
            P::NotWritten { file, why } => error("ppl::cli::file", format!("{file} cannot be written: {why}")),
            P::NotUtf8 { file, line } => {
                error("ppl::syntax::encoding", format!("{file}, line {line} is not UTF-8 text"))
                    .help("save the file as UTF-8")
            }
            P::NotAModel { file } => error("ppl::cli::file", format!("{file} is a folder, not a model file"))
                .help("a model is one file, such as models/vae.vi"),
            P::NoSuchSet { name, near, sets } => {
                let help = match near {
                    Some(near) => format!("is it `{near}`?"),
                    None => format!("named sets are {}; a file is given by its path", sets.join(", ")),
                };
                error("ppl::cli::data", format!("`{name}` is no file, no folder and no named data set")).help(help)
            }
            P::BuiltIn { name } => error("ppl::cli::data", format!("`{name}` is built in: it has no files"))
                .help(format!("use it by its name: `--data {name}`")),
            P::SetNotFound { name, places } => {
                error("ppl::cli::data", format!("the data set `{name}` is in none of{}", lines(&places)))
                    .help(format!("`ppl data fetch {name}` puts it into the last of them"))
            }
            P::NotFetched(lost) => not_fetched(&lost),
            P::Fetching { name, file } => {
                error("ppl::cli::fetch", format!("another process is fetching `{name}`: it holds {file}"))
                    .help("wait until it is done")
            }
            P::NoCache { name } => error("ppl::cli::data", format!("there is no folder to put `{name}` in"))
                .help("name one: `--data-dir FOLDER`"),
            P::NoCacheWritten { name, folder, why } => Problem::warning(
                "ppl::cli::cache",
                format!("`{name}` could not be kept in {folder}, and is drawn again the next time: {why}"),
            )
            .help("name a folder that can be written: `--data-dir FOLDER`"),
            P::NotMnist { folder, missing } => {
                error("ppl::cli::data", format!("the folder {folder} has no {}", missing.join(" and no ")))
                    .help("a folder of data is MNIST's layout: IDX files of images and of labels, .gz or not")
            }
            P::NoData { folder, found } => {
                let what = match found.is_empty() {
                    true => String::new(),
                    false => format!(", only {}", found.join(", ")),
                };
                error("ppl::cli::data", format!("the folder {folder} holds no data{what}")).help(
                    "a folder of data has MNIST's four IDX files, or PNG pictures, in subfolders named by their labels; \
                     any other file is given by its own path",
                )
            }
            P::Unlabelled { folder, file } => {
                let message = format!("{file} is in no subfolder of {folder}, and other pictures are");
                error("ppl::cli::data", message)
                    .help("the names of subfolders are the labels: move it into the one of its label")
            }
            P::NoSplit { name } => error("ppl::cli::data", format!("{name} has no splits"))
                .help("leave `--split` out; `--rows 0..1000` takes part of any source"),
            P::NeedsData { stage } => {
                error("ppl::cli::stage", format!("`--stage {stage}` needs the sizes of the data"))
                    .help("add `--data FILE`")
            }
            P::NoFormat { stage, format, stages } => {
                let stages: Vec<String> = stages.iter().map(|stage| format!("`--stage {stage}`")).collect();
                error("ppl::cli::format", format!("`--stage {stage}` is not printed as {format}"))
                    .help(format!("{format} is a format of {}; every stage is printed as text", stages.join(" and ")))
            }
            P::Rows { sources } => error("ppl::cli::data", format!("--rows is of one source, and {sources} are given")),
            P::SimulateTo { file } => {
                error("ppl::cli::out", format!("`{file}` is no file that data can be written to"))
                    .help("`--out data.json`, or `--out data.csv` where every data item has the same rows")
            }
            P::NoTable { file, item, why } => {
                let json = std::path::Path::new(&file).with_extension("json");
                error("ppl::cli::out", format!("`{item}` does not fit in a table: {why}"))
                    .help(format!("`--out {}`", json.display()))
            }
            P::ParamFile { file, why } => error("ppl::cli::param", format!("{file} holds no values of params: {why}"))
                .help("an object of numbers or arrays by param: {\"sigma\": 0.5}"),
            P::MadeData { items } => {
                let what = if items.len() == 1 { "is made of columns" } else { "are made of columns" };
                let message = format!("{} {what}, and the file holds what they made", items.join(" and "));
                Problem::warning("ppl::simulate::made", message)
                    .help("leave their expressions out of the model to fit the file")
            }
            P::LrTwice { optimizer } => error("ppl::cli::lr", format!("--lr beside `--optimizer {optimizer}`"))
                .help("write the rate in one of them"),
            P::NoEntry { flag, value } => {
                error("ppl::cli::entry", format!("--{flag}: `{value}` is no value of the entry `{flag}`"))
            }
            P::Backend { name } => {
                error("ppl::cli::backend", format!("the backend `{name}` is not in this build of ppl"))
                    .help("build it with the feature of its name: `cargo build --release --features cpu`")
            }
            P::ThreadPool { count, why } => error("ppl::cli::threads", format!("cannot use {count} threads: {why}"))
                .help("ask for fewer, or leave `--threads` out: one for each core"),
            P::Threads => error("ppl::cli::threads", "--threads must be at least 1"),
            P::InitFile { file, why } => {
                error("ppl::cli::init", format!("{file} holds no values to start from: {why}"))
                    .help("an object of numbers or arrays by site or param: {\"mu\": 3}")
            }
            P::NoCode { code, near } => {
                let problem = error("ppl::cli::code", format!("no diagnostic has the code `{code}`"));
                let help = near.map(|near| format!("is it `{near}`?"));
                Problem { help, ..problem }
            }
        }
    }
}

/// A named set that is not here and could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub name: String,
    /// Where it was looked for.
    pub places: Vec<String>,
    pub files: Vec<String>,
    /// Addresses and what came of them; none in a build that does not fetch.
    pub tried: Vec<(String, String)>,
}

fn not_fetched(lost: &Lost) -> Problem {
    let Lost { name, places, files, tried } = lost;
    let tried: Vec<String> = tried.iter().map(|(address, why)| format!("{address}: {why}")).collect();
    let why = match tried.is_empty() {
        true => ",\nand this build of ppl does not fetch".to_string(),
        false => format!(",\nand cannot be fetched:{}", lines(&tried)),
    };
    let message = format!("the data set `{name}` is in none of{}{why}", lines(places));
    let again = match tried.is_empty() {
        true => String::new(),
        false => format!("with a network, `ppl data fetch {name}` goes on from where it stopped; without one, "),
    };
    let files = files.join(", ");
    error("ppl::cli::fetch", message)
        .help(format!("{again}put {files} into one of these folders, or use `--data digits`, which needs no network"))
}

/// One below the other.
fn lines(list: &[String]) -> String {
    list.iter().map(|line| format!("\n  {line}")).collect()
}

fn error(code: &'static str, message: impl Into<String>) -> Problem {
    Problem::error(code, message)
}
