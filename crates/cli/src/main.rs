//! The command line of nearplane: arguments become a plan, a command carries it out, and whatever
//! goes wrong becomes one line on stderr and an exit code. Algorithms live in the libraries.

mod answer;
mod args;
mod commands;
mod csv_log;
mod data_source;
mod failure;
mod feature_matrix;
mod fitted;
mod hash;
mod looks;
mod matrices;
mod npy;
mod output;
mod pending;
mod pending_folder;
mod plan;
mod progress;
mod record;
mod safetensors_file;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::args::Cli;
use crate::plan::{Plan, Settings};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::stderr_line("error", &failure::one_line(&error));
            ExitCode::from(failure::exit_code(&error))
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    progress::install_interrupt_handler()?;
    #[cfg(unix)]
    nearplane_cifar::install_sigbus_handler().context("cannot install the SIGBUS handler")?;
    let plan = Plan::new(cli)?;
    start_threads(&plan.settings)?;
    commands::run(&plan)
}

/// Help and version are answers; anything else is wrong usage, told in one line.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // A reader that went away is no failure.
            let _ = error.print();
        }
        _ => output::stderr_line("error", &failure::one_line_usage(error, &named_command())),
    }
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// The subcommand that the arguments name, as far as they name one.
fn named_command() -> clap::Command {
    let mut command = Cli::command();
    // Fills in the full names of subcommands.
    command.build();
    for word in std::env::args_os().skip(1) {
        if let Some(found) = command.find_subcommand(&word) {
            command = found.clone();
        }
    }
    command
}

/// One pool for everything.
fn start_threads(settings: &Settings) -> Result<()> {
    let mut builder = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = settings.threads {
        builder = builder.num_threads(threads);
    }
    builder
        .build_global()
        .context("cannot start the threads; try a smaller --threads")
}
