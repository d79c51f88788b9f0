//! The header of a `.safetensors` file, so that tensors can follow it piece by piece and the same tensors give the
//! same bytes. Format: <https://huggingface.co/docs/safetensors>. What is read goes through the `safetensors` crate.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Length of the JSON text in 8 bytes, then the text, padded with spaces so that the tensors start at a multiple of 8.
/// `tensors`: name, dtype, shape and length in bytes of each, in the order in which they follow.
pub(crate) fn header(
    tensors: &[(&str, &str, &[usize], usize)],
    metadata: &BTreeMap<String, String>,
) -> Vec<u8> {
    let mut entries = Map::new();
    entries.insert("__metadata__".to_owned(), json!(metadata));
    let mut start = 0;
    for &(name, dtype, shape, len) in tensors {
        let tensor = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, start + len]});
        entries.insert(name.to_owned(), tensor);
        start += len;
    }
    let mut text = Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    bytes
}

#[cfg(test)]
mod tests {
    use safetensors::{Dtype, SafeTensors};

    use super::*;

    #[test]
    fn the_library_reads_it() {
        let metadata = BTreeMap::from([("spec".to_owned(), "raw \"x\"".to_owned())]);
        let mut bytes = header(&[("x", "F32", &[2, 1], 8), ("y", "U8", &[2], 2)], &metadata);
        assert_eq!(bytes.len() % 8, 0);
        bytes.extend([1.5_f32, -2.0].iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend([7, 9]);
        let (_, read) = SafeTensors::read_metadata(&bytes).unwrap();
        let found = read.metadata().clone().unwrap();
        assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), metadata);
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let x = tensors.tensor("x").unwrap();
        assert_eq!((x.dtype(), x.shape()), (Dtype::F32, [2, 1].as_slice()));
        assert_eq!(x.data(), [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
        assert_eq!(tensors.tensor("y").unwrap().data(), [7, 9]);
    }
}
