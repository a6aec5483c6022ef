"""The few pages that are not pictures: what this is, and whether it is well."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from origin.http import docs
from origin.http.checks import Check, checked
from origin.http.handlers import handle_errors
from origin.http.monitor import Monitor

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>image origin</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 3rem auto; padding: 0 1rem }}
code {{ background: #eef1f6; padding: .1em .35em; border-radius: .3em; overflow-wrap: anywhere }}
.grid {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1.5rem }}
figure {{ margin: 0 }} img {{ max-width: 100%; border-radius: .5rem; background: #eef1f6 }}
figcaption {{ font-size: .85rem; margin-top: .4rem }}
</style>
<h1>image origin</h1>
<p>URLs become pictures: <code>/w_300,r_90,f_webp/&lt;id&gt;</code>. How a URL is read:
<code>/explain/&lt;the same path&gt;</code>.</p>
<div class="grid">{figures}</div>
</html>
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A picture to show on the front page."""

    title: str
    path: str


def pages(
    checks: Mapping[str, tuple[Check, bool]],
    examples: Callable[[], Awaitable[list[Example]]],
    openapi: bytes,
    monitor: Monitor,
) -> Starlette:
    """The application of the pages. ``checks``: name -> (check, whether the service needs it)."""

    async def home(_: Request) -> Response:
        figures = "".join(
            f'<figure><a href="{html.escape(one.path)}"><img src="{html.escape(one.path)}" loading="lazy" '
            f'alt="{html.escape(one.title)}"></a><figcaption>{html.escape(one.title)}<br>'
            f"<code>{html.escape(one.path)}</code></figcaption></figure>"
            for one in await examples()
        )
        policy = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
        headers = {"content-security-policy": policy, "cache-control": "no-store"}
        return HTMLResponse(_PAGE.format(figures=figures), headers=headers)

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def ready(_: Request) -> Response:
        found = await asyncio.gather(*(checked(check) for check, _ in checks.values()))
        states = dict(zip(checks, found, strict=True))
        broken = any(states[name] != "ok" for name, (_, needed) in checks.items() if needed)
        body = {"status": "unavailable" if broken else "ready", "checks": states}
        headers = {"cache-control": "no-store"} | ({"retry-after": "2"} if broken else {})
        return JSONResponse(body, 503 if broken else 200, headers=headers)

    async def robots(_: Request) -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /explain/\n")

    async def icon(_: Request) -> Response:
        return Response(status_code=204, headers={"cache-control": "public, max-age=86400"})

    async def api_document(_: Request) -> Response:
        return Response(openapi, media_type="application/json")

    async def api_page(_: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(docs.page(openapi), headers={"content-security-policy": policy})

    app = Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", monitor.metrics),
            Route("/robots.txt", robots),
            Route("/favicon.ico", icon),
            Route("/openapi.json", api_document),
            Route("/docs", api_page),
        ],
    )
    handle_errors(app)
    return app
