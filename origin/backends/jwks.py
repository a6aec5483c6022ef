"""The key set of an identity provider over HTTPS."""

from __future__ import annotations

import asyncio

import httpx

from origin.errors import Unavailable

LARGEST = 64 << 10
SECONDS = 2.0


class HttpKeyFetcher:
    """Fetches one address, follows no redirect, reads at most 64 KiB within 2 s."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(follow_redirects=False, timeout=SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(self) -> bytes:
        """Raises Unavailable for everything but a 200 that is small enough."""
        try:
            # The client's own time-out is one for each step: a body that drips would never end by it.
            async with (
                asyncio.timeout(SECONDS),
                self._client.stream("GET", self._url, headers={"accept": "application/json"}) as answer,
            ):
                if answer.status_code != 200:
                    raise Unavailable("The identity provider did not give its keys.")
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise Unavailable("The identity provider's key set is too large.")
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("The identity provider does not answer.") from error
        return bytes(body)
