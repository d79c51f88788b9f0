"""As in `knn`."""

from knn.peer_opencv import measure  # noqa: F401
