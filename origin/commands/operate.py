"""What an operator does to assets from the command line."""

from __future__ import annotations

from origin.app import build
from origin.settings import Settings


async def purge_asset(settings: Settings, id: str) -> None:
    """Make every variant unreachable. Raises NotFound."""
    async with build(settings).stored() as origin:
        await origin.database.purge(id)
        await origin.results.forget(id)


async def remove_asset(settings: Settings, id: str) -> None:
    """Take an asset down. Raises NotFound."""
    async with build(settings).stored() as origin:
        await origin.database.delete(id)
        await origin.results.forget(id)
