"""Signed URLs for owners: a browser has no key, and an ``img`` sends no token."""

from __future__ import annotations

from datetime import timedelta

from origin.errors import BadRequest
from origin.ports import AssetLibrary
from urlspec.sign import Keyring
from urlspec.url import Url


class OwnUrls:
    """Signs URLs of assets for the users who own them."""

    def __init__(self, assets: AssetLibrary, keyring: Keyring, public_url: str) -> None:
        self._assets = assets
        self._keyring = keyring
        self._public_url = public_url

    async def signed(self, owner: str, id: str, chain: str, expires_in: int) -> str:
        """The URL of ``id`` with these components, for so many seconds.

        Raises NotFound, UrlError, BadRequest.
        """
        await self._assets.owned(owner, id)
        if not self._keyring:
            raise BadRequest("This server has no signing key: set ORIGIN_SIGNING_KEYS.")
        url = Url(self._public_url, id)
        if chain:
            url = url.chain(chain.strip("/"))
        key, audience = self._keyring.keys[0], self._keyring.audience
        return url.sign(key, expires=timedelta(seconds=expires_in), audience=audience)
