//! The shape of an image, which rows of bytes do not carry themselves.

/// Shape of a planar image: `channels` planes of `height` rows of `width` bytes, all red, then all
/// green, then all blue, as CIFAR has it. One channel is grey.
///
/// ```
/// use nearplane_models::features::ImageShape;
/// assert_eq!(ImageShape::CIFAR.len(), 3072);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a shape is these three numbers")]
pub struct ImageShape {
    /// Planes: 1 or 3.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl ImageShape {
    /// An image of CIFAR-10 or CIFAR-100: red, green and blue, 32 x 32.
    pub const CIFAR: Self = Self {
        channels: 3,
        height: 32,
        width: 32,
    };

    /// Bytes of an image.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether an image of this shape has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
