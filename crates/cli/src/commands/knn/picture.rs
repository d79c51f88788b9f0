//! The picture of `knn --neighbors`: images beside their nearest neighbours.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use nearplane_models::neighbors::{Element, KNeighborsClassifier};
use nearplane_report::{Tile, contact_sheet};

use super::task::Task;
use crate::data_source::Opened;
use crate::pending::PendingFile;

/// Rows of images that are recognised, and as many of others.
const ROWS: usize = 8;
/// Neighbours in a row.
const NEIGHBORS: usize = 10;

const RIGHT: [u8; 3] = [0, 150, 90];
const WRONG: [u8; 3] = [214, 40, 70];

/// A row each: the image, framed by whether its label was predicted, then its neighbours, framed by whether they are of
/// its class. The recognised ones first.
pub(super) fn draw<T: Element>(
    file: &mut PendingFile,
    opened: &Opened,
    task: &Task<'_, T>,
    classifier: &KNeighborsClassifier<'_, T>,
    predicted: &[u32],
) -> Result<()> {
    let (train, test) = (opened.data.train(), opened.data.test());
    let color = |is_right: bool| if is_right { RIGHT } else { WRONG };
    let k = NEIGHBORS.min(task.train_labels.len());
    let mut tiles = Vec::new();
    for wanted in [true, false] {
        let queries = (0..predicted.len()).filter(|&i| (predicted[i] == task.truth[i]) == wanted);
        let queries: Vec<u32> = queries.take(ROWS).map(|query| query as u32).collect();
        let found = classifier
            .index()
            .kneighbors(&task.queries.select(queries.clone())?, k)?;
        for (row, query) in queries.iter().map(|&query| query as usize).enumerate() {
            let image = match &task.query_positions {
                Some(positions) => train.image(positions[query] as usize),
                None => test.image(query),
            };
            tiles.push(Tile::framed(image, color(wanted)));
            for &neighbor in found.indices(row) {
                let neighbor = neighbor as usize;
                let position = match &task.train_positions {
                    Some(positions) => positions[neighbor] as usize,
                    None => neighbor,
                };
                let is_same = task.train_labels[neighbor] == task.truth[query];
                tiles.push(Tile::framed(train.image(position), color(is_same)));
            }
        }
    }
    let png = contact_sheet(&tiles, k + 1, 2, 6).to_png()?;
    let cannot = file.cannot_write();
    file.write_all(&png).context(cannot)
}
