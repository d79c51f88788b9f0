//! Some targets compile source files of the command line, which a packed crate cannot hold: there is nothing in it then.

fn main() {
    let of_the_command_line = "../crates/cli/src/csv_log.rs";
    println!("cargo::rustc-check-cfg=cfg(packed)");
    println!("cargo::rerun-if-changed=build.rs");
    if !std::path::Path::new(of_the_command_line).exists() {
        println!("cargo::rustc-cfg=packed");
    }
}
