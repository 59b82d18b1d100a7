//! Bad data, end to end: what `ppl fit` says of it, in full. `UPDATE_GOLDEN=1` rewrites `tests/data/*.stderr`.

use std::fs;
use std::path::Path;
use std::process::Command;

/// One wrong thing: a model's data items, the files, and the arguments after `ppl fit m.vi`.
struct Case {
    name: &'static str,
    items: &'static str,
    files: &'static [(&'static str, &'static [u8])],
    args: &'static [&'static str],
}

const CASES: &[Case] = &[
    case("ambiguous", "dim N\ndata y[N]: real", &[("a.csv", b"y\n1\n"), ("b.csv", b"y\n2\n")], &["a.csv", "b=b.csv"]),
    case("bad_json", "dim N\ndata y[N]: real", &[("d.json", b"{\"y\": [1, 2,]}")], &["d.json"]),
    case("beyond", "dim N\ndim D\ndata x[N]: real[D] = columns(0..3)\nparam b: real = mean(x)[3]", TABLE, &["d.csv"]),
    case("empty", "dim N\ndata y[N]: real", &[("d.csv", b"")], &["d.csv"]),
    case("entry_shape", "dim N\ndata y[N]: real[2] = columns(0..2) - columns(0..3)", TABLE, &["d.csv"]),
    case("index", "dim N\ndata g[N]: category(2)\ndata y[N]: real", TABLE, &["d.csv"]),
    case("json_ragged", "dim N\ndata y[N]: real[2]", &[("d.json", b"{\"y\": [[1, 2], [3]]}")], &["d.json"]),
    case("magic", "dim N\ndata y[N]: real", &[("d-ubyte", b"PK\x03\x04 and so on")], &["d-ubyte"]),
    case("missing_column", "dim N\ndata y[N]: real = heigth", TABLE, &["d.csv"]),
    case("missing_entry", "dim N\ndata y[N]: real = holes", TABLE, &["d.csv"]),
    case("no_data", "dim N\ndata y[N]: real", &[], &[]),
    case("no_source", "dim N\ndata y[N]: real = users.y", TABLE, &["d.csv"]),
    case("not_a_number", "dim N\ndata y[N]: real = who", TABLE, &["d.csv"]),
    case("not_finite", "dim N\ndata y[N]: real = log(y - 4)", TABLE, &["d.csv"]),
    case("not_utf8", "dim N\ndata y[N]: real", &[("d.csv", b"y\n1\n\xff\n")], &["d.csv"]),
    case("outside", "dim N\ndata y[N]: unit", TABLE, &["d.csv"]),
    case("parquet", "dim N\ndata y[N]: real", &[("d.parquet", b"PAR1")], &["d.parquet"]),
    case("positions", "dim N\ndata y[N]: real = column(9)", TABLE, &["d.csv"]),
    case("ragged", "dim N\ndata y[N]: real", &[("d.csv", b"y,x\n1,2\n3\n")], &["d.csv"]),
    case("rows", "dim N\ndata y[N]: real", TABLE, &["d.csv", "--rows", "2..9"]),
    case("set", "dim N\ndata y[N]: real", TABLE, &["nmist"]),
    case("shape", "dim N\ndata y[N]: real[4] = columns(0..3)", TABLE, &["d.csv"]),
    case("simplex", "dim N\ndata y[N]: simplex[2] = [y, height]", TABLE, &["d.csv"]),
    case("size", "dim N\ndim D = 5\ndata y[N]: real[D] = columns(0..3)", TABLE, &["d.csv"]),
    case(
        "sizes",
        "dim N\ndata y[N]: real\ndata x[N]: real",
        &[("d.json", b"{\"y\": [1, 2], \"x\": [1]}")],
        &["d.json"],
    ),
    case("truncated", "dim N\ndata y[N]: real", &[("d-ubyte", b"\0\0\x08\x01\0\0\0\x09abc")], &["d-ubyte"]),
    case("unknown_size", "dim N\ndim K\ndata y[N]: real", TABLE, &["d.csv"]),
    case("npy_truncated", "dim N\ndata x[N]: real[2]", &[("x.npy", cut(NPY))], &["x.npy"]),
    case("npy_header", "dim N\ndata x[N]: real[2]", &[("x.npy", b"\x93NUMPY\x01\0\x0a\0{'descr': 3")], &["x.npy"]),
    case("npy_magic", "dim N\ndata x[N]: real", &[("x.npy", b"x\n1\n2\n")], &["x.npy"]),
    case("npy_dtype", "dim N\ndata x[N]: real", &[("x.npy", OBJECTS)], &["x.npy"]),
    case("npy_outside", "dim N\ndata x[N]: unit[2]", &[("x.npy", NPY)], &["x.npy"]),
    case("npz_truncated", "dim N\ndata y[N]: real", &[("d.npz", cut(NPZ))], &["d.npz"]),
    case("npz_damaged", "dim N\ndata y[N]: real", &[("d.npz", NPZ_FLIPPED)], &["d.npz"]),
    case("npz_key", "dim N\ndata y[N]: real", &[("d.npz", NPZ)], &["d.npz"]),
    case("gzip", "dim N\ndata y[N]: real", &[("d.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c")], &["d.csv.gz"]),
    case("ldac_pair", "dim N\ndata word[N]: category(5)", &[("d.ldac", b"2 0:1 1:2\n1 4-1\n")], &["d.ldac"]),
    case("ldac_count", "dim N\ndata word[N]: category(5)", &[("d.ldac", b"2 0:1 1:2\n3 4:1\n")], &["d.ldac"]),
    case("ldac_index", "dim N\ndata word[N]: category(5)", &[("d.ldac", b"2 0:1 1:2\n1 5:1\n")], &["d.ldac"]),
    case("png_truncated", "dim N\ndata images[N]: unit[12]", &[("p/0/a.png", cut(GREY))], &["p/"]),
    case("png_garbled", "dim N\ndata images[N]: unit[12]", &[("p/0/a.png", b"GIF89a and so on")], &["p/"]),
    case("png_sizes", "dim N\ndata images[N]: unit[12]", &[("p/0/a.png", GREY), ("p/1/b.png", SHORT)], &["p/"]),
    case("png_colors", "dim N\ndata images[N]: unit[12]", &[("p/0/a.png", GREY), ("p/1/b.png", COLOR)], &["p/"]),
    case("png_glass", "dim N\ndata images[N]: unit[12]", &[("p/0/a.png", GLASS)], &["p/"]),
    case("png_outside", "dim N\ndata images[N]: unit[12]", &[("p/0/a.png", GREY), ("p/0/b.png", GREY)], &["p/"]),
    case("png_label", "dim N\ndata labels[N]: category(3)", &[("p/0/a.png", GREY), ("p/3/b.png", GREY)], &["p/"]),
    case("png_word", "dim N\ndata labels[N]: category(3)", &[("p/cat/a.png", GREY), ("p/dog/b.png", GREY)], &["p/"]),
    case("png_mixed", "dim N\ndata images[N]: unit[12]", &[("p/a.png", GREY), ("p/cat/b.png", GREY)], &["p/"]),
    case("folder", "dim N\ndata y[N]: real", &[("p/notes.txt", b"hello"), ("p/more.csv", b"y\n1\n")], &["p/"]),
    case("folder_empty", "dim N\ndata y[N]: real", &[("p/.hidden", b"")], &["p/"]),
    case("folder_half", "dim N\ndata images[N]: unit[12]", &[("p/train-images-idx3-ubyte", b"")], &["p/"]),
    case("split", "dim N\ndata y[N]: real", TABLE, &["d.csv", "--split", "test"]),
    case("ending", "dim N\ndata y[N]: real", &[("d.xls", b"y\n1\n")], &["d.xls"]),
    case("header_twice", "dim N\ndata y[N]: real", &[("d.csv", b"y,x,y\n1,2,3\n")], &["d.csv"]),
    case("header_only", "dim N\ndata y[N]: real", &[("d.tsv", b"y\tx\n")], &["d.tsv"]),
    case("headless", "dim N\ndata y[N]: real", &[("d.csv", b"1,2\n3,4\n")], &["d.csv"]),
    case("quote", "dim N\ndata y[N]: real", &[("d.csv", b"name,y\n\"ann,1\nbob,2\n")], &["d.csv"]),
    case("lines", "dim N\ndata y[N]: positive", &[("d.csv", b"who,y\n\"ann\nlee\",1\n\nbob,-2\n")], &["d.csv"]),
    case("no_file", "dim N\ndata y[N]: real", &[], &["./d.csv"]),
    case("json_value", "dim N\ndata y[N]: real", &[("d.json", b"{\"y\": {\"a\": 1}}")], &["d.json"]),
    case("json_missing", "dim N\ndata y[N]: real", &[("d.json", b"{\"y\": [1, null]}")], &["d.json"]),
    case("json_records", "dim N\ndata y[N]: real", &[("d.json", b"[{\"y\": 1}, 2]")], &["d.json"]),
    case(
        "users",
        "dim U\ndim N\ndata y[N]: real\ndata age[U]: positive = users.agee",
        &[("d.csv", b"y\n1\n"), ("u.csv", b"age\n3\n")],
        &["d.csv", "users=u.csv"],
    ),
    case(
        "several_positions",
        "dim N\ndata y[N]: real = column(0)",
        &[("d.csv", b"y\n1\n"), ("u.csv", b"age\n3\n")],
        &["d.csv", "u.csv"],
    ),
    case("interval", "dim N\ndata y[N]: real(0, 5)", TABLE, &["d.csv"]),
    case("category_word", "dim N\ndata who[N]: category(3)", TABLE, &["d.csv"]),
    case("binary", "dim N\ndata y[N]: binary", TABLE, &["d.csv"]),
    case("count", "dim N\ndata height[N]: count", TABLE, &["d.csv"]),
];

