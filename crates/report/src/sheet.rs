//! Sheets of pictures of one size: an image beside what was made of it, row under row.

use crate::picture::{BACKGROUND, Picture};

/// Pictures of one size on a grid, on a light gray ground; places that nothing was put in stay empty.
///
/// ```
/// use nearplane_report::{Picture, Sheet};
/// let mut sheet = Sheet::new(3, 2, (8, 5), 1);
/// sheet.put(2, 1, &Picture::new(8, 5, vec![7; 120])); // third column, second row
/// let picture = sheet.finish();
/// assert_eq!((picture.width(), picture.height()), (3 * 9 + 1, 2 * 6 + 1));
/// assert_eq!(picture.rgb()[3 * (28 * 7 + 19)], 7);
/// ```
#[derive(Clone, Debug)]
pub struct Sheet {
    columns: usize,
    rows: usize,
    size: (u32, u32),
    gap: usize,
    picture: Picture,
}

impl Sheet {
    /// An empty sheet for `columns x rows` pictures of `size` (width, height), with `gap` pixels
    /// between neighbours and around the whole.
    ///
    /// # Panics
    /// If one of them but `gap` is 0, or a side of the sheet exceeds u32.
    #[must_use]
    pub fn new(columns: usize, rows: usize, size: (u32, u32), gap: usize) -> Self {
        let along = |count: usize, side: u32| {
            assert!(
                count > 0 && side > 0,
                "a sheet of {columns} x {rows} pictures of {} x {} pixels",
                size.0,
                size.1
            );
            let step = (side as usize).checked_add(gap);
            let steps = step.and_then(|step| step.checked_mul(count));
            let side = steps.and_then(|steps| steps.checked_add(gap));
            side.and_then(|side| u32::try_from(side).ok())
                .unwrap_or_else(|| {
                    panic!("{count} pictures with gaps of {gap} are wider than 4294967295 pixels")
                })
        };
        let (width, height) = (along(columns, size.0), along(rows, size.1));
        let ground = BACKGROUND.repeat(width as usize * height as usize);
        Self {
            columns,
            rows,
            size,
            gap,
            picture: Picture::new(width, height, ground),
        }
    }

    /// Puts a picture into a place, counted from 0 at the upper left.
    ///
    /// # Panics
    /// If there is no such place, or the picture is of another size.
    pub fn put(&mut self, column: usize, row: usize, picture: &Picture) {
        assert!(
            column < self.columns && row < self.rows,
            "place ({column}, {row}) of {} x {}",
            self.columns,
            self.rows
        );
        let (width, height) = self.size;
        assert!(
            (picture.width(), picture.height()) == self.size,
            "a picture of {} x {} pixels in a place of {width} x {height}",
            picture.width(),
            picture.height()
        );
        let left = self.gap + column * (width as usize + self.gap);
        let top = self.gap + row * (height as usize + self.gap);
        self.picture.paste(left, top, picture);
    }

    /// The sheet as a picture.
    #[must_use]
    pub fn finish(self) -> Picture {
        self.picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_where_it_belongs() {
        let (columns, rows, gap) = (2, 3, 2);
        let mut sheet = Sheet::new(columns, rows, (4, 3), gap);
        let of = |place: usize| {
            let bytes = (0..36).map(|i| (i + 40 * place) as u8).collect();
            Picture::new(4, 3, bytes)
        };
        // The last place stays empty.
        for place in 0..5 {
            sheet.put(place % 2, place / 2, &of(place));
        }
        let sheet = sheet.finish();
        assert_eq!((sheet.width(), sheet.height()), (14, 17));
        for (at, pixel) in sheet.rgb().chunks(3).enumerate() {
            let (x, y) = (at % 14, at / 14);
            let (column, in_x) = ((x + 4) / 6, (x + 4) % 6);
            let (row, in_y) = ((y + 3) / 5, (y + 3) % 5);
            let place = (column > 0 && row > 0).then(|| 2 * (row - 1) + column - 1);
            let shown = place.filter(|&place| place < 5 && in_x < 4 && in_y < 3);
            let expected = shown.map_or(BACKGROUND.to_vec(), |place| {
                of(place).rgb()[3 * (in_y * 4 + in_x)..][..3].to_vec()
            });
            assert_eq!(pixel, expected, "({x}, {y})");
        }
    }

    #[test]
    #[should_panic(expected = "a picture of 1 x 1 pixels in a place of 4 x 3")]
    fn another_size_is_refused() {
        Sheet::new(1, 1, (4, 3), 0).put(0, 0, &Picture::new(1, 1, vec![0; 3]));
    }

    #[test]
    #[should_panic(expected = "place (0, 1) of 1 x 1")]
    fn a_place_beyond_the_sheet_is_refused() {
        Sheet::new(1, 1, (1, 1), 0).put(0, 1, &Picture::new(1, 1, vec![0; 3]));
    }

    #[test]
    #[should_panic(expected = "wider than 4294967295 pixels")]
    fn a_sheet_too_large_is_refused() {
        let _ = Sheet::new(1 << 40, 1, (1, 1), 0);
    }
}
