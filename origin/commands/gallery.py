"""The gallery: a page with a picture for every example, made by the server itself.

An example that does not work stops it, so a dead one cannot be published.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

from origin.app import Ask, Origin, Upload, build
from origin.commands.demo import draw_demo
from origin.commands.gallery_examples import PRESETS, Shown, examples, leaflet
from origin.errors import OriginError
from origin.imaging.demo import difference
from origin.settings import load_settings
from urlspec.docs import cell, summary
from urlspec.errors import UrlSpecError
from urlspec.outputs import Format, Quality
from urlspec.parse import parse
from urlspec.presets import Presets
from urlspec.sign import SigningKey

PAGE = "gallery.md"
PICTURES = "gallery"
SIDE = 240
"""Pixels: the largest side of a picture on the page."""
LONGEST_NAME = 48
"""Characters of a picture's file name, beside a hash where that is not all of it."""
COLUMNS = 56
"""Characters of a path in one line."""
TOLERANCE = 4.0
"""Mean difference, 0 to 255: another build of the same encoders stays below, another picture does not."""
ANY_LETTERS = 254.0
"""The same for pictures with text: their fonts are the machine's, so only their size is compared."""

BASES = {
    "cat": ("w_480,q_85,f_jpg", "landscape", "jpeg"),
    "logo": ("w_160", "logo", "png"),
    "orbit": ("w_240", "orbit", "webp"),
    "placeholder": ("w_320,q_80,f_jpg", "aurora", "jpeg"),
}
"""Id: how it is made from which demo picture, and its type."""

AT_ONCE = 2
KEY = SigningKey.new("docs")

_HEAD = f"""# Gallery

Every argument of the URL language on a picture. `origin docs` writes this page: it asks the server for each
example and shows what came back, here at most {SIDE} pixels wide or high. Sizes are those of whole answers.
"""


class DeadExample(Exception):
    """Examples that the server refuses or that do nothing; one line each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for an example."""

    shown: Shown
    media_type: str
    before: tuple[int, int] | None
    """Size of the source, where there is one."""
    size: tuple[int, int]
    picture: Path | None
    """For the page, in a temporary place."""


def write_gallery(folder: Path) -> list[Path]:
    """Bring the gallery below ``folder`` up to date; the files that had to change. Raises DeadExample."""
    return asyncio.run(_updated(folder, list(examples()), write=True))


def stale_gallery(folder: Path) -> list[Path]:
    """The files of the gallery that are missing, too many, or show something else. Raises DeadExample."""
    return asyncio.run(_updated(folder, list(examples()), write=False))


async def _updated(folder: Path, shown: list[Shown], *, write: bool) -> list[Path]:
    pictures = folder / PICTURES
    changed: list[Path] = []
    with TemporaryDirectory() as name:
        scratch = Path(name)
        bases = await _bases(pictures, scratch)
        async with _server(scratch / "data", scratch) as origin:
            answers = await _answers(origin, bases, shown, scratch)
            lettered = {one.picture.name for one in answers if one.picture and one.shown.lettered}
            made = [one.picture for one in answers if one.picture]
            wanted = {path.name: path for path in (*bases.values(), *made)}
            for file, path in wanted.items():
                allowed = ANY_LETTERS if file in lettered else TOLERANCE
                if await _differs(origin, pictures / file, path, allowed):
                    changed.append(pictures / file)
        extra = [path for path in pictures.glob("*") if path.name not in wanted]
        page = folder / PAGE
        text = _page(answers, bases)
        if not page.exists() or page.read_text("utf-8") != text:
            changed.append(page)
        if write:
            pictures.mkdir(parents=True, exist_ok=True)
            for path in extra:
                path.unlink()
            for path in changed:
                if path == page:
                    page.write_text(text, "utf-8")
                else:
                    shutil.copyfile(wanted[path.name], path)
    return sorted({*changed, *extra})


async def _differs(origin: Origin, known: Path, new: Path, allowed: float) -> bool:
    there = await asyncio.to_thread(known.exists)
    return not there or await origin.pool.run(difference, str(known), str(new)) > allowed


# The server ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def _server(data: Path, scratch: Path) -> AsyncIterator[Origin]:
    """A server with keys and presets and nothing in it, as far as it goes without HTTP."""
    presets = scratch / "presets.toml"
    presets.write_text(PRESETS)
    settings = load_settings(
        {
            "ORIGIN_DATA_DIR": str(data),
            "ORIGIN_SIGNING_KEYS": f"{KEY.kid}:{KEY.secret}",
            "ORIGIN_PRESETS": str(presets),
            "ORIGIN_ACCEPT": "jpeg,png,webp,pdf",
            "ORIGIN_RATE_RENDER": "off",
            "ORIGIN_WORKERS": str(AT_ONCE),
            # A busy machine is no dead example.
            "ORIGIN_RENDER_TIMEOUT": "60",
            "ORIGIN_DEADLINE": "120",
        }
    )
    async with build(settings).running(watch=False) as origin:
        yield origin


async def _asked(origin: Origin, path: str, to: Path) -> tuple[Path, str]:
    """The answer to ``path`` as a file, named ``to`` with its type's suffix, and its media type."""
    delivered = await origin.deliver.deliver(Ask(KEY.sign(path).encode()))
    assert delivered.made is not None  # nobody sent an If-None-Match
    result = delivered.made.result
    file = to.with_name(f"{to.name}.{result.media_type.rpartition('/')[2]}")
    file.write_bytes(result.body)
    return file, result.media_type


