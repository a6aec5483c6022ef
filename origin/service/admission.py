"""From a raw path to a request that may be answered, and the key of its answer. No pixel is touched here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from origin.imaging.model import RENDERER_VERSION, Accept
from origin.service.access import Credentials, Gatekeeper, Principal
from origin.service.catalog import Found
from origin.service.negotiate import accept_class
from urlspec.errors import UrlError
from urlspec.hints import dpr_from, resolve_hints, saving_from, width_from
from urlspec.outputs import Download, Fallback, Format, Metadata, Version
from urlspec.parse import parse
from urlspec.presets import Presets
from urlspec.request import Output, Request
from urlspec.sources import SourceRef
from urlspec.texts import TextRef


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a picture, as far as the answer depends on it."""

    path: bytes
    """Raw, as received, signature included."""
    accept: str | None = None
    width: str | None = None
    """Client hint, as received."""
    dpr: str | None = None
    principal: Principal | None = None
    etag: str | None = None
    """``If-None-Match``, as received."""
    who: str = ""
    """Whom a render is counted against."""
    save_data: str | None = None
    """Client hint, as received."""
    more: bool = False
    """Other variants of the same picture follow."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A path that has been read: as given, and with presets expanded."""

    given: Request
    request: Request
    canonical: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be answered, and everything its answer is made from."""

    reading: Reading
    request: Request
    """Presets expanded, hints resolved."""
    credentials: Credentials
    found: tuple[Found, ...]
    """The source first, then layers."""
    accept: Accept
    key: str
    hinted: bool
    """Client hints were read."""
    modified: float
    """Unix seconds."""
    more: bool = False
    """Other variants of the same picture follow."""
    unhurried: bool = False
    """Nobody waits for it: a draft is being replaced."""

    @property
    def public(self) -> bool:
        """Anybody may keep the answer: nothing private is in it and its permission does not end."""
        return all(one.public for one in self.found) and self.credentials.expires == 0

    @property
    def negotiated(self) -> bool:
        return self.request.output.get(Format) == Format("auto")

    @property
    def assets(self) -> tuple[str, ...]:
        return tuple(one.asset.id for one in self.found if one.asset)


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    presets: Presets
    max_url_bytes: int
    fonts: str = ""
    """Fingerprint of the fonts in use."""
    changed: float = 0.0
    """Unix seconds at which the renderer or the presets last changed."""


class Admission:
    """Reads URLs and decides whether they may be answered, and from what."""

    def __init__(
        self, gate: Gatekeeper, settings: AdmissionSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._read = lru_cache(maxsize=8_192)(self._parse)

    def _parse(self, rest: bytes) -> Reading:
        limit = self._settings.max_url_bytes
        given = parse(rest, limit=limit)
        request = parse(rest, self._settings.presets, limit=limit) if given.presets else given
        return Reading(given, request, given.canonical())

    def read(self, path: bytes) -> tuple[Reading, Credentials]:
        """The URL and the signature it brought. Raises SignatureError before parsing, or UrlError."""
        limit = self._settings.max_url_bytes
        if len(path) > limit:
            raise UrlError(
                "path_too_long",
                f"The path has {len(path)} bytes; at most {limit} are accepted.",
                expected=f"at most {limit} bytes",
            )
        signature, rest = self._gate.verify(path, self._clock())
        try:
            return self._read(rest), Credentials(signature)
        except UrlError as error:
            raise error.shifted(len(path) - len(rest)) from error

    async def admit(self, ask: Ask, *, fresh: bool = False, fallback: bool = False) -> Admitted:
        """Whether ``ask`` may be answered, and from what.

        ``fallback`` puts the picture of ``d_`` in the source's place; ``fresh`` believes no cached metadata.
        Raises UrlError, SignatureError, NotFound, Gone and what storage and the database raise.
        """
        reading, signed = self.read(ask.path)
        credentials = replace(signed, principal=ask.principal)
        await self._gate.admit(reading.given, reading.request, credentials)
        wanted = _fallen_back(reading.request) if fallback else reading.request
        request = resolve_hints(
            wanted, width_from(ask.width), dpr_from(ask.dpr), saving=saving_from(ask.save_data)
        )
        found = [await self._gate.find(ref, request, credentials, fresh=fresh) for ref in _pictures(request)]
        negotiated = request.output.get(Format) == Format("auto")
        accept = accept_class(ask.accept) if negotiated else "jpeg"
        return Admitted(
            reading,
            request,
            credentials,
            tuple(found),
            accept,
            self._key(request, found, accept),
            wanted.wants_width_hint or wanted.wants_dpr_hint,
            max(found[0].modified.timestamp(), self._settings.changed),
            ask.more,
        )

    async def unchanged(self, admitted: Admitted) -> bool:
        """Whether nothing that the answer is made from was replaced, purged or closed meanwhile."""
        for one in admitted.found:
            if one.asset is not None:
                now = await self._gate.find(one.ref, admitted.request, admitted.credentials, fresh=True)
                if now.identity != one.identity:
                    return False
        return True

    def _key(self, request: Request, found: Sequence[Found], accept: str) -> str:
        """Names the answer's bytes: all that they are made from, and nothing else."""
        # The version is in the source's identity; the name of a download is a header.
        made_by = tuple(
            one for one in request.output.arguments if not isinstance(one, Download | Version | Fallback)
        )
        text = replace(request, output=Output(made_by)).canonical()
        fonts = self._settings.fonts if _writes(request, found) else ""
        parts = [RENDERER_VERSION, fonts, accept, text, *(one.identity for one in found)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _writes(request: Request, found: Sequence[Found]) -> bool:
    """Whether fonts have a say: there is a text layer, or a drawing, which may hold text."""
    drawn = any(one.asset is None or one.asset.current.format in {"svg", "pdf"} for one in found)
    return drawn or any(isinstance(layer, TextRef) for layer in request.layers())


def _pictures(request: Request) -> tuple[SourceRef, ...]:
    """What the picture is made from: the source and the layers, not the fallback."""
    without = replace(
        request,
        output=Output(tuple(one for one in request.output.arguments if not isinstance(one, Fallback))),
    )
    return without.assets()


def has_fallback(reading: Reading) -> bool:
    return reading.request.output.has(Fallback)


def _fallen_back(request: Request) -> Request:
    """The request with its ``d_`` picture as the source. A fallback has no fallback and no version."""
    fallback = request.output.get(Fallback)
    assert fallback is not None
    kept = tuple(one for one in request.output.arguments if not isinstance(one, Fallback | Version))
    return replace(request, source=fallback.source, output=Output(kept))


def is_original(request: Request) -> bool:
    """Whether the original is wanted as it is coded: nothing shapes it or says how to write it."""
    return not request.components and all(
        isinstance(one, Metadata | Download | Version | Fallback) for one in request.output.arguments
    )
