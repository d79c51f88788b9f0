"""OpenCV's batchDistance with NORM_L1 on bytes: integer distances."""

import cv2
import numpy as np

from measurement import Clock, Measurement

QUERIES = 1000
QUICK = 100
BLOCK = 500  # queries a call, to bound OpenCV's memory


def measure(job):
    cv2.setNumThreads(job.threads)
    queries, train = job.part(QUERIES, QUICK), job.images.train
    clock, found = Clock(), []
    for first in range(0, len(queries), BLOCK):
        block = queries[first : first + BLOCK]
        with clock.running("search"):
            distances, _ = cv2.batchDistance(block, train, cv2.CV_32S, normType=cv2.NORM_L1, K=job.k)
        found.append(distances)
    return Measurement(
        system=f"OpenCV {cv2.__version__} batchDistance",
        what="the calls, bytes",
        found=np.concatenate(found),
        exact=True,
        threads=job.threads,
        item_seconds=clock["search"],
    )
