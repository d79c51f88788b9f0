//! Rule: dependencies point downwards. Which crate may know which is DESIGN's table of layers, kept here as code.

use super::{File, Problem};

/// What the manifest of one package may ask for.
struct Layer {
    /// Folder of the package.
    folder: &'static str,
    /// Crates of ours that it may depend on.
    ours: &'static [&'static str],
    /// Crates of ours that its tests and examples may use besides.
    ours_in_tests: &'static [&'static str],
    /// Foreign crates that it may depend on without optional features; `None` where all but [`ONLY_CLI`] are fine.
    foreign: Option<&'static [&'static str]>,
}

const LAYERS: [Layer; 9] = [
    Layer {
        folder: "crates/kernels",
        ours: &[],
        ours_in_tests: &[],
        foreign: Some(&["rayon", "wide"]),
    },
    Layer {
        folder: "crates/cifar",
        ours: &[],
        ours_in_tests: &[],
        foreign: Some(&["memmap2", "thiserror"]),
    },
    Layer {
        folder: "crates/synth",
        ours: &[],
        ours_in_tests: &[],
        foreign: None,
    },
    Layer {
        folder: "crates/models",
        ours: &["nearplane-kernels"],
        ours_in_tests: &["nearplane-cifar", "nearplane-synth"],
        foreign: None,
    },
    Layer {
        folder: "crates/report",
        ours: &[],
        ours_in_tests: &[],
        foreign: None,
    },
    Layer {
        folder: "crates/cli",
        ours: LIBRARIES,
        ours_in_tests: &[],
        foreign: None,
    },
    Layer {
        folder: "benches",
        ours: LIBRARIES,
        ours_in_tests: &[],
        foreign: None,
    },
    Layer {
        folder: "fuzz",
        ours: &["nearplane-kernels", "nearplane-cifar", "nearplane-models"],
        ours_in_tests: &[],
        foreign: None,
    },
    Layer {
        folder: "xtask",
        ours: &[],
        ours_in_tests: &[],
        foreign: Some(&[]),
    },
];

const LIBRARIES: &[&str] = &[
    "nearplane-kernels",
    "nearplane-cifar",
    "nearplane-synth",
    "nearplane-models",
    "nearplane-report",
];

/// Foreign crates that speak to a person or hide errors: for the command line alone, and for the fuzz targets, which
/// compile some files of it.
const ONLY_CLI: [&str; 6] = [
    "anyhow",
    "clap",
    "comfy-table",
    "ctrlc",
    "humantime",
    "indicatif",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Test,
    Build,
}

#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    line: usize,
    name: String,
    kind: Kind,
    is_optional: bool,
}

pub(super) fn check(manifest: &File, problems: &mut Vec<Problem>) {
    let Some(folder) = manifest.path.strip_suffix("/Cargo.toml") else {
        return;
    };
    let Some(layer) = LAYERS.iter().find(|layer| layer.folder == folder) else {
        if folder.starts_with("crates/") {
            let message = "a crate without a layer: give it one in xtask/src/tidy/layers.rs and crates/README.md";
            problems.push(Problem::new(&manifest.path, 1, message));
        }
        return;
    };
    for dependency in dependencies(&manifest.text) {
        if let Err(message) = layer.allows(&dependency) {
            problems.push(Problem::new(&manifest.path, dependency.line, message));
        }
    }
}

impl Layer {
    fn allows(&self, dependency: &Dependency) -> Result<(), String> {
        let name = dependency.name.as_str();
        let in_tests = dependency.kind == Kind::Test;
        if name.starts_with("nearplane") {
            let is_fine =
                self.ours.contains(&name) || (in_tests && self.ours_in_tests.contains(&name));
            return if is_fine {
                Ok(())
            } else {
                Err(format!("{} must not know {name}", self.folder))
            };
        }
        if in_tests && self.foreign != Some(&[]) {
            return Ok(());
        }
        match self.foreign {
            Some(foreign) if !foreign.contains(&name) && !dependency.is_optional => {
                let allowed = if foreign.is_empty() {
                    "nothing".to_owned()
                } else {
                    foreign.join(", ")
                };
                Err(format!(
                    "{} depends on {name}, but without features it may depend on {allowed} only",
                    self.folder
                ))
            }
            _ if ONLY_CLI.contains(&name) && !["crates/cli", "fuzz"].contains(&self.folder) => Err(
                format!("{name} belongs to the command line, not to {}", self.folder),
            ),
            _ => Ok(()),
        }
    }
}

/// The dependencies that a manifest names, in its order. Reads what manifests are made of and no more of TOML.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut section: Option<(Kind, bool)> = None;
    let mut open = 0_i32;
    for (line, text) in (1..).zip(manifest.lines()) {
        let text = text.split(" #").next().unwrap_or("").trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if open == 0 && text.starts_with('[') {
            let (kind, name) = dependency_section(text.trim_matches(['[', ']']));
            if let (Some(kind), Some(name)) = (kind, name) {
                found.push(Dependency {
                    line,
                    name: name.to_owned(),
                    kind,
                    is_optional: false,
                });
            }
            section = kind.map(|kind| (kind, name.is_some()));
            continue;
        }
        let continues = open > 0;
        open += depth(text);
        let Some((kind, has_own_section)) = section.filter(|_| !continues) else {
            continue;
        };
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let key = key.trim();
        if has_own_section {
            if let Some(dependency) = found.last_mut() {
                dependency.is_optional |= key == "optional" && value.trim() == "true";
                if key == "package" {
                    dependency.name = value.trim().trim_matches('"').to_owned();
                }
            }
            continue;
        }
        let package = value
            .split_once("package")
            .and_then(|(_, rest)| rest.split('"').nth(1));
        let name =
            package.unwrap_or_else(|| key.split('.').next().unwrap_or(key).trim_matches('"'));
        let is_optional = value.replace(' ', "").contains("optional=true");
        found.push(Dependency {
            line,
            name: name.to_owned(),
            kind,
            is_optional,
        });
    }
    found
}

