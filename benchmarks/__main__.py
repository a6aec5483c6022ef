"""The short form of every benchmark, one after the other; their figures and charts go to a folder.

What a program prints is shown as it comes. A program that fails fails all, once the others are done.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

SHORT: dict[str, tuple[str, ...]] = {
    "floor": ("--rounds", "3", "--repeat", "3"),
    "hits": ("--rounds", "1", "--repeat", "100"),
    "second_touch": ("--rounds", "3", "--photos", "1", "--repeat", "2"),
    "srcset": ("--rounds", "3", "--photos", "1"),
    "herd": ("--rounds", "3"),
    "mix": ("--rounds", "1", "--objects", "500", "--requests", "1500", "--rate", "20"),
    "s3": ("--rounds", "3", "--repeat", "100"),
    "formats": ("--rounds", "1", "--short"),
    "progressive": ("--rounds", "5"),
    "memory": ("--rounds", "1", "--renders", "2000", "--only", "glibc, as"),
    "peers": ("--rounds", "3", "--photos", "1", "--cells", "same"),
}
"""Programs that draw a chart, and what makes them quick."""

TABLES: dict[str, tuple[str, ...]] = {
    "quality": ("--short",),
    "effects": ("--rounds", "1"),
}
"""Programs that only print."""


def run(name: str, options: list[str]) -> bool:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False)
    print(f"# {name}: {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*SHORT, *TABLES], default=[*SHORT, *TABLES])
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of JSON and charts")
    parser.add_argument(
        "--full", action="store_true", help="as many rounds as the programs have by themselves"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.only:
        if find_spec(f"benchmarks.{name}") is None:
            failed.append(name)
            continue
        told = [] if options.full else list({**SHORT, **TABLES}[name])
        if name in SHORT:
            told += ["--json", str(options.out / f"{name}.json"), "--chart", str(options.out / f"{name}.svg")]
        if not run(name, told):
            failed.append(name)
    if failed:
        sys.exit(f"without a result: {', '.join(failed)}")


if __name__ == "__main__":
    main()
