"""scikit-image's hog with its own parameters, in colour. It has no threads."""

import skimage
from skimage.feature import hog

from features.each import each, rgb
from measurement import Measurement

IMAGES = 2000
QUICK = 200


def measure(job):
    n_images = len(job.images.train) + len(job.images.test)
    every = max(1, n_images // (QUICK if job.quick else IMAGES))

    def function(image):
        return hog(image, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(3, 3), block_norm="L2-Hys",
                   channel_axis=-1)

    found, seconds = each(function, rgb(job.images, every))
    return Measurement(
        system=f"scikit-image {skimage.__version__} hog",
        what="hog, an image a call, float64",
        found=found,
        threads=1,
        item_seconds=seconds,
        every=every,
    )
