//! Reads a body in chunks (RFC 9112, section 7.1) from a buffer and puts it together.
//!
//! Extensions and trailers are refused: our server sends none, and what we do not look at we do not let pass.

use crate::http::Malformed;

/// Hexadecimal digits of the size of a chunk: more would be no chunk that we ever ask for.
const SIZE_DIGITS_MAX: usize = 7;

/// The whole body at the start of `bytes`, and how many of them it takes; `None` while it is incomplete.
///
/// # Errors
/// The bytes are no chunks, whatever follows.
pub fn body(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let mut whole = Vec::new();
    let mut rest = bytes;
    loop {
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
            let is_short = rest.len() <= SIZE_DIGITS_MAX + 1;
            return if is_short { Ok(None) } else { Err(Malformed::Chunk) };
        };
        let (line, after) = rest.split_at_checked(end + 1).ok_or(Malformed::Chunk)?;
        let size = line.strip_suffix(b"\r\n").and_then(size).ok_or(Malformed::Chunk)?;
        let Some((chunk, after)) = after.split_at_checked(size) else { return Ok(None) };
        match after.split_at_checked(2) {
            None => return Ok(None),
            Some((b"\r\n", after)) => rest = after,
            Some(_) => return Err(Malformed::Chunk),
        }
        whole.extend_from_slice(chunk);
        if size == 0 {
            return Ok(Some((whole, bytes.len() - rest.len())));
        }
    }
}

fn size(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > SIZE_DIGITS_MAX || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";

    #[test]
    fn chunks_are_put_together_and_their_end_is_known() {
        let two = [BODY, b"HTTP/1.1 200"].concat();
        assert_eq!(body(&two), Ok(Some((b"abc0123456789".to_vec(), BODY.len()))));
        for end in 0..BODY.len() {
            assert_eq!(body(&BODY[..end]), Ok(None), "first {end} bytes");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for wrong in [
            "4\r\nabc\r\n0\r\n\r\n",
            "x\r\n",
            "\r\n",
            "+3\r\nabc\r\n",
            "3;extension\r\nabc\r\n",
            "10000000\r\n",
            "100000000",
            "3\nabc\n",
            "0\r\nTrailer: x\r\n\r\n",
        ] {
            assert_eq!(body(wrong.as_bytes()), Err(Malformed::Chunk), "{wrong:?}");
        }
    }
}
