//! The seam to whoever watches a running server.

/// What a running server counts.
pub trait Figures: Send + Sync {
    /// Appends all of it to `out`, as text in Prometheus' exposition format 0.0.4. Never waits for a disk.
    fn show(&self, out: &mut String);
}
