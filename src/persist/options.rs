//! The options of a collection as bytes: flags, then what the flags announce. The journal and the snapshot hold the same.
//!
//! Invariant: there is one sequence of bytes for the same options. A flag that is not known is of a newer version: to
//! pass over it would lose an option.

use crate::base::limits::TTL_MS_MAX;
use crate::model::{CollectionName, CollectionOptions};
use crate::persist::error::{Fault, Flaw};
use crate::persist::fields::{Fields, put_u64};

const HAS_DEFAULT_TTL: u8 = 1;
const REQUIRES_CONDITION: u8 = 2;

/// In a snapshot, beside the options: the collection is staged.
pub const IS_STAGED: u8 = 4;

/// Bytes of a time to live.
const TTL_BYTES: usize = 8;

/// The flags of `options`.
pub fn flags(options: CollectionOptions) -> u8 {
    let ttl = if options.default_ttl_ms.is_some() { HAS_DEFAULT_TTL } else { 0 };
    let condition = if options.require_conditional { REQUIRES_CONDITION } else { 0 };
    ttl | condition
}

/// Appends what the flags of `options` announce.
pub fn encode_announced(options: CollectionOptions, out: &mut Vec<u8>) {
    if let Some(ttl_ms) = options.default_ttl_ms {
        put_u64(out, ttl_ms);
    }
}

/// Takes off `fields` what `flags`, which are those of the collection `name`, announce.
pub fn decode_announced(
    flags: u8,
    fields: &mut Fields<'_>,
    name: CollectionName<'_>,
) -> Result<CollectionOptions, Fault> {
    if flags & !(HAS_DEFAULT_TTL | REQUIRES_CONDITION) != 0 {
        return Err(Fault::Newer(format!("options {flags:#04x} of collection {:?}", name.as_str())));
    }
    let mut options = CollectionOptions { default_ttl_ms: None, require_conditional: flags & REQUIRES_CONDITION != 0 };
    if flags & HAS_DEFAULT_TTL != 0 {
        let start = fields.offset();
        let ttl_ms = fields.u64().ok_or_else(|| Flaw::short(start, "a time to live"))?;
        if !(1..=TTL_MS_MAX).contains(&ttl_ms) {
            return Err(Flaw::number(start, "a time to live from 1 to", TTL_MS_MAX, ttl_ms).into());
        }
        options.default_ttl_ms = Some(ttl_ms);
    }
    Ok(options)
}

/// Bytes of `options` in the journal: none when they are the default.
pub fn bytes_unless_default(options: CollectionOptions) -> usize {
    match (flags(options), options.default_ttl_ms) {
        (0, _) => 0,
        (_, None) => 1,
        (_, Some(_)) => 1 + TTL_BYTES,
    }
}

/// Appends `options` as the journal has them: flags and what these announce, or nothing when they are the default.
pub fn encode_unless_default(options: CollectionOptions, out: &mut Vec<u8>) {
    if flags(options) != 0 {
        out.push(flags(options));
        encode_announced(options, out);
    }
}

/// Reads options as the journal has them: `bytes`, which begin at `at`, are those of the collection `name`.
pub fn decode_unless_default(bytes: &[u8], at: usize, name: CollectionName<'_>) -> Result<CollectionOptions, Fault> {
    let mut fields = Fields::of(bytes);
    let Some(flags) = fields.u8() else { return Ok(CollectionOptions::default()) };
    if flags == 0 {
        return Err(Flaw::new(at, "options that are not the default", "default ones").into());
    }
    let found = decode_announced(flags, &mut fields, name).map_err(|fault| match fault {
        Fault::Flaw(flaw) => Fault::Flaw(Flaw { at: at + flaw.at, ..flaw }),
        newer => newer,
    })?;
    match fields.remaining() {
        0 => Ok(found),
        _ => Err(Flaw::new(at + fields.offset(), "the end of the options", "more bytes").into()),
    }
}