/// `dependencies`, `target.'cfg(unix)'.dev-dependencies`, `dependencies.NAME`: the kind and the name.
fn dependency_section(section: &str) -> (Option<Kind>, Option<&str>) {
    for (word, kind) in [
        ("dev-dependencies", Kind::Test),
        ("build-dependencies", Kind::Build),
        ("dependencies", Kind::Normal),
    ] {
        let Some(at) = section.rfind(word) else {
            continue;
        };
        let (before, after) = (&section[..at], &section[at + word.len()..]);
        if before.is_empty() || (before.starts_with("target.") && before.ends_with('.')) {
            return (Some(kind), after.strip_prefix('.'));
        }
    }
    (None, None)
}

/// How many brackets a line opens more than it closes.
fn depth(text: &str) -> i32 {
    text.chars()
        .map(|c| i32::from("[{".contains(c)) - i32::from("]}".contains(c)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(
            &File {
                path: path.to_owned(),
                text: text.to_owned(),
            },
            &mut problems,
        );
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn manifests_are_read() {
        let manifest = "\
[package]
name = \"x\"
[dependencies]
a.workspace = true
b = { version = \"1\", optional = true } # why
c = { package = \"nearplane-cli\", path = \"../cli\", features = [
    \"f\",
] }
# d = \"1\"
[target.'cfg(unix)'.dev-dependencies]
e = \"1\"
[dependencies.f]
version = \"1\"
optional = true
[build-dependencies]
g = \"1\"
[features]
import = [\"dep:b\"]
";
        let found = dependencies(manifest);
        let expected = [
            (4, "a", Kind::Normal, false),
            (5, "b", Kind::Normal, true),
            (6, "nearplane-cli", Kind::Normal, false),
            (11, "e", Kind::Test, false),
            (12, "f", Kind::Normal, true),
            (16, "g", Kind::Build, false),
        ];
        let expected = expected.map(|(line, name, kind, is_optional)| Dependency {
            line,
            name: name.to_owned(),
            kind,
            is_optional,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn dependencies_point_downwards() {
        assert_eq!(
            found(
                "crates/kernels/Cargo.toml",
                "[dependencies]\nnearplane-cifar.workspace = true\nrayon = \"1\"\n"
            ),
            ["crates/kernels/Cargo.toml:2: crates/kernels must not know nearplane-cifar"],
        );
        assert_eq!(
            found(
                "crates/models/Cargo.toml",
                "[dependencies]\nnearplane-kernels.workspace = true\nnearplane-synth = \"1\"\n"
            ),
            ["crates/models/Cargo.toml:3: crates/models must not know nearplane-synth"],
        );
        assert!(
            found(
                "crates/models/Cargo.toml",
                "[dev-dependencies]\nnearplane-synth.workspace = true\n"
            )
            .is_empty()
        );
        assert_eq!(
            found(
                "crates/models/Cargo.toml",
                "[dev-dependencies]\nnearplane-cli = \"1\"\n"
            )
            .len(),
            1
        );
        assert!(
            found(
                "crates/cli/Cargo.toml",
                "[dependencies]\nnearplane-models.workspace = true\nclap = \"4\"\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn crates_used_alone_stay_light() {
        assert_eq!(
            found(
                "crates/cifar/Cargo.toml",
                "[dependencies]\nmemmap2 = \"1\"\nimage = \"1\"\ntar = { version = \"1\", optional = true }\n"
            ),
            [
                "crates/cifar/Cargo.toml:3: crates/cifar depends on image, but without features it may depend on memmap2, thiserror only"
            ],
        );
        assert!(
            found(
                "crates/kernels/Cargo.toml",
                "[dependencies]\nwide = \"1\"\n[dev-dependencies]\nproptest = \"1\"\n"
            )
            .is_empty()
        );
        assert_eq!(
            found(
                "crates/synth/Cargo.toml",
                "[dependencies]\nanyhow.workspace = true\n"
            ),
            ["crates/synth/Cargo.toml:2: anyhow belongs to the command line, not to crates/synth"],
        );
        assert_eq!(
            found("xtask/Cargo.toml", "[dev-dependencies]\ntempfile = \"3\"\n").len(),
            1
        );
    }

    #[test]
    fn every_crate_has_a_layer() {
        assert_eq!(found("crates/new/Cargo.toml", "[package]\n").len(), 1);
        assert!(
            found(
                "benches/peers/rust/Cargo.toml",
                "[dependencies]\nx = \"1\"\n"
            )
            .is_empty()
        );
        assert!(found("Cargo.toml", "[workspace.dependencies]\nanyhow = \"1\"\n").is_empty());
    }
}
