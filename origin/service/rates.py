"""Rate limits by user or address, shared through Redis where there is one."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from origin.errors import TooManyRequests, Unauthorized, Unavailable

Kind = Literal["render", "upload", "login", "register", "api"]
GUARDED: Final[frozenset[str]] = frozenset({"login", "register"})
"""Limits that must never fall away with the store that keeps them: then a quarter counts, in this process."""
FAILURES_PER_ACCOUNT: Final = parse("5/15 minutes")
FAILURES_PER_ADDRESS: Final = parse("20/15 minutes")


class Counts(Protocol):
    """Counts that several servers share."""

    async def count(self, item: RateLimitItem, kind: str, who: str) -> tuple[bool, int, float]:
        """Count one: whether it is allowed, how many are left, and when (unix seconds) one is free again.

        Raises Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How much is left, for the ``RateLimit-*`` headers."""

    limit: int
    remaining: int
    reset: int
    """Seconds."""


class Rates:
    """Counts against limits. ``limits`` maps a kind to its limit; None is off."""

    def __init__(self, limits: dict[Kind, RateLimitItem | None], shared: Counts | None = None) -> None:
        self._limits = limits
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared = shared
        self._guessing: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[str] = Counter(dict.fromkeys([*limits, "guess"], 0))
        """By kind, since this process started."""

    async def take(self, kind: Kind, who: str) -> Standing | None:
        """Count one. Raises TooManyRequests with the seconds to wait; None where there is no limit."""
        item = self._limits[kind]
        if item is None:
            return None
        try:
            return await self._take(item, kind, who)
        except TooManyRequests:
            self.refused[kind] += 1
            raise

    async def _take(self, item: RateLimitItem, kind: str, who: str) -> Standing:
        if self._shared is not None:
            try:
                return _standing(item, *await self._shared.count(item, kind, who))
            except Unavailable:
                # A limiter that is away must not take pictures along: this process counts by itself.
                if kind in GUARDED:
                    item = type(item)(max(1, item.amount // 4), item.multiples)
        allowed = await self._local.hit(item, kind, who)
        window = await self._local.get_window_stats(item, kind, who)
        return _standing(item, allowed, window.remaining, window.reset_time)

    @asynccontextmanager
    async def guess(self, account: str, address: str) -> AsyncIterator[None]:
        """Around one attempt to sign in: counted when it raises Unauthorized.

        Raises TooManyRequests when this account or address has failed too often. Attempts under way count as
        failed until they end, so that many at once are no way around the limit. Off where ``login`` is off.
        """
        if self._limits["login"] is None:
            yield
            return
        # In this process on purpose: these counts must not be lost with Redis.
        names = (("account", account, FAILURES_PER_ACCOUNT), ("address", address, FAILURES_PER_ADDRESS))
        for kind, name, item in names:
            window = await self._local.get_window_stats(item, "failure", kind, name)
            if window.remaining <= self._guessing[kind, name]:
                self.refused["guess"] += 1
                raise too_many(item, window.reset_time if window.remaining <= 0 else time.time() + 1)
        keys = [(kind, name) for kind, name, _ in names]
        self._guessing.update(keys)
        try:
            yield
        except Unauthorized:
            for kind, name, item in names:
                await self._local.hit(item, "failure", kind, name)
            raise
        finally:
            self._guessing.subtract(keys)
            self._guessing += Counter()  # drops what is zero


def _standing(item: RateLimitItem, allowed: bool, remaining: int, reset: float) -> Standing:
    if not allowed:
        raise too_many(item, reset)
    return Standing(item.amount, remaining, max(0, round(reset - time.time())))


def too_many(item: RateLimitItem, reset: float) -> TooManyRequests:
    error = TooManyRequests("You ask more often than is allowed here.")
    error.limit = item.amount
    error.wait = max(1, round(reset - time.time()))
    return error


def address_group(address: str) -> str:
    """The address that counts: an IPv6 customer has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def read_limit(text: str) -> RateLimitItem | None:
    """``600/minute`` or ``off``. Raises ValueError."""
    return None if text == "off" else parse(text)
