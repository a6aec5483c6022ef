"""``ORIGIN_SOURCES``: existing buckets and folders that are served without an upload."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from urlspec.sources import SOURCE_NAME


@dataclass(frozen=True, slots=True)
class SourceSetting:
    """One named source: a bucket with a prefix, or a folder."""

    name: str
    public: bool
    """Opened by ``;public``; otherwise it needs signatures once the server has keys."""
    bucket: str | None = None
    prefix: str = ""
    folder: Path | None = None


def read_sources(text: str) -> tuple[SourceSetting, ...]:
    """``name=s3://bucket/prefix name=file:///dir;public``. Raises ValueError, saying which entry is wrong."""
    sources = tuple(_read(entry) for entry in text.replace(",", " ").split())
    names = [source.name for source in sources]
    if len(set(names)) != len(names):
        raise ValueError("names a source twice")
    return sources


def _read(entry: str) -> SourceSetting:
    name, equals, place = entry.partition("=")
    place, semicolon, flag = place.partition(";")
    if not equals or not SOURCE_NAME.fullmatch(name) or (semicolon and flag != "public"):
        raise ValueError(
            f"entry {entry!r} is not name=s3://bucket/prefix or name=file:///dir, with ;public at most"
        )
    parts = urlsplit(place)
    if parts.scheme == "s3" and parts.netloc:
        return SourceSetting(name, bool(flag), bucket=parts.netloc, prefix=parts.path.strip("/"))
    folder = Path(unquote(parts.path))
    if parts.scheme == "file" and not parts.netloc and folder.is_absolute():
        if not folder.is_dir():
            raise ValueError(f"source {name!r}: {folder} is not a folder")
        return SourceSetting(name, bool(flag), folder=folder)
    raise ValueError(f"source {name!r}: {place!r} is neither s3://bucket/prefix nor file:///absolute/folder")
