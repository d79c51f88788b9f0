//! What the next fit of a path begins with, kept beside the file of results: the parameters of the last fit and its
//! row, a file for each path and fold that is on its way. A file that is missing or damaged costs the time to fit the
//! path again, never a result.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nearplane_models::linear::Parameters;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest as _, Sha256};

use super::unit::key;
use crate::hash::hex;
use crate::safetensors_file;

const FORMAT: &str = "nearplane/path-start/1";

/// The folder beside a file of results.
pub(super) struct Starts {
    folder: PathBuf,
}

/// Where a path stands in a fold.
pub(super) struct Start {
    /// The row of the last fit.
    pub(super) row: Vec<String>,
    pub(super) parameters: Parameters,
}

impl Starts {
    pub(super) fn beside(results: &Path) -> Starts {
        let mut name = results.as_os_str().to_owned();
        name.push(".starts");
        Starts {
            folder: name.into(),
        }
    }

    /// By the question of the first fit of the path.
    fn path(&self, first: &[String]) -> PathBuf {
        let digest = digest(&key(first).join("\n"));
        self.folder.join(format!("{}.safetensors", &digest[..24]))
    }

    /// `None` where there is none that can be used.
    pub(super) fn read(&self, first: &[String]) -> Option<Start> {
        let bytes = std::fs::read(self.path(first)).ok()?;
        let (_, header) = SafeTensors::read_metadata(&bytes).ok()?;
        let metadata = header.metadata().clone()?;
        if metadata.get("format")? != FORMAT {
            return None;
        }
        let tensors = SafeTensors::deserialize(&bytes).ok()?;
        let numbers = |name: &str| -> Option<Vec<u8>> {
            let tensor = tensors.tensor(name).ok()?;
            (tensor.dtype() == Dtype::F64).then(|| tensor.data().to_vec())
        };
        let (weight, bias) = (numbers("weight")?, numbers("bias")?);
        let row = metadata.get("row")?;
        if *metadata.get("sha256")? != checksum(row, &weight, &bias) {
            return None;
        }
        let wide = |bytes: &[u8]| -> Vec<f64> {
            let numbers = bytes.as_chunks().0.iter();
            numbers.map(|&bytes| f64::from_le_bytes(bytes)).collect()
        };
        Some(Start {
            row: serde_json::from_str(row).ok()?,
            parameters: Parameters {
                weight: wide(&weight),
                bias: wide(&bias),
            },
        })
    }

    /// Whole or not at all, whenever the process ends: what a kill leaves half written has a name of its own, which the
    /// next run takes again.
    pub(super) fn write(&self, first: &[String], start: &Start) -> Result<()> {
        let cannot = || format!("cannot make the folder {}", self.folder.display());
        std::fs::create_dir_all(&self.folder).with_context(cannot)?;
        let bytes = |numbers: &[f64]| -> Vec<u8> {
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect()
        };
        let parameters = &start.parameters;
        let (weight, bias) = (bytes(&parameters.weight), bytes(&parameters.bias));
        let row = serde_json::to_string(&start.row)?;
        let metadata: BTreeMap<String, String> = [
            ("format", FORMAT.to_owned()),
            ("sha256", checksum(&row, &weight, &bias)),
            ("row", row),
        ]
        .map(|(name, text)| (name.to_owned(), text))
        .into();
        let (n_weight, n_bias) = ([parameters.weight.len()], [parameters.bias.len()]);
        let tensors = [
            ("weight", "F64", &n_weight[..], weight.len()),
            ("bias", "F64", &n_bias[..], bias.len()),
        ];
        let header = safetensors_file::header(&tensors, &metadata);
        let path = self.path(first);
        let partial = path.with_extension("partial");
        let written = File::create(&partial).and_then(|mut file| {
            for part in [&header, &weight, &bias] {
                file.write_all(part)?;
            }
            file.sync_all()?;
            std::fs::rename(&partial, &path)
        });
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// The path is at its end.
    pub(super) fn remove(&self, first: &[String]) {
        // What stays is only in the way: the next run reads none of a path that is finished.
        let path = self.path(first);
        let _ = std::fs::remove_file(path.with_extension("partial"));
        let _ = std::fs::remove_file(path);
    }

    /// Nothing is on its way any more.
    pub(super) fn close(&self) {
        // Not of other sweeps with the same file of results.
        let _ = std::fs::remove_dir(&self.folder);
    }
}

fn checksum(row: &str, weight: &[u8], bias: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [row.as_bytes(), weight, bias] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hex(&digest.finalize())
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_or_nothing_does() {
        let dir = tempfile::tempdir().unwrap();
        let starts = Starts::beside(&dir.path().join("x.csv"));
        let first = vec!["a".to_owned(); 27];
        assert!(starts.read(&first).is_none());
        let start = Start {
            row: vec!["1".to_owned(), "x, \"y\"".to_owned()],
            parameters: Parameters {
                weight: vec![0.1, -2.0, 1e300, 4.0],
                bias: vec![1.0 / 3.0, 0.0],
            },
        };
        starts.write(&first, &start).unwrap();
        let found = starts.read(&first).unwrap();
        assert_eq!(found.row, start.row);
        assert_eq!(found.parameters, start.parameters);
        let path = starts.path(&first);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            let found = starts.read(&first);
            assert!(
                found.is_none_or(
                    |found| found.row == start.row && found.parameters == start.parameters
                )
            );
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert!(starts.read(&first).is_none());
        }
        starts.close();
        assert!(path.exists());
        starts.remove(&first);
        starts.close();
        assert!(!dir.path().join("x.csv.starts").exists());
    }
}
