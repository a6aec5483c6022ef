"""OpenTelemetry traces, where a collector is named: a span for each request and one for each stage of it.

Nothing of this is imported or wrapped around anything without one, so that it costs nothing then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from origin.http.asgi import Receive, Scope, Send, raw_path
from origin.http.exchange import Exchange
from origin.http.server import Server
from origin.imaging.model import Job, Lost, Rendered
from origin.observe.scrub import shown_path
from origin.ports import HeldOriginal, HeldOriginals, ObjectReader, Result
from origin.service.deliver import Renderer, Results

EXPORT_SECONDS = 5.0
"""How long a collector may take to accept a batch, and so how long it can hold up the end of the server."""


class Tracing:
    """Makes spans and sends them in batches to ``endpoint`` (OTLP over HTTP), from a thread of its own.

    What the SDK reads from the environment beside the endpoint counts too: ``OTEL_SERVICE_NAME``,
    ``OTEL_TRACES_SAMPLER``, ``OTEL_EXPORTER_OTLP_HEADERS`` …
    """

    def __init__(self, endpoint: str) -> None:
        resource = Resource.create()
        if str(resource.attributes.get("service.name", "unknown_service")).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": "image-origin"}))
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("origin")

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._provider.shutdown)

    def server(self, server: Server) -> TracedServer:
        return TracedServer(server, self._tracer)

    def renderer(self, renderer: Renderer) -> Renderer:
        return _TracedRenderer(renderer, self._tracer)

    def originals(self, originals: HeldOriginals) -> HeldOriginals:
        return _TracedOriginals(originals, self._tracer)

    def results(self, results: Results) -> Results:
        return _TracedResults(results, self._tracer)

    def exchange(self, exchange: Exchange) -> None:
        """Write what became of a request onto its span."""
        span = trace.get_current_span()
        span.set_attributes(
            {
                "http.response.status_code": exchange.status,
                "http.response.body.size": exchange.sent,
                "http.route": exchange.route,
                "origin.request_id": exchange.request_id,
            }
        )
        span.update_name(f"{exchange.scope['method']} {exchange.route}")
        if exchange.cache:
            span.set_attribute("origin.cache", exchange.cache)
        if exchange.error is not None:
            span.set_attribute("error.type", getattr(exchange.error, "code", "") or "internal")
        if exchange.status >= 500:
            span.set_status(StatusCode.ERROR)


class TracedServer:
    """The application, each request in a span; a ``traceparent`` that came along is its parent."""

    def __init__(self, server: Server, tracer: Tracer) -> None:
        self._server = server
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._server(scope, receive, send)
            return
        names = {b"traceparent", b"tracestate"}
        carrier = {key.decode(): value.decode("latin-1") for key, value in scope["headers"] if key in names}
        with self._tracer.start_as_current_span(
            scope["method"],
            context=extract(carrier),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "url.path": shown_path(raw_path(scope)),
                "url.scheme": scope["scheme"],
            },
        ):
            await self._server(scope, receive, send)


def _tell(span: Span, done: Rendered) -> None:
    span.set_attributes({f"origin.{stage}.seconds": took for stage, took in done.seconds.items()})
    span.set_attributes(
        {
            "origin.format": done.format,
            "origin.width": done.width,
            "origin.height": done.height,
            "origin.frames": done.frames,
            "origin.bytes": len(done.body),
        }
    )


class _TracedRenderer:
    def __init__(self, renderer: Renderer, tracer: Tracer) -> None:
        self._renderer = renderer
        self._tracer = tracer

    async def render(self, job: Job, lost: Lost | None = None) -> Rendered:
        with self._tracer.start_as_current_span("render") as span:
            done = await self._renderer.render(job, lost)
            _tell(span, done)
            return done

    async def render_kept(self, job: Job) -> Rendered | None:
        with self._tracer.start_as_current_span("render") as span:
            done = await self._renderer.render_kept(job)
            span.set_attribute("origin.kept", done is not None)
            if done is not None:
                _tell(span, done)
            return done

    async def original(self, path: str, keep: str = "none", lost: Lost | None = None) -> Rendered:
        with self._tracer.start_as_current_span("original"):
            return await self._renderer.original(path, keep, lost)


class _TracedOriginals:
    def __init__(self, originals: HeldOriginals, tracer: Tracer) -> None:
        self._originals = originals
        self._tracer = tracer

    @asynccontextmanager
    async def hold(
        self,
        identity: str,
        reader: ObjectReader,
        key: str,
        *,
        max_bytes: int,
        sha256: str | None = None,
        size: int | None = None,
    ) -> AsyncIterator[HeldOriginal]:
        async with AsyncExitStack() as stack:
            with self._tracer.start_as_current_span("fetch") as span:
                holding = self._originals.hold(
                    identity, reader, key, max_bytes=max_bytes, sha256=sha256, size=size
                )
                held = await stack.enter_async_context(holding)
                if size is not None:
                    span.set_attribute("origin.bytes", size)
            yield held


class _TracedResults:
    def __init__(self, results: Results, tracer: Tracer) -> None:
        self._results = results
        self._tracer = tracer

    async def lookup(self, key: str) -> tuple[Result, str] | None:
        with self._tracer.start_as_current_span("lookup") as span:
            found = await self._results.lookup(key)
            span.set_attribute("origin.cache", found[1] if found else "miss")
            return found

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None:
        with self._tracer.start_as_current_span("keep"):
            await self._results.put(key, result, assets)
