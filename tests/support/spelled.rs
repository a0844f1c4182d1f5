//! How the files of the corpora spell bytes: as they are, but between angle brackets in hexadecimal, and with `*N`
//! behind them N times over. `<>` is nothing; a bracket of its own is `<3c>`.

/// The bytes that `text` spells.
///
/// # Panics
/// When it spells none.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, behind)) = rest.split_once('<') {
        bytes.extend_from_slice(plain.as_bytes());
        let (inside, behind) = behind.split_once('>').unwrap_or_else(|| panic!("a bracket is not closed: {text}"));
        let (digits, times) = inside.split_once('*').unwrap_or((inside, "1"));
        let times = times.parse().unwrap_or_else(|_| panic!("no number behind the star: {text}"));
        assert!(digits.len().is_multiple_of(2), "a digit is missing: {text}");
        let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        let spelled: Result<Vec<u8>, _> = pairs.collect();
        bytes.extend(spelled.unwrap_or_else(|_| panic!("no hexadecimal digits: {text}")).repeat(times));
        rest = behind;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}
