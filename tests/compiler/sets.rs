//! Named sets and `ppl data`: what is listed, where it is looked for, what is drawn, kept and fetched.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// `ppl` with a home of its own, and no network but this machine's.
fn ppl(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.args(args).current_dir(home).env("XDG_CACHE_HOME", home.join("cache")).env_remove("PPL_DATA");
    // Nothing listens there.
    command.env("PPL_FETCH_FROM", "http://127.0.0.1:1/").output().expect("the command runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

const MODEL: &str = "dim N\ndata x[N]: unit[784] = images / 255\nmodel {\n  mu ~ Normal(0, 1)\n  for n in N { \
                     factor mu * x[n, 0] }\n}\n";

#[test]
fn every_set_is_listed_with_where_it_lies() {
    let home = tempfile::tempdir().expect("a folder");
    let list = ppl(home.path(), &["data", "list"]);
    let text = String::from_utf8(list.stdout).expect("text");
    assert!(list.status.success() && text.contains("not here: `ppl data fetch mnist`"), "{text}");
    assert!(
        text.contains("eight_schools") && text.contains("built in") && text.contains("drawn when it is first used")
    );
    // A folder in MNIST's layout is found under the name of the set.
    let there = home.path().join("sets/fashion-mnist");
    fs::create_dir_all(&there).expect("a folder");
    for name in
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"]
    {
        fs::write(there.join(name), b"").expect("a file");
    }
    let list = json(&ppl(home.path(), &["data", "list", "--json", "--data-dir", "sets"]));
    let set = |name: &str| {
        let sets = list["sets"].as_array().expect("a list");
        sets.iter().find(|set| set["name"] == name).unwrap_or_else(|| panic!("{name} in {list}")).clone()
    };
    assert_eq!(set("fashion-mnist")["path"], "sets/fashion-mnist");
    assert_eq!((&set("mnist")["path"], &set("mnist")["rows"]["test"]), (&Value::Null, &10_000.into()));
    assert_eq!((&set("eight_schools")["rows"], &set("eight_schools")["origin"]), (&8.into(), &"built in".into()));
    let path = ppl(home.path(), &["data", "path", "fashion-mnist", "--data-dir", "sets"]);
    assert_eq!(String::from_utf8_lossy(&path.stdout), "sets/fashion-mnist\n");
    for (args, words) in [
        (["data", "path", "eight_schools"], "built in"),
        (["data", "fetch", "nmist"], "is it `mnist`?"),
        (["data", "path", "mnist"], "`ppl data fetch mnist`"),
    ] {
        let refused = ppl(home.path(), &args);
        assert!(refused.status.code() == Some(2) && said(&refused).contains(words), "{}", said(&refused));
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn a_set_that_is_nowhere_names_every_place() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("m.vi"), MODEL).expect("a model");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.args(["fit", "m.vi", "--data", "mnist", "--data-dir", "first"]).current_dir(home.path());
    command.env("PPL_DATA", "second").env("XDG_CACHE_HOME", "third").env("PPL_FETCH_FROM", "http://127.0.0.1:1/");
    let output = command.output().expect("the command runs");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for words in ["first/mnist", "second/mnist", "third/ppl/mnist", "train-images-idx3-ubyte.gz", "--data digits"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let fetches = cfg!(feature = "fetch");
    assert_eq!(said.contains("http://127.0.0.1:1/train-images-idx3-ubyte.gz"), fetches, "{said}");
    assert_eq!(said.contains("this build of ppl does not fetch"), !fetches, "{said}");
    assert!(!home.path().join("runs").exists());
}

#[test]
fn digits_are_drawn_once_and_read_from_then_on() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("m.vi"), MODEL).expect("a model");
    let plan = |place: &str| {
        let args = ["elbo", "m.vi", "--stage", "plan", "--data", "digits", "--split", "test", "--data-dir", place];
        let output = ppl(home.path(), &args);
        assert!(output.status.success(), "{}", said(&output));
        (output.stdout.clone(), said(&output))
    };
    let (drawn, quiet) = plan("sets");
    assert!(quiet.is_empty(), "{quiet}");
    let folder = home.path().join("sets/digits-1");
    let mut files: Vec<String> =
        fs::read_dir(&folder).expect("kept").flatten().map(|f| f.file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    assert_eq!(files, ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]);
    let images = folder.join("t10k-images-idx3-ubyte");
    let whole = fs::read(&images).expect("images");
    assert_eq!((whole.len(), &whole[..8]), (16 + 10_000 * 784, &[0, 0, 8, 3, 0, 0, 39, 16][..]));
    let written = fs::metadata(&images).and_then(|data| data.modified()).expect("a time");
    assert_eq!(plan("sets").0, drawn);
    assert_eq!(
        fs::metadata(&images).and_then(|data| data.modified()).expect("a time"),
        written,
        "read, not drawn again"
    );
    // A damaged cache is drawn again.
    fs::write(&images, &whole[..1000]).expect("written");
    assert_eq!(plan("sets").0, drawn);
    assert_eq!(fs::read(&images).expect("images"), whole);
    // Where nothing can be kept, a warning says so.
    fs::write(home.path().join("file"), b"").expect("a file");
    let (again, warned) = plan("file");
    assert_eq!(again, drawn);
    assert!(warned.contains("ppl::cli::cache"), "{warned}");
}

#[cfg(feature = "fetch")]
mod fetched {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// Serves the files of a folder; the address before their names.
    fn serve(folder: std::path::PathBuf) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://127.0.0.1:{}/", listener.local_addr().expect("an address").port());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let name = first.split(' ').nth(1).unwrap_or("").trim_start_matches('/').to_string();
                let body = fs::read(folder.join(name)).unwrap_or_default();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).expect("a client");
            }
        });
        address
    }

    #[test]
    fn mnist_is_fetched_checked_and_read() {
        let Some(data) = std::env::var_os("PPL_TEST_DATA").filter(|data| !data.is_empty()) else {
            println!("skipped: PPL_TEST_DATA does not say where the data are");
            return;
        };
        let source = Path::new(&data).join("mnist");
        let address = serve(source.clone());
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("m.vi"), MODEL).expect("a model");
        let run = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
            command.args(args).current_dir(home.path()).env("XDG_CACHE_HOME", home.path()).env_remove("PPL_DATA");
            command.env("PPL_FETCH_FROM", &address).output().expect("the command runs")
        };
        // A fit fetches what it needs by itself, into the cache.
        let elbo = run(&["elbo", "m.vi", "--stage", "plan", "--data", "mnist", "--split", "test"]);
        assert!(elbo.status.success(), "{}", said(&elbo));
        assert!(said(&elbo).contains("fetching mnist train-images-idx3-ubyte.gz, 9.9 MB"), "{}", said(&elbo));
        let place = home.path().join("ppl/mnist");
        for name in ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"] {
            assert_eq!(fs::read(place.join(name)).expect("fetched"), fs::read(source.join(name)).expect("served"));
        }
        let again = run(&["data", "fetch", "mnist", "--json"]);
        assert!(said(&again).is_empty(), "{}", said(&again));
        assert_eq!(json(&again)["fetched"], serde_json::json!([]));
        assert_eq!(json(&again)["path"], place.display().to_string());
        let elsewhere = run(&["data", "fetch", "mnist", "--data-dir", "sets"]);
        assert_eq!(String::from_utf8_lossy(&elsewhere.stdout), format!("{}\n", place.display()), "it is here already");
    }
}
