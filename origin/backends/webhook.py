"""Events to the one webhook of the settings: signed, and tried again for a while."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time

import httpx

from origin.errors import Unavailable
from origin.ports import Asset

ATTEMPTS = 5
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each later pause is twice as long."""
SECONDS = 5.0


class Webhook:
    """POSTs JSON; ``X-Origin-Signature`` is the HMAC-SHA256 of ``X-Origin-Timestamp``, ``.`` and the body.

    A repetition has the same ``id``, so that a receiver can tell it.
    """

    def __init__(self, url: str, secret: str, *, first_pause: float = FIRST_PAUSE) -> None:
        self._url = url
        self._secret = secret.encode()
        self._first_pause = first_pause
        self._client = httpx.AsyncClient(follow_redirects=False, timeout=SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, event: str, asset: Asset, details: dict[str, object]) -> None:
        """Raises Unavailable when no attempt was answered with a 2xx."""
        version = asset.current
        body = json.dumps(
            {
                "id": secrets.token_hex(16),
                "event": event,
                "asset": {"id": asset.id, "version": version.number, "sha256": version.sha256},
                **details,
            }
        ).encode()
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._first_pause * 2 ** (attempt - 1))
            if await self._sent(body):
                return
        raise Unavailable("The webhook does not answer.")

    async def _sent(self, body: bytes) -> bool:
        timestamp = str(int(time.time()))
        signature = hmac.new(self._secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-origin-timestamp": timestamp,
            "x-origin-signature": signature,
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.is_success
