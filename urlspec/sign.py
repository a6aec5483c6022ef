"""Signatures of URLs: ``/s1.<kid>.<exp>.<mac>/<chain>/<source>``.

The message is ``"image-url/s1" LF audience LF kid LF exp LF rest`` with ``rest`` the raw bytes after the
signature segment. The mac is HMAC-SHA256 under a key that is itself HMAC-SHA256(secret, salt), in
base64url without padding, exactly as itsdangerous' ``Signer`` writes it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from itsdangerous import Signer

from urlspec.errors import SignatureError, UrlSpecError

SALT: Final = b"image-url/s1"
EXAMPLE_SECRET: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 - published, and refused by servers
SHORTEST_SECRET: Final = 32
LONG_EXPIRY: Final = timedelta(days=7)

_KID = re.compile(r"[a-z0-9]{1,8}", re.ASCII)
_SIGNATURE = re.compile(rb"s1\.([a-z0-9]{1,8})\.(0|[1-9][0-9]{9})\.([A-Za-z0-9_-]{43})")

Expiry = datetime | timedelta | int | None


class KeyFormatError(UrlSpecError):
    """A signing key that cannot be used; the message never holds the secret."""


class LongExpiryWarning(UserWarning):
    """A URL signed for more than seven days: it cannot be taken back before."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A named secret. ``kid`` is 1 to 8 of a-z 0-9; the secret's UTF-8 bytes are the key, at least 32."""

    kid: str
    secret: str = field(repr=False)
    _signer: Signer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _KID.fullmatch(self.kid):
            raise KeyFormatError("a key id is 1 to 8 of a-z 0-9")
        if len(self.secret.encode()) < SHORTEST_SECRET or "," in self.secret:
            raise KeyFormatError(
                f"the secret of key {self.kid!r} must be at least {SHORTEST_SECRET} bytes without a comma"
            )
        signer = Signer(self.secret, salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)
        object.__setattr__(self, "_signer", signer)

    @classmethod
    def read(cls, text: str) -> SigningKey:
        """``kid:secret``. Raises KeyFormatError."""
        kid, colon, secret = text.partition(":")
        if not colon:
            raise KeyFormatError("a signing key is written kid:secret")
        return cls(kid, secret)

    @classmethod
    def new(cls, kid: str) -> SigningKey:
        """A key with 32 random bytes (43 characters of base64url)."""
        return cls(kid, secrets.token_urlsafe(32))

    def mac(self, rest: bytes, expires: bytes = b"0", audience: str = "") -> bytes:
        """The 43 characters that sign ``rest``. Raises KeyFormatError for an audience of several lines."""
        if "\n" in audience:  # LF separates the fields of the message
            raise KeyFormatError("an audience is one line")
        message = b"\n".join((SALT, audience.encode(), self.kid.encode(), expires, rest))
        return self._signer.get_signature(message)

    def sign(self, rest: bytes | str, expires: Expiry = None, audience: str = "") -> str:
        """The signed path of ``rest`` (a path that starts with ``/``).

        ``expires`` is a moment (datetime, or unix seconds) or a time from now (timedelta); None never ends.
        """
        raw = rest.encode("utf-8", "surrogatepass") if isinstance(rest, str) else rest
        if not raw.startswith(b"/") or not raw.isascii():
            raise UrlSpecError("what is signed is a path: it starts with / and is percent-encoded")
        seconds = str(expiry_seconds(expires)).encode()
        mac = self.mac(raw, seconds, audience)
        return f"/s1.{self.kid}.{seconds.decode()}.{mac.decode()}{raw.decode('ascii')}"


def expiry_seconds(expires: Expiry) -> int:
    """Unix seconds of a moment or a time from now; 0 for None. Warns beyond seven days."""
    if expires is None:
        return 0
    now = time.time()
    if isinstance(expires, timedelta):
        seconds = int(now + expires.total_seconds())
    elif isinstance(expires, datetime):
        seconds = int(expires.astimezone(UTC).timestamp())
    else:
        seconds = expires
    if not 1_000_000_000 <= seconds <= 9_999_999_999:
        raise UrlSpecError("an expiry is a datetime, a timedelta, or unix seconds with ten digits")
    if seconds - now > LONG_EXPIRY.total_seconds():
        warnings.warn("this URL is valid for more than 7 days", LongExpiryWarning, stacklevel=3)
    return seconds


@dataclass(frozen=True, slots=True)
class Verified:
    """A path whose signature is right and in time. ``expires`` is unix seconds, 0 for never."""

    rest: bytes
    kid: str
    expires: int


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of a server: the first signs, all verify."""

    keys: tuple[SigningKey, ...] = ()
    audience: str = ""
    _by_kid: dict[bytes, SigningKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if "\n" in self.audience:
            raise KeyFormatError("an audience is one line")
        by_kid = {key.kid.encode(): key for key in self.keys}
        if len(by_kid) != len(self.keys):
            raise KeyFormatError("every signing key needs a key id of its own")
        object.__setattr__(self, "_by_kid", by_kid)

    @classmethod
    def read(cls, text: str, audience: str = "") -> Keyring:
        """``kid:secret[,kid:secret]``. Raises KeyFormatError."""
        return cls(tuple(SigningKey.read(entry) for entry in text.split(",") if entry), audience)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def sign(self, rest: bytes | str, expires: Expiry = None) -> str:
        """The path signed with the first key."""
        if not self.keys:
            raise KeyFormatError("there is no signing key")
        return self.keys[0].sign(rest, expires, self.audience)

    def verify(self, path: bytes, now: float) -> Verified | None:
        """Check the signature of a raw path; None when it has none. Raises SignatureError.

        The mac is computed and compared as text: decoding what came in would accept endless spellings of
        one signature (base64 is lenient), each of them a new cache entry.
        """
        segment, rest = split_signature(path)
        if segment is None:
            return None
        match = _SIGNATURE.fullmatch(segment)
        if match is None:
            raise SignatureError("signature_invalid")
        kid, expires, mac = match[1], match[2], match[3]
        key = self._by_kid.get(kid)
        # An unknown key id costs the same HMAC, so that the answer's time does not list the known ones.
        expected = (key or _NOBODY).mac(rest, expires, self.audience)
        if not hmac.compare_digest(expected, mac) or key is None:
            raise SignatureError("signature_invalid")
        if expires != b"0" and int(expires) <= now:
            raise SignatureError("signature_expired")
        return Verified(rest, key.kid, int(expires))


_NOBODY: Final = SigningKey("nobody", secrets.token_urlsafe(32))


def split_signature(path: bytes) -> tuple[bytes | None, bytes]:
    """The signature segment, if there is one, and the raw bytes that it signs.

    Only the first segment can be a signature, and only by position: removing it by value would let a
    signature that is repeated in the path rebuild another URL.
    """
    if path.startswith(b"/s1."):
        end = path.find(b"/", 1)
        if end > 0:
            return path[1:end], path[end:]
    return None, path


def join_keys(keys: Iterable[SigningKey]) -> str:
    """The text of ``ORIGIN_SIGNING_KEYS``."""
    return ",".join(f"{key.kid}:{key.secret}" for key in keys)
