"""How a URL was read and what it would cost, without rendering anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack, nullcontext
from functools import partial
from typing import Any

from origin.imaging.model import Header, Limits, Opening, Source
from origin.imaging.plan import opening, plan
from origin.imaging.planned import described
from origin.ports import HeldOriginals
from origin.service.admission import Admission, Admitted, Ask, is_original
from origin.service.catalog import Found
from origin.service.deliver import Prober
from origin.service.refused import Refusals, Suspects
from urlspec.outputs import Raw
from urlspec.sources import SourceRef


class Explain:
    """Tells what a URL means. Answers only whom the picture itself would be answered."""

    def __init__(
        self,
        admission: Admission,
        originals: HeldOriginals,
        prober: Prober,
        limits: Limits,
        max_source_bytes: int,
        fonts: str | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self._admission = admission
        self._originals = originals
        self._prober = prober
        self._limits = limits
        self._max_source_bytes = max_source_bytes
        self._fonts = fonts
        self._refusals = refusals

    async def explain(self, ask: Ask) -> bytes:
        """A JSON document. Raises what a delivery of the same URL would raise before rendering."""
        admitted = await self._admission.admit(ask)
        document = self._reading(admitted)
        if admitted.request.output.has(Raw) or is_original(admitted.request):
            document["plan"] = {
                "kind": "original",
                "note": "the original's own coded pixels; nothing is rendered",
            }
        else:
            headers = await self._headers(admitted)
            document["plan"] = await asyncio.to_thread(self._plan, admitted, headers)  # it may read fonts
        return json.dumps(document, ensure_ascii=False, indent=2).encode()

    def _reading(self, admitted: Admitted) -> dict[str, Any]:
        reading, credentials = admitted.reading, admitted.credentials
        signature = credentials.signature
        return {
            "canonical": reading.canonical,
            "expanded": reading.request.canonical(),
            "resolved": admitted.request.canonical(),
            "source": admitted.request.source.path(),
            "pictures": [one.ref.path() for one in admitted.found],
            "signature": {"kid": signature.kid, "expires": signature.expires or None} if signature else None,
            "public": admitted.public,
            "negotiated": admitted.negotiated,
            "accept": admitted.accept if admitted.negotiated else None,
            "key": admitted.key,
            "warnings": [
                {"argument": one.argument, "component": one.component, "reason": one.reason}
                for one in reading.request.warnings
            ],
        }

    async def _headers(self, admitted: Admitted) -> dict[SourceRef, Header]:
        """Of all pictures. A worker that one of them ends counts as one that its render has ended."""
        case = await self._refusals.render(Suspects.of(admitted)) if self._refusals else None
        how = {admitted.request.source: opening(admitted.request.output)}
        async with AsyncExitStack() as held:
            paths = {one.ref: await self._hold(held, one) for one in admitted.found}
            lost = partial(case.lost, tuple(Source(path) for path in paths.values())) if case else None
            async with case.turn() if case else nullcontext():
                return {
                    ref: await self._prober.probe(path, how.get(ref, Opening()), lost)
                    for ref, path in paths.items()
                }

    async def _hold(self, held: AsyncExitStack, found: Found) -> str:
        file = await held.enter_async_context(
            self._originals.hold(
                found.content,
                found.reader,
                found.key,
                max_bytes=self._max_source_bytes,
                sha256=found.sha256,
                size=found.size,
            )
        )
        return str(file.path)

    def _plan(self, admitted: Admitted, headers: Mapping[SourceRef, Header]) -> dict[str, Any]:
        focus = {one.ref: one.asset.focus for one in admitted.found if one.asset and one.asset.focus}
        return described(plan(admitted.request, headers, self._limits, admitted.accept, focus, self._fonts))
