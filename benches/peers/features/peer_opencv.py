"""OpenCV 4 on the RGB array as stored: HOGDescriptor.compute, and the histogram of the 8-bit hue."""

import cv2

from features.each import each, rgb
from measurement import Measurement

BINS = 10  # of hue, as in the specification of nearplane
QUICK_EVERY = 10


def measure(job):
    cv2.setNumThreads(job.threads)
    function, shown, what = {"hog-opencv": hog, "hist-opencv": hue_histogram}[job.contest]()
    every = QUICK_EVERY if job.quick else 1
    found, seconds = each(function, rgb(job.images, every))
    return Measurement(
        system=f"OpenCV {cv2.__version__} {shown}",
        what=what,
        found=found,
        threads=job.threads,
        item_seconds=seconds,
        every=every,
    )


def hog():
    descriptor = cv2.HOGDescriptor((32, 32), (16, 16), (8, 8), (8, 8), 9)
    return descriptor.compute, "HOGDescriptor", "compute, an image a call"


def hue_histogram():
    def function(image):
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        return cv2.calcHist([hsv], [0], None, [BINS], [0, 180])

    return function, "calcHist of hue", "cvtColor and calcHist, an image a call"
