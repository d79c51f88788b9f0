"""Golden vectors for the modes of `features::hog`: images and what others make of them.

Writes hog_images.u8 (bytes, planar), hog_values.f32 (little-endian) and hog_cases.txt, one line a
case: image, channels, height, width, first byte, specification, first value, step, count. Where
the step is s, only every s-th number of the output is kept.

    pip install scikit-image==0.26.0 opencv-python-headless==4.12.0.88 numpy==2.2.6 scipy==1.17.1
    python crates/models/tests/golden/hog.py

skimage and opencv are those libraries. cs231n and uoctti are written here from their formulas: the
course's hog_feature (forward differences, hard votes, means over cells) and Felzenszwalb, Girshick,
McAllester, Ramanan 2010, section 6, with the borders and the order of VLFeat 0.9.21.
"""

from pathlib import Path

import cv2
import numpy as np
import scipy
import skimage
from scipy.ndimage import uniform_filter
from skimage.feature import hog as skimage_hog

HERE = Path(__file__).parent
VERSIONS = {
    "scikit-image": (skimage.__version__, "0.26.0"),
    "opencv": (cv2.__version__, "4.12.0"),
    "numpy": (np.__version__, "2.2.6"),
    "scipy": (scipy.__version__, "1.17.1"),
}


def noise(height, width, channels):
    rng = np.random.RandomState(height * 100 + width)
    return rng.randint(0, 256, (height, width, channels)).astype(np.uint8)


