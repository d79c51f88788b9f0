//! `nearplane generate` through the binary: the pages are there, they name every command, and shells take them.

mod common;

use std::collections::BTreeSet;

use common::Room;

/// The subcommands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let (_, commands) = help.split_once("Commands:\n").unwrap_or_default();
    let lines = commands
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_has_a_man_page() {
    let room = Room::new();
    room.ok("generate --out pages");
    let mut expected = BTreeSet::from(["nearplane.1".to_owned()]);
    let main = std::fs::read_to_string(room.path("pages/man/nearplane.1")).unwrap();
    let commands = listed(&room.ok("--help").0);
    assert!(commands.contains(&"knn".to_owned()), "{commands:?}");
    for command in commands {
        assert!(
            main.contains(&format!("nearplane\\-{command}(1)")),
            "{command}"
        );
        let page = format!("pages/man/nearplane-{command}.1");
        let page = std::fs::read_to_string(room.path(&page)).unwrap();
        for inner in listed(&room.ok(&format!("{command} --help")).0) {
            assert!(page.contains(&format!("{command}\\-{inner}(1)")), "{inner}");
            expected.insert(format!("nearplane-{command}-{inner}.1"));
        }
        expected.insert(format!("nearplane-{command}.1"));
    }
    assert!(expected.contains("nearplane-data-import.1"), "{expected:?}");
    let files = std::fs::read_dir(room.path("pages/man")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, expected);
    let knn = std::fs::read_to_string(room.path("pages/man/nearplane-knn.1")).unwrap();
    assert!(knn.contains("\\-\\-metric"), "{knn}");
}

#[test]
fn every_shell_has_completions() {
    let room = Room::new();
    room.ok("generate --out pages");
    for (name, words) in [
        ("nearplane.bash", "complete -F _nearplane"),
        ("_nearplane", "#compdef nearplane"),
        ("nearplane.fish", "complete -c nearplane"),
        ("_nearplane.ps1", "Register-ArgumentCompleter"),
    ] {
        let text =
            std::fs::read_to_string(room.path(&format!("pages/completions/{name}"))).unwrap();
        assert!(text.contains(words), "{name}");
        assert!(
            text.contains("inspect") && text.contains("metric"),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn bash_takes_its_completions() {
    let room = Room::new();
    room.ok("generate --out pages");
    let script = room.path("pages/completions/nearplane.bash");
    // What bash itself would do after `nearplane kn<Tab>`.
    let complete = "source \"$0\"; COMP_WORDS=(nearplane kn); COMP_CWORD=1; \
                    _nearplane nearplane kn nearplane; echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["-c", complete])
        .arg(&script)
        .output()
        .expect("the tests need bash");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "knn\n");
}

#[test]
fn pages_that_exist_need_force() {
    let room = Room::new();
    room.ok("generate --out pages");
    room.fails(1, "generate --out pages", &["exists", "--force"]);
    room.ok("generate --out pages --force");
    room.write("file", "");
    room.fails(
        1,
        "generate --out file",
        &["cannot make the folder", "file"],
    );
}
