//! Replies as bytes, read strictly: a front that answers loosely fails its rows.

/// A reply, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The status.
    pub status: u16,
    /// The fields.
    pub fields: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: &'a [u8],
}

impl Reply<'_> {
    /// The values of the fields called `name`.
    pub fn values<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.fields.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }

    /// True when it says that the connection ends behind it.
    pub fn closes(&self) -> bool {
        self.values("Connection").any(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Takes the status of the next reply; `None` when there is none.
pub fn peek_status(output: &[u8]) -> Option<u16> {
    let status = output.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(status).ok()?.parse().ok()
}

/// Takes the next reply, and what is behind it. With `is_bodiless` no body follows, whatever the head says.
///
/// # Errors
/// What is wrong with it.
pub fn take(output: &[u8], is_bodiless: bool) -> Result<(Reply<'_>, &[u8]), String> {
    let status = peek_status(output).ok_or("it does not begin with HTTP/1.1 and a status")?;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").ok_or("its head has no end")?;
    let (head, rest) = output.split_at(end + 4);
    let head = std::str::from_utf8(head).map_err(|_| "its head is not text")?;
    let lines = head.trim_end_matches("\r\n").split("\r\n").skip(1);
    let fields = lines.map(|line| line.split_once(": ").ok_or_else(|| format!("{line:?} is not a field")));
    let mut reply = Reply { status, fields: fields.collect::<Result<_, _>>()?, body: b"" };
    if is_bodiless || status < 200 || status == 204 {
        return Ok((reply, rest));
    }
    let lengths: Vec<&str> = reply.values("Content-Length").collect();
    let [length] = lengths.as_slice() else { return Err(format!("its Content-Lengths are {lengths:?}")) };
    let length: usize = length.parse().map_err(|_| format!("its Content-Length is {length:?}"))?;
    let (body, rest) = rest.split_at_checked(length).ok_or("its body is cut off")?;
    reply.body = body;
    Ok((reply, rest))
}
