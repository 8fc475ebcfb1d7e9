//! Hands the linker its scripts: the start-up crate's layout, the board's memory, defmt's table of messages.

fn main() {
    let package = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-arg-bins=-Timage.ld");
    println!("cargo::rustc-link-arg-bins=-T{package}/src/board/virt/memory.ld");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo::rerun-if-changed=src/board/virt/memory.ld");
}
