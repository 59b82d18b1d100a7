//! The ZIP archives that NumPy writes: stored or deflated members, found through the central directory
//! (PKWARE's APPNOTE.TXT 6.3).

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// A member and where its bytes lie.
#[derive(Debug)]
pub struct Member<'a> {
    pub name: String,
    method: u16,
    crc: u32,
    size: usize,
    packed: &'a [u8],
}

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// An end record and the longest comment behind it.
const TAIL: usize = 22 + 65535;

/// All members in the order of the directory; what is wrong goes on after the name of the file.
pub fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>, String> {
    if !bytes.starts_with(LOCAL) && !bytes.starts_with(END) {
        let found = crate::data::problems::hex(&bytes[..bytes.len().min(4)]);
        return Err(format!("is not a ZIP archive: it begins with the bytes {found}"));
    }
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    let end = tail.windows(4).rposition(|window| window == END);
    let end = end.ok_or("is truncated: it has no directory at its end")? + bytes.len() - tail.len();
    let count = short(bytes, end + 10).ok_or_else(cut)?;
    let mut at = long(bytes, end + 16).ok_or_else(cut)? as usize;
    let mut list = vec![];
    for _ in 0..count {
        let entry = bytes.get(at..).filter(|entry| entry.starts_with(ENTRY)).ok_or_else(cut)?;
        let (member, length) = entry_of(bytes, entry)?;
        list.push(member);
        at += length;
    }
    Ok(list)
}

fn cut() -> String {
    "is truncated or damaged: its directory points nowhere".into()
}

/// A member from its entry in the directory, and the length of the entry.
fn entry_of<'a>(bytes: &'a [u8], entry: &'a [u8]) -> Result<(Member<'a>, usize), String> {
    let number = |at| short(entry, at).map(usize::from).ok_or_else(cut);
    let wide = |at| long(entry, at).map(|n| n as usize).ok_or_else(cut);
    let (name, extra, comment) = (number(28)?, number(30)?, number(32)?);
    let (packed, size, start) = (wide(20)?, wide(24)?, wide(42)?);
    let text = entry.get(46..46 + name).ok_or_else(cut)?;
    let name = String::from_utf8_lossy(text).into_owned();
    if [packed, size, start].contains(&0xffff_ffff) {
        return Err(format!("holds `{name}` of more than 4 GB"));
    }
    let local = bytes.get(start..).filter(|local| local.starts_with(LOCAL)).ok_or_else(cut)?;
    let skip = 30 + usize::from(short(local, 26).ok_or_else(cut)?) + usize::from(short(local, 28).ok_or_else(cut)?);
    let packed = local.get(skip..skip.saturating_add(packed)).ok_or_else(cut)?;
    let (method, crc) = (number(10)? as u16, wide(16)? as u32);
    Ok((Member { name, method, crc, size, packed }, 46 + text.len() + extra + comment))
}

impl Member<'_> {
    /// The bytes of the member, checked.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = vec![];
        let read = match self.method {
            0 => self.packed.take(self.size as u64 + 1).read_to_end(&mut bytes),
            // No more than was promised: a few bytes can be inflated to gigabytes.
            8 => DeflateDecoder::new(self.packed).take(self.size as u64 + 1).read_to_end(&mut bytes),
            other => return Err(format!("holds `{}`, packed by method {other}; 0 and 8 are known", self.name)),
        };
        read.map_err(|error| format!("holds `{}`, which cannot be decompressed: {error}", self.name))?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() != self.size || crc.sum() != self.crc {
            return Err(format!("is damaged: the checksum of `{}` is wrong", self.name));
        }
        Ok(bytes)
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}
