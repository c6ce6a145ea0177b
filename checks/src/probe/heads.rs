//! What is wrong with the head of an answer over HTTP/2: a library says that something is, this says what. Reads bytes
//! that were recorded, and only after a failure.

use std::rc::Rc;

/// How long the head of a frame is, in bytes (RFC 9113, section 4.1).
const FRAME: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// How many characters are shown of a name that a peer chose.
const SHOWN: usize = 100;

/// Fields of a connection, which HTTP/2 has no use for (RFC 9113, section 8.2.2).
const OF_CONNECTIONS: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Huffman codes of the characters that names consist of: how long, the first of them, and the characters in their order
/// (RFC 7541, appendix B, whose code is canonical).
const CODES: [(u32, u32, &[u8]); 4] = [
    (5, 0x00, b"012aceiost"),
    (6, 0x14, b" %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, 0xf8, b"&*,;XZ"),
];

/// What is wrong with the first head among these frames, where that can be told.
pub(super) fn what_is_wrong(frames: &[u8]) -> Option<String> {
    let names = Block::new(&head_block(frames)?).names();
    let status = |name: &Rc<str>| &**name == ":status";
    let connection = names.iter().find(|name| OF_CONNECTIONS.contains(&&***name));
    let upper_case = || {
        names
            .iter()
            .find(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()))
    };
    if let Some(name) = connection {
        return Some(format!("header `{name}` is one of HTTP/1.1"));
    }
    if let Some(name) = upper_case() {
        let shown = name.chars().take(SHOWN).collect::<String>();
        return Some(format!("header `{shown}` is in upper case"));
    }
    match names.iter().filter(|name| status(name)).count() {
        0 => Some("the answer has no `:status`".to_owned()),
        1 if !names.first().is_some_and(status) => Some("`:status` stands behind a header".to_owned()),
        1 => None,
        _ => Some("the answer has more than one `:status`".to_owned()),
    }
}

/// The fields of the first head, in one piece.
fn head_block(frames: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut block) = (frames, None::<Vec<u8>>);
    while let Some(head) = rest.get(..FRAME) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = rest.get(FRAME..).unwrap_or_default();
        let payload = &payload[..length.min(payload.len())];
        match (head[3], &mut block) {
            (HEADERS, None) => block = Some(without_padding(payload, head[4]).to_vec()),
            (CONTINUATION, Some(block)) => block.extend_from_slice(payload),
            (_, Some(_)) => break,
            _ => {}
        }
        rest = rest.get(FRAME + length..).unwrap_or_default();
    }
    block
}

fn without_padding(payload: &[u8], flags: u8) -> &[u8] {
    let (mut from, mut until) = (0, payload.len());
    if flags & PADDED != 0 {
        let padding = payload.first().copied().map_or(0, usize::from);
        (from, until) = (1, until.saturating_sub(padding));
    }
    from += if flags & PRIORITY == 0 { 0 } else { 5 };
    payload.get(from..until).unwrap_or_default()
}

/// A head as HPACK writes it (RFC 7541, section 6), read for its names.
struct Block<'b> {
    rest: &'b [u8],
    /// The names that it added to the table, the latest last: its own, for it is the first of its connection. A byte means
    /// one of them again, so that they are shared.
    added: Vec<Rc<str>>,
}

impl<'b> Block<'b> {
    fn new(block: &'b [u8]) -> Self {
        Self {
            rest: block,
            added: Vec::new(),
        }
    }

    /// The names as far as they can be read; one that can't be spelled is empty.
    fn names(mut self) -> Vec<Rc<str>> {
        let mut names = Vec::new();
        while let Some(first) = self.rest.first().copied() {
            let name = match first {
                0x80.. => self.integer(7).map(|index| self.named(index)),
                0x40.. => self.literal(6).inspect(|name| self.added.push(Rc::clone(name))),
                // The table changes its size.
                0x20.. => {
                    if self.integer(5).is_none() {
                        break;
                    }
                    continue;
                }
                _ => self.literal(4),
            };
            let Some(name) = name else { break };
            names.push(name);
        }
        names
    }

    fn literal(&mut self, bits: u32) -> Option<Rc<str>> {
        let name = match self.integer(bits)? {
            0 => self.text()?.into(),
            index => self.named(index),
        };
        self.text()?;
        Some(name)
    }

