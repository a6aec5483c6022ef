"""Signatures: exactly one text is right, and only in time, for one audience, under one key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
from datetime import UTC, datetime, timedelta
from time import time

import pytest

from urlspec import KeyFormatError, Keyring, LongExpiryWarning, SignatureError, SigningKey, UrlSpecError
from urlspec.sign import EXAMPLE_SECRET, join_keys, split_signature

OTHER_SECRET = "another secret that is long enough to be one"
NOW = 1_800_000_000.0
BASE64URL = string.ascii_letters + string.digits + "-_"

VECTORS = [
    ("", "web", 0, "/w_300,r_90,f_webp/cat",
     "/s1.web.0.dcbnCEVbkw0CHhz6UiS-h63vi9isa10Q4x2TwsUgz9E/w_300,r_90,f_webp/cat"),
    ("img.example", "web", 1893456000, "/w_640,f_auto/cat",
     "/s1.web.1893456000.JddRGUHEyJY5w6ixA8wt8Xrf1QQQSS5beMeGUc2Pj6Q/w_640,f_auto/cat"),
    ("img.example", "k2", 0, "/f_auto,q_auto/@products/shoes/1.jpg",
     "/s1.k2.0.VnJ67b2l4_BGcvIaOg-OMSna4rlsKUgtJ7NCkqPHBso/f_auto,q_auto/@products/shoes/1.jpg"),
]  # fmt: skip
REST, SIGNED = VECTORS[0][3:]
MAC = SIGNED.split("/")[1].rpartition(".")[2]


def ring(kid: str = "web", audience: str = "") -> Keyring:
    return Keyring((SigningKey(kid, EXAMPLE_SECRET),), audience)


def refused(path: str | bytes, keys: Keyring | None = None, now: float = NOW) -> str:
    raw = path.encode() if isinstance(path, str) else path
    with pytest.raises(SignatureError) as caught:
        (ring() if keys is None else keys).verify(raw, now)
    assert caught.value.status == 403
    return caught.value.code


@pytest.mark.filterwarnings("ignore::urlspec.LongExpiryWarning")
@pytest.mark.parametrize(("audience", "kid", "expires", "rest", "signed"), VECTORS)
def test_vectors(audience: str, kid: str, expires: int, rest: str, signed: str) -> None:
    keys = ring(kid, audience)
    assert keys.keys[0].sign(rest, expires or None, audience) == signed
    assert keys.sign(rest, expires or None) == signed
    verified = keys.verify(signed.encode(), NOW)
    assert verified is not None
    assert (verified.rest, verified.kid, verified.expires) == (rest.encode(), kid, expires)


@pytest.mark.parametrize(("audience", "kid", "expires", "rest", "signed"), VECTORS)
def test_two_hmacs_are_all_that_another_language_needs(
    audience: str, kid: str, expires: int, rest: str, signed: str
) -> None:
    message = "\n".join(["image-url/s1", audience, kid, str(expires), rest])
    derived = hmac.digest(EXAMPLE_SECRET.encode(), b"image-url/s1", hashlib.sha256)
    mac = (
        base64.urlsafe_b64encode(hmac.digest(derived, message.encode(), hashlib.sha256)).decode().rstrip("=")
    )
    assert signed == f"/s1.{kid}.{expires}.{mac}{rest}"


def test_no_mutant_of_one_character_is_accepted() -> None:
    keys = ring()
    before, after = SIGNED.split(MAC)
    mutants = [
        before + MAC[:place] + other + MAC[place + 1 :] + after
        for place in range(len(MAC))
        for other in BASE64URL
        if other != MAC[place]
    ]
    assert len(mutants) == 43 * 63 == 2_709
    assert {refused(mutant, keys) for mutant in mutants} == {"signature_invalid"}


SPELLINGS = {
    "padding": MAC + "=",
    "double padding": MAC + "==",
    "escaped padding": MAC + "%3D",
    "standard alphabet": MAC.replace("-", "+").replace("_", "/"),
    "escaped minus": MAC.replace("-", "%2D"),
    "upper case": MAC.upper(),
    "lower case": MAC.lower(),
    "swapped case": MAC.swapcase(),
    "space before": " " + MAC,
    "space after": MAC + " ",
    "plus after": MAC + "+",
    "line feed after": MAC + "\n",
    "escaped line feed": MAC + "%0A",
    "NUL": MAC + "\0",
    "tab": MAC + "\t",
    "one more A": MAC + "A",
    "one more dot": MAC + ".",
    "dot inside": MAC[:20] + "." + MAC[20:],
    "character outside the alphabet": MAC[:20] + "!" + MAC[20:],
    "one less": MAC[:-1],
    "first missing": MAC[1:],
    "reversed": MAC[::-1],
    "twice": MAC + MAC,
    "empty": "",
    "hex": base64.urlsafe_b64decode(MAC + "=").hex(),
    "null": "null",
    "full width": MAC.replace("0", "０"),
    "base32": base64.b32encode(base64.urlsafe_b64decode(MAC + "=")).decode(),
}


@pytest.mark.parametrize("mac", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_no_other_spelling_of_the_mac_is_accepted(mac: str) -> None:
    assert refused(f"/s1.web.0.{mac}{REST}") == "signature_invalid"


@pytest.mark.parametrize(
    "head",
    [
        "s1.WEB.0.",
        "s1.Web.0.",
        "s1.web.00.",
        "s1.web.-0.",
        "s1.web.+0.",
        "s1.web.0x0.",
        "s1.web.0.0.",
        "s1.web..",
        "s1..0.",
        "s1.web.",
        "s1.0.",
        "s1.",
        "s1.web.0000000000.",
        "s1.web.1893456000.",
        "s1.web.18934560000.",
        "s1.web.189345600.",
        "s1.web.1893456000.0.",
        "s1.web.%30.",
        "s1.w%65b.0.",
        "s1.web 0.",
        "s1.webwebweb.0.",
        "s1.w_b.0.",
        "s1. web.0.",
        "s1.web.٠.",
        "s1.web.1e9.",
        "s1.web.-893456000.",
    ],
)
def test_no_other_spelling_of_the_head_is_accepted(head: str) -> None:
    assert refused(f"/{head}{MAC}{REST}") == "signature_invalid"


@pytest.mark.parametrize(
    "rest",
    [
        "/w_300,r_90,f_webp/dog",
        "/w_301,r_90,f_webp/cat",
        "/r_90,w_300,f_webp/cat",
        "/w_300,r_90,f_webp/cat/",
        "//w_300,r_90,f_webp/cat",
        "/w_300,r_90,f_webp/ca%74",
        "/w_300,r_90,f_webp/cat?",
        "/w_300,r_90,f_webp/Cat",
        "/w_300%2Cr_90,f_webp/cat",
        "/",
        "/cat",
        "/w_300,r_90,f_webp/cat\n",
        "/./w_300,r_90,f_webp/cat",
    ],
)
def test_every_byte_after_the_signature_is_signed(rest: str) -> None:
    assert refused(f"/s1.web.0.{MAC}{rest}") == "signature_invalid"


def test_a_signature_that_is_repeated_in_the_path_rebuilds_no_other_url() -> None:
    segment = SIGNED.split("/")[1]
    for path in (
        f"/{segment}/{segment}{REST}",
        f"/{segment}/w_300,r_90,f_webp/{segment}/cat",
        f"/{segment}{REST}/{segment}",
        f"/{segment}/{segment}",
    ):
        assert refused(path) == "signature_invalid"


@pytest.mark.parametrize(
    "path",
    [
        "/cat",
        "/w_300/cat",
        "/w_3/s1.web.0.x/cat",
        "/S1.web.0.x/cat",
        "/s2.web/cat",
        "/s1",
        "/s1.webp",
        "/s1x/cat",
    ],
)
def test_only_a_first_segment_that_is_not_the_last_is_a_signature(path: str) -> None:
    assert ring().verify(path.encode(), NOW) is None
    assert split_signature(path.encode()) == (None, path.encode())


@pytest.mark.parametrize("path", ["/s1./cat", "/s1.web/cat", "/s1.web.0.x/", SIGNED])
def test_without_keys_no_signature_is_valid(path: str) -> None:
    assert refused(path, Keyring()) == "signature_invalid"
    assert not Keyring()


def test_an_unknown_key_a_wrong_mac_and_a_malformed_signature_read_alike() -> None:
    said = set()
    for path in (f"/s1.zz.0.{MAC}{REST}", f"/s1.web.0.{'A' * 43}{REST}", "/s1.nonsense/cat"):
        with pytest.raises(SignatureError) as caught:
            ring().verify(path.encode(), NOW)
        said.add((caught.value.code, caught.value.detail, caught.value.title))
    assert len(said) == 1


def test_all_keys_verify_and_the_first_signs() -> None:
    old, new = SigningKey("old", EXAMPLE_SECRET), SigningKey("new", OTHER_SECRET)
    rotated = Keyring((new, old))
    assert rotated.sign("/cat").startswith("/s1.new.0.")
    for key in (old, new):
        verified = rotated.verify(key.sign("/cat").encode(), NOW)
        assert verified is not None
        assert verified.kid == key.kid
    assert refused(old.sign("/cat"), Keyring((new,))) == "signature_invalid"


def test_a_key_id_is_signed_too() -> None:
    same_secret = Keyring((SigningKey("a", OTHER_SECRET), SigningKey("b", OTHER_SECRET)))
    signed = same_secret.sign("/cat")
    assert refused(signed.replace("s1.a.", "s1.b."), same_secret) == "signature_invalid"


@pytest.mark.parametrize(("seconds", "valid"), [(1, True), (0, False), (-1, False), (-1e9, False)])
def test_expiry(seconds: float, valid: bool) -> None:
    signed = ring().keys[0].sign("/cat", int(time()) + 60).encode()
    expires = int(signed.split(b".")[2])
    if valid:
        assert ring().verify(signed, expires - seconds) is not None
    else:
        assert refused(signed, now=expires - seconds) == "signature_expired"


def test_an_expired_signature_is_called_so_only_when_it_was_right() -> None:
    signed = ring().keys[0].sign("/cat", int(time()) + 60)
    assert refused(signed.replace("/cat", "/dog"), now=1e11) == "signature_invalid"
    assert refused(signed, now=1e11) == "signature_expired"


def test_audiences_do_not_share_signatures() -> None:
    signed = ring(audience="a.example").sign("/cat")
    assert ring(audience="a.example").verify(signed.encode(), NOW) is not None
    assert refused(signed, ring(audience="b.example")) == "signature_invalid"
    assert refused(signed, ring()) == "signature_invalid"


def test_a_moment_is_said_in_three_ways() -> None:
    key = ring().keys[0]
    at = datetime.fromtimestamp(int(time()) + 3_600, UTC)
    assert key.sign("/cat", at) == key.sign("/cat", int(at.timestamp()))
    within = int(key.sign("/cat", timedelta(hours=1)).split(".")[2])
    assert abs(within - at.timestamp()) < 60
    assert key.sign("/cat").split(".")[2] == "0"


@pytest.mark.parametrize("expires", [0, 1, -5, 10_000_000_000, datetime(9999, 1, 1, tzinfo=UTC)], ids=str)
def test_a_moment_that_has_no_ten_digits_is_refused(expires: int | datetime) -> None:
    with pytest.raises(UrlSpecError, match="ten digits"):
        ring().keys[0].sign("/cat", expires)


def test_signers_warn_beyond_seven_days() -> None:
    key = ring().keys[0]
    with pytest.warns(LongExpiryWarning, match="7 days"):
        key.sign("/cat", timedelta(days=8))
    key.sign("/cat", timedelta(days=6))


@pytest.mark.parametrize("rest", ["cat", "", "https://img.example/cat", "/c\xe4t", b"/c\xe4t", "/\ud800"])
def test_only_a_path_is_signed(rest: str | bytes) -> None:
    with pytest.raises(UrlSpecError, match="path"):
        ring().keys[0].sign(rest)


@pytest.mark.parametrize(
    "text",
    [
        "web",
        "web:short",
        "WEB:" + "x" * 32,
        ":" + "x" * 32,
        "w_b:" + "x" * 32,
        "webwebweb:" + "x" * 32,
        "a:" + "x" * 32 + ",b",
        "a:" + "x" * 31,
        " a:" + "x" * 32,
        "a:" + "x" * 32 + ",a:" + "y" * 32,
    ],
)
def test_keys_that_cannot_be_used(text: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        Keyring.read(text)
    assert "xxx" not in str(caught.value)


def test_keys_are_read_as_they_are_written() -> None:
    keys = Keyring.read("a:" + "x" * 32 + ",b2:p:q" + "y" * 32)
    assert [key.kid for key in keys.keys] == ["a", "b2"]
    assert keys.keys[1].secret == "p:q" + "y" * 32
    assert Keyring.read(join_keys(keys.keys)) == keys
    assert bool(keys)
    assert not Keyring.read("")


def test_a_secret_counts_in_utf_8_bytes() -> None:
    assert SigningKey("a", "ü" * 16).sign("/cat")


def test_secrets_are_not_printed() -> None:
    assert EXAMPLE_SECRET not in repr(ring())
    assert EXAMPLE_SECRET not in repr(ring().keys[0])


def test_new_keys_differ_and_are_long_enough() -> None:
    one, two = SigningKey.new("a"), SigningKey.new("a")
    assert one.secret != two.secret
    assert len(one.secret) == 43


def test_an_audience_is_one_line() -> None:
    with pytest.raises(KeyFormatError):
        ring(audience="a\nb")
    with pytest.raises(KeyFormatError):
        ring().keys[0].sign("/cat", audience="a\nb")


def test_a_keyring_without_keys_signs_nothing() -> None:
    with pytest.raises(KeyFormatError, match="no signing key"):
        Keyring().sign("/cat")
