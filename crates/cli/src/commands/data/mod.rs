//! `nearplane data ...`: data sets on their way in and out.

pub(crate) mod export;
#[cfg(feature = "fetch")]
pub(crate) mod fetch;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod perturb;
pub(crate) mod synth;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{now, object};
use crate::pending::folder_of;

/// Refuses a folder to be written before work is put into its contents: something is there already,
/// or nothing can be put there.
fn check_output_folder(out: &Path, force: bool) -> Result<()> {
    match std::fs::read_dir(out) {
        Ok(mut entries) => {
            if !force && entries.next().is_some() {
                bail!(
                    "{} exists; give another folder, or --force to replace it",
                    out.display()
                );
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if out.is_symlink() {
                bail!(
                    "{} is a link that leads nowhere; give the name of a folder to write",
                    out.display()
                );
            }
        }
        Err(_) if out.is_file() => {
            bail!(
                "{} is a file; give the name of a folder to write",
                out.display()
            );
        }
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot write the folder {}", out.display()));
        }
    }
    // The parent may have to be made first; what counts is the nearest one that exists.
    let mut parent = folder_of(out);
    while !parent.exists() {
        parent = folder_of(parent);
    }
    tempfile::Builder::new()
        .prefix(".nearplane-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write the folder {}", out.display()))?;
    Ok(())
}