def drawing(height, width):
    """A disc, stripes, a ramp and faint noise: flat areas, equal channels, every orientation."""
    rng = np.random.RandomState(7)
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), 90)
    image[..., 2] += 3 * x
    image[(y - 9) ** 2 + (x - 10) ** 2 < 49] = (220, 40, 60)
    image[(y > 18) & (x > 12) & ((x + y) % 6 < 3)] = (20, 200, 20)
    image[22:28, 2:9] = 255
    faint = rng.randint(-2, 3, (height, width, 1))
    image = image + np.where(x[..., None] > width // 2, faint, 0)
    return np.clip(image, 0, 255).astype(np.uint8)


def skimage_cases():
    for cell in (4, 8):
        for block in (1, 2, 3):
            for norm in ("L1", "L1-sqrt", "L2", "L2-Hys"):
                for gamma in (0, 1):
                    spec = f"mode=skimage,cell={cell},stride={cell},block={block}"
                    spec += f",norm={norm.replace('-', '').lower()},gamma={gamma}"
                    yield spec, dict(
                        orientations=9,
                        pixels_per_cell=(cell, cell),
                        cells_per_block=(block, block),
                        block_norm=norm,
                        transform_sqrt=bool(gamma),
                    )
    for bins in (4, 6, 8, 12):
        yield f"mode=skimage,block=2,bins={bins}", dict(
            orientations=bins, pixels_per_cell=(8, 8), cells_per_block=(2, 2)
        )
    yield "mode=skimage,block=2,cell=5,stride=5", dict(
        orientations=9, pixels_per_cell=(5, 5), cells_per_block=(2, 2)
    )


# OpenCV 4 keeps the first clip that a process asks for, so all are its default.
def opencv_hog(image, cell=8, block=2, stride=8, bins=9, signed=0, gamma=0):
    height, width, _ = image.shape
    side = cell * block
    descriptor = cv2.HOGDescriptor(
        (width, height), (side, side), (stride, stride), (cell, cell), bins,
        1, -1.0, cv2.HOGDESCRIPTOR_L2HYS, 0.2, bool(gamma), 64, bool(signed),
    )  # fmt: skip
    image = image[..., 0] if image.shape[2] == 1 else image
    return descriptor.compute(np.ascontiguousarray(image)).ravel()


def opencv_cases():
    for signed in (0, 1):
        for gamma in (0, 1):
            yield dict(signed=signed, bins=18 if signed else 9, gamma=gamma)
    yield dict(cell=4, stride=4)
    yield dict(cell=4, stride=4, gamma=1, bins=7)
    yield dict(cell=4, stride=8, block=4, signed=1, bins=9)
    yield dict(cell=8, stride=4, bins=12)
    yield dict(cell=8, block=1)
    yield dict(cell=4, block=3, stride=4, bins=5)


def cs231n_hog(image, cell=8, bins=9):
    """The course's formulas; its own code is for square images of whole cells."""
    if image.shape[2] == 1:
        grey = image[..., 0].astype(float)
    else:
        grey = image.astype(float) @ np.array([0.299, 0.587, 0.144])
    gx, gy = np.zeros(grey.shape), np.zeros(grey.shape)
    gx[:, :-1] = grey[:, 1:] - grey[:, :-1]
    gy[:-1, :] = grey[1:, :] - grey[:-1, :]
    magnitude = np.sqrt(gx**2 + gy**2)
    angle = np.arctan2(gy, gx + 1e-15) * (180 / np.pi) + 90
    rows, cols = grey.shape[0] // cell, grey.shape[1] // cell
    out = np.zeros((cols, rows, bins))
    for i in range(bins):
        lower, upper = 180 / bins * i, 180 / bins * (i + 1)
        votes = np.where((angle >= lower) & (angle < upper) & (angle > 0), magnitude, 0)
        means = uniform_filter(votes, size=(cell, cell))[cell // 2 :: cell, cell // 2 :: cell]
        out[:, :, i] = means[:rows, :cols].T
    return out.ravel()


def uoctti_hog(image, cell=8, bins=9, clip=0.2):
    image = image.astype(float)
    height, width, channels = image.shape
    rows, cols = (height + cell // 2) // cell, (width + cell // 2) // cell
    hist = np.zeros((rows, cols, 2 * bins))
    centres = np.arange(2 * bins) * np.pi / bins
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            dx = image[y, x + 1] - image[y, x - 1]
            dy = image[y + 1, x] - image[y - 1, x]
            c = int(np.argmax(dx**2 + dy**2))
            dx, dy = dx[c], dy[c]
            # The first of equal ones, as with VLFeat's single precision.
            k = int(np.argmax(np.round(dx * np.cos(centres) + dy * np.sin(centres), 6)))
            v, h = (y + 0.5) / cell - 0.5, (x + 0.5) / cell - 0.5
            for i in (int(np.floor(v)), int(np.floor(v)) + 1):
                for j in (int(np.floor(h)), int(np.floor(h)) + 1):
                    if 0 <= i < rows and 0 <= j < cols:
                        weight = (1 - abs(v - i)) * (1 - abs(h - j))
                        hist[i, j, k] += weight * np.hypot(dx, dy)
    both = hist[..., :bins] + hist[..., bins:]
    energy = np.pad((both**2).sum(axis=2), 1, mode="edge")
    squares = energy[:-1, :-1] + energy[:-1, 1:] + energy[1:, :-1] + energy[1:, 1:]
    factors = 1 / np.sqrt(squares + 1e-4)
    four = [factors[:-1, :-1], factors[:-1, 1:], factors[1:, :-1], factors[1:, 1:]]
    clipped = lambda h: [np.minimum(h * f[..., None], clip) for f in four]
    parts = [0.5 * sum(clipped(hist)), 0.5 * sum(clipped(both))]
    parts += [h.sum(axis=2, keepdims=True) / np.sqrt(18) for h in clipped(both)]
    return np.concatenate(parts, axis=2).transpose(2, 0, 1).ravel()


def main():
    for name, (found, expected) in VERSIONS.items():
        if found != expected:
            raise SystemExit(f"{name} {found} is installed, the vectors are of {expected}")
    pictures = {
        "noise": noise(32, 32, 3),
        "drawing": drawing(32, 32),
        "grey_noise": noise(32, 32, 1),
        "grey_drawing": drawing(32, 32)[..., :1],
        "odd": noise(40, 24, 3) // 2 + drawing(40, 24) // 2,
        "grey_odd": drawing(40, 24)[..., 1:2],
    }
    image_bytes, values, lines = [], [], []
    first_byte = first_value = 0
    for name, image in pictures.items():
        height, width, channels = image.shape
        grey = channels == 1
        cases = []
        for spec, options in skimage_cases():
            if grey:
                output = skimage_hog(image[..., 0], **options)
            else:
                output = skimage_hog(image, channel_axis=-1, **options)
            cases.append((spec, output))
        for options in opencv_cases():
            spec = ",".join(["mode=opencv"] + [f"{k}={v}" for k, v in options.items()])
            try:
                cases.append((spec, opencv_hog(image, **options)))
            except cv2.error:
                if name in ("odd", "grey_odd"):
                    continue  # blocks do not end with this image
                raise
        for cell, bins in ((8, 9), (4, 9), (8, 7)):
            options = f"cell={cell},stride={cell},bins={bins}"
            cases.append((f"mode=cs231n,{options}", cs231n_hog(image, cell, bins)))
            cases.append((f"mode=uoctti,{options}", uoctti_hog(image, cell, bins)))
        for spec, output in cases:
            # Everything of the first image, a part of the others.
            step = 1 if name == "noise" else max(1, len(output) // 150) | 1
            kept = output[::step].astype("<f4")
            lines.append(
                f"{name} {channels} {height} {width} {first_byte} {spec} {first_value} {step} {len(kept)}"
            )
            values.append(kept)
            first_value += len(kept)
        planar = np.ascontiguousarray(image.transpose(2, 0, 1))
        image_bytes.append(planar.tobytes())
        first_byte += planar.size
    (HERE / "hog_images.u8").write_bytes(b"".join(image_bytes))
    (HERE / "hog_values.f32").write_bytes(np.concatenate(values).tobytes())
    (HERE / "hog_cases.txt").write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} cases, {first_value} numbers")


if __name__ == "__main__":
    main()
