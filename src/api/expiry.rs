//! `?ttl=`, `?expires_at=` and `?keep_ttl`: what a write says about its deadline.

use crate::base::clock::UnixMillis;
use crate::base::duration::GoDuration;
use crate::base::limits::TTL_MS_MAX;
use crate::model::{Deadline, Expiry};

use super::problem::{Kind, Problem};
use super::query::Query;
use super::timestamp;

/// What the query says about the deadline; the default when it says nothing.
///
/// # Errors
/// `parameters_conflict` for two of them together, `parameter_invalid` for a value that does not fit.
pub fn read(query: &Query<'_>, now: UnixMillis) -> Result<Expiry, Problem> {
    given(query.value("ttl"), query.value("expires_at"), query.flag("keep_ttl")?, || now)
}

/// What `ttl`, `expires_at` and `keep_ttl` say about the deadline, wherever they stand; the default when none is given.
/// `now` is asked only where one of them names a time.
///
/// # Errors
/// As `read`.
pub fn given(
    ttl: Option<&str>,
    expires_at: Option<&str>,
    keep: bool,
    now: impl FnOnce() -> UnixMillis,
) -> Result<Expiry, Problem> {
    let is_given = [ttl.is_some(), expires_at.is_some(), keep];
    if is_given.iter().filter(|is_given| **is_given).count() > 1 {
        let detail = "ttl, expires_at and keep_ttl exclude each other";
        return Err(Problem::new(Kind::ParametersConflict, detail));
    }
    match (ttl, expires_at) {
        (Some("never"), _) => Ok(Expiry::Set(Deadline::NEVER)),
        (Some(ttl), _) => Ok(Expiry::Set(Deadline::at(now().plus(ttl_millis("ttl", ttl)?)))),
        (None, Some(moment)) => Ok(Expiry::Set(deadline_at(moment, now())?)),
        (None, None) if keep => Ok(Expiry::Keep),
        (None, None) => Ok(Expiry::Default),
    }
}

/// The milliseconds of the parameter `name`: a bare number of seconds, decimals allowed, or a Go duration; rounded up to
/// a whole millisecond, so that a positive time to live never rounds to none.
///
/// # Errors
/// `parameter_invalid` for what is no duration, not positive, or more than 100 years.
pub fn ttl_millis(name: &str, text: &str) -> Result<u64, Problem> {
    let invalid = |detail: String| {
        Problem::new(Kind::ParameterInvalid, detail).hint("write seconds (30, 0.5) or units (500ms, 1h30m)")
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = if is_number { GoDuration::parse(&format!("{text}s")) } else { GoDuration::parse(text) };
    let ttl = parsed.map_err(|fault| invalid(format!("{name}={text} is no duration: {fault}")))?;
    let ttl = ttl.to_unsigned().ok_or_else(|| invalid(format!("{name}={text} is not positive")))?;
    let millis = u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    match millis {
        0 => Err(invalid(format!("{name}={text} is not positive"))),
        1..=TTL_MS_MAX => Ok(millis),
        _ => Err(invalid(format!("{name}={text} is more than 100 years"))),
    }
}

fn deadline_at(text: &str, now: UnixMillis) -> Result<Deadline, Problem> {
    let invalid = |detail: String| {
        Problem::new(Kind::ParameterInvalid, detail)
            .hint("write RFC 3339 (2030-01-31T12:00:00Z) or unix milliseconds; a plus sign in a query is %2B")
    };
    let moment = timestamp::parse(text).ok_or_else(|| invalid(format!("expires_at={text} is no moment")))?;
    match moment.since(now) {
        0 => Err(invalid(format!("expires_at={text} is not in the future"))),
        1..=TTL_MS_MAX => Ok(Deadline::at(moment)),
        _ => Err(invalid(format!("expires_at={text} is more than 100 years away"))),
    }
}

/// The deadline that the seed's `ttl_seconds` asks for; 0 asks for none.
///
/// # Errors
/// More than 100 years.
pub fn from_seed_seconds(seconds: Option<u64>, now: UnixMillis) -> Result<Expiry, Problem> {
    let Some(seconds) = seconds else { return Ok(Expiry::Default) };
    match seconds.checked_mul(1000) {
        Some(0) => Ok(Expiry::Set(Deadline::NEVER)),
        Some(millis) if millis <= TTL_MS_MAX => Ok(Expiry::Set(Deadline::at(now.plus(millis)))),
        _ => Err(Problem::new(Kind::EnvelopeInvalid, format!("ttl_seconds {seconds} is more than 100 years"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::routes::{Parameter, parameters};
    use super::*;

    const PARAMETERS: &[Parameter] = &[parameters::TTL, parameters::EXPIRES_AT, parameters::KEEP_TTL];
    const NOW: UnixMillis = UnixMillis(1_795_374_000_000);

    fn verdict(query: &str) -> Result<Expiry, Kind> {
        let query = Query::read(query, PARAMETERS).map_err(|problem| problem.kind())?;
        read(&query, NOW).map_err(|problem| problem.kind())
    }

    fn after(millis: u64) -> Result<Expiry, Kind> {
        Ok(Expiry::Set(Deadline::at(NOW.plus(millis))))
    }

    #[test]
    fn a_negative_number_is_told_from_what_is_none() {
        for (text, reason) in [("-1", "is not positive"), ("-0.5", "is not positive"), ("-", "is no duration")] {
            let problem = format!("{:?}", ttl_millis("ttl", text).unwrap_err());
            assert!(problem.contains(&format!("ttl={text} {reason}")), "{problem}");
        }
    }

    #[test]
    fn times_are_read_in_every_spelling() {
        assert_eq!(verdict(""), Ok(Expiry::Default));
        assert_eq!(verdict("keep_ttl"), Ok(Expiry::Keep));
        assert_eq!(verdict("ttl=never"), Ok(Expiry::Set(Deadline::NEVER)));
        assert_eq!(verdict("ttl=30"), after(30_000));
        assert_eq!(verdict("ttl=0.5"), after(500));
        assert_eq!(verdict("ttl=500ms"), after(500));
        assert_eq!(verdict("ttl=1h30m"), after(5_400_000));
        assert_eq!(verdict("ttl=1ns"), after(1));
        assert_eq!(verdict("expires_at=1795374000001"), after(1));
        assert_eq!(verdict("expires_at=2026-11-22T19:01:00Z"), after(60_000));
        assert_eq!(verdict("expires_at=2026-11-22T20:01:00%2B01:00"), after(60_000));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for query in [
            "ttl=0",
            "ttl=-5",
            "ttl=-1s",
            "ttl=",
            "ttl=soon",
            "ttl=1.2.3",
            "ttl=3155760001",
            "ttl=inf",
            "ttl=1e3",
            "expires_at=1795374000000",
            "expires_at=1",
            "expires_at=tomorrow",
            "expires_at=9999-01-01T00:00:00Z",
            "keep_ttl=yes",
        ] {
            assert_eq!(verdict(query), Err(Kind::ParameterInvalid), "{query}");
        }
        assert_eq!(verdict("ttl=5&keep_ttl"), Err(Kind::ParametersConflict));
        assert_eq!(verdict("ttl=5&expires_at=1795374000001"), Err(Kind::ParametersConflict));
        assert_eq!(verdict("ttl=3155760000"), after(TTL_MS_MAX));
    }
}
