"""Reads a folder of the CIFAR-10 or CIFAR-100 binary format."""

from dataclasses import dataclass

import numpy as np

PIXELS = 3072


@dataclass
class Images:
    """Pixels are n x 3072 bytes, contiguous; labels (the last label byte of a record) are n bytes."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray


def read_folder(folder):
    """All training and all test images; the folder has been checked by xtask."""
    if (folder / "train.bin").exists():
        train, labels = read(folder / "train.bin", label_bytes=2)
        test, _ = read(folder / "test.bin", label_bytes=2)
        return Images(train, labels, test)
    batches = []
    while (folder / f"data_batch_{len(batches) + 1}.bin").exists():
        batches.append(read(folder / f"data_batch_{len(batches) + 1}.bin", label_bytes=1))
    if not batches:
        raise SystemExit(f"{folder}: neither data_batch_1.bin nor train.bin")
    train, labels = (np.concatenate(parts) for parts in zip(*batches))
    test, _ = read(folder / "test_batch.bin", label_bytes=1)
    return Images(train, labels, test)


def read(path, label_bytes):
    record = label_bytes + PIXELS
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from None
    if content.size == 0 or content.size % record:
        raise SystemExit(f"{path}: {content.size} bytes, expected a multiple of {record}")
    content = content.reshape(-1, record)
    return np.ascontiguousarray(content[:, label_bytes:]), content[:, label_bytes - 1].copy()
