//! Features kept in a folder: one `.safetensors` file for each data set, split and specification. The file says
//! what it holds, and is taken only if that is what is asked for; whatever is wrong with a cache costs a note and
//! the time to compute the features again, never a result.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nearplane_cifar::{Dataset, SplitName};
use nearplane_models::features::FeatureExtractor;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest as _, Sha256};

use crate::hash::{data_hash, hex};
use crate::output::note;
use crate::pending::{Outputs, PendingFile};
use crate::safetensors_file;

/// Where the features of one matrix are kept.
pub(super) struct Cache {
    path: PathBuf,
    /// What the file has to say of itself.
    metadata: BTreeMap<String, String>,
    rows: usize,
    cols: usize,
}

impl Cache {
    pub(super) fn new(
        folder: &Path,
        data: &Dataset,
        split: SplitName,
        rows: usize,
        extractor: &FeatureExtractor,
    ) -> Cache {
        let metadata: BTreeMap<String, String> = [
            ("format", "nearplane/features/1".to_owned()),
            // A later version may compute something else under the same name.
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("data", data_hash(data)),
            ("split", split.to_string()),
            ("rows", rows.to_string()),
            ("spec", extractor.spec().to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let lines: String = metadata
            .iter()
            .map(|(key, value)| format!("{key} {value}\n"))
            .collect();
        let name = sha256(lines.as_bytes());
        Cache {
            path: folder.join(format!("features-{}.safetensors", &name[..24])),
            metadata,
            rows,
            cols: extractor.n_features(),
        }
    }

    /// The features, if the file is there and whole.
    pub(super) fn read(&self, quiet: bool) -> Option<Vec<f32>> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.give_up(quiet, &error.to_string());
                return None;
            }
        };
        match self.parse(&bytes) {
            Ok(values) => Some(values),
            Err(error) => {
                self.give_up(quiet, &format!("{error:#}"));
                None
            }
        }
    }

    fn give_up(&self, quiet: bool, reason: &str) {
        let path = self.path.display();
        note(
            quiet,
            &format!("the cache {path} is not used ({reason}); the features are computed again"),
        );
    }

    fn parse(&self, bytes: &[u8]) -> Result<Vec<f32>> {
        let (_, header) = SafeTensors::read_metadata(bytes).context("damaged")?;
        let expected = self.metadata_with_digest(bytes)?;
        let found = header.metadata().clone().unwrap_or_default();
        if found.into_iter().collect::<BTreeMap<_, _>>() != expected {
            bail!("it holds something else, or is damaged");
        }
        let tensors = SafeTensors::deserialize(bytes).context("damaged")?;
        let x = tensors.tensor("x").context("damaged")?;
        if x.dtype() != Dtype::F32 || x.shape() != [self.rows, self.cols] {
            bail!("it holds {:?} of shape {:?}", x.dtype(), x.shape());
        }
        let values = x.data().as_chunks().0.iter();
        Ok(values.map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    /// The metadata of a file whose tensor is what these bytes end in.
    fn metadata_with_digest(&self, bytes: &[u8]) -> Result<BTreeMap<String, String>> {
        let len = self.rows * self.cols * size_of::<f32>();
        let start = bytes.len().checked_sub(len).context("it is too short")?;
        let mut metadata = self.metadata.clone();
        metadata.insert("sha256".to_owned(), sha256(&bytes[start..]));
        Ok(metadata)
    }

    /// Keeps the features for the next time.
    pub(super) fn write(&self, values: &[f32], quiet: bool) {
        if let Err(error) = self.try_write(values) {
            note(
                quiet,
                &format!("the features are not kept for the next time: {error:#}"),
            );
        }
    }

    fn try_write(&self, values: &[f32]) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let mut file = PendingFile::create(&self.path, true)?;
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut metadata = self.metadata.clone();
        metadata.insert("sha256".to_owned(), sha256(&bytes));
        let shape = [self.rows, self.cols];
        let text = safetensors_file::header(&[("x", "F32", &shape, bytes.len())], &metadata);
        file.write_all(&text).with_context(|| file.cannot_write())?;
        file.write_all(&bytes)
            .with_context(|| file.cannot_write())?;
        // Whatever comes of the run, what was computed stays.
        let outputs = Outputs::default();
        outputs.place(vec![file])?;
        outputs.keep();
        Ok(())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
