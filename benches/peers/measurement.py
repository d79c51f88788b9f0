"""What a peer is given, and what it hands back."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from images import Images


@dataclass
class Job:
    """One peer, one contest (for `knn`: a metric), on all test images unless the peer takes a part."""

    contest: str
    images: Images
    k: int
    threads: int

    def part(self, limit=None):
        """The first queries: as many as a slow peer is given, all of them without a limit."""
        return self.images.test[:limit]


@dataclass
class Measurement:
    """`fixed_seconds` are spent once (fit, add); `query_seconds` grow with the queries, and are scaled if the peer
    searched only some of them. `distances`: [queries, k], ascending, squared for l2. `exact`: they are integers."""

    system: str
    what: str
    distances: np.ndarray
    exact: bool
    threads: int
    query_seconds: float
    fixed_seconds: float = 0.0
    notes: list = field(default_factory=list)


class Clock:
    """Sums wall-clock seconds under a name: `with clock.running("search"): ...`."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def running(self, name):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def __getitem__(self, name):
        return self.seconds[name]
