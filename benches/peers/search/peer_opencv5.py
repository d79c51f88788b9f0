"""As in `knn`."""

from knn.peer_opencv5 import measure  # noqa: F401
