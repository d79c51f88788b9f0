//! Tensors of f32 with text beside them as the bytes of a `.safetensors` file, sealed by a checksum.
//! Format: <https://huggingface.co/docs/safetensors>.

use super::ModelFileError;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// The length of the header, at the beginning.
const LENGTH: usize = 8;

/// The metadata that holds the checksum: SHA-256 of all bytes of the file, with 64 times `0` in its own
/// place. So whatever is changed shows, the header included, and a line of Python can check it.
const SEAL: &str = "sha256";

/// What stands in the place of the checksum while it is computed.
const UNSEALED: [u8; 64] = [b'0'; 64];

/// A tensor to be written: name, shape, numbers.
pub(super) type Tensor<'a> = (&'a str, Vec<usize>, &'a [f32]);

/// The file. The same tensors and texts give the same bytes.
pub(super) fn to_bytes(metadata: &[(&str, String)], tensors: &[Tensor<'_>]) -> Vec<u8> {
    let quoted = |text: &str| Value::from(text).to_string();
    let unsealed = String::from_utf8_lossy(&UNSEALED);
    let mut header = format!("{{\"__metadata__\":{{{}:\"{unsealed}\"", quoted(SEAL));
    for (key, value) in metadata {
        header.push_str(&format!(",{}:{}", quoted(key), quoted(value)));
    }
    header.push('}');
    let mut start = 0;
    for (name, shape, numbers) in tensors {
        let end = start + size_of_val(*numbers);
        let name = quoted(name);
        header.push_str(&format!(
            ",{name}:{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"
        ));
        start = end;
    }
    header.push('}');
    // So that the numbers begin at a multiple of 8.
    let padded = header.len().next_multiple_of(LENGTH);
    let mut bytes = Vec::with_capacity(LENGTH + padded + start);
    bytes.extend((padded as u64).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(LENGTH + padded, b' ');
    for (_, _, numbers) in tensors {
        bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    }
    let seal = hex(&Sha256::digest(&bytes));
    if let Some(place) = position(&bytes, &UNSEALED) {
        bytes[place..place + UNSEALED.len()].copy_from_slice(seal.as_bytes());
    }
    bytes
}

/// A file whose length, format and checksum are right.
pub(super) struct Opened<'a> {
    metadata: HashMap<String, String>,
    tensors: SafeTensors<'a>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(bytes: &'a [u8], format: &'static str) -> Result<Self, ModelFileError> {
        let not = |reason: String| ModelFileError::NotSafetensors(reason);
        let wrong_length = |expected: usize| ModelFileError::Length {
            found: bytes.len() as u64,
            expected: expected as u64,
        };
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else {
            return Err(wrong_length(LENGTH));
        };
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if rest.first().is_some_and(|&first| first != b'{') {
            return Err(not("its header is no object".to_owned()));
        }
        let Some(header) = rest.get(..length) else {
            return Err(wrong_length(length.saturating_add(LENGTH)));
        };
        let header: Value = serde_json::from_slice(header).map_err(|e| not(e.to_string()))?;
        let expected = end(&header).saturating_add(LENGTH + length);
        if bytes.len() != expected {
            return Err(wrong_length(expected));
        }
        let (_, read) = SafeTensors::read_metadata(bytes).map_err(|e| not(e.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| not(e.to_string()))?;
        let metadata = read.metadata().clone().unwrap_or_default();
        let found = metadata.get("format").cloned().unwrap_or_default();
        if found != format {
            let expected = format;
            return Err(ModelFileError::Format { found, expected });
        }
        if !is_sealed(bytes, metadata.get(SEAL)) {
            return Err(ModelFileError::Checksum);
        }
        Ok(Self { metadata, tensors })
    }

    /// A piece of the metadata.
    pub(super) fn text(&self, field: &'static str) -> Result<&str, ModelFileError> {
        let found = self.metadata.get(field).map(String::as_str);
        found.ok_or(ModelFileError::MissingField(field))
    }

    /// A piece of the metadata that says something else than text.
    pub(super) fn parsed<T>(
        &self,
        field: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ModelFileError> {
        let text = self.text(field)?;
        parse(text).ok_or_else(|| ModelFileError::Field {
            field,
            value: text.to_owned(),
            expected: expected.to_owned(),
        })
    }

    /// Of all tensors.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.tensors.names().into_iter();
        names.map(str::to_owned).collect()
    }

    /// Shape and numbers of a tensor of f32; `None` if there is none of that name.
    pub(super) fn tensor(
        &self,
        name: &str,
    ) -> Result<Option<(Vec<usize>, Vec<f32>)>, ModelFileError> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return Ok(None);
        };
        if tensor.dtype() != Dtype::F32 {
            return Err(ModelFileError::Tensor {
                name: name.to_owned(),
                dtype: tensor.dtype().to_string(),
                shape: tensor.shape().to_vec(),
                expected: "F32".to_owned(),
            });
        }
        let numbers = tensor.data().as_chunks().0.iter();
        let numbers = numbers.map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Ok(Some((tensor.shape().to_vec(), numbers)))
    }
}

/// Where the last tensor of a header ends, counted from the end of the header.
fn end(header: &Value) -> usize {
    let ends = header.as_object().into_iter().flat_map(|entries| {
        let tensors = entries.values();
        tensors.filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64())
    });
    usize::try_from(ends.max().unwrap_or(0)).unwrap_or(usize::MAX)
}

/// Whether the bytes are those that the checksum was computed of.
fn is_sealed(bytes: &[u8], seal: Option<&String>) -> bool {
    let Some(seal) = seal.filter(|seal| seal.len() == UNSEALED.len()) else {
        return false;
    };
    let Some(place) = position(bytes, seal.as_bytes()) else {
        return false;
    };
    let mut hash = Sha256::new();
    hash.update(&bytes[..place]);
    hash.update(UNSEALED);
    hash.update(&bytes[place + UNSEALED.len()..]);
    hex(&hash.finalize()) == *seal
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
