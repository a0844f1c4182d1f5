//! The binary: everything else is in the library, so that tests reach it.

use std::process::ExitCode;

/// One allocator for every build, the static one included. Its figures are in perf/README.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    memory_tools::cli::run(std::env::args_os().skip(1)).emit()
}
