"""Requests that are done once, however often they are sent (``Idempotency-Key``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from origin.errors import BadRequest, Conflict
from origin.ports import IdempotencyKeeper

LASTS: Final = timedelta(hours=24)

Answer = tuple[int, bytes]
"""Status and body."""


class Idempotency:
    """Remembers answers by user and key for a day."""

    def __init__(self, keeper: IdempotencyKeeper) -> None:
        self._keeper = keeper

    async def once(
        self, owner: str, key: str | None, fingerprint: str, work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The answer of ``work``, or the first one again when this key was used before.

        Raises BadRequest for a key that cannot be one, Conflict when the key belongs to another request or to
        one that is still being worked on. A request that fails gives its key back.
        """
        if key is None:
            return await work()
        if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
            raise BadRequest("An Idempotency-Key has 1 to 255 printable ASCII characters.")
        known = await self._keeper.begin(owner, key, fingerprint, datetime.now(UTC) + LASTS)
        if known is not None:
            if known.fingerprint != fingerprint:
                raise Conflict("This Idempotency-Key was used for another request.")
            if known.status == 0:
                raise Conflict("The first request with this Idempotency-Key is still being worked on.")
            return known.status, known.body
        try:
            answer = await work()
        except BaseException:
            await self._keeper.abandon(owner, key)
            raise
        await self._keeper.finish(owner, key, *answer)
        return answer
