//! Who may do what: tokens, each with a role and a reach, and the gate that holds commands against them.
//!
//! A token is known by its SHA-256 alone. Invariants: no digest is ever shown, a comparison takes the same time wherever
//! two digests differ, and what a command needs is said by matches without a default arm, so that a new one cannot be
//! forgotten. It knows neither HTTP nor where tokens are kept.

mod reach;
mod role;

mod grant;
mod needs;

mod digest;
mod minting;

mod reading;
mod tokens;

mod gate;

pub use digest::Digest;
pub use gate::Gate;
pub use grant::Grant;
pub use minting::{MintFault, Minted, mint};
pub use reach::{Collections, Reach};
pub use reading::Fault;
pub use role::Role;
pub use tokens::Tokens;
