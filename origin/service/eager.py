"""What happens after an upload was answered: variants rendered ahead, and word to a webhook."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from origin.errors import BadRequest, OriginError
from origin.ports import Asset
from origin.service.access import Principal
from origin.service.admission import Ask
from origin.service.deliver import Delivered
from origin.service.ingest import Ingested
from urlspec.errors import UrlSpecError
from urlspec.parse import parse

log = logging.getLogger(__name__)

MOST_CHAINS = 16
ACCEPTS = ("image/avif,image/webp", "image/webp", "image/*")
"""One ``Accept`` of each class, for chains that negotiate."""


class Deliverer(Protocol):
    async def deliver(self, ask: Ask) -> Delivered: ...


class Messenger(Protocol):
    """Delivers events to the configured webhook."""

    async def send(self, event: str, asset: Asset, details: dict[str, object]) -> None: ...


class Eager:
    """Renders variants after the answer, one upload after the other, and then tells the webhook."""

    def __init__(self, deliver: Deliverer, messenger: Messenger | None) -> None:
        self._deliver = deliver
        self._messenger = messenger
        self._turn = asyncio.Semaphore(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, ingested: Ingested, chains: tuple[str, ...] = ()) -> None:
        """Start the work for an upload, if there is any. Bytes that were here already are no news."""
        if not chains and (self._messenger is None or not ingested.created):
            return
        task = asyncio.ensure_future(self._work(ingested.asset, chains))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, asset: Asset, chains: tuple[str, ...]) -> None:
        async with self._turn:
            more = len(chains) > 1
            made = {chain: await self._render(asset, chain, more=more) for chain in chains}
        if self._messenger is not None:
            await self._told(lambda messenger: messenger.send("image.ready", asset, {"eager": made}))

    async def _render(self, asset: Asset, chain: str, *, more: bool) -> str:
        """``ok``, or the code of what went wrong: a chain that fails keeps no other from being rendered.

        ``more``: the original is decoded for all of them.
        """
        principal = Principal(asset.owner) if asset.owner else None
        accepts = ACCEPTS if "f_auto" in chain else ("image/*",)
        try:
            for accept in accepts:
                await self._deliver.deliver(
                    Ask(f"/{chain}/{asset.id}".encode(), accept, principal=principal, more=more)
                )
        except (OriginError, UrlSpecError) as error:
            code: str = getattr(error, "code", "internal")
            log.warning("the eager variant %r of %s was not made: %s", chain, asset.id, code)
            return code
        return "ok"

    async def _told(self, send: Callable[[Messenger], Awaitable[None]]) -> None:
        assert self._messenger is not None
        try:
            await send(self._messenger)
        except OriginError as error:
            log.warning("the webhook was not told: %r", error.__cause__)


def checked_chains(text: str) -> tuple[str, ...]:
    """Chains joined by spaces, each judged by the URL language. Raises UrlError, BadRequest."""
    chains = tuple(dict.fromkeys(chain.strip("/") for chain in text.split()))
    if len(chains) > MOST_CHAINS:
        raise BadRequest(f"At most {MOST_CHAINS} chains are rendered ahead.")
    for chain in chains:
        parse(f"/{chain}/x")
    return chains
