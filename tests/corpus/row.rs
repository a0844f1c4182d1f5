//! A row: what a client sends, and the verdict; and how a row is written.
//!
//! ```text
//! a length beside a Transfer-Encoding is refused
//!     RFC 9112 §6.1
//!     > PUT /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n
//!     > 0\r\n\r\n
//!     < 400, closed
//! ```
//!
//! `README.md` beside this file has the whole grammar.

use super::clauses::{self, Clause};

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The fact, unique in the corpus.
    pub name: String,
    /// What decides it.
    pub clause: &'static Clause,
    /// Why so, where the clause leaves a choice.
    pub note: String,
    /// What is sent, and what comes back for it before more is sent.
    pub turns: Vec<Turn>,
    /// What becomes of the connection.
    pub fate: Fate,
    /// File and line, for messages.
    pub place: String,
}

/// What is sent in one go, and the replies to wait for before the next.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The replies, in order.
    pub replies: Vec<Expected>,
}

/// A reply that must come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Its status; one of these where the clauses do not choose.
    pub statuses: Vec<u16>,
    /// True for a `100 Continue` that may be left out, because the body has begun to come.
    pub is_optional: bool,
    /// True for a refused HEAD: the reply has no body.
    pub to_head: bool,
    /// True when the handler may have been asked before the refusal; nothing ran all the same.
    pub asked: bool,
    /// What ran: method, target and body, with a space between.
    pub ran: Option<Vec<u8>>,
}

impl Expected {
    /// The answer to a request that ran.
    pub fn ran(what: &[u8]) -> Expected {
        Expected { statuses: vec![200], ran: Some(what.to_vec()), ..Expected::default() }
    }

    /// True when no body follows the head.
    pub fn is_bodiless(&self) -> bool {
        self.to_head || self.ran.as_ref().is_some_and(|what| what.starts_with(b"HEAD "))
    }
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It takes another request.
    Kept,
    /// It is closed; whatever follows is never run.
    Closed,
    /// A message has begun and is not whole: a 400 when the client sends no more, a 408 when it is silent; closed.
    Unfinished,
    /// No message has begun: closed without a reply, when the client sends no more and when it is silent.
    Idle,
}

impl Row {
    /// Every reply, in order.
    pub fn replies(&self) -> impl Iterator<Item = &Expected> {
        self.turns.iter().flat_map(|turn| &turn.replies)
    }
}

/// Reads the rows of a file.
///
/// # Errors
/// Where it is not as the grammar has it.
pub fn parse(file: &str, text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')).peekable();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let mut block = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            block.push(line);
        }
        let place = format!("{file}.txt:{}", number + 1);
        rows.push(row(line, &block, &place).map_err(|fault| format!("{place}: {fault}"))?);
    }
    Ok(rows)
}

fn row(name: &str, lines: &[&str], place: &str) -> Result<Row, String> {
    if name.starts_with(' ') {
        return Err("a row begins with its name, at the start of a line".to_owned());
    }
    let (first, lines) = lines.split_first().ok_or("a row has more than a name")?;
    let (clause, note) = first.trim().split_once(": ").unwrap_or((first.trim(), ""));
    let clause = clauses::find(clause).ok_or_else(|| format!("{clause:?} is not a clause that we know"))?;
    let mut turns: Vec<Turn> = Vec::new();
    let mut fate = None;
    for line in lines {
        if fate.is_some() {
            return Err("nothing follows the fate of the connection".to_owned());
        }
        if let Some(bytes) = line.strip_prefix("    > ") {
            let bytes = unescape(bytes)?;
            match turns.last_mut() {
                Some(turn) if turn.replies.is_empty() => turn.bytes.extend(bytes),
                _ => turns.push(Turn { bytes, replies: Vec::new() }),
            }
        } else if let Some(verdict) = line.strip_prefix("    < ") {
            let turn = turns.last_mut().ok_or("a reply before a request")?;
            for item in verdict.split(", ") {
                match fate_of(item) {
                    Some(found) => fate = Some(found),
                    None => turn.replies.push(expected(item)?),
                }
            }
        } else {
            return Err(format!("{line:?} begins with neither '    > ' nor '    < '"));
        }
    }
    let awaited = turns.split_last().map_or(&[][..], |(_, before)| before);
    if awaited.iter().any(|turn| turn.replies.iter().any(|reply| reply.is_optional)) {
        return Err("nobody can wait for a reply that need not come".to_owned());
    }
    let fate = fate.ok_or("the fate of the connection is missing")?;
    Ok(Row { name: name.to_owned(), clause, note: note.to_owned(), turns, fate, place: place.to_owned() })
}

fn fate_of(word: &str) -> Option<Fate> {
    match word {
        "kept" => Some(Fate::Kept),
        "closed" => Some(Fate::Closed),
        "unfinished" => Some(Fate::Unfinished),
        "idle" => Some(Fate::Idle),
        _ => None,
    }
}

