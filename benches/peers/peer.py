"""Runs one peer in this process: `peer.py knn faiss --contest l2 --data DIR --out DIR`.

`cargo xtask bench --peers` starts it, one peer after the other. It writes DIR/NAME-CONTEST.json (seconds and what they
are) and .npy (what it found). Exit code 3: the peer's package is not there.
"""

import argparse
import importlib
import json
import os
import platform
import signal
import sys
import threading
from importlib import metadata
from pathlib import Path

NOT_INSTALLED = 3


def main():
    args = arguments()
    # The default action ends the process at once, also inside a library's long call.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if args.watch_stdin:
        threading.Thread(target=end_with_parent, daemon=True).start()
    # Before any of the libraries is imported, for they read these once.
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
        os.environ[name] = str(args.threads)
    if args.first_on_path:
        sys.path.insert(0, str(args.first_on_path.resolve()))
    try:
        import blas

        blas.forget_others()
        peer = importlib.import_module(f"{args.suite}.peer_{args.peer}")
        import numpy as np

        from images import read_folder
        from measurement import Job
    except ImportError as error:
        print(f"{args.peer}: {error}", file=sys.stderr)
        sys.exit(NOT_INSTALLED)

    blas.run_fit()
    images = read_folder(args.data)
    kept = args.out.resolve().parent
    found = peer.measure(Job(args.contest, images, args.k, args.threads, args.quick, kept))
    stem = args.out / f"{args.peer}-{args.contest}"
    array = stem.with_suffix(".npy").resolve()
    np.save(array, found.found)
    result = {
        "peer": args.peer,
        "contest": args.contest,
        "system": found.system,
        "what": found.what,
        "fixed_seconds": found.fixed_seconds,
        "item_seconds": found.item_seconds,
        # A model is made of all images, whatever its shape.
        "items": len(images.test) if args.suite == "linear" else len(found.found),
        "objective": found.objective,
        "every": found.every,
        "threads": found.threads,
        "exact": found.exact,
        "notes": found.notes + blas.notes(found.blas),
        "found": str(array),
        "versions": versions() | {f"BLAS in {package}": kernels for package, kernels in blas.loaded().items()},
    }
    stem.with_suffix(".json").write_text(json.dumps(result), encoding="utf-8")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help="a folder beside this file")
    parser.add_argument("peer", help="NAME of a file peer_NAME.py in it")
    parser.add_argument("--contest", required=True, help="for knn a metric, as l1; for features one, as hog-opencv")
    parser.add_argument("--data", type=Path, required=True, help="folder of the CIFAR-10 or CIFAR-100 binary format")
    parser.add_argument("--out", type=Path, required=True, help="folder for the result")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="seconds for each peer: fewer queries, scaled")
    parser.add_argument("--first-on-path", type=Path, help="folder whose packages go before those installed")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input is closed")
    return parser.parse_args()


def end_with_parent():
    """Standard input is a pipe that the parent holds: it closes when the parent ends, however it ends."""
    # Not through `sys.stdin`, whose lock would be held when the interpreter shuts down.
    while os.read(0, 1):
        pass
    os._exit(1)


def versions():
    """Versions of Python and of the installed packages that were imported."""
    owners = metadata.packages_distributions()
    packages = {package for name in sys.modules for package in owners.get(name, [])} - {"pip", "setuptools"}
    # A folder put first on the path may hold another version of an installed package: the first one is in use.
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in sorted(packages)}


if __name__ == "__main__":
    main()
