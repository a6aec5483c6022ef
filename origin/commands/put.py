"""``origin put``: take files in as the operator."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from origin.app import Ingested, Origin, Upload, build
from origin.errors import OriginError
from origin.settings import Settings
from urlspec.errors import UrlError


async def put_files(
    settings: Settings, files: list[Path], *, id: str | None, owner: str | None, private: bool, as_json: bool
) -> int:
    """Take in every file; the exit code: 1 when one of them could not be."""
    paths = list(_files(files))
    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with build(settings).running(watch=False) as origin:
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Taking in", total=len(paths))
            for path in paths:
                failed += not await _one(origin, path, id, owner, private=private, as_json=as_json)
                progress.advance(task)
    return 1 if failed else 0


def _files(given: list[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(
                found for found in path.rglob("*") if found.is_file() and not _hidden(found, path)
            )
        else:
            yield path


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


async def _one(
    origin: Origin, path: Path, id: str | None, owner: str | None, *, private: bool, as_json: bool
) -> bool:
    upload = Upload(path, owner=owner, id=id, visibility="private" if private else None)
    try:
        ingested = await origin.ingest.ingest(upload)
    except (OriginError, UrlError) as error:
        _failed(path, error.code, error.detail, as_json=as_json)
        return False
    except OSError as error:
        _failed(path, "file_unreadable", error.strerror or "cannot be read", as_json=as_json)
        return False
    _done(path, ingested, origin.settings, as_json=as_json)
    return True


def _failed(path: Path, code: str, detail: str, *, as_json: bool) -> None:
    if as_json:
        _line(json.dumps({"file": str(path), "code": code}))
    print(f"{path}: {code}: {detail}", file=sys.stderr)  # noqa: T201 - the command's own output


def _done(path: Path, ingested: Ingested, settings: Settings, *, as_json: bool) -> None:
    asset = ingested.asset
    version = asset.current
    url = f"{(settings.public_url or '').rstrip('/')}/{asset.id}"
    if as_json:
        found = {
            "file": str(path),
            "id": asset.id,
            "url": url,
            "width": version.width,
            "height": version.height,
            "format": version.format,
        }
        _line(json.dumps(found))
    else:
        known = "" if ingested.created else " (already here)"
        _line(f"{url}  {version.width}×{version.height} {version.format}{known}  {path}")


def _line(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's own output
