"""Writes histogram.csv beside this file: hue histograms as OpenCV and as the course CS231n compute them.

    pip install numpy==2.2.6 matplotlib==3.10.3 opencv-python-headless==4.12.0.88
    python histogram.py

Images are drawn from a formula that tests/feature_histogram_golden.rs repeats; no photograph is involved.
A line is `kind,image,bins,value,...`. Kinds: `opencv` (counts of an image), `cs231n` (shares of an image),
and over all 2^24 colours, red slowest, `opencv-all` (the FNV-1a 64 hash of the hues) and `cs231n-all`
(counts).
"""

from pathlib import Path

import cv2
import matplotlib
import matplotlib.colors
import numpy as np

# (height, width, the values that channels take: few of them make equal channels and hues on the edges of bins)
IMAGES = [
    (32, 32, list(range(256))),
    (32, 32, [0, 51, 102, 153, 204, 255]),
    (17, 5, list(range(0, 256, 15))),
    (32, 32, [0, 1, 254, 255]),
    (8, 9, [77]),
]
BINS = [6, 10, 12, 36, 180]
BINS_OF_ALL = [10, 36]


def image(number):
    """Channel by channel, row by row: the top byte of a linear congruential generator picks a value."""
    height, width, values = IMAGES[number]
    state = number
    out = []
    for _ in range(3 * height * width):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(values[(state >> 56) % len(values)])
    return np.array(out, np.uint8).reshape(3, height, width).transpose(1, 2, 0).copy()


def hue_and_edges(rgb, bins):
    """Hue in [0, 1) times 255, and the edges of bins from 0 to 255."""
    edges = np.linspace(0, 255, bins + 1)
    hue = matplotlib.colors.rgb_to_hsv(rgb / 255)[..., 0] * 255
    return hue, edges


def cs231n(rgb, bins):
    """color_histogram_hsv(im, nbin=bins, xmin=0, xmax=255, normalized=True) from its formula: a density times the
    widths of the bins."""
    hue, edges = hue_and_edges(rgb, bins)
    density, _ = np.histogram(hue, bins=edges, density=True)
    return density * np.diff(edges)


def opencv(rgb, bins):
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    return cv2.calcHist([hsv], [0], None, [bins], [0, 180]).ravel()


def all_colours():
    """256 images of 256 x 256, red slowest."""
    green, blue = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    for red in range(256):
        yield np.stack([np.full_like(green, red), green, blue], axis=-1).astype(np.uint8)


def fnv1a(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return digest


def main():
    lines = [
        f"# histogram.py with NumPy {np.__version__}, Matplotlib {matplotlib.__version__}, OpenCV {cv2.__version__}"
    ]
    for number in range(len(IMAGES)):
        rgb = image(number)
        for bins in BINS:
            lines.append(",".join(["opencv", str(number), str(bins), *(f"{v:g}" for v in opencv(rgb, bins))]))
            lines.append(",".join(["cs231n", str(number), str(bins), *(f"{v:.9g}" for v in cs231n(rgb, bins))]))
    hues = b"".join(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., 0].tobytes() for rgb in all_colours())
    lines.append(f"opencv-all,,180,{fnv1a(hues):016x}")
    for bins in BINS_OF_ALL:
        counts = np.zeros(bins, np.int64)
        for rgb in all_colours():
            hue, edges = hue_and_edges(rgb, bins)
            counts += np.histogram(hue, bins=edges)[0]
        lines.append(",".join(["cs231n-all", "", str(bins), *map(str, counts)]))
    Path(__file__).with_name("histogram.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