    /// Names of the static table (RFC 7541, appendix A), as far as they are looked for.
    fn named(&self, index: usize) -> Rc<str> {
        let text = match index {
            1 => ":authority",
            2..=7 => ":method",
            8..=14 => ":status",
            57 => "transfer-encoding",
            0..=61 => "",
            _ => {
                let added = self.added.iter().rev().nth(index - 62);
                return added.map_or_else(Rc::default, Rc::clone);
            }
        };
        text.into()
    }

    /// RFC 7541, section 5.1.
    fn integer(&mut self, bits: u32) -> Option<usize> {
        let most = (1_usize << bits) - 1;
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let mut value = usize::from(*first) & most;
        if value < most {
            return Some(value);
        }
        for shift in [0, 7, 14, 21] {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// RFC 7541, section 5.2.
    fn text(&mut self) -> Option<String> {
        let packed = self.rest.first()? & 0x80 != 0;
        let length = self.integer(7)?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        match packed {
            true => Some(spelled(text).unwrap_or_default()),
            false => Some(String::from_utf8_lossy(text).into_owned()),
        }
    }
}

/// A name out of its Huffman codes; nothing where a character is none of a name's.
fn spelled(packed: &[u8]) -> Option<String> {
    let bits = packed
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| u32::from(byte >> at & 1)));
    let (mut text, mut code, mut length) = (String::new(), 0, 0);
    for bit in bits {
        (code, length) = (code << 1 | bit, length + 1);
        let tier = CODES.iter().find(|(long, ..)| *long == length);
        let found = tier.and_then(|(_, first, characters)| {
            let at = usize::try_from(code.checked_sub(*first)?).ok()?;
            characters.get(at)
        });
        if let Some(character) = found {
            text.push(char::from(*character));
            (code, length) = (0, 0);
        }
        if length > 8 {
            return None;
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[Rc<str>]) -> Vec<&str> {
        names.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn a_name_that_is_meant_again_is_kept_once_and_shown_in_part() {
        let mut block = vec![0x40, 0x7f, 0xe9, 0x06];
        block.extend([b'X'; 1000]);
        block.push(0);
        block.extend([0xbe; 500]);
        let names = Block::new(&block).names();
        assert_eq!((names.len(), names[0].len()), (501, 1000));
        assert!(names.iter().all(|name| Rc::ptr_eq(name, &names[0])));
        let length = u8::try_from(block.len() % 256).unwrap_or_default();
        let mut frames = vec![0, 5, length, HEADERS, 0, 0, 0, 0, 1];
        frames.extend(&block);
        let told = what_is_wrong(&frames).unwrap_or_default();
        assert!(told.starts_with("header `XXX") && told.len() < 150, "{}", told.len());
    }

    #[test]
    fn a_name_is_spelled_out_of_its_codes() {
        // RFC 7541, appendix C.4: `www.example.com`, `custom-key`, `custom-value`.
        let spelled = |bytes: &[u8]| super::spelled(bytes);
        let name = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(spelled(&name).as_deref(), Some("www.example.com"));
        let key = [0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f];
        assert_eq!(spelled(&key).as_deref(), Some("custom-key"));
        let value = [0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf];
        assert_eq!(spelled(&value).as_deref(), Some("custom-value"));
    }

    #[test]
    fn names_are_read_of_every_form() {
        // RFC 7541, appendix C.5.1 and C.5.2: indexed, added, and found again.
        let block = [
            0x88, 0x40, 1, b'a', 1, b'1', 0, 1, b'B', 0, 0x10, 1, b'c', 0, 0xbe, 0x3f, 0xe1, 0x1f, 0x7e, 1, b'2',
        ];
        let names = Block::new(&block).names();
        assert_eq!(texts(&names), [":status", "a", "B", "c", "a", "a"]);
    }

    #[test]
    fn what_is_cut_is_read_as_far_as_it_goes() {
        let block = [0x88, 0x40, 9, b'a'];
        assert_eq!(texts(&Block::new(&block).names()), [":status"]);
        assert_eq!(what_is_wrong(&[0, 0]), None);
    }
}
