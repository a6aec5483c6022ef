"""Reports to Sentry: errors that nobody expected, and storage that gives something broken."""

from __future__ import annotations

import asyncio
from typing import Any

import sentry_sdk
from sentry_sdk.utils import event_from_exception

from origin.errors import Internal, OriginError, StorageBroken
from origin.http.asgi import raw_path
from origin.http.exchange import Exchange
from origin.observe.scrub import Scrubber, shown_path
from urlspec.errors import UrlSpecError

FLUSH_SECONDS = 2.0


class Reports:
    """A client of its own: nothing is patched, no local variables, headers or bodies go along."""

    def __init__(self, dsn: str, scrub: Scrubber) -> None:
        self._client = sentry_sdk.Client(
            dsn=dsn,
            default_integrations=False,
            auto_enabling_integrations=False,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=lambda event, _: _scrubbed(event, scrub),
        )

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._client.close, FLUSH_SECONDS)

    def exchange(self, exchange: Exchange) -> None:
        error = exchange.error
        if error is None or not worth_reporting(error):
            return
        event, hint = event_from_exception(error, client_options=self._client.options)
        event["transaction"] = exchange.route
        event["tags"] = {"code": getattr(error, "code", "internal"), "request_id": exchange.request_id}
        event["request"] = {
            "method": exchange.scope["method"],
            "url": shown_path(raw_path(exchange.scope)),
        }
        self._client.capture_event(event, hint)


def worth_reporting(error: Exception) -> bool:
    """Clients' mistakes, deadlines, full queues and dependencies that are away are for the metrics."""
    if isinstance(error, OriginError):
        return isinstance(error, Internal | StorageBroken)
    return not isinstance(error, UrlSpecError)


def _scrubbed(value: Any, scrub: Scrubber) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {key: _scrubbed(one, scrub) for key, one in value.items()}
    if isinstance(value, list):
        return [_scrubbed(one, scrub) for one in value]
    return value
