//! `nearplane generate`: man pages and shell completions from the definition of the command line itself, so that they
//! cannot name an option that does not exist. Hidden from the help: it is for those who package the program.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_complete::aot::{Shell, generate};
use clap_mangen::Man;
use serde_json::json;

use super::{now, object};
use crate::args::Cli;
use crate::output::Report;
use crate::pending::PendingFile;
use crate::plan::{GeneratePlan, Settings};

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; 5] = ["schema", "time", "version", "out", "files"];

const SCHEMA: &str = "nearplane/generate/1";

/// Each shell with the file name under which it looks for completions of `nearplane`.
const SHELLS: [(Shell, &str); 4] = [
    (Shell::Bash, "nearplane.bash"),
    (Shell::Zsh, "_nearplane"),
    (Shell::Fish, "nearplane.fish"),
    (Shell::PowerShell, "_nearplane.ps1"),
];

/// Writes every page, and reports.
pub(crate) fn run(plan: &GeneratePlan, settings: &Settings) -> Result<Report> {
    for folder in ["man", "completions"] {
        let folder = plan.out.join(folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut pending = Vec::new();
    let mut files = Vec::new();
    for (name, text) in pages()? {
        let path = plan.out.join(name);
        let mut file = PendingFile::create(&path, settings.force)?;
        file.write_all(&text)
            .with_context(|| format!("cannot write {}", path.display()))?;
        pending.push(file);
        files.push(path);
    }
    settings.outputs.place(pending)?;
    let out = plan.out.display().to_string();
    Ok(Report {
        text: format!("{} files in {out}\n", files.len()),
        record: object(json!({
            "schema": SCHEMA,
            "out": out,
            "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        })),
        rows: vec![vec![
            SCHEMA.to_owned(),
            now(),
            env!("CARGO_PKG_VERSION").to_owned(),
            out,
            files.len().to_string(),
        ]],
    })
}

/// Every page: its place below the folder, and its text.
fn pages() -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut pages = Vec::new();
    for (shell, name) in SHELLS {
        let mut text = Vec::new();
        generate(shell, &mut Cli::command(), "nearplane", &mut text);
        pages.push((PathBuf::from("completions").join(name), text));
    }
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    add_man_pages(command, &mut pages)?;
    Ok(pages)
}

/// The page of a command, then those of its subcommands.
fn add_man_pages(command: Command, pages: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<()> {
    let subcommands: Vec<Command> = command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
        .cloned()
        .collect();
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render(&mut text).context("cannot lay out a man page")?;
    pages.push((PathBuf::from("man").join(man.get_filename()), text));
    for subcommand in subcommands {
        add_man_pages(subcommand, pages)?;
    }
    Ok(())
}
