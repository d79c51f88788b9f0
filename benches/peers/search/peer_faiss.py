"""As in `knn`."""

from knn.peer_faiss import measure  # noqa: F401
