"""Tokens of the user's own identity provider, checked with its published keys (RFC 7517)."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from origin.errors import OriginError, Unavailable
from origin.ports import TokenLedger
from origin.service.tokens import Claims, decode, header_of, refused

log = logging.getLogger(__name__)

ALGORITHMS: Final = {"RSA": "RS256", "EC": "ES256"}
FRESH: Final = 300.0
"""Seconds after which the keys are fetched again."""
STALE: Final = 86_400.0
"""Seconds for which known keys go on counting while the provider is away."""
APART: Final = 30.0
"""At least this many seconds lie between two fetches, whatever key ids strangers make up."""
MOST_KEYS: Final = 32
SHORTEST_RSA: Final = 2_048
"""Bits."""
LONGEST_LIFE: Final = 86_400
"""Seconds between ``iat`` and ``exp``; providers give an hour, some a day."""
HEADERS: Final = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
"""What a header may hold. None of it says where to find a key."""
TYPES: Final = ("JWT", "at+jwt")


class KeyFetcher(Protocol):
    """Fetches the key set of one provider; its address comes from the settings only."""

    async def fetch(self) -> bytes: ...


class ForeignTokens:
    """Verifies RS256 and ES256 tokens of one issuer."""

    def __init__(
        self,
        fetcher: KeyFetcher,
        issuer: str,
        audience: str,
        ledger: TokenLedger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetcher = fetcher
        self._issuer = issuer
        self._audience = audience
        self._ledger = ledger
        self._clock = clock
        self._keys: dict[str, tuple[str, Any]] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def verify(self, token: str) -> Claims:
        """The claims of a token of this issuer. Raises Unauthorized, or Unavailable without any keys."""
        header = header_of(token)
        if not set(header) <= HEADERS or header.get("typ", "JWT") not in TYPES:
            raise refused()
        algorithm, key = await self._key(header.get("kid"))
        payload = decode(
            token, key, algorithm=algorithm, issuer=self._issuer, audience=self._audience, clock=self._clock
        )
        if payload["exp"] - payload["iat"] > LONGEST_LIFE:
            raise refused()
        return await self._unrevoked(payload)

    async def _unrevoked(self, payload: dict[str, Any]) -> Claims:
        jti = payload.get("jti", "")
        if not isinstance(jti, str):
            raise refused()
        claims = Claims(f"idp:{payload['sub']}", jti, f"idp:{jti}" if jti else "", payload["exp"])
        if claims.family and await self._ledger.revoked([claims.family]):
            raise refused()
        return claims

    async def _key(self, kid: str | None) -> tuple[str, Any]:
        age = self._clock() - self._fetched
        known = self._chosen(kid) if age <= STALE else None
        if known is None:
            # Only here somebody waits for the provider; keys that are known are renewed behind their use.
            await asyncio.shield(self._renewal())
            known = self._chosen(kid)
        elif age > FRESH:
            self._renewal()
        if self._clock() - self._fetched > STALE:
            raise Unavailable("The keys of the identity provider are not known just now.")
        if known is None:
            raise refused()
        return known

    def _chosen(self, kid: str | None) -> tuple[str, Any] | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _renewal(self) -> asyncio.Task[None]:
        """The fetch that is under way, or a new one: one at a time, whoever asks."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew())
        return self._fetching

    async def _renew(self) -> None:
        now = self._clock()
        if now - self._tried < APART:
            return
        self._tried = now
        try:
            keys = read_keys(await self._fetcher.fetch())
        except (OriginError, ValueError, RecursionError) as error:
            # The keys that are known go on counting: one failed fetch must not sign everybody out.
            log.warning("the key set could not be fetched: %r", error)
            return
        if keys:
            self._keys, self._fetched = keys, now


def read_keys(document: bytes) -> dict[str, tuple[str, Any]]:
    """The usable keys of a key set by their ids. One bad key does not spoil the others. Raises ValueError."""
    parsed = json.loads(document)
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a key set")  # noqa: TRY004 - a document of the wrong shape is a wrong value
    keys: dict[str, tuple[str, Any]] = {}
    for entry in entries[:MOST_KEYS]:
        if (usable := _usable(entry)) is not None:
            keys[str(entry.get("kid", ""))] = usable
    return keys


def _usable(entry: Any) -> tuple[str, Any] | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or "d" in entry:  # d: a private key
        return None
    algorithm = ALGORITHMS.get(str(entry.get("kty")))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    if algorithm == "ES256" and entry.get("crv") != "P-256":
        return None
    try:
        key = PyJWK(entry, algorithm=algorithm).key
    except (PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and key.key_size < SHORTEST_RSA:
        return None
    return algorithm, key
