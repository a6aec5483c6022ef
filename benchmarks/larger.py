"""Is a result ever larger than its source, where it shows the same in the same format?

Every corpus file that can be read and written again, in chains that change nothing: as it is, at its size,
and with `q_auto` for a client of every class. Each result is compared with the file itself; a source of a
format that the result does not have is left out, because there is nothing to compare with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support import Promise, Report, arguments, corpus, publish
from origin.errors import OriginError
from origin.imaging import worker
from origin.imaging.model import Accept, Job, Limits, Opening, Source
from urlspec.parse import parse
from urlspec.sources import AssetRef

CHAINS: tuple[tuple[str, Accept], ...] = (
    ("c_scale,w_1.0", "jpeg"),
    ("c_limit,w_16000,q_auto", "jpeg"),
    ("f_auto,q_auto", "jpeg"),
    ("f_auto", "webp"),
    ("f_auto,q_auto:best", "avif"),
)
ROOM = Limits(render_seconds=60.0, max_render_memory=4 << 30, max_result_side=16_384)
"""What is asked here is more than servers give by themselves: the largest pictures at their own size."""


@dataclass(frozen=True)
class Compared:
    """One result beside its source, in bytes."""

    file: str
    chain: str
    before: int
    after: int
    passed: bool
    """The source itself was sent, without its metadata."""


def compared(path: Path, name: str, chain: str, accept: Accept) -> Compared | None:
    """None where the file is refused, or comes out in another format."""
    job = Job(parse(f"/{chain}/file"), {AssetRef("file"): Source(str(path))}, accept, ROOM)
    try:
        made = worker.render(job)
        header = worker.probe(str(path), ROOM, Opening())
    except OriginError:
        return None
    if made.format != header.format or (made.width, made.height) != (header.width, header.height):
        return None
    return Compared(name, chain, path.stat().st_size, len(made.body), bool(made.headers))


def readable(folders: Iterable[str]) -> Iterable[tuple[Path, str]]:
    """The corpus files that must be read, with their names there."""
    for entry in json.loads((corpus() / "MANIFEST.json").read_text())["files"]:
        if entry["expected"] == "decode-ok" and entry["path"].startswith(tuple(folders)):
            yield corpus() / entry["path"], entry["path"]


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("folders", nargs="*", default=[""], help="only these of the corpus, such as photos/")
    asked = parser.parse_args()
    found = [
        one
        for path, name in readable(asked.folders)
        for chain, accept in CHAINS
        if (one := compared(path, name, chain, accept)) is not None
    ]
    rows = []
    for chain, accept in CHAINS:
        some = [one for one in found if one.chain == chain]
        before, after = sum(one.before for one in some), sum(one.after for one in some)
        larger = sum(one.after > one.before for one in some)
        passed = sum(one.passed for one in some)
        share = f"{after / before:.3f}" if before else "-"
        rows.append([chain, accept, str(len(some)), share, str(passed), str(larger)])
    worse = [one for one in found if one.after > one.before]
    for one in worse:
        print(f"{one.file} {one.chain}: {one.before} became {one.after}")
    title = f"Bytes of results of the same size and format as their source, {len(found)} results"
    head = ["chain", "client", "files", "bytes of source", "source sent", "larger"]
    promise = Promise("results that are larger than their source", len(worse), most=0)
    publish(Report("larger", title, head, rows, promises=[promise]), asked)
    if worse:
        raise SystemExit("a result is larger than its source")


if __name__ == "__main__":
    main()
