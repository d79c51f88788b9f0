"""Writes golden/*.npy, the small arrays that tests/matrices.rs reads: 8 training rows of 2 x 3 bytes, 3 rows
to evaluate, and their labels, each as every type and layout that is read, and as some that are not.

Run as `python golden.py` in this folder after a change; the files are committed.
"""

from pathlib import Path

import numpy as np

folder = Path(__file__).parent / "golden"
folder.mkdir(exist_ok=True)


def write(name, array, version=None, **kwargs):
    with open(folder / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version, **kwargs)


x = (np.arange(48).reshape(8, 6) * 37 % 256).astype("u1")
e = ((x[:3].astype("i4") + 5) % 256).astype("u1")
y = np.array([0, 1, 2, 0, 1, 2, 0, 1], dtype="u1")
el = np.array([0, 2, 2], dtype="u1")

write("e_u8", e)
write("el", el)
for dtype in ["u1", "<f4", ">f4", "<f8", ">f8"]:
    name = dtype.replace("<", "little_").replace(">", "big_")
    write(f"x_{name}", x.astype(dtype))
write("e_f4", e.astype("f4"))
write("x_version2", x, version=(2, 0))
write("x_version3", x, version=(3, 0))
write("x_three_axes", x.reshape(8, 2, 3))
for dtype in ["u1", "<u2", ">u2", "<u4", ">u4", "<u8", ">u8", "i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8"]:
    name = dtype.replace("<", "little_").replace(">", "big_")
    write(f"y_{name}", y.astype(dtype))
write("y_column", y.astype("i8").reshape(8, 1))
write("y_bool", y > 0)
write("y_large", y.astype("u4") * 2_000_000_000 + 5)

write("refused_float16", x.astype("f2"))
write("refused_int64", x.astype("i8"))
write("refused_complex64", x.astype("c8"))
write("refused_objects", np.array([[1, "a"], [2, None]], dtype=object), allow_pickle=True)
write("refused_structured", np.zeros(8, dtype=[("a", "<f4"), ("b", "<i2")]))
write("refused_text", np.array(["cat", "dog"]))
write("refused_fortran", np.asfortranarray(x))
write("refused_one_axis", x[0])
write("refused_no_rows", x[:0])
write("refused_nan", np.where(np.arange(48).reshape(8, 6) == 20, np.nan, x).astype("f4"))
write("refused_infinite", np.where(np.arange(48).reshape(8, 6) == 21, -np.inf, x).astype("f8"))
write("refused_too_large", np.where(np.arange(48).reshape(8, 6) == 22, 1e39, x).astype("f8"))
write("refused_y_float", y.astype("f4"))
write("refused_y_negative", y.astype("i2") - 1)
write("refused_y_huge", y.astype("u8") + (1 << 32) - 1)
write("refused_y_one_hot", np.eye(3, dtype="u1")[y])
