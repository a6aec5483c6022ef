"""Which requests share a copy: spellings, Accept, hints, and everything that must not matter."""

from __future__ import annotations

import random

import pytest

from tests.support.edge import AVIF, PLAIN, WEBP, Edge, problem
from tests.support.upstream import fresh_id, send

PASSED_ON = {
    "plain": "/w_300,r_90,f_webp/{id}",
    "alone": "/{id}",
    "signed for good": "/s1.web.0.dcbnCEVbkw0CHhz6UiS-h63vi9isa10Q4x2TwsUgz9E/w_300/{id}",
    "named source": "/w_300/@products/shoes/{id}.jpg",
    "escapes stay": "/l_text:Noto%20Sans_32:50%25%2C%C3%A9/{id}",
    "escaped letters are the origin's to refuse": "/%77_300/{id}",
    "escaped slash stays": "/w_300/@a/b%2Fc{id}",
    "dots are the origin's to refuse": "/w_300/../{id}",
    "dot": "/./{id}",
    "sub-delims": "/l_text:Sans_9:a!$&'()*+;=b/{id}",
    "query is the origin's to refuse": "/{id}?width=3",
}


@pytest.mark.parametrize("target", PASSED_ON.values(), ids=PASSED_ON.keys())
def test_a_path_reaches_the_origin_byte_for_byte(edge: Edge, target: str) -> None:
    target = target.format(id=fresh_id())
    assert edge.get(target).status == 200
    assert [request.method for request in edge.origin.arrived(target)] == ["GET"]


REFUSED = {
    "empty segment": b"/w_300//{id}",
    "leading empty segment": b"//{id}",
    "trailing slash": b"/w_300/",
    "lower-case hex": b"/w_300/%c3%a9",
    "lower-case hex slash": b"/w_300/a%2fb",
    "not hex": b"/w_300/%zz",
    "half an escape": b"/w_300/a%2",
    "backslash": b"/w_300\\x",
    "angle": b"/<script>",
    "quote": b'/w_300/"a"',
    "pipe": b"/a|b",
    "braces": b"/{a}",
    "caret": b"/a^b",
    "fragment": b"/a#b",
    "raw UTF-8": "/w_300/é".encode(),
    "overlong": b"/a\xc0\xafb",
    "NUL": b"/a%00b",
    "absolute form": b"http://other.example/w_300/a",
}


