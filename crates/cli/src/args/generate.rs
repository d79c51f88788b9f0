//! `nearplane generate`, as typed. Hidden: it is for those who package the program.

use std::path::PathBuf;

use clap::Args;

/// `generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Folder to write to: man/ and completions/ are made in it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
