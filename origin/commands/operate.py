"""What an operator does from the command line, with servers running or not."""

from __future__ import annotations

from origin.app import Origin, build
from origin.settings import Settings


async def purge_asset(settings: Settings, id: str) -> None:
    """Make every variant unreachable, at the edge too. Raises NotFound."""
    async with build(settings).stored() as origin:
        await origin.database.purge(id)
        await _forgotten(origin, id)


async def remove_asset(settings: Settings, id: str) -> None:
    """Take an asset down. Raises NotFound."""
    async with build(settings).stored() as origin:
        await origin.database.delete(id)
        await _forgotten(origin, id)


async def _forgotten(origin: Origin, id: str) -> None:
    await origin.purge.changed(id)
    if origin.emissions is not None:
        # Servers hear of the change within half a second and may refill the edge until then; the
        # repetition that clears this away runs in this process, so it has to live that long.
        await origin.purge.settle()


async def add_user(settings: Settings, email: str, password: str) -> str:
    """The id of the new user. Raises BadRequest, or Conflict when the address is taken."""
    async with build(settings).stored() as origin:
        id, _ = await origin.accounts.register(email, password, operator=True)
    return id
