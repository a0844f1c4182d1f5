//! The binary: everything else is in the library, so that tests reach it.

use std::process::ExitCode;

/// One allocator for every build, the static one included. `make bench` says what a million documents take with it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    memory_tools::base::memory::refuse_huge_pages();
    memory_tools::cli::run(std::env::args_os().skip(1)).emit()
}
