"""The keys of an identity provider: when they are fetched, and what happens while they cannot be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from origin.backends.jwks import LARGEST, HttpKeyFetcher
from origin.errors import Unauthorized, Unavailable
from origin.service.jwks import APART, FRESH, MOST_KEYS, STALE, ForeignTokens, read_keys
from tests.support.upstream import Reply, Request, Upstream, upstream

ISSUER, AUDIENCE = "https://login.example/", "img.example"
FIRST, SECOND = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


@dataclass
class Clock:
    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


class Ledger:
    """Nothing is revoked."""

    async def revoke(self, jti: str, expires: datetime) -> bool:
        return True

    async def revoked(self, jtis: object) -> bool:
        return False


def entry(kid: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid}


def key_set(*entries: object) -> Reply:
    return Reply(body=json.dumps({"keys": entries}).encode())


def token(kid: str | None = "a", key: ec.EllipticCurvePrivateKey = FIRST) -> str:
    now = int(time.time())
    payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "iat": now, "exp": now + 900, "jti": token_hex(4)}
    return jwt.encode(payload, key, algorithm="ES256", headers={} if kid is None else {"kid": kid})


@dataclass
class Provider:
    reply: Callable[[], Reply]
    server: Upstream | None = None

    @property
    def fetches(self) -> int:
        assert self.server is not None
        return len(self.server.seen)


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider(lambda: key_set(entry("a", FIRST)))

    def answer(_: Request) -> Reply:
        return provider.reply()

    with upstream(answer) as provider.server:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(provider: Provider, clock: Clock) -> AsyncIterator[ForeignTokens]:
    assert provider.server is not None
    fetcher = HttpKeyFetcher(f"http://{provider.server.address}/keys")
    tokens = ForeignTokens(fetcher, ISSUER, AUDIENCE, Ledger(), clock)
    yield tokens
    await tokens.close()
    await fetcher.close()


async def settled(tokens: ForeignTokens) -> None:
    """Until the fetch under way, if there is one, has ended."""
    if tokens._fetching is not None:
        await tokens._fetching


async def test_one_fetch_serves_many(tokens: ForeignTokens, provider: Provider) -> None:
    claims = await asyncio.gather(*(tokens.verify(token()) for _ in range(20)))
    assert {claim.subject for claim in claims} == {"idp:7"}
    assert provider.fetches == 1


async def test_keys_are_renewed_behind_their_use(
    tokens: ForeignTokens, provider: Provider, clock: Clock
) -> None:
    await tokens.verify(token())
    clock.now += FRESH + 1
    provider.reply = lambda: key_set(entry("b", SECOND))
    await tokens.verify(token())  # still with the old key
    await settled(tokens)
    assert provider.fetches == 2
    await tokens.verify(token("b", SECOND))
    with pytest.raises(Unauthorized):
        await tokens.verify(token())


async def test_a_new_key_is_found_at_once(tokens: ForeignTokens, provider: Provider, clock: Clock) -> None:
    await tokens.verify(token())
    clock.now += APART + 1
    provider.reply = lambda: key_set(entry("a", FIRST), entry("b", SECOND))
    await tokens.verify(token("b", SECOND))
    assert provider.fetches == 2


async def test_unknown_keys_fetch_twice_a_minute_at_most(
    tokens: ForeignTokens, provider: Provider, clock: Clock
) -> None:
    await tokens.verify(token())
    for _ in range(60):
        clock.now += 1
        with pytest.raises(Unauthorized):
            await tokens.verify(token(token_hex(4), SECOND))
    assert provider.fetches == 3


async def test_known_keys_go_on_for_a_day_without_the_provider(
    tokens: ForeignTokens, provider: Provider, clock: Clock
) -> None:
    begin = clock.now
    await tokens.verify(token())
    provider.reply = lambda: Reply(500, b"")
    for hours in range(1, 24):
        clock.now = begin + hours * 3_600
        await tokens.verify(token())
        await settled(tokens)
    assert provider.fetches == 24
    clock.now = begin + STALE + 1
    with pytest.raises(Unavailable):
        await tokens.verify(token())


USELESS: dict[str, Callable[[], Reply]] = {
    "an error": lambda: Reply(500, b"{}"),
    "a page": lambda: Reply(body=b"<html>"),
    "no keys": lambda: key_set(),
    "something else": lambda: Reply(body=b"[1]"),
    "another kind of keys": lambda: Reply(body=b'{"keys": {"a": 1}}'),
    "too much": lambda: Reply(body=b" " * (LARGEST + 1)),
    "deep JSON": lambda: Reply(body=b"[" * 60_000),
    "another place": lambda: Reply(302, b"", {"Location": "/elsewhere"}),
    "half of it": lambda: Reply(body=b'{"keys": []}', cut=5),
    "no answer": lambda: Reply(cut=-1),
    "not UTF-8": lambda: Reply(body=b'{"keys": ["\xff"]}'),
}


@pytest.mark.parametrize("reply", USELESS.values(), ids=USELESS.keys())
async def test_what_is_no_key_set(
    tokens: ForeignTokens, provider: Provider, clock: Clock, reply: Callable[[], Reply]
) -> None:
    good, provider.reply = provider.reply, reply
    with pytest.raises(Unavailable):
        await tokens.verify(token())
    provider.reply = good
    with pytest.raises(Unavailable):  # not asked again so soon
        await tokens.verify(token())
    assert provider.fetches == 1
    clock.now += APART + 1
    assert (await tokens.verify(token())).subject == "idp:7"
    provider.reply = reply
    clock.now += FRESH + 1
    await tokens.verify(token())
    await settled(tokens)
    await tokens.verify(token())


async def test_a_provider_that_is_slow_is_given_up(provider: Provider) -> None:
    assert provider.server is not None

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            for _left in range(40):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.1)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        fetcher = HttpKeyFetcher(f"http://127.0.0.1:{port}/")
        with pytest.raises(Unavailable):
            await fetcher.fetch()
        await fetcher.close()


async def test_the_only_key_needs_no_name(tokens: ForeignTokens) -> None:
    assert (await tokens.verify(token(None))).subject == "idp:7"


def test_one_bad_key_spoils_no_other() -> None:
    entries = [{"kty": "EC", "kid": "x"}, 7, {}, entry("a", FIRST)]
    assert set(read_keys(json.dumps({"keys": entries}).encode())) == {"a"}


def test_so_many_keys_and_no_more() -> None:
    entries = [entry(str(number), FIRST) for number in range(MOST_KEYS + 1)]
    assert len(read_keys(json.dumps({"keys": entries}).encode())) == MOST_KEYS
