//! Fetching the files of a named set: from the first place that has them, on from where it stopped, checked before a
//! file gets its name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use crate::data::named::{Remote, RemoteFile};

/// Nothing heard for so long is a connection that is gone.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(20);

/// How much of which file is there, in bytes.
pub struct Fetched<'a> {
    pub file: &'a RemoteFile,
    pub bytes: u64,
}

/// Why there is no file.
#[derive(Debug)]
pub enum Trouble {
    /// Every address that was tried, and what came of it.
    Nowhere(Vec<(String, String)>),
    Disk {
        file: String,
        why: String,
    },
    /// Another process is at it.
    Busy {
        file: String,
    },
}

/// Puts every file of a set into a folder; those that are there whole stay. The names of those that were fetched.
pub fn fetch(
    remote: &Remote,
    from: &[String],
    into: &Path,
    show: &mut dyn FnMut(&Fetched),
) -> Result<Vec<String>, Trouble> {
    let disk = |path: &Path| {
        let file = path.display().to_string();
        move |error: io::Error| Trouble::Disk { file, why: error.to_string() }
    };
    fs::create_dir_all(into).map_err(disk(into))?;
    let mut fetched = vec![];
    for file in &remote.files {
        let path = into.join(file.name);
        if is_whole(&path, file) {
            continue;
        }
        let part = into.join(format!("{}.part", file.name));
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part);
        let mut open = open.map_err(disk(&part))?;
        match open.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Trouble::Busy { file: part.display().to_string() }),
            Err(TryLockError::Error(error)) => return Err(disk(&part)(error)),
        }
        one(file, from, &mut open, show).map_err(|failed| failed.unwrap_or_else(|error| disk(&part)(error)))?;
        open.sync_all().and_then(|()| fs::rename(&part, &path)).map_err(disk(&path))?;
        fetched.push(file.name.to_string());
    }
    Ok(fetched)
}

fn is_whole(path: &Path, file: &RemoteFile) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() == file.bytes)
        && File::open(path).and_then(|mut open| checksum(&mut open)).is_ok_and(|sum| sum == file.sha256)
}

/// Fills the part of one file, from one address after the other.
fn one(
    file: &RemoteFile,
    from: &[String],
    part: &mut File,
    show: &mut dyn FnMut(&Fetched),
) -> Result<(), Result<Trouble, io::Error>> {
    let mut tried = vec![];
    for base in from {
        let address = format!("{base}{}", file.name);
        let why = match pour(&address, file, part, show) {
            Ok(()) => {
                let sum = checksum(part).map_err(Err)?;
                if sum == file.sha256 {
                    return Ok(());
                }
                // What is wrong somewhere in the middle is fetched again from the start.
                part.set_len(0).map_err(Err)?;
                format!("its SHA-256 is {sum}, and {} was expected", file.sha256)
            }
            Err(Stop::Network(why)) => why,
            Err(Stop::Disk(error)) => return Err(Err(error)),
        };
        tried.push((address, why));
    }
    Err(Ok(Trouble::Nowhere(tried)))
}

enum Stop {
    Network(String),
    Disk(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Disk(error)
    }
}

/// Asks for what is missing of a file and appends it.
fn pour(address: &str, file: &RemoteFile, part: &mut File, show: &mut dyn FnMut(&Fetched)) -> Result<(), Stop> {
    let mut have = part.seek(SeekFrom::End(0))?;
    if have > file.bytes {
        (have, _) = (0, part.set_len(0)?);
    }
    if have == file.bytes {
        return Ok(());
    }
    let network = |error: ureq::Error| Stop::Network(error.to_string());
    let mut request = agent(address).get(address);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(network)?;
    let starts = format!("bytes {have}-");
    let range = response.headers().get("content-range").and_then(|value| value.to_str().ok()).unwrap_or("");
    match response.status().as_u16() {
        206 if range.starts_with(&starts) => {}
        // The whole file, whatever was asked for.
        200 => {
            part.set_len(0)?;
            have = 0;
        }
        status => {
            part.set_len(0)?;
            return Err(Stop::Network(format!("it answered {status}")));
        }
    }
    part.seek(SeekFrom::Start(have))?;
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        show(&Fetched { file, bytes: have });
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(Stop::Network(format!("it broke off after {have} bytes: {error}"))),
        };
        part.write_all(&buffer[..count])?;
        have += count as u64;
        if have > file.bytes {
            part.set_len(0)?;
            return Err(Stop::Network(format!("it is longer than {} bytes", file.bytes)));
        }
    }
    match have == file.bytes {
        true => Ok(()),
        false => Err(Stop::Network(format!("it ended after {have} of {} bytes", file.bytes))),
    }
}

fn agent(address: &str) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .http_status_as_error(false);
    // No proxy stands between us and this machine.
    let config = if address.starts_with(LOOPBACK) { config.proxy(None) } else { config };
    config.build().into()
}

/// How addresses on this machine begin.
pub const LOOPBACK: &str = "http://127.0.0.1:";

/// SHA-256 in hexadecimal digits.
fn checksum(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => context.update(&buffer[..count]),
        }
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
