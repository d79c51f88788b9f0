"""PyTorch on the CPU: cdist and topk on float32."""

import numpy as np
import torch

from measurement import Clock, Measurement

L1_QUERIES = 300
QUICK = {"l1": 50, "l2": 1000}
BLOCK = 1000  # queries a call: their distances to 50,000 rows are 200 MB
NORMS = {"l1": 1.0, "l2": 2.0}


def measure(job):
    torch.set_num_threads(job.threads)
    part = job.part(L1_QUERIES if job.contest == "l1" else None, QUICK[job.contest])
    queries, train = (torch.from_numpy(pixels.astype(np.float32)) for pixels in [part, job.images.train])
    clock, found = Clock(), []
    with torch.inference_mode(), clock.running("search"):
        for block in queries.split(BLOCK):
            # For L2 it multiplies matrices, as it does by itself from 26 rows.
            distances = torch.cdist(block, train, p=NORMS[job.contest])
            found.append(distances.topk(job.k, dim=1, largest=False, sorted=True).values)
    found = torch.cat(found).numpy().astype(np.float64)
    return Measurement(
        system=f"PyTorch {torch.__version__} cdist",
        what="cdist and topk, float32",
        found=found**2 if job.contest == "l2" else found,
        exact=job.contest == "l1",
        threads=job.threads,
        item_seconds=clock["search"],
        notes=[f"{torch.backends.cpu.get_cpu_capability()} kernels"],
    )