const NPY: &[u8] = include_bytes!("../files/x.npy");
const NPZ: &[u8] = include_bytes!("../files/numpy.npz");
const GREY: &[u8] = include_bytes!("../files/grey.png");
const SHORT: &[u8] = include_bytes!("../files/short.png");
const COLOR: &[u8] = include_bytes!("../files/color.png");
const GLASS: &[u8] = include_bytes!("../files/glass.png");
const OBJECTS: &[u8] = b"\x93NUMPY\x01\0\x3e\0{'descr': '|O', 'fortran_order': False, 'shape': (2,), }     \n\x80\x03";
const NPZ_FLIPPED: &[u8] = &flipped(*include_bytes!("../files/numpy.npz"), 80);

/// Without its last bytes.
const fn cut(bytes: &[u8]) -> &[u8] {
    bytes.split_at(bytes.len() - 9).0
}

const fn flipped<const N: usize>(mut bytes: [u8; N], at: usize) -> [u8; N] {
    bytes[at] ^= 8;
    bytes
}

const TABLE: &[(&str, &[u8])] = &[("d.csv", b"y,g,height,who,holes\n1,0,1.5,ann,1\n7,2,1.75,bob,NA\n4,1,2,eve,3\n")];

const fn case(
    name: &'static str,
    items: &'static str,
    files: &'static [(&'static str, &'static [u8])],
    args: &'static [&'static str],
) -> Case {
    Case { name, items, files, args }
}

