"""As in `knn`."""

from knn.peer_numkong import measure  # noqa: F401
