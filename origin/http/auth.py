"""Who a request comes from: bearer token, session cookie, address."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from origin.errors import Forbidden, Unauthorized
from origin.http.asgi import Scope, header
from origin.service.access import Principal
from origin.service.rates import address_group
from origin.service.tokens import ISSUER, Claims, Tokens, Verifier, issuer_of

COOKIE: Final = "origin_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user, and the token that says so."""

    principal: Principal
    claims: Claims


class Authenticator:
    """Reads credentials. Whose tokens count is said by configuration, never by the token."""

    def __init__(
        self,
        tokens: Tokens,
        foreign: Verifier | None,
        *,
        trusted_proxies: Networks,
        own_origins: frozenset[str],
    ) -> None:
        self._tokens = tokens
        self._foreign = foreign
        self._trusted = trusted_proxies
        self._own_origins = own_origins

    async def viewer(self, scope: Scope) -> Principal | None:
        """The user who looks at a picture. Raises Unauthorized for a wrong token.

        A session that has ended makes a stranger of a browser, not an error of every picture of its pages.
        """
        try:
            found = await self.signed_in(scope)
        except Unauthorized:
            if header(scope, b"authorization") is not None:
                raise
            return None
        return found.principal if found else None

    async def signed_in(self, scope: Scope) -> SignedIn | None:
        """The user of this request; None without credentials. Raises Unauthorized for wrong ones."""
        authorization = header(scope, b"authorization")
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise Unauthorized("Send the token as Authorization: Bearer <token>.")
            claims = await self._bearer(token.strip())
        else:
            cookie = session_cookie(scope)
            if cookie is None:
                return None
            self._check_origin(scope)
            claims = await self._tokens.verify(cookie, "session")
        return SignedIn(Principal(claims.subject), claims)

    async def _bearer(self, token: str) -> Claims:
        if self._foreign is None or issuer_of(token) == ISSUER:
            return await self._tokens.verify(token)
        return await self._foreign.verify(token)

    def _check_origin(self, scope: Scope) -> None:
        """A cookie goes along with requests that other sites start: those may read, never change."""
        if scope["method"] not in SAFE_METHODS:
            self.check_same_origin(scope)

    def check_same_origin(self, scope: Scope) -> None:
        """Raises Forbidden for a change that a browser says comes from elsewhere, or says nothing of."""
        origin = header(scope, b"origin")
        if origin is not None:
            host = header(scope, b"host") or ""
            if origin not in self._own_origins and urlsplit(origin).netloc != host:
                raise Forbidden("This request comes from another site.")
        elif header(scope, b"sec-fetch-site") not in {"same-origin", "none"}:
            raise Forbidden("A request with a session cookie needs an Origin header.")

    def address(self, scope: Scope) -> str:
        """The client's address as it counts for limits: the nearest one that is not a trusted proxy's.

        A proxy appends whom it saw; what stands before the word of the last trusted one is the client's own.
        """
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = (header(scope, b"x-forwarded-for") or "").split(",")
        while self._is_trusted(peer) and forwarded:
            peer = forwarded.pop().strip() or peer
        return address_group(peer)

    def _is_trusted(self, peer: str) -> bool:
        if not self._trusted:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def set_session(token: str, seconds: int, *, secure: bool) -> str:
    """The value of ``Set-Cookie`` that begins a browser's session, or ends it with 0 seconds."""
    parts = [f"{COOKIE}={token}", f"Max-Age={seconds}", "Path=/", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def session_cookie(scope: Scope) -> str | None:
    text = header(scope, b"cookie")
    if text is None or COOKIE not in text:
        return None
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(text[:8_192].replace(",", ";"))
    except CookieError:
        return None
    morsel = jar.get(COOKIE)
    return morsel.value if morsel else None
