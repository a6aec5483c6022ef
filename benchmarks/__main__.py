"""The short form of every benchmark, one after the other; their figures, charts and a page go to a folder.

What a program prints is shown as it comes. A program that fails fails all, once the others are done.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from benchmarks import page

SHORT: dict[str, tuple[str, ...]] = {
    "floor": ("--rounds", "3", "--repeat", "3"),
    "hits": ("--rounds", "3", "--repeat", "40"),
    "second_touch": ("--rounds", "3", "--photos", "1", "--repeat", "2"),
    "srcset": ("--rounds", "3", "--photos", "1"),
    "herd": ("--rounds", "3"),
    "mix": ("--short",),
    "s3": ("--rounds", "3", "--repeat", "100"),
    "formats": ("--rounds", "1", "--short"),
    "quality": ("--short",),
    "progressive": ("--rounds", "5"),
    "effects": ("--rounds", "3"),
    "geometry": ("--rounds", "3"),
    "memory": ("--rounds", "1", "--renders", "500", "--only", "glibc, as"),
    "peers": ("--rounds", "3", "--photos", "1"),
}
"""Programs, and what makes them quick. At least three rounds where ratios are shown."""


def run(name: str, options: list[str]) -> bool:
    """Run a program; whether it had a result. How long it took, and its CPU, are printed."""
    print(f"\n== {name}", flush=True)
    began, before = time.monotonic(), _cpu()
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False)
    print(f"# {name}: {time.monotonic() - began:.0f} s, {_cpu() - before:.0f} s of CPU", flush=True)
    return done.returncode == 0


def _cpu() -> float:
    """CPU-seconds of all programs that have ended, and of those that they have started."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*SHORT], default=[*SHORT])
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of JSON and charts")
    parser.add_argument("--readme", type=Path, help="also write the figures between its marks")
    parser.add_argument(
        "--full", action="store_true", help="as many rounds as the programs have by themselves"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    began, failed = time.monotonic(), []
    for name in options.only:
        told = [] if options.full else list(SHORT[name])
        told += ["--json", str(options.out / f"{name}.json"), "--chart", str(options.out / f"{name}.svg")]
        if not run(name, told):
            failed.append(name)
    print(f"\n# in all: {time.monotonic() - began:.0f} s, {_cpu():.0f} s of CPU")
    print("# written:", *page.write(options.out, options.readme))
    if failed:
        sys.exit(f"without a result: {', '.join(failed)}")


if __name__ == "__main__":
    main()
