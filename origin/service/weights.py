"""How much memory a render will take, as far as that is known before its picture is opened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from origin.errors import OriginError
from origin.imaging.cost import guessed, memory_of
from origin.imaging.model import Header, Limits
from origin.imaging.plan import plan
from origin.ports import AssetVersion
from origin.service.admission import Admitted
from origin.service.catalog import Found

log = logging.getLogger(__name__)


class Weights:
    """Estimates by plan where the catalog knows the pictures, else by the sizes of their files."""

    def __init__(self, limits: Limits, fonts: str | None = None) -> None:
        self._limits = limits
        self._fonts = fonts

    async def of(self, admitted: Admitted) -> int:
        """Bytes."""
        headers = {one.ref: _header(one.version) for one in admitted.found if one.version}
        if len(headers) < len(admitted.found):
            return self._guessed(admitted.found)
        focus = {one.ref: one.asset.focus for one in admitted.found if one.asset and one.asset.focus}
        try:
            planned = await asyncio.to_thread(  # it may read fonts
                plan, admitted.request, headers, self._limits, admitted.accept, focus, self._fonts
            )
        except OriginError as error:
            # The worker, who sees the file, has the word; what the catalog does not know may change its mind.
            log.debug("a render that cannot be weighed: %s", error)
            return self._guessed(admitted.found)
        return memory_of(planned.cost)

    def _guessed(self, found: Sequence[Found]) -> int:
        return sum(guessed(one.size or 0, self._limits) for one in found)


def _header(version: AssetVersion) -> Header:
    """What the catalog knows, and the worst of what it does not: scans in passes, bits."""
    return Header(
        version.format,
        version.width,
        version.height,
        version.orientation,
        version.frames,
        delays=(100,) * version.frames if version.frames > 1 else (),
        has_alpha=version.has_alpha,
        bands=4 if version.has_alpha else 3,
        bits=10 if version.format in {"avif", "heic"} else 8,
        interlaced=version.format == "jpeg",
        bytes=version.bytes,
    )
