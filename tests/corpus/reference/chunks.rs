//! Chunks, with their extensions and trailers (RFC 9112 §7.1).

use super::{HEAD_BYTES_MAX, READ_PAST_BYTES_MAX, Reading, Stop, fields, is_token, line};

/// Bytes of a line in front of a chunk.
const CHUNK_LINE_BYTES_MAX: usize = 4 << 10;

/// Takes a whole chunked body, trailers included.
///
/// # Errors
/// That it is not whole, or what refuses it.
pub fn chunked(input: &[u8]) -> Reading<'_, Vec<u8>> {
    let mut content = Vec::new();
    let mut rest = input;
    loop {
        let (line, behind) = match line(rest) {
            Err(Stop::Partial) if rest.len() > CHUNK_LINE_BYTES_MAX => return Err(Stop::Refused(400)),
            other => other?,
        };
        let size = chunk_size(line)?;
        if size == 0 {
            let (_, rest) = fields(behind, HEAD_BYTES_MAX)?;
            return Ok((content, rest));
        }
        let size = usize::try_from(size).ok().filter(|size| *size as u64 <= READ_PAST_BYTES_MAX);
        let size = size.ok_or(Stop::Refused(413))?;
        let (data, behind) = behind.split_at_checked(size).ok_or(Stop::Partial)?;
        content.extend_from_slice(data);
        rest = match behind {
            [b'\r', b'\n', behind @ ..] => behind,
            [] | [b'\r'] => return Err(Stop::Partial),
            _ => return Err(Stop::Refused(400)),
        };
    }
}

/// The size on a chunk's line; its extensions are checked and dropped.
fn chunk_size(line: &[u8]) -> Result<u64, Stop> {
    let text = std::str::from_utf8(line).map_err(|_| Stop::Refused(400))?;
    let (digits, extensions) = text.split_at(text.find([';', ' ', '\t']).unwrap_or(text.len()));
    if digits.is_empty() || !digits.chars().all(|char| char.is_ascii_hexdigit()) || line.len() > CHUNK_LINE_BYTES_MAX {
        return Err(Stop::Refused(400));
    }
    let mut rest = extensions;
    while !rest.is_empty() {
        rest = extension(rest).ok_or(Stop::Refused(400))?;
    }
    u64::from_str_radix(digits, 16).map_err(|_| Stop::Refused(413))
}

/// Takes one extension, with the white space that may surround its parts.
fn extension(text: &str) -> Option<&str> {
    let trimmed = |text: &'_ str| text.trim_start_matches([' ', '\t']).len();
    let behind = text.split_at(text.len() - trimmed(text)).1.strip_prefix(';')?;
    let behind = behind.trim_start_matches([' ', '\t']);
    let end = behind.find([';', '=', ' ', '\t']).unwrap_or(behind.len());
    let (name, behind) = behind.split_at(end);
    if !is_token(name) {
        return None;
    }
    let Some(value) = behind.trim_start_matches([' ', '\t']).strip_prefix('=') else { return Some(behind) };
    let value = value.trim_start_matches([' ', '\t']);
    if let Some(quoted) = value.strip_prefix('"') {
        let mut chars = quoted.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => return Some(quoted.split_at(at + 1).1),
                '\\' if chars.next().is_none_or(|(_, escaped)| escaped.is_ascii_control() && escaped != '\t') => {
                    return None;
                }
                char if char.is_ascii_control() && char != '\t' => return None,
                _ => {}
            }
        }
        return None;
    }
    let (value, behind) = value.split_at(value.find([';', ' ', '\t']).unwrap_or(value.len()));
    is_token(value).then_some(behind)
}
