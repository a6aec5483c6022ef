"""``origin doctor``: is everything that the settings name there, and what to do where it is not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from origin.app import Origin, build
from origin.errors import OriginError
from origin.floors import outdated, packages
from origin.imaging.capabilities import Capabilities, Format, capabilities
from origin.settings import LOOPBACK, Settings, unknown_variables

LITTLE_SPACE = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``state`` is ``ok``, ``note`` or ``wrong``."""

    what: str
    state: str
    found: str
    advice: str = ""


async def examine(settings: Settings, console: Console) -> bool:
    """Print the report; whether nothing is wrong."""
    findings = [*_settings(settings), _data_folder(settings.data_dir)]
    formats: tuple[Format, ...] = ()
    if findings[-1].state != "wrong":
        origin = build(settings)
        async with _opened(origin) as opening:
            findings += opening
            findings += [await _dependency(name, check) for name, (check, _) in origin.checks.items()]
            found, formats = await _workers(origin)
            findings += found
    table = Table("", "what", "found", "what to do", show_edge=False)
    for finding in findings:
        colour = {"ok": "green", "note": "yellow", "wrong": "red"}[finding.state]
        table.add_row(f"[{colour}]{finding.state}[/]", finding.what, finding.found, finding.advice)
    console.print(table)
    if formats:
        console.print(format_table(formats, settings.accept))
    return all(finding.state != "wrong" for finding in findings)


@asynccontextmanager
async def _opened(origin: Origin) -> AsyncIterator[list[Finding]]:
    """Started, as far as it starts: the report goes on where a dependency is away."""
    try:
        async with origin.running(watch=False):
            yield []
    except OriginError as error:
        yield [Finding("start", "wrong", f"{error.code}: {error.detail}", "see the lines above and below")]


def _settings(settings: Settings) -> list[Finding]:
    keys = settings.signing_keys.keys
    python = ".".join(str(part) for part in sys.version_info[:3])
    findings = [
        Finding("python", "ok", python),
        _packages(),
        *(Finding("settings", "note", line, "rename or remove it") for line in unknown_variables()),
    ]
    if keys:
        findings.append(Finding("signing keys", "ok", ", ".join(key.kid for key in keys)))
    else:
        loopback = settings.host in LOOPBACK
        findings.append(
            Finding(
                "signing keys",
                "note" if loopback else "wrong",
                "none: anybody who reaches this server can order any picture",
                "origin keys new, then ORIGIN_SIGNING_KEYS",
            )
        )
    findings.append(Finding("unsigned delivery", "ok", settings.unsigned_mode))
    for source in settings.sources:
        where = str(source.folder) if source.folder else f"s3://{source.bucket}/{source.prefix}"
        findings.append(
            Finding(f"source @{source.name}", "ok", where + (" (public)" if source.public else ""))
        )
    if settings.public_url is None:
        findings.append(
            Finding("public url", "note", "none: URLs made here are paths", "set ORIGIN_PUBLIC_URL")
        )
    return findings


def _packages() -> Finding:
    found = packages()
    old = outdated(found)
    shown = ", ".join(f"{name} {text}" for name, text in found.items())
    return Finding("libraries", "wrong" if old else "ok", shown, "; ".join(old))


def _data_folder(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        why = error.strerror or "unusable"
        return Finding("data folder", "wrong", f"{folder}: {why}", "make it writable or set ORIGIN_DATA_DIR")
    found = f"{folder.resolve()}, {free / (1 << 30):.1f} GiB free"
    if free < LITTLE_SPACE:
        return Finding("data folder", "note", found, "less than 1 GiB: uploads will soon be refused")
    return Finding("data folder", "ok", found)


async def _dependency(name: str, check: Callable[[], Awaitable[None]]) -> Finding:
    advice = {
        "database": "check DATABASE_URL, and that the server runs",
        "storage": "check AWS_S3_* or the data folder",
        "redis": "check REDIS_URL; pictures are delivered without it, each server on its own",
        "workers": "see the log of the server",
    }
    try:
        await check()
    except OriginError as error:
        state = "note" if name == "redis" else "wrong"
        return Finding(name, state, f"{error.code}: {error.detail}", advice[name])
    return Finding(name, "ok", "answers")


def format_table(formats: tuple[Format, ...], accepted: frozenset[str]) -> Table:
    """Every format: what this build does with it, by which library, and what it takes to have it read."""
    table = Table(
        "format", "read", "written", "by", "accepted", "what to do", show_edge=False, title="formats"
    )
    for one in formats:
        steps = [one.missing] if one.missing else []
        steps += [] if one.name in accepted else [f"name {one.name} in ORIGIN_ACCEPT"]
        # Rich would take [heic] for a style.
        table.add_row(
            one.name,
            _yes(one.reads),
            _yes(one.writes),
            one.by,
            _yes(one.name in accepted),
            escape(", ".join(steps)),
        )
    return table


def _yes(whether: bool) -> str:
    return "[green]yes[/]" if whether else "no"


def _fonts(found: Capabilities) -> Finding:
    """Texts without a font are drawn as boxes, so what a server can write is worth a look."""
    if not found.fonts:
        advice = "install fonts-dejavu-core, or set ORIGIN_FONTS"
        return Finding("fonts", "note", "none: texts are boxes", advice)
    state = "note" if found.unwritten else "ok"
    return Finding("fonts", state, f"{len(found.fonts)} families", "; ".join(found.unwritten))


async def _workers(origin: Origin) -> tuple[list[Finding], tuple[Format, ...]]:
    """What the render workers are and can do, asked of one of them."""
    fonts = str(origin.settings.fonts) if origin.settings.fonts else None
    try:
        found = await origin.pool.run(capabilities, fonts)
    except OriginError as error:
        return [Finding("libvips", "wrong", f"{error.code}: {error.detail}", "see the messages above")], ()
    network = origin.pool.confinement.network
    cut_off = network in {"namespace", "user-namespace"}
    jemalloc = "jemalloc" in os.environ.get("LD_PRELOAD", "")
    old = outdated({"libvips": found.libvips})
    findings = [
        Finding("libvips", "wrong" if old else "ok", found.libvips, "; ".join(old)),
        _fonts(found),
        Finding(
            "worker network",
            "ok" if cut_off else "note",
            "cut off" if cut_off else f"not cut off ({network})",
            "" if cut_off else "allow user namespaces to this process",
        ),
        Finding("allocator", "ok", "jemalloc" if jemalloc else "glibc with few arenas"),
    ]
    findings.append(
        Finding("faces", "ok", "found by OpenCV")
        if found.faces
        else Finding("faces", "note", "g_face is refused", escape('pip install "image-origin[faces]"'))
    )
    promised = {one.name: one for one in found.formats if one.missing and one.name in origin.settings.accept}
    findings += [
        Finding(f"input {name}", "wrong", "accepted, but cannot be read", escape(one.missing))
        for name, one in promised.items()
    ]
    return findings, found.formats
