"""Tokens that must not count, of ours and of an identity provider."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.people import SECRET, Browser, Person, issue
from tests.support.upstream import Reply, Request, Upstream, upstream


def now(after: int = 0) -> int:
    """Unix seconds."""
    return int(time.time()) + after


def joined(header: dict[str, Any], payload: Any, key: bytes = SECRET.encode()) -> str:
    """A token with any header and any payload, signed with HS256 whatever the header says."""

    def text(data: Any) -> str:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    signed = f"{text(header)}.{text(payload)}"
    return f"{signed}.{text(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def ours(**claims: Any) -> dict[str, Any]:
    return {
        "iss": "image-origin",
        "aud": "image-origin",
        "sub": "me",
        "iat": now(),
        "exp": now(900),
        "jti": token_hex(8),
        "fam": token_hex(8),
    } | claims


HEADER = {"alg": "HS256", "typ": "access+jwt"}


def unsigned(algorithm: str) -> str:
    return joined({"alg": algorithm, "typ": "access+jwt"}, ours()).rpartition(".")[0] + "."


REFUSED: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: unsigned("none"),
    "None": lambda: unsigned("None"),
    "nOnE": lambda: unsigned("nOnE"),
    "another algorithm of the family": lambda: jwt.encode(
        ours(), SECRET * 2, algorithm="HS512", headers={"typ": "access+jwt"}
    ),
    "another algorithm in the header": lambda: joined(HEADER | {"alg": "RS256"}, ours()),
    "no algorithm in the header": lambda: joined({"typ": "access+jwt"}, ours()),
    "another secret": lambda: issue("me", secret="k" * 40),
    "a key of its own": lambda: joined(
        HEADER | {"jwk": {"kty": "oct", "k": "a2tra2tra2s"}}, ours(), b"kkkkkkkk"
    ),
    "a file as the key": lambda: joined(HEADER | {"kid": "../../../../dev/null"}, ours(), b""),
    "a query as the key": lambda: joined(HEADER | {"kid": "' OR 1=1 --"}, ours(), b"1"),
    "an address of keys": lambda: joined(HEADER | {"jku": "http://127.0.0.1:1/"}, ours(), b"1"),
    "a critical extension": lambda: joined(HEADER | {"crit": ["x"], "x": 1}, ours()),
    "another type": lambda: joined(HEADER | {"typ": "JWT"}, ours()),
    "a list as type": lambda: joined(HEADER | {"typ": []}, ours()),
    "no type": lambda: joined({"alg": "HS256"}, ours()),
    "a list as header": lambda: joined([], ours()),  # type: ignore[arg-type]
    "a list as payload": lambda: joined(HEADER, []),
    "deep JSON": lambda: joined(HEADER, b"[" * 2_500),
    "more than 4 KiB": lambda: issue("me", more="m" * 4_000),
    "no exp": lambda: issue("me", exp=None),
    "no iat": lambda: issue("me", iat=None),
    "no sub": lambda: issue("me", sub=None),
    "no iss": lambda: issue("me", iss=None),
    "no aud": lambda: issue("me", aud=None),
    "no jti": lambda: issue("me", jti=None),
    "exp past": lambda: issue("me", iat=now(-900), exp=now(-60)),
    "exp 10^18": lambda: issue("me", exp=10**18),
    "exp as text": lambda: joined(HEADER, ours(exp="99999999999")),
    "exp as a fraction": lambda: joined(HEADER, ours(exp=now(900) + 0.5)),
    "exp NaN": lambda: joined(HEADER, ours(exp=float("nan"))),
    "exp infinite": lambda: joined(HEADER, ours(exp=float("inf"))),
    "exp true": lambda: joined(HEADER, ours(exp=True)),
    "exp as a list": lambda: joined(HEADER, ours(exp=[now(900)])),
    "exp before iat": lambda: issue("me", iat=now(20), exp=now(10)),
    "longer than it may live": lambda: issue("me", exp=now(902)),
    "iat in two minutes": lambda: issue("me", iat=now(120), exp=now(900)),
    "iat as text": lambda: joined(HEADER, ours(iat=str(now()))),
    "nbf in two minutes": lambda: issue("me", nbf=now(120)),
    "aud as a list": lambda: issue("me", aud=["image-origin"]),
    "another aud": lambda: issue("me", aud="image-origin.example"),
    "another iss": lambda: issue("me", iss="image-origin/"),
    "part of iss": lambda: issue("me", iss="image"),
    "sub as a number": lambda: joined(HEADER, ours(sub=7)),
    "sub empty": lambda: issue("me", sub=""),
    "sub of 256": lambda: issue("me", sub="s" * 256),
    "sub null": lambda: joined(HEADER, ours(sub=None)),
    "jti as a number": lambda: joined(HEADER, ours(jti=7)),
    "no signature": lambda: issue("me").rpartition(".")[0],
    "four parts": lambda: issue("me") + ".x",
    "not ASCII": lambda: issue("me") + "\xe9",
    "words": lambda: "let me in",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_of_ours_that_does_not_count(browser: Browser, make: Callable[[], str]) -> None:
    token = make().encode("latin-1")
    answer = browser.send("GET", "/images", headers={"Authorization": b"Bearer " + token})
    assert answer.problem == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_refusals_do_not_tell_why(browser: Browser) -> None:
    texts = {
        Person(browser, token=make()).get("/images").json["detail"]
        for name, make in REFUSED.items()
        if name != "not ASCII"
    }
    assert len(texts) == 1


def test_a_token_that_counts(browser: Browser) -> None:
    assert Person(browser, token=issue("me")).get("/images").status == 200
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {issue('me')}"}
        assert browser.send("GET", "/images", headers=headers).status == 200


SCHEMES = ["Basic bWU6bWU=", "Bearer", "Token x", "Bearer: x", ""]


@pytest.mark.parametrize("value", SCHEMES)
def test_other_schemes(browser: Browser, value: str) -> None:
    answer = browser.send("GET", "/images", headers={"Authorization": value})
    assert answer.problem == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_token_is_no_invalid_token(browser: Browser) -> None:
    answer = browser.send("GET", "/images")
    assert answer.problem == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_none(browser: Browser) -> None:
    two = [("Authorization", f"Bearer {issue('me')}"), ("Authorization", f"Bearer {issue('you')}")]
    expected = (400, "bad_request") if browser.through_edge else (401, "unauthorized")
    assert browser.send("GET", "/images", headers=two).problem == expected


# An identity provider


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER, AUDIENCE = "https://login.example/", "img.example"


def public(kid: str, key: Any, **more: Any) -> dict[str, Any]:
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return kind.to_jwk(key.public_key(), as_dict=True) | {"kid": kid} | more


@dataclass
class Provider:
    """Publishes its keys, or whatever else a test wants it to."""

    keys: list[Any]
    reply: Callable[[Request], Reply] | None = None
    server: Upstream | None = None

    def __call__(self, request: Request) -> Reply:
        if self.reply is not None:
            return self.reply(request)
        return Reply(body=json.dumps({"keys": self.keys}).encode())

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://{self.server.address}"

    def fetches(self, path: str) -> int:
        assert self.server is not None
        return len(self.server.arrived(path))


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    good = [public("r", RSA, use="sig", alg="RS256"), public("e", EC)]
    bad = [
        public("weak", WEAK),
        public("enc", STRANGE, use="enc"),
        public("ps", STRANGE, alg="PS256"),
        RSAAlgorithm.to_jwk(STRANGE, as_dict=True) | {"kid": "private"},
        {"kty": "oct", "k": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s", "kid": "oct"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        "no key",
        None,
    ]
    provider = Provider([*bad, *good])
    with upstream(provider) as provider.server:
        yield provider


@pytest.fixture(scope="module")
def relying(provider: Provider, browse: Callable[..., Browser]) -> Browser:
    """A server that trusts the provider."""
    return browse(
        ORIGIN_JWKS_URL=f"{provider.url}/keys",
        ORIGIN_JWT_ISSUER=ISSUER,
        ORIGIN_JWT_AUDIENCE=AUDIENCE,
    )


def foreign(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r", **claims: Any) -> str:
    payload = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "auth0|7",
        "iat": now(),
        "exp": now(3_600),
        "jti": token_hex(8),
    } | claims
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


def test_tokens_of_the_provider_count(relying: Browser, fresh: Callable[..., bytes]) -> None:
    person = Person(relying, token=foreign())
    body = person.uploaded(fresh(), visibility="private")
    for token in (foreign(EC, "ES256", "e"), foreign(exp=now(86_400)), foreign(jti=None)):
        assert Person(relying, token=token).known(body["id"]).json == body
    assert Person(relying, token=foreign(sub="auth0|8")).known(body["id"]).status == 404
    assert person.get(body["url"]).status == 200


def test_our_own_tokens_go_on_counting(relying: Browser) -> None:
    assert Person(relying, token=issue("me")).get("/images").status == 200


def test_nobody_of_the_provider_is_one_of_ours(relying: Browser, fresh: Callable[..., bytes]) -> None:
    id = Person(relying, token=issue("7")).uploaded(fresh())["id"]
    assert Person(relying, token=foreign(sub="7")).known(id).status == 404


PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
DER = RSA.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
THEIRS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "me", "iat": now(), "exp": now(3_600)}
H = {"alg": "HS256", "kid": "r"}

FOREIGN_REFUSED: dict[str, Callable[[], str]] = {
    "signed with the public key as PEM": lambda: joined(H, THEIRS, PEM),
    "signed with the public key as DER": lambda: joined(H, THEIRS, DER),
    "signed with the public key as JSON": lambda: joined(H, THEIRS, json.dumps(public("r", RSA)).encode()),
    "signed with our secret": lambda: joined(H, THEIRS),
    "ours, signed with the public key": lambda: joined(HEADER, ours(), PEM),
    "theirs, said to be ours": lambda: foreign(iss="image-origin", aud="image-origin"),
    "a symmetric key of the set": lambda: joined(
        {"alg": "HS256", "kid": "oct"}, THEIRS, b"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
    ),
    "none": lambda: joined({"alg": "none", "kid": "r"}, THEIRS).rpartition(".")[0] + ".",
    "another key": lambda: foreign(STRANGE),
    "the other kind of key": lambda: foreign(EC, "ES256", "r"),
    "a padding that is not ours": lambda: foreign(RSA, "PS256"),
    "a longer hash": lambda: foreign(RSA, "RS512"),
    "a weak key": lambda: foreign(WEAK, kid="weak"),
    "a key for encryption": lambda: foreign(STRANGE, kid="enc"),
    "a key for another algorithm": lambda: foreign(STRANGE, kid="ps"),
    "a key that was published whole": lambda: foreign(STRANGE, kid="private"),
    "no key id among several": lambda: foreign(kid=None),
    "an unknown key id": lambda: foreign(kid="../r"),
    "a key of its own": lambda: jwt.encode(
        THEIRS, STRANGE, "RS256", headers={"kid": "r", "jwk": public("r", STRANGE)}
    ),
    "an address of keys": lambda: jwt.encode(
        THEIRS, STRANGE, "RS256", headers={"kid": "r", "jku": "http://127.0.0.1:1/"}
    ),
    "another audience": lambda: foreign(aud="other.example"),
    "audiences": lambda: foreign(aud=[AUDIENCE, "other.example"]),
    "another issuer": lambda: foreign(iss="https://login.example"),
    "no exp": lambda: foreign(exp=None),
    "exp 10^18": lambda: foreign(exp=10**18),
    "past": lambda: foreign(iat=now(-900), exp=now(-60)),
    "another type": lambda: jwt.encode(THEIRS, RSA, "RS256", headers={"kid": "r", "typ": "logout+jwt"}),
    "jti as a number": lambda: foreign(jti=7),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("make", FOREIGN_REFUSED.values(), ids=FOREIGN_REFUSED.keys())
def test_a_token_of_the_provider_that_does_not_count(relying: Browser, make: Callable[[], str]) -> None:
    answer = Person(relying, token=make()).get("/images")
    assert answer.problem == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_signing_out_ends_a_token_of_the_provider(relying: Browser) -> None:
    first, second = Person(relying, token=foreign()), Person(relying, token=foreign())
    assert first.post("/auth/logout").status == 204
    assert first.get("/images").problem == (401, "unauthorized")
    assert second.get("/images").status == 200
    assert Person(relying, token=foreign(jti=None)).post("/auth/logout").problem == (400, "bad_request")


def test_made_up_key_ids_fetch_nothing(relying: Browser, provider: Provider) -> None:
    assert Person(relying, token=foreign()).get("/images").status == 200
    before = provider.fetches("/keys")
    for number in range(40):
        token = foreign(STRANGE, kid=f"k{number}")
        assert Person(relying, token=token).get("/images").status == 401
    assert provider.fetches("/keys") - before <= 1


def test_without_keys_nobody_is_let_in_and_nobody_refused(
    provider: Provider, browse: Callable[..., Browser]
) -> None:
    browser = browse(
        ORIGIN_JWKS_URL=f"{provider.url}/away", ORIGIN_JWT_ISSUER=ISSUER, ORIGIN_JWT_AUDIENCE=AUDIENCE
    )
    provider.reply = lambda _: Reply(302, b"", {"Location": "/elsewhere"})
    try:
        answer = Person(browser, token=foreign()).get("/images")
    finally:
        provider.reply = None
    assert answer.problem == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (provider.fetches("/away"), provider.fetches("/elsewhere")) == (1, 0)
    assert Person(browser, token=issue("me")).get("/images").status == 200
