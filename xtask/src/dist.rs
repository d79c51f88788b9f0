//! `cargo xtask dist`: what a package of the program ships beside it. xtask has no dependencies, so the program itself
//! writes its man pages and shell completions; here they are asked for and checked.

use std::path::Path;

use crate::shell;

/// Where the pages go, from the root of the workspace.
const FOLDER: &str = "target/dist";

/// Builds the release binary and writes its pages.
pub(crate) fn main() -> Result<(), String> {
    let nearplane = shell::build_nearplane()?;
    generate(&nearplane)
}

/// Has this binary write its pages, and checks the one script that this machine can check.
pub(crate) fn generate(nearplane: &Path) -> Result<(), String> {
    let mut command = shell::program_at(nearplane);
    shell::run(command.args(["generate", "--out", FOLDER, "--force"]))?;
    match shell::find_program("bash") {
        Some(bash) => {
            let mut command = shell::program_at(bash);
            shell::run(command.args(["-n", &format!("{FOLDER}/completions/nearplane.bash")]))
        }
        None => {
            println!("no bash here: the syntax of nearplane.bash was not checked");
            Ok(())
        }
    }
}