@pytest.mark.parametrize("target", REFUSED.values(), ids=REFUSED.keys())
def test_other_spellings_are_refused_early(edge: Edge, target: bytes) -> None:
    before = len(edge.origin.seen)
    got = send(edge.url, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert problem(got) in [(400, "path_invalid"), (400, "bad_request")]
    assert len(edge.origin.seen) == before


SHARED: dict[str, tuple[str, dict[str, str], str, dict[str, str], bool]] = {
    "same again": ("/w_1/{id}", {}, "/w_1/{id}", {}, True),
    "another spelling": ("/w_1,h_2/{id}", {}, "/h_2,w_1/{id}", {}, False),
    "an escape": ("/l_text:Sans_9:a!/{id}", {}, "/l_text:Sans_9:a%21/{id}", {}, False),
    "fixed format": ("/f_webp/{id}", {"Accept": AVIF}, "/f_webp/{id}", {"Accept": "*/*"}, True),
    "no format": ("/w_1/{id}", {"Accept": AVIF}, "/w_1/{id}", {"Accept": "*/*"}, True),
    "extension": ("/w_1/{id}.webp", {"Accept": AVIF}, "/w_1/{id}.webp", {"Accept": "*/*"}, True),
    "f_auto, classes": ("/f_auto/{id}", {"Accept": AVIF}, "/f_auto/{id}", {"Accept": WEBP}, False),
    "f_auto, no header": ("/w_1,f_auto/{id}", {}, "/w_1,f_auto/{id}", {"Accept": "text/html, */*"}, True),
    "f_auto, same class": ("/f_auto/{id}", {"Accept": AVIF}, "/f_auto/{id}", {"Accept": "image/avif"}, True),
    "preset may hide it": ("/t_card/{id}", {"Accept": AVIF}, "/t_card/{id}", {"Accept": "*/*"}, False),
    "width hint unused": ("/w_1/{id}", {"Width": "300"}, "/w_1/{id}", {"Width": "400"}, True),
    "width hint": ("/w_auto/{id}", {"Sec-CH-Width": "300"}, "/w_auto/{id}", {"Sec-CH-Width": "400"}, False),
    "old width hint": ("/w_auto/{id}", {"Width": "300"}, "/w_auto/{id}", {}, False),
    "ratio hint": ("/dpr_auto/{id}", {"DPR": "1.5"}, "/dpr_auto/{id}", {"Sec-CH-DPR": "1.5"}, False),
    "data hint": ("/w_auto/{id}", {"Save-Data": "ON"}, "/w_auto/{id}", {"Save-Data": "on"}, True),
    "hint of a preset": ("/t_card/{id}", {"DPR": "2"}, "/t_card/{id}", {"DPR": "1"}, False),
    "nonsense hints": ("/w_auto/{id}", {"Width": "9e9"}, "/w_auto/{id}", {"Width": "-1"}, True),
    "other cookies": ("/w_1/{id}", {"Cookie": "a=1"}, "/w_1/{id}", {"Cookie": "b=2"}, True),
}


@pytest.mark.parametrize(("first", "with_", "second", "and_", "shared"), SHARED.values(), ids=SHARED.keys())
def test_which_requests_share_a_copy(
    edge: Edge, first: str, with_: dict[str, str], second: str, and_: dict[str, str], shared: bool
) -> None:
    name = fresh_id()
    one = edge.get(first.format(id=name), **with_)
    other = edge.get(second.format(id=name), **and_)
    assert (one.edge, other.edge) == ("MISS", "HIT" if shared else "MISS")
    if shared:
        assert one.body == other.body


ACCEPT = {
    "Chrome": ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", AVIF),
    "Safari": ("image/webp,image/avif,image/jxl,image/heic,*/*;q=0.8", AVIF),
    "Firefox of old": ("image/webp,*/*", WEBP),
    "curl": ("*/*", PLAIN),
    "empty": ("", PLAIN),
    "only AVIF": ("image/avif", AVIF),
    "case": ("IMAGE/AVIF", AVIF),
    "blanks": ("text/html ,  image/webp ; q=0.5 , */*", WEBP),
    "AVIF refused": ("image/avif;q=0,image/webp,*/*", WEBP),
    "AVIF refused, long": ("image/avif; q=0.000, image/webp", WEBP),
    "AVIF refused after a parameter": ("image/avif;v=1;q=0.0,image/webp", WEBP),
    "AVIF refused, more after": ("image/avif;q=0;ext=1,image/webp", WEBP),
    "a little AVIF": ("image/avif;q=0.001", AVIF),
    "q=0.05 is not none": ("image/avif;q=0.05,image/webp;q=0.9", AVIF),
    "both refused": ("image/avif;q=0,image/webp;q=0,*/*", PLAIN),
    "WebP refused": ("image/webp;q=0", PLAIN),
    "WebP refused by a taker of AVIF": ("image/avif,image/webp;q=0", PLAIN),
    "another type that begins so": ("image/avif-sequence,image/webpx", PLAIN),
    "another type that ends so": ("x-image/avif,ximage/webp", PLAIN),
    "wildcards do not name": ("image/*,*/*", PLAIN),
}


@pytest.mark.parametrize(("sent", "forwarded"), ACCEPT.values(), ids=ACCEPT.keys())
def test_accept_is_forwarded_as_its_class(edge: Edge, sent: str, forwarded: str) -> None:
    target = f"/f_auto/{fresh_id()}"
    edge.get(target, Accept=sent)
    assert edge.origin.arrived(target)[0].headers["Accept"] == forwarded


def random_accept(dice: random.Random) -> str:
    types = ["image/avif", "image/webp", "image/*", "*/*", "image/jpeg", "IMAGE/WebP", "image/jxl"]
    weights = ["", "", ";q=0", ";q=0.0", ";q=1", "; q=0.3", ";q=0.001", ";v=2", ";;", ";q=x"]
    joints = [",", ", ", " ,", ",,"]
    words = [dice.choice(types) + dice.choice(weights) for _ in range(dice.randrange(1, 7))]
    return dice.choice(joints).join(words)


@pytest.mark.parametrize(("chain", "copies"), [("w_300,f_auto", 3), ("w_300,f_webp", 1), ("w_300", 1)])
def test_no_flood_of_accept_headers_makes_more_copies(edge: Edge, chain: str, copies: int) -> None:
    target = f"/{chain}/{fresh_id()}"
    dice = random.Random(20)
    for _ in range(500):
        assert edge.get(target, Accept=random_accept(dice)).status == 200
    assert len(edge.origin.arrived(target)) == copies


UNKEYED = """
X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Scheme
X-Forwarded-Server X-Forwarded-Uri X-Real-IP X-Client-IP Forwarded Via X-Original-URL X-Original-URI
X-Rewrite-URL X-Original-Host X-Host X-HTTP-Method-Override X-HTTP-Method X-Method-Override Accept-Language
Accept-Charset Accept-Encoding DNT Sec-GPC Width DPR Save-Data Sec-CH-Width Sec-CH-DPR Sec-CH-Viewport-Width
Viewport-Width Downlink Cookie Origin Referer User-Agent If-None-Match If-Modified-Since Cache-Control Pragma
Range If-Range X-Cache-Refresh X-Cache-Key X-Request-Id Access-Control-Request-Method
Access-Control-Request-Headers TE Expect-CT Traceparent X-Auth-Status X-Accel-Redirect
"""


@pytest.mark.parametrize("name", UNKEYED.split())
def test_no_unkeyed_header_changes_a_copy(edge: Edge, name: str) -> None:
    target = f"/w_300/{fresh_id()}"
    poisoned = edge.get(target, **{name: "canary-7"})
    clean = edge.get(target)
    assert (clean.edge, clean.body) == ("HIT", poisoned.body)
    arrived = edge.origin.arrived(target)
    assert "canary" not in str(arrived[0].headers.items())
    assert len(arrived) == 1


def test_the_host_does_not_reach_a_shared_copy(edge: Edge) -> None:
    target = f"/w_300/{fresh_id()}"
    edge.get(target, Host="evil.example")
    arrived = edge.origin.arrived(target)[0].headers
    assert arrived.get_all("Host") == ["origin"]
    assert arrived["X-Forwarded-For"] == "127.0.0.1"


def test_two_hosts_and_other_smuggling_is_refused(edge: Edge) -> None:
    for lines in (
        b"Host: a\r\nHost: b",
        b"Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
        b"Host: a\r\nContent-Length: 3\r\nContent-Length: 4",
    ):
        got = send(edge.url, b"GET /abc HTTP/1.1\r\n" + lines + b"\r\n\r\n")
        assert problem(got) == (400, "bad_request")
        assert got.headers["Connection"] == "close"
