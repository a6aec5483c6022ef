"""Accounts: registering, signing in, staying signed in, signing out."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from origin.errors import BadRequest, Conflict, Forbidden, TooManySignIns, Unauthorized
from origin.ports import User, UserKeeper
from origin.service.ids import new_id
from origin.service.tokens import LIFETIMES, Claims, Tokens

T = TypeVar("T")

_SEEN = r"[^@\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f\u3000\ufeff"
EMAIL: Final = rf"^{_SEEN}]{{1,64}}@{_SEEN}]{{1,190}}\.{_SEEN}.]{{2,63}}$"
"""An e-mail address, also beyond ASCII: no spaces, no controls, one ``@``, a domain with a dot. Written so
that every dialect of regular expressions reads it in one way."""
SHORTEST, LONGEST = 8, 128
"""Characters of a password."""
HASHERS: Final = min(2, max(1, (os.cpu_count() or 1) // 2))
"""Hashes at once: each takes a core, its share of the memory's speed and 64 MiB for about 0.1 s, and pictures
need those too."""
MOST_WAITING: Final = 64
"""Sign-ins that may wait for a hash; more are turned away at once."""
_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=1$flEAKMsfS+5Zx3lMnqizAw$//oHYxuFH0r03mS4/bMV2JYD3qRuV2RmZwT0e8/htfU"
)
"""A hash of the same cost, for addresses that have no account."""


@dataclass(frozen=True, slots=True)
class Session:
    """What signing in gives."""

    access: str
    refresh: str
    expires_in: int
    """Seconds."""


class Passwords:
    """Argon2id with 3 passes over 64 MiB, off the event loop, a few at a time, and behind everything else."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(
            HASHERS, thread_name_prefix="password", initializer=_behind_everything_else
        )
        self._waiting = 0

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._off_loop(lambda: self._hasher.hash(password))

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password is right. Without a hash it takes the same time and is not."""
        return await self._off_loop(lambda: self._matches(password, hashed or _NOBODY)) and hashed is not None

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _off_loop(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooManySignIns
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


_BEHIND_WORKERS: Final = 5


def _behind_everything_else() -> None:
    # Only Linux has a nice value for each thread: sign-ins wait for pictures, not pictures for sign-ins.
    # Render workers are nicer than the server, so this is nicer than they are; not much, because a thread
    # that gets no core while it holds the interpreter's lock keeps the whole server waiting.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND_WORKERS)


class Accounts:
    """Users and their sign-ins."""

    def __init__(
        self, users: UserKeeper, tokens: Tokens, passwords: Passwords, *, registration: bool
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._passwords = passwords
        self._registration = registration

    async def register(self, email: str, password: str, *, operator: bool = False) -> tuple[str, str]:
        """Id and address of a new user. Raises Forbidden when registration is closed, BadRequest.

        For an address that is taken the answer looks the same and takes the same time, so that nobody learns
        who has an account; the id is then nobody's, for an id that came again with the right password would
        be a way to try passwords. An operator is told (Conflict).
        """
        if not (self._registration or operator):
            raise Forbidden("Registration is closed here; an operator adds users with `origin user add`.")
        address, password = checked_email(email), checked_password(password)
        user = User(new_id(), address, await self._passwords.hash(password), datetime.now(UTC))
        try:
            await self._users.add_user(user)
        except Conflict:
            if operator:
                raise
        return user.id, address

    async def sign_in(self, email: str, password: str) -> str:
        """The id of the user. One answer and one time for an unknown address and a wrong password."""
        user = await self._users.user_by_email(email.strip().lower()) if len(email) <= 320 else None
        right = await self._passwords.matches(password[: LONGEST + 1], user.password_hash if user else None)
        if user is None or not right:
            raise Unauthorized("The address or the password is wrong.")
        return user.id

    async def login(self, email: str, password: str) -> Session:
        return self._session(await self.sign_in(email, password))

    async def browser_session(self, email: str, password: str) -> tuple[str, int]:
        """A token for a cookie, and its lifetime in seconds."""
        token, _ = self._tokens.issue(await self.sign_in(email, password), "session")
        return token, LIFETIMES["session"]

    async def refresh(self, token: str) -> Session:
        """New tokens for a refresh token, which is used up by this. Raises Unauthorized."""
        claims = await self._tokens.refresh(token)
        if await self._users.user_by_id(claims.subject) is None:
            raise Unauthorized("The token is not valid.")
        return self._session(claims.subject, claims.family)

    async def logout(self, claims: Claims) -> None:
        """End every token of this sign-in. Raises BadRequest for a token that cannot be told from others."""
        if not claims.family:
            raise BadRequest("This token has no jti, so it cannot be ended here before its time.")
        await self._tokens.revoke(claims)

    def _session(self, user: str, family: str | None = None) -> Session:
        access, claims = self._tokens.issue(user, "access", family)
        refresh, _ = self._tokens.issue(user, "refresh", claims.family)
        return Session(access, refresh, LIFETIMES["access"])


def checked_email(email: str) -> str:
    """The address in the one form it is kept in. Raises BadRequest."""
    address = email.strip().lower()
    if not re.fullmatch(EMAIL, address):
        raise BadRequest("That is not an e-mail address.")
    return address


def checked_password(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadRequest(f"A password has {SHORTEST} to {LONGEST} characters.")
    return password
