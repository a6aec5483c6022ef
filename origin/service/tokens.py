"""Tokens of ours: short-lived access, single-use refresh, and sessions of browsers (RFC 7519, RFC 8725)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

import jwt

from origin.errors import Unauthorized
from origin.ports import TokenLedger

Kind = Literal["access", "refresh", "session"]

LIFETIMES: Final[dict[Kind, int]] = {"access": 900, "refresh": 30 * 86_400, "session": 12 * 3_600}
"""Seconds."""
ISSUER: Final = "image-origin"
LEEWAY: Final = 30
LONGEST: Final = 4_096
"""Characters of a token that are looked at."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that counts says."""

    subject: str
    jti: str
    family: str
    """Shared by all tokens of one sign-in: revoking it ends them all. Empty: cannot be revoked."""
    expires: int


class Verifier(Protocol):
    """Checks bearer tokens of one issuer."""

    async def verify(self, token: str) -> Claims: ...


class Tokens:
    """Makes and checks tokens with secrets of this server's own (HS256, nothing else).

    The first of ``secrets`` signs, all verify: a fleet changes to a new one without signing anybody out.
    """

    def __init__(
        self,
        secrets: Sequence[bytes],
        ledger: TokenLedger,
        audience: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secrets = tuple(secrets)
        self._ledger = ledger
        self._audience = audience or ISSUER
        self._clock = clock

    def issue(self, subject: str, kind: Kind, family: str | None = None) -> tuple[str, Claims]:
        now = int(self._clock())
        claims = Claims(
            subject, secrets.token_urlsafe(16), family or secrets.token_urlsafe(16), now + LIFETIMES[kind]
        )
        payload = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": subject,
            "iat": now,
            "exp": claims.expires,
            "jti": claims.jti,
            "fam": claims.family,
        }
        return jwt.encode(
            payload, self._secrets[0], algorithm="HS256", headers={"typ": f"{kind}+jwt"}
        ), claims

    async def verify(self, token: str, kind: Kind = "access") -> Claims:
        """The claims of a token of this kind that has not ended or been revoked. Raises Unauthorized."""
        claims = self._decoded(token, kind)
        if await self._ledger.revoked([claims.jti, claims.family]):
            raise refused()
        return claims

    def _decoded(self, token: str, kind: Kind) -> Claims:
        payload = self._payload(token)
        if header_of(token).get("typ") != f"{kind}+jwt":
            raise refused()
        if payload["exp"] - payload["iat"] > LIFETIMES[kind]:
            raise refused()
        jti, family = payload.get("jti"), payload.get("fam")
        if not isinstance(jti, str) or not isinstance(family, str):
            raise refused()
        return Claims(payload["sub"], jti, family, payload["exp"])

    def _payload(self, token: str) -> dict[str, Any]:
        wrong = refused()
        for secret in self._secrets:
            try:
                return decode(
                    token,
                    secret,
                    algorithm="HS256",
                    issuer=ISSUER,
                    audience=self._audience,
                    clock=self._clock,
                )
            except Unauthorized as error:
                wrong = error
        raise wrong

    async def refresh(self, token: str) -> Claims:
        """Use a refresh token up. A token that comes back after it was used ends its whole family."""
        claims = self._decoded(token, "refresh")
        ends = datetime.fromtimestamp(claims.expires, UTC)
        if await self._ledger.revoked([claims.family]):
            raise refused()
        if not await self._ledger.revoke(claims.jti, ends):
            await self._ledger.revoke(claims.family, ends)
            raise refused()
        return claims

    async def revoke(self, claims: Claims) -> None:
        """End this token and all others of its sign-in."""
        ends = datetime.fromtimestamp(int(self._clock()) + LIFETIMES["refresh"], UTC)
        await self._ledger.revoke(claims.family, ends)


def refused() -> Unauthorized:
    """One answer for every way in which a token can be wrong."""
    return Unauthorized("The token is not valid.")


WRONG: Final = (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError)
"""What the library raises for tokens, also for those that nobody would make by mistake."""


def header_of(token: str) -> dict[str, Any]:
    """The header of a token, verified or not. Raises Unauthorized."""
    check_shape(token)
    try:
        return jwt.get_unverified_header(token)
    except WRONG as error:
        raise refused() from error


def issuer_of(token: str) -> object:
    """Who a token says has made it, and so whose rules it is judged by. Raises Unauthorized."""
    check_shape(token)
    try:
        payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except WRONG as error:
        raise refused() from error
    return payload.get("iss")


def check_shape(token: str) -> None:
    if len(token) > LONGEST or not token.isascii():
        raise refused()


def decode(
    token: str,
    key: Any,
    *,
    algorithm: str,
    issuer: str,
    audience: str,
    clock: Callable[[], float],
) -> dict[str, Any]:
    """The payload of a token. The one place where tokens are decoded. Raises Unauthorized.

    The algorithm comes from our configuration, never from the token. The library accepts numbers written as
    text and other odd claims, so their types are checked here once more.
    """
    check_shape(token)
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY,
            options={
                "require": ["exp", "iat", "sub", "aud", "iss"],
                "strict_aud": True,
                "enforce_minimum_key_length": True,
            },
        )
    except WRONG as error:
        raise refused() from error
    now = clock()
    times = (payload["exp"], payload["iat"])
    if any(type(moment) is not int for moment in times) or not isinstance(payload["sub"], str):
        raise refused()
    if (
        payload["iat"] > now + LEEWAY
        or payload["exp"] <= payload["iat"]
        or not 0 < len(payload["sub"]) <= 255
    ):
        raise refused()
    return payload
