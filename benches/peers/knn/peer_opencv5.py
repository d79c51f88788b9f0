"""OpenCV 5, which xtask puts first on the path: the same calls."""

import cv2

from knn.peer_opencv import measure

if not cv2.__version__.startswith("5."):
    raise ImportError(f"OpenCV 5 is not on the path, but {cv2.__version__}")

__all__ = ["measure"]
