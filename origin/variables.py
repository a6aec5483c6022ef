"""What stands in environment variables, as values: bytes with units, rates, lists, keys."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import BeforeValidator

from origin.sources import SourceSetting, read_sources
from urlspec.sign import Keyring

_BYTES = re.compile(r"([0-9]{1,15})\s*(B|KiB|MiB|GiB|TiB)?", re.ASCII)
_RATE = re.compile(r"[1-9][0-9]{0,6}/(?:second|minute|hour|day)", re.ASCII)
_UNITS = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

INPUTS = ("jpeg", "png", "webp", "gif", "avif", "tiff", "svg", "heic", "jxl", "pdf", "bmp", "ico")
"""Types of originals that may be named; some need an extra."""


def _bytes(value: object) -> object:
    match = _BYTES.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str) and match is None:
        raise ValueError("is not a number of bytes")
    return int(match[1]) * _UNITS[match[2]] if match else value


def _keys(value: object) -> object:
    return Keyring.read(value) if isinstance(value, str) else value


def _sources(value: object) -> object:
    return read_sources(value) if isinstance(value, str) else value


def _inputs(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = frozenset(name.strip() for name in value.split(",") if name.strip())
    if unknown := sorted(names.difference(INPUTS)):
        raise ValueError(
            f"names {', '.join(unknown)}, which this build cannot read; known are {', '.join(INPUTS)}"
        )
    return names


def _names(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(
        ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()
    )


def _rate(value: object) -> object:
    if isinstance(value, str) and value != "off" and not _RATE.fullmatch(value):
        raise ValueError("is neither <count>/<second|minute|hour|day> nor off")
    return value


Bytes = Annotated[int, BeforeValidator(_bytes)]
Rate = Annotated[str, BeforeValidator(_rate)]
Networks = Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], BeforeValidator(_networks)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Keys = Annotated[Keyring, BeforeValidator(_keys)]
Sources = Annotated[tuple[SourceSetting, ...], BeforeValidator(_sources)]
Inputs = Annotated[frozenset[str], BeforeValidator(_inputs)]
