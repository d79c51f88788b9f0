"""Whether peers found what nearplane found: `agreement.py SUITE --data DIR --ours ... --theirs ... --out FILE.json`.

`cargo xtask bench --peers` calls it, first with `--self-test`. What is compared, and how close it has to be, is in
`agreement.py` in the folder of the suite. Exit code 1: something disagrees.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path


def main():
    args = arguments()
    suite = importlib.import_module(f"{args.suite}.agreement")
    if args.self_test:
        missed = [what for is_right, what in suite.trials() if not is_right]
        if missed:
            sys.exit(f"agreement check: {'; '.join(missed)}")
        print(f"agreement check, {args.suite}: what is wrong is caught")
        return
    results = [json.loads(path.read_text(encoding="utf-8")) for path in args.theirs]
    ours = {}
    for contest, path in args.ours:
        ours.setdefault(contest, []).append(path)
    findings = suite.findings(args.data, ours, results)
    lines = [f"{found.what}: {'DIFFERENT' if found.faults else 'agree'}" for found in findings]
    faults = [fault for found in findings for fault in found.faults]
    print("\n".join(lines + faults))
    args.out.write_text(json.dumps({"lines": lines, "faults": faults}), encoding="utf-8")
    sys.exit(1 if faults else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", help="a folder beside this file")
    parser.add_argument("--self-test", action="store_true", help="check the check")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--ours", nargs=2, action="append", default=[], metavar=("CONTEST", "FILE.npy"),
                        help="what nearplane wrote; several files of a contest are one array, in this order")
    parser.add_argument("--theirs", type=Path, action="append", default=[], metavar="FILE.json",
                        help="what peer.py wrote")
    parser.add_argument("--out", type=Path, help="JSON file for the list of faults")
    args = parser.parse_args()
    if not args.self_test and not (args.data and args.ours and args.out):
        parser.error("expected --self-test, or --data, --ours and --out")
    return args


if __name__ == "__main__":
    main()
