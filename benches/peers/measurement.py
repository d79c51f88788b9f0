"""What a peer is given, and what it hands back."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from images import Images


@dataclass
class Job:
    """One peer, one contest (for `knn` a metric, for `features` a feature), on all queries or images unless the peer
    takes a part. `quick`: a few seconds are enough. `kept` is a folder for what a later run may use again."""

    contest: str
    images: Images
    k: int
    threads: int
    quick: bool
    kept: Path

    def part(self, limit=None, quick=None):
        """The first queries: as many as a slow peer is given, all of them without a limit; `quick` of them if it has
        to be."""
        return self.images.test[: quick if self.quick else limit]


@dataclass
class Measurement:
    """`fixed_seconds` are spent once (fit, add); `item_seconds` grow with the queries or images, and are scaled if the
    peer was given only some of them. `found` has a row for each: of `knn` the distances, ascending, squared for l2,
    and `exact` if they are integers; of `features` the features, of each `every`-th image. `blas` is the package
    whose BLAS does the work."""

    system: str
    what: str
    found: np.ndarray
    threads: int
    item_seconds: float
    fixed_seconds: float = 0.0
    exact: bool = False
    every: int = 1
    objective: float | None = None
    blas: str | None = None
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
