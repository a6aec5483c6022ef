"""Structured logs: one JSON object a line on stdout, one line a request."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any

import structlog

from origin.errors import OriginError
from origin.http.asgi import Scope, raw_path
from origin.http.exchange import Exchange, Observe
from origin.observe.scrub import Scrubber, shown_path
from urlspec.errors import UrlSpecError

FREE_TEXT = ("event", "cause", "exception", "stack")
"""What comes from libraries and exceptions; everything else in a line is made of parts that are known."""


def configure(scrub: Scrubber) -> None:
    """Log as JSON from here on, also what libraries and backends have to say."""

    def scrubbed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name in FREE_TEXT:
            if isinstance(text := event.get(name), str):
                event[name] = scrub(text)
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrubbed,
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )


def access_log(address: Callable[[Scope], str]) -> Observe:
    """One line a request. JSON escapes whatever a client put into its path and its method.

    ``address`` tells the client's, as limits count it.
    """
    log = structlog.get_logger("origin.access")
    shown = lru_cache(maxsize=1_024)(shown_path)

    def observe(exchange: Exchange) -> None:
        scope, error = exchange.scope, exchange.error
        line: dict[str, Any] = {
            "request_id": exchange.request_id,
            "client": address(scope),
            "method": scope["method"][:16],
            "path": shown(raw_path(scope)),
            "status": exchange.status,
            "bytes": exchange.sent,
            "ms": round(exchange.seconds * 1000, 1),
        }
        if exchange.cache:
            line["cache"] = exchange.cache
        if exchange.warning:
            line["warning"] = exchange.warning
        for stage, seconds in exchange.stages.items():
            line[f"{stage}_ms"] = round(seconds * 1000, 1)
        if error is None:
            log.info("request", **line)
            return
        line["code"] = getattr(error, "code", "internal")
        expected = isinstance(error, OriginError | UrlSpecError)
        cause = error.__cause__ if expected else error
        if exchange.status < 500:
            log.info("request", **line)
        elif expected:
            log.warning("request", **line, cause=repr(cause) if cause else None)
        else:
            log.error("request", **line, exc_info=error)

    return observe