#[test]
fn bad_data_is_named_in_full() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = vec![];
    for case in CASES {
        let (code, said) = run(case);
        assert!(code == 1 || code == 2, "{}: exit {code}\n{said}", case.name);
        let path = golden.join(format!("{}.stderr", case.name));
        if update {
            fs::write(&path, &said).expect("a golden file");
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&said) {
            wrong.push(format!("{}:\n{said}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for entry in fs::read_dir(&golden).expect("golden files").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(CASES.iter().any(|case| name == format!("{}.stderr", case.name)), "{name} belongs to no case");
    }
}

/// The exit code and what was said. Data of any shape are observed through a factor.
fn run(case: &Case) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let names: Vec<&str> =
        case.items.lines().filter_map(|line| line.strip_prefix("data ")?.split(['[', ':']).next()).collect();
    let read: Vec<String> = names
        .iter()
        .map(|name| {
            if case.items.contains(&format!("data {name}[N]")) {
                format!("    factor 0 * mu * {}\n", first(case, name))
            } else {
                String::new()
            }
        })
        .collect();
    let model = format!("{}\nmodel {{\n  mu ~ Normal(0, 1)\n  for n in N {{\n{}  }}\n}}\n", case.items, read.concat());
    fs::write(folder.path().join("m.vi"), model).expect("a model");
    for (name, bytes) in case.files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
    command.args(["fit", "m.vi", "--quiet"]).current_dir(folder.path()).env_remove("CLICOLOR_FORCE");
    for arg in case.args {
        // A flag and its value, or a source.
        let is_flag = arg.starts_with("--") || arg.contains("..") || ["train", "test"].contains(arg);
        command.args(if is_flag { vec![*arg] } else { vec!["--data", *arg] });
    }
    let output = command.output().expect("the command runs");
    assert!(!folder.path().join("runs").exists(), "{}: no run of data that are wrong", case.name);
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).expect("text"))
}

/// One number of a row, so that the factor is one.
fn first(case: &Case, name: &str) -> String {
    let line = case.items.lines().find(|line| line.starts_with(&format!("data {name}["))).expect("the item");
    let ty = line.split(':').nth(1).unwrap_or("");
    match ty.split('=').next().unwrap_or("") {
        ty if ty.contains("category") => format!("(if {name}[n] == 0 then 1 else 0)"),
        ty if ty.contains('[') => format!("{name}[n, 0]"),
        _ => format!("{name}[n]"),
    }
}

/// MNIST's four files, as they are downloaded, are read and bound.
#[test]
fn mnist_is_read_from_its_folder() {
    let Some(data) = std::env::var_os("PPL_TEST_DATA") else {
        println!("skipped: PPL_TEST_DATA does not say where the data are");
        return;
    };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/vae.vi");
    let run = |source: &str, dir: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ppl"));
        command.arg("elbo").arg(&model).args(["--split", "test", "--data", source]).arg("--data-dir").arg(dir);
        // What is not there is not fetched in a test.
        command.env("PPL_FETCH_FROM", "http://127.0.0.1:1/").env("XDG_CACHE_HOME", dir).env_remove("PPL_DATA");
        command.output().expect("the command runs")
    };
    let there = run("mnist", Path::new(&data));
    assert!(there.status.success(), "{}", String::from_utf8_lossy(&there.stderr));
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = run("mnist", folder.path());
    let said = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    let place = folder.path().file_name().expect("a name").to_string_lossy().into_owned();
    assert!(nowhere.status.code() == Some(2) && said.contains(&place), "every place is named: {said}");
}
