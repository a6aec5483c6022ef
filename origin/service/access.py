"""Who may see: decided before what exists."""

from __future__ import annotations

from dataclasses import dataclass

from origin.errors import Gone, NotFound
from origin.ports import Asset
from origin.service.catalog import Catalog, Found
from urlspec.errors import SignatureError
from urlspec.outputs import Metadata, Raw, Version
from urlspec.presets import Presets, only_presets
from urlspec.request import Request
from urlspec.sign import Keyring, Verified
from urlspec.sources import AssetRef, NamedRef, SourceRef


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in user."""

    id: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought: a right signature, or a user, or both, or nothing."""

    signature: Verified | None = None
    principal: Principal | None = None

    @property
    def expires(self) -> int:
        return self.signature.expires if self.signature else 0

    def owns(self, asset: Asset) -> bool:
        return self.principal is not None and asset.owner == self.principal.id

    def may_see(self, asset: Asset) -> bool:
        """A private asset needs a signature that ends, or its owner."""
        return asset.visibility == "public" or self.expires > 0 or self.owns(asset)


class Gatekeeper:
    """Decides whether a URL may be answered at all, and which of the pictures it names may be seen."""

    def __init__(self, keyring: Keyring, unsigned: str, presets: Presets, catalog: Catalog) -> None:
        self._keyring = keyring
        self._unsigned = unsigned
        self._presets = presets
        self._catalog = catalog

    def verify(self, path: bytes, now: float) -> tuple[Verified | None, bytes]:
        """The signature of a raw path, if it has one, and what it signs. Raises SignatureError."""
        verified = self._keyring.verify(path, now)
        return (None, path) if verified is None else (verified, verified.rest)

    async def admit(self, given: Request, expanded: Request, credentials: Credentials) -> None:
        """Refuse what needs a signature and has none. ``given`` is the request before presets are expanded.

        The owner's token stands in for a signature where the URL names nothing that is not theirs.
        """
        if credentials.signature is not None:
            return
        guarded = expanded.output.has(Raw) or expanded.output.get(Metadata) == Metadata("all")
        allowed = self._unsigned == "any" or (
            self._unsigned == "presets" and only_presets(given, self._presets)
        )
        if allowed and not guarded:
            return
        if credentials.principal is not None and await self._owns_all(given, credentials):
            return
        raise SignatureError("signature_required")

    async def _owns_all(self, request: Request, credentials: Credentials) -> bool:
        for ref in request.assets():
            asset = await self._catalog.asset(ref) if isinstance(ref, AssetRef) else None
            if asset is None or not credentials.owns(asset):
                return False
        return True

    async def find(
        self, ref: SourceRef, request: Request, credentials: Credentials, *, fresh: bool = False
    ) -> Found:
        """The picture ``ref`` if these credentials may see it.

        Raises NotFound (also for what is private, in the same words), or Gone for what was public.
        """
        if isinstance(ref, NamedRef):
            return await self._named(ref, credentials)
        asset = await self._catalog.asset(ref, fresh=fresh)
        if asset is None or not credentials.may_see(asset):
            raise NotFound
        if asset.deleted is not None:
            raise Gone if asset.visibility == "public" else NotFound
        wanted = request.output.get(Version) if ref == request.source else None
        version = asset.version(wanted.number if wanted else None)
        if version is None:
            raise NotFound
        if version.purged:
            raise Gone
        return self._catalog.from_asset(ref, asset, version)

    async def _named(self, ref: NamedRef, credentials: Credentials) -> Found:
        source = self._catalog.source(ref)
        if source is None:
            raise NotFound
        if not source.public and credentials.signature is None:
            raise SignatureError("signature_required")
        return await self._catalog.object(ref, source)