async def _bases(pictures: Path, scratch: Path) -> dict[str, Path]:
    """The pictures that the examples are shown on: those that the gallery has, so that it changes little."""
    kept = {id: pictures / f"{id}.{suffix}" for id, (_, _, suffix) in BASES.items()}
    if all(path.exists() for path in kept.values()):
        return kept
    folder = scratch / "bases"
    folder.mkdir()
    async with _server(scratch / "first", scratch) as origin:
        for id, path in await asyncio.to_thread(draw_demo, scratch / "demo"):
            await origin.ingest.ingest(Upload(path, id=id))
        return {
            id: (await _asked(origin, f"/{chain}/{source}", folder / id))[0]
            for id, (chain, source, _) in BASES.items()
        }


async def _fill(origin: Origin, bases: dict[str, Path], scratch: Path) -> dict[str, tuple[int, int]]:
    """Take the sources in; their sizes. ``cat`` has an owner and two versions."""
    document = scratch / "leaflet.pdf"
    document.write_bytes(leaflet())
    owner, _ = await origin.accounts.register("gallery@example.com", KEY.secret, operator=True)
    await origin.ingest.ingest(Upload(bases["placeholder"], owner=owner, id="cat"))
    taken = [await origin.library.replace_file(owner, "cat", bases["cat"])]
    for id, path in {**bases, "leaflet": document}.items():
        if id != "cat":
            taken.append(await origin.ingest.ingest(Upload(path, id=id)))
    return {one.asset.id: (one.asset.current.width, one.asset.current.height) for one in taken}


async def _answers(origin: Origin, bases: dict[str, Path], shown: list[Shown], scratch: Path) -> list[Answer]:
    sizes = await _fill(origin, bases, scratch)
    presets = Presets.from_toml(PRESETS)
    turns = asyncio.Semaphore(AT_ONCE)
    folder = scratch / "made"
    folder.mkdir()

    async def answer(one: Shown) -> Answer | str:
        try:
            return await answered(one)
        except (UrlSpecError, OriginError) as error:
            return f"{one.path} is a dead example: {error}"

    async def answered(one: Shown) -> Answer | str:
        async with turns:
            request = parse(one.path, presets)
            if request.warnings:
                return f"{one.path} says something that has no effect: {request.warnings[0]}"
            whole, media_type = await _asked(origin, one.path, folder / f"whole-{_file(one)}")
            header = await origin.pool.probe(str(whole))
            picture = None
            if one.seen:
                chosen = request.output.has(Format) or request.output.has(Quality)
                small = f"w_{SIDE},h_{SIDE}" + ("" if chosen else ",f_webp,q_70")
                picture, _ = await _asked(origin, f"/{one.chain}/{small}/{one.source}", folder / _file(one))
            return Answer(one, media_type, sizes.get(one.source), (header.width, header.height), picture)

    answers = await asyncio.gather(*(answer(one) for one in shown))
    if dead := [one for one in answers if isinstance(one, str)]:
        raise DeadExample("\n".join(dead))
    return [one for one in answers if isinstance(one, Answer)]


def _file(shown: Shown) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", unquote(shown.chain).lower()).strip("-")
    if len(words) > LONGEST_NAME or not unquote(shown.chain).isascii():
        words = f"{words[:LONGEST_NAME]}-{hashlib.sha256(shown.chain.encode()).hexdigest()[:6]}"
    return words if shown.source == "cat" else f"{words}-{shown.source}"


# The page -----------------------------------------------------------------------------------------------


def _page(answers: list[Answer], bases: dict[str, Path]) -> str:
    parts = [_HEAD]
    for group, members in groupby(answers, key=lambda answer: answer.shown.kind.group):
        rows = []
        for kind, answered in groupby(members, key=lambda answer: answer.shown.kind):
            for number, answer in enumerate(answered):
                rows.append(_row(answer, bases, cell(summary(kind)) if number == 0 else ""))
        parts.append("\n".join([f"## {group}", "", "| before | after | |", "| --- | --- | --- |", *rows, ""]))
    return "\n".join(parts)


def _row(answer: Answer, bases: dict[str, Path], doc: str) -> str:
    shown, size = answer.shown, _size(answer.size)
    before = after = "–"
    if shown.source in bases:
        before = f'<img src="{PICTURES}/{bases[shown.source].name}" alt="{shown.source}" width="160">'
    if answer.picture is not None:
        after = f'<img src="{PICTURES}/{answer.picture.name}" alt="{escape(shown.chain)}">'
    from_ = f"{_size(answer.before)} → " if answer.before else ""
    path = "<br>".join(f"`{line}`" for line in _lines(shown.path))
    text = "<br>".join(filter(None, [path, doc, f"{from_}{size}, {answer.media_type}"]))
    return f"| {before} | {after} | {text} |"


def _lines(path: str) -> list[str]:
    """The path, broken at its separators where it is too long for a column."""
    lines = [""]
    for part in re.findall(r"[/,][^/,]*", path):
        if lines[-1] and len(lines[-1]) + len(part) > COLUMNS:
            lines.append("")
        lines[-1] += part
    return lines


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"
