//! Fetching from a server on this machine: whole, on from a part, cut off, damaged, refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;

const TEXT: &[u8] = b"the four files of a set, each a few bytes";
/// What a server does with a request.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Ranges,
    NoRanges,
    /// Ends after so many bytes of the body.
    Cut(usize),
    Damaged,
    Missing,
}

/// Serves one file to any path; the address, and the requests that came.
fn serve(mood: Mood) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("{LOOPBACK}{}/", listener.local_addr().expect("an address").port());
    let requests = Arc::new(Mutex::new(vec![]));
    let seen = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
            let first = lines.next().expect("a request").expect("text");
            let mut range = None;
            for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
                if let Some(bytes) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                    range = bytes.trim_end_matches('-').parse::<usize>().ok();
                }
            }
            seen.lock().expect("requests").push(format!("{first} {range:?}"));
            let (status, start) = match (mood, range) {
                (Mood::Missing, _) => ("404 Not Found", TEXT.len()),
                (Mood::NoRanges, _) | (_, None) => ("200 OK", 0),
                (_, Some(start)) => ("206 Partial Content", start),
            };
            let mut body = TEXT[start..].to_vec();
            if mood == Mood::Damaged {
                body[0] ^= 1;
            }
            let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            if status.starts_with("206") {
                head.push_str(&format!("Content-Range: bytes {start}-{}/{}\r\n", TEXT.len() - 1, TEXT.len()));
            }
            let sent = if let Mood::Cut(most) = mood { most.min(body.len()) } else { body.len() };
            // A client that has heard enough hangs up.
            let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
        }
    });
    (address, requests)
}

fn remote() -> Remote {
    let sha256: &'static str = {
        let digest = ring::digest::digest(&ring::digest::SHA256, TEXT);
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().leak()
    };
    let file = |name| RemoteFile { name, bytes: TEXT.len() as u64, sha256 };
    Remote { bases: &[], files: [file("a"), file("b"), file("c"), file("d")] }
}

fn get(from: &[String], into: &Path) -> Result<Vec<String>, Trouble> {
    fetch(&remote(), from, into, &mut |_| {})
}

fn content(path: &Path) -> Vec<u8> {
    let mut bytes = vec![];
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).expect("a file");
    bytes
}

#[test]
fn four_files_are_fetched_once() {
    let (address, requests) = serve(Mood::Ranges);
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("cache/mnist");
    let mut shown = vec![];
    let fetched = fetch(&remote(), std::slice::from_ref(&address), &into, &mut |state| {
        shown.push((state.file.name, state.bytes))
    });
    assert_eq!(fetched.expect("all"), ["a", "b", "c", "d"]);
    assert_eq!(content(&into.join("c")), TEXT);
    assert!(shown.contains(&("d", TEXT.len() as u64)), "{shown:?}");
    assert!(std::fs::read_dir(&into).expect("a folder").count() == 4, "no part is left");
    assert!(get(std::slice::from_ref(&address), &into).expect("nothing to do").is_empty());
    // A file that has been damaged since is fetched again.
    std::fs::write(into.join("b"), b"the four files of a set, each a few bites").expect("written");
    assert_eq!(get(&[address], &into).expect("one"), ["b"]);
    assert_eq!(requests.lock().expect("requests").len(), 5);
}

#[test]
fn a_part_is_gone_on_with() {
    let (address, requests) = serve(Mood::Ranges);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.part"), &TEXT[..10]).expect("written");
    // Longer than the file, and wrong at its start.
    std::fs::write(folder.path().join("b.part"), [TEXT, TEXT].concat()).expect("written");
    get(&[address], folder.path()).expect("all");
    assert!(["a", "b"].iter().all(|name| content(&folder.path().join(name)) == TEXT));
    let requests = requests.lock().expect("requests");
    assert!(requests[0].starts_with("GET /a ") && requests[0].ends_with("Some(10)"), "{requests:?}");
    assert!(requests[1].ends_with("None"), "{requests:?}");
}

#[test]
fn a_server_without_ranges_sends_all_of_it() {
    let (address, _) = serve(Mood::NoRanges);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.part"), b"something else").expect("written");
    get(&[address], folder.path()).expect("all");
    assert_eq!(content(&folder.path().join("a")), TEXT);
}

#[test]
fn what_one_place_began_another_ends() {
    let ((cut, _), (whole, requests)) = (serve(Mood::Cut(7)), serve(Mood::Ranges));
    let folder = tempfile::tempdir().expect("a folder");
    get(&[cut.clone(), whole], folder.path()).expect("all");
    assert_eq!(content(&folder.path().join("d")), TEXT);
    assert!(requests.lock().expect("requests").iter().all(|request| request.ends_with("Some(7)")));
    // Cut off for good, the part stays, and the next try goes on from it.
    let other = tempfile::tempdir().expect("a folder");
    let Err(Trouble::Nowhere(tried)) = get(&[cut], other.path()) else { panic!("it is cut off") };
    assert!(tried[0].1.contains("after 7"), "{tried:?}");
    assert_eq!(content(&other.path().join("a.part")), &TEXT[..7]);
}

#[test]
fn damage_is_not_kept() {
    let (damaged, _) = serve(Mood::Damaged);
    let folder = tempfile::tempdir().expect("a folder");
    let Err(Trouble::Nowhere(tried)) = get(std::slice::from_ref(&damaged), folder.path()) else {
        panic!("it is damaged")
    };
    assert!(tried[0].1.contains("SHA-256") && tried[0].0 == format!("{damaged}a"), "{tried:?}");
    assert!(!folder.path().join("a").exists() && content(&folder.path().join("a.part")).is_empty());
    let (whole, _) = serve(Mood::Ranges);
    get(&[damaged, whole], folder.path()).expect("the second place has it whole");
}

#[test]
fn every_place_that_was_tried_is_named() {
    let (missing, _) = serve(Mood::Missing);
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing listens on a port that was given and closed again.
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let closed = format!("{LOOPBACK}{}/", closed.port());
    let Err(Trouble::Nowhere(tried)) = get(&[missing, closed], folder.path()) else { panic!("nobody has it") };
    assert_eq!(tried.len(), 2);
    assert_eq!(tried[0].1, "it answered 404");
}

#[test]
fn two_processes_do_not_write_one_part() {
    let (address, _) = serve(Mood::Ranges);
    let folder = tempfile::tempdir().expect("a folder");
    let held = File::create(folder.path().join("a.part")).expect("a file");
    held.lock().expect("a lock");
    assert!(matches!(get(std::slice::from_ref(&address), folder.path()), Err(Trouble::Busy { .. })));
    drop(held);
    get(&[address], folder.path()).expect("all");
}