/// `200 GET /a`, `400`, `400|413 asked`, `417 HEAD`, `100`, `100?`.
fn expected(item: &str) -> Result<Expected, String> {
    let (status, rest) = item.split_once(' ').unwrap_or((item, ""));
    let is_optional = status.ends_with('?');
    let statuses = status.trim_end_matches('?').split('|').map(|status| {
        let number = status.parse().ok().filter(|number| (100..600).contains(number));
        number.ok_or_else(|| format!("{status:?} is not a status"))
    });
    let statuses = statuses.collect::<Result<Vec<u16>, _>>()?;
    let mut expected = Expected { statuses, is_optional, ..Expected::default() };
    if expected.statuses == [200] {
        expected.ran = Some(unescape(rest)?);
        return Ok(expected);
    }
    for word in rest.split(' ').filter(|word| !word.is_empty()) {
        match word {
            "HEAD" => expected.to_head = true,
            "asked" => expected.asked = true,
            _ => return Err(format!("{word:?} says nothing about a reply")),
        }
    }
    Ok(expected)
}

/// Bytes written with `\r`, `\n`, `\t`, `\\`, `\x41`, and `{text*40}` for forty times the text.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{']) {
        let (plain, special) = rest.split_at(at);
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(repeated) = special.strip_prefix('{') {
            let (inner, behind) = repeated.split_once('}').ok_or_else(|| format!("{special:?} has no end"))?;
            let (unit, times) = inner.rsplit_once('*').ok_or_else(|| format!("{inner:?} is not repeated"))?;
            let times = times.parse().map_err(|_| format!("{times:?} is not a number"))?;
            bytes.extend(unescape(unit)?.repeat(times));
            rest = behind;
        } else {
            let escape = special.get(1..2).ok_or("a lone backslash")?;
            let length = if escape == "x" { 4 } else { 2 };
            let (escape, behind) = special.split_at_checked(length).ok_or("a \\x without two digits")?;
            bytes.push(match escape {
                "\\r" => b'\r',
                "\\n" => b'\n',
                "\\t" => b'\t',
                "\\\\" => b'\\',
                _ => escape
                    .strip_prefix("\\x")
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| format!("{escape:?} is not an escape"))?,
            });
            rest = behind;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_they_read() {
        assert_eq!(unescape("a\\r\\n\\t\\\\\\x00é").unwrap(), b"a\r\n\t\\\x00\xc3\xa9");
        assert_eq!(unescape("{ab*3}-{\\r*2}").unwrap(), b"ababab-\r\r");
        for wrong in ["\\", "\\q", "\\x1", "\\xg1", "{a", "{a}", "{a*b}"] {
            assert!(unescape(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_row_is_read_whole() {
        let text = "# remark\n\na fact\n    RFC 9110 §10.1.1: because\n    > PUT /a\n    > b\n    < 100\n    > c\n    \
                    < 200 PUT /a bc, 400|501 HEAD asked, closed\n";
        let rows = parse("x", text).unwrap();
        let [row] = rows.as_slice() else { panic!("one row") };
        assert_eq!((row.name.as_str(), row.clause.1, row.note.as_str()), ("a fact", "§10.1.1", "because"));
        assert_eq!((row.place.as_str(), row.fate), ("x.txt:3", Fate::Closed));
        assert_eq!(row.turns.iter().map(|turn| turn.bytes.as_slice()).collect::<Vec<_>>(), [&b"PUT /ab"[..], b"c"]);
        let refused = Expected { statuses: vec![400, 501], to_head: true, asked: true, ..Expected::default() };
        let continued = Expected { statuses: vec![100], ..Expected::default() };
        let replies: Vec<&Expected> = row.replies().collect();
        assert_eq!(replies, [&continued, &Expected::ran(b"PUT /a bc"), &refused]);
    }

    #[test]
    fn a_row_that_is_not_one_is_named_by_its_place() {
        for (text, fault) in [
            ("a\n", "x.txt:1: a row has more than a name"),
            ("\na\n    RFC 9112 §99\n", "x.txt:2: \"RFC 9112 §99\" is not a clause that we know"),
            ("a\n    RFC 9112 §3\n    > a\n    < 200 a\n", "x.txt:1: the fate of the connection is missing"),
            ("a\n    RFC 9112 §3\n    < 400, kept\n", "x.txt:1: a reply before a request"),
            ("a\n    RFC 9112 §3\n    > a\n    < 400 often, kept\n", "x.txt:1: \"often\" says nothing about a reply"),
            ("a\n    RFC 9112 §3\n    > a\n    < 40, kept\n", "x.txt:1: \"40\" is not a status"),
            (
                "a\n    RFC 9112 §3\n    > a\n    < kept\n    > b\n",
                "x.txt:1: nothing follows the fate of the connection",
            ),
        ] {
            assert_eq!(parse("x", text).unwrap_err(), fault);
        }
    }
}
