//! Export and import: all documents as lines, out and in, at constant memory.

mod export;
mod import;
mod line_writer;
mod staging;

pub use export::get as export;
pub use import::post as import;
pub use line_writer::LineWriter;
