//! Damaged data files are read and bound without panic or hang: a diagnostic each, or a table that holds together.

use std::io::Write;
use std::time::Instant;

use ppl::data::{Table, Values, bind, read};
use ppl::model::{Model, Settings, compile_model};
use ppl::problem::{Problems, Style};
use ppl::source::Source;

use crate::mutation::Dice;

/// A whole file of each format, and what a model reads of it.
fn files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let images = "data images[N]: unit[D] = images / 255\ndata labels[N]: category(10)";
    let idx = [[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3].as_slice(), &[7; 12]].concat();
    let table = "y,who,x.1,x.2\n1,ann,0.5,2\n2.5,\"bob, jr\",1e3,NA\n,eve,-3,4\n";
    let csv = "data y[N]: real?\ndata c[N]: category(K) = levels(who)\ndata x[N]: real[D]? = standardize([y, y])";
    let stan = r#"{"N": 2, "y": [1, null], "x": [[1, 2], [3, "-Inf"]], "who": ["a", "b"]}"#;
    let json = "data y[N]: real?\ndata x[N]: real[D]\ndata c[N]: category(K) = levels(who)";
    let records = r#"[{"y": 1, "x": [1, 2], "who": "a"}, {"y": 2.5, "x": [3, 4]}]"#;
    let npz = "data x[N]: real[D]\ndata c[N]: category(K) = levels(who)\ndata m: count = n";
    vec![
        ("d.csv", table.into(), csv),
        ("d.tsv", table.replace(',', "\t").into(), csv),
        ("d.csv.gz", packed(table.as_bytes()), csv),
        ("d.json", stan.into(), json),
        ("records.json", records.into(), json),
        ("d-ubyte", idx.clone(), images),
        ("d-ubyte.gz", packed(&idx), images),
        ("x.npy", include_bytes!("../files/x.npy").to_vec(), "data x[N]: real[D]"),
        ("d.npz", include_bytes!("../files/numpy.npz").to_vec(), npz),
        ("d.ldac", b"3 0:1 2:3 5:1\n0\n2 1:1 0:2\n".to_vec(), "data doc[N]: category(D)\ndata word[N]: category(K)"),
        ("d.png", include_bytes!("../files/color.png").to_vec(), images),
    ]
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Items with a `?` are observed, of the others one is read.
fn model(items: &str) -> Model {
    let names =
        items.lines().filter_map(|line| line.strip_prefix("data ")?.split_once('[').map(|(name, _)| (name, line)));
    let mut lines: Vec<String> = names
        .clone()
        .filter(|(_, line)| line.contains('?'))
        .map(|(name, _)| format!("{name}[n] ~ Normal(mu, 1)"))
        .collect();
    if let (true, Some((name, line))) = (lines.is_empty(), names.clone().next()) {
        let number = match line {
            line if line.contains("category") => format!("(if {name}[n] == 0 then 1 else 2)"),
            _ => format!("sum({name}[n])"),
        };
        lines.push(format!("factor mu * {number}"));
    }
    let lines = lines.join("\n");
    let text = format!("dim N\ndim D\ndim K\n{items}\nmodel {{ mu ~ Normal(0, 1)\nfor n in N {{\n{lines}\n}} }}");
    let (model, problems) = compile_model(&Source::new("m.vi", text), &Settings::default());
    model.unwrap_or_else(|| panic!("{}", said(&problems)))
}

fn mutate(bytes: &[u8], others: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    const TELLING: &[u8] = b"\0\x01\x7f\x80\xff0919-.,\n\"'[]{}:e";
    let mut list = bytes.to_vec();
    // Every other file has one digit changed, or one byte, so that many are read and reach the checks behind.
    if dice.roll(2) == 0 {
        let digits: Vec<usize> = (0..list.len()).filter(|at| list[*at].is_ascii_digit()).collect();
        match digits.get(dice.roll(digits.len())) {
            Some(at) => list[*at] = b"0123456789-. "[dice.roll(13)],
            None => {
                let at = dice.roll(list.len());
                list[at] ^= 1 << dice.roll(8);
            }
        }
        return list;
    }
    for _ in 0..1 + dice.roll(3) {
        let at = dice.roll(list.len());
        let end = (at + dice.roll(16)).min(list.len());
        match dice.roll(8) {
            _ if list.is_empty() => break,
            0 => list[at] ^= 1 << dice.roll(8),
            1 => list[at] = TELLING[dice.roll(TELLING.len())],
            2 => list.insert(at, TELLING[dice.roll(TELLING.len())]),
            3 => drop(list.drain(at..end)),
            4 => list.truncate(at),
            5 => {
                let copy = list[at..end].to_vec();
                list.splice(at..at, copy);
            }
            6 => {
                let other = &others[dice.roll(others.len())];
                let from = dice.roll(other.len());
                let to = (from + dice.roll(16)).min(other.len());
                list.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let other = dice.roll(list.len());
                list.swap(at, other);
            }
        }
    }
    list
}

/// Every column holds as many values as its shape says, and every row has a line.
fn holds_together(table: &Table) {
    assert!(!table.columns.is_empty());
    for column in &table.columns {
        let count = match &column.values {
            Values::Bytes(list) => list.len(),
            Values::Reals(list) => list.len(),
            Values::Text(list) => list.len(),
        };
        assert_eq!(column.shape.iter().product::<usize>(), count, "{:?}", column.name);
        if let (Some(lines), Some(rows)) = (&table.lines, column.shape.first()) {
            assert!(*rows == 0 || lines.of(rows - 1) >= *rows.min(&1));
        }
    }
}

#[test]
fn mutated_files_neither_panic_nor_hang() {
    let files = files();
    let whole: Vec<Vec<u8>> = files.iter().map(|file| file.1.clone()).collect();
    let models: Vec<Model> = files.iter().map(|file| model(file.2)).collect();
    let mut dice = Dice(11);
    let rounds = if cfg!(debug_assertions) { 600 } else { 10_000 };
    let (mut read_whole, mut bound, mut refused) = (0, 0, 0);
    for round in 0..rounds {
        let (name, bytes, _) = &files[round % files.len()];
        let bytes = mutate(bytes, &whole, &mut dice);
        let start = Instant::now();
        let result = std::panic::catch_unwind(|| {
            let mut problems = Problems::default();
            let table = match read::table(name, &bytes) {
                Ok(table) => table,
                Err(problem) => {
                    problems.push(problem);
                    assert!(said(&problems).contains(name), "{}", said(&problems));
                    return (0, 0);
                }
            };
            holds_together(&table);
            match bind(&models[round % files.len()], &[table]) {
                Ok(_) => (1, 1),
                Err(problems) => {
                    assert!(problems.has_errors() && !said(&problems).is_empty());
                    (1, 0)
                }
            }
        });
        let Ok((table, whole)) = result else { panic!("round {round}, {name}: {:?}", String::from_utf8_lossy(&bytes)) };
        assert!(start.elapsed().as_secs() < 5, "{:?}, round {round}, {name}: {bytes:?}", start.elapsed());
        read_whole += table;
        bound += whole;
        refused += 1 - whole;
    }
    // Both outcomes are met often, or the mutations test one thing only.
    assert!(bound * 12 > rounds && refused * 5 > rounds && read_whole > bound, "{read_whole} {bound} {refused}");
}

fn said(problems: &Problems) -> String {
    problems.render(&Source::new("m.vi", ""), Style { color: false, width: 1000 })
}
