"""The wiring of a server: the parts of ``origin.app`` behind HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from origin import wiring
from origin.app import Origin
from origin.http import api as http_api
from origin.http.monitor import Monitor
from origin.http.openapi import openapi
from origin.http.pages import Example, pages
from origin.http.pictures import Pictures
from origin.http.server import Server
from origin.imaging.model import media_type
from origin.observe.logs import access_log
from origin.service.idempotency import Idempotency
from origin.service.urls import OwnUrls
from origin.settings import LOOPBACK

if TYPE_CHECKING:
    from origin.observe.tracing import TracedServer


def application(origin: Origin, examples: Callable[[], Awaitable[list[Example]]]) -> Server | TracedServer:
    """The ASGI application."""
    settings = origin.settings
    pictures = Pictures(
        origin.deliver,
        origin.explain,
        cache_control=settings.cache_control,
        public_url=(settings.public_url or "").rstrip("/"),
        cors_origins=frozenset(settings.cors_origins),
        authenticate=origin.authenticator.viewer,
        address=origin.authenticator.address,
        emissions=origin.emissions,
        notice=origin.pool.notice if settings.dev_errors else None,
    )
    api = http_api.application(_api_parts(origin))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with origin.running():
            yield

    address = origin.authenticator.address
    monitor = Monitor(
        origin.metrics.exposition, token=settings.metrics_token, port=settings.metrics_port, address=address
    )
    observers = [access_log(address), origin.metrics.exchange]
    observers += [one.exchange for one in (origin.tracing, origin.reports) if one is not None]
    server = Server(
        pictures,
        pages(origin.checks, examples, openapi(api, map(media_type, settings.accept)), monitor),
        api,
        lifespan,
        monitor,
        observers,
    )
    return origin.tracing.server(server) if origin.tracing else server


def _api_parts(origin: Origin) -> http_api.Parts:
    settings = origin.settings
    public_url = (settings.public_url or "").rstrip("/")
    return http_api.Parts(
        origin.accounts,
        origin.authenticator,
        origin.library,
        origin.uploads,
        OwnUrls(origin.database, settings.keyring, public_url),
        origin.eager,
        Idempotency(origin.database),
        origin.rates,
        public_url,
        secure_cookies=settings.host not in LOOPBACK or public_url.startswith("https:"),
        max_bytes=settings.max_source_bytes,
        folder=wiring.uploads_folder(settings),
        cors_origins=settings.cors_origins,
    )


__all__ = ["Example", "application"]
