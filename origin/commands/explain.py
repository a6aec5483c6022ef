"""``origin explain``: what ``GET /explain/…`` answers, from the command line."""

from __future__ import annotations

from urllib.parse import urlsplit

from origin.app import Ask, build
from origin.settings import Settings


async def explain_url(settings: Settings, url: str) -> str:
    """The explanation as JSON text. Raises what a delivery of the URL would raise before rendering."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    base = urlsplit(settings.public_url or "").path.rstrip("/")
    path = path.removeprefix(base) if base else path
    async with build(settings).running(watch=False) as origin:
        explained = await origin.explain.explain(Ask(path.encode("utf-8", "surrogateescape")))
    return explained.decode()
