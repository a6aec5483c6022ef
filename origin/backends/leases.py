"""Who renders a key, where there is one process: everybody who asks."""

from __future__ import annotations

from origin.ports import Lease


class Granted:
    """A lease that nobody else could want."""

    contested = False

    async def done(self) -> None:
        return


class LocalLeases:
    """For one process, which renders each key once anyway."""

    async def acquire(self, key: str) -> Lease | None:  # noqa: ARG002
        return Granted()

    async def wait(self, key: str, seconds: float) -> None:
        """There is nobody to wait for."""
