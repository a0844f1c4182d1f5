//! HTTP semantics: routes, bodies, conditions, errors. Plain `Request` in, plain `Response` out.
//!
//! It knows neither sockets nor what is behind `Execute`.

pub mod message;
