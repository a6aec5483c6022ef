"""URLs, signatures and copies, through the shipped nginx and a server: what strangers try, and what it costs.

The figures of gates G3 and G5 to G8 are printed (``pytest -s``).
"""

from __future__ import annotations

import hashlib
import http.client
import random
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from urllib.parse import urlsplit

import pytest

from tests.conftest import OriginFactory
from tests.support.figures import Figures, milliseconds
from tests.support.origin import KEY, Library, OriginServer, Response, ask
from tests.support.servers import NginxServer, free_port, nginx_server
from urlspec.sign import SigningKey

AUDIENCE = "img.example"
WEB = SigningKey("web", KEY)
BASE64URL = string.ascii_letters + string.digits + "-_"


@dataclass
class Site:
    edge: NginxServer
    origin: OriginServer
    widths: Iterator[int]

    def path(self, name: str = "card.jpg", chain: str = "") -> str:
        """A path that nobody has asked for."""
        return f"/w_{next(self.widths)}{chain}/{self.origin.ids[name]}"

    def copies(self) -> int:
        """How many answers the edge keeps."""
        return sum(path.is_file() for path in self.edge.cache.rglob("*"))

    def results(self) -> int:
        """How many results the origin keeps."""
        return sum(path.is_file() for path in (self.origin.data / "results" / "entries").rglob("*"))

    def get(self, target: str | bytes, method: str = "GET", **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.edge.url, target, method, named)


def sign(path: str, lasting: float | None = None) -> str:
    return WEB.sign(path, None if lasting is None else timedelta(seconds=lasting), AUDIENCE)


@pytest.fixture(scope="module")
def site(
    origin_factory: OriginFactory, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An origin with a key behind nginx, whose copies for some are old after a second."""
    port = free_port()

    def edit(text: str) -> str:
        assert text.count("proxy_cache_valid 200 1d;") == 1
        return text.replace("proxy_cache_valid 200 1d;", "proxy_cache_valid 200 1s;")

    edge = nginx_server(tmp_path_factory.mktemp("nginx"), f"127.0.0.1:{port}", edit=edit)
    try:
        origin = origin_factory(
            library=library,
            ORIGIN_PORT=str(port),
            ORIGIN_SIGNING_KEYS=f"web:{KEY}",
            ORIGIN_AUDIENCE=AUDIENCE,
            ORIGIN_TRUSTED_PROXIES="127.0.0.1",
        )
        yield Site(edge, origin, count(60))
    finally:
        edge.stop()


def statuses(url: str, targets: list[str], **headers: str) -> list[tuple[int, float]]:
    """Status and seconds of each, one after another on one connection."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    found = []
    for target in targets:
        started = time.perf_counter()
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        answer.read()
        found.append((answer.status, time.perf_counter() - started))
    connection.close()
    return found


# Signatures ------------------------------------------------------------------------------------------------


def spellings(mac: str) -> list[str]:
    """Forty texts that careless decoders take for the same 43 characters."""
    last = BASE64URL.index(mac[-1])
    spare = [BASE64URL[last ^ bit] for bit in (1, 2, 3)]
    inside = ["=", "*", "!", ".", "%0A", "%00", "%20", "+", "~", "%C3%A9", "A"]
    around = ["=", "==", "%3D", "%3D%3D", "===", ".", "+", "%20", "%0A", "%09", "A", "AA", "%00", "-", "_"]
    return [
        *(mac[:-1] + one for one in spare),
        *(mac[:20] + one + mac[20:] for one in inside),
        *(mac + one for one in around),
        mac.upper(),
        mac.lower(),
        mac.swapcase(),
        mac[:-1],
        mac[1:],
        mac + mac,
        mac[::-1],
        "%" + mac[0].encode().hex().upper() + mac[1:],
        "=" + mac,
        "." + mac,
        f"{mac[:5]}%{ord(mac[5]):02X}{mac[6:]}",
    ]


FORMS: dict[str, Callable[[str], str | bytes]] = {
    "//": lambda url: "/" + url,
    "// later": lambda url: url.replace("/w_", "//w_"),
    "/./": lambda url: "/." + url,
    "/./ later": lambda url: url.replace("/w_", "/./w_"),
    "/../": lambda url: "/x/.." + url,
    "/../ later": lambda url: url.replace("/w_", "/x/../w_"),
    "%2e": lambda url: url.replace("/w_", "/%2e/w_"),
    "%2E%2E": lambda url: url.replace("/w_", "/x/%2E%2E/w_"),
    "%2f": lambda url: url.replace("/w_", "%2fw_"),
    "%2F": lambda url: url.replace("/w_", "%2Fw_"),
    "%252F": lambda url: url.replace("/w_", "%252Fw_"),
    "%77 for w": lambda url: url.replace("/w_", "/%77_"),
    "%57 for W": lambda url: url.replace("/w_", "/%57_"),
    "%00": lambda url: url + "%00",
    "%zz": lambda url: url + "%zz",
    ";v": lambda url: url + ";v=1",
    "backslash": lambda url: url.replace("/w_", "\\w_"),
    "%5c": lambda url: url.replace("/w_", "%5cw_"),
    "trailing /": lambda url: url + "/",
    "?": lambda url: url + "?",
    "?x=1": lambda url: url + "?x=1",
    "#f": lambda url: url + "#f",
    "absolute": lambda url: "http://img.example" + url,
    "raw UTF-8": lambda url: url.encode() + "é".encode(),
    "overlong UTF-8": lambda url: url.replace("/w_", "%C0%AFw_"),
    "no slash": lambda url: url[1:],
}


def test_g3_no_other_text_is_a_signature(site: Site) -> None:
    path = site.path()
    url = sign(path)
    mac = url.split("/")[1].rpartition(".")[2]
    mutants = [
        url.replace(mac, mac[:place] + other + mac[place + 1 :])
        for place in range(43)
        for other in BASE64URL
        if other != mac[place]
    ]
    others = [url.replace(mac, spelling) for spelling in spellings(mac)]
    forms = [change(url) for change in FORMS.values()]
    assert (len(set(mutants)), len(set(others)), len(set(forms))) == (2_709, 40, 26)
    before = site.copies(), site.results()
    seen = Counter(status for status, _ in statuses(site.edge.url, mutants))
    again = Counter(status for status, _ in statuses(site.origin.url, mutants[::9]))
    spelled = Counter(site.get(other).status for other in others)
    formed = {name: site.get(form).status for name, form in zip(FORMS, forms, strict=True)}
    straight = {name: site.origin.get(form).status for name, form in zip(FORMS, forms, strict=True)}
    after = site.copies(), site.results()
    figures = Figures("G3: spellings of one signed URL")
    figures.add("single-character mutants", dict(seen), "0 accepted of 2,709")
    figures.add("other spellings of the signature", dict(spelled), "0 accepted of 40")
    figures.add("other forms of the path", dict(Counter(formed.values())), "0 accepted of 26")
    figures.add(
        "new entries at the edge, at the origin",
        tuple(b - a for a, b in zip(before, after, strict=True)),
        "0",
    )
    figures.show()
    assert set(seen) == set(again) == {403}
    assert set(spelled) <= {400, 403}
    assert set(formed.values()) <= {400, 403}, formed
    assert set(straight.values()) <= {400, 403}, straight
    assert after == before
    assert [site.get(url)["X-Edge"] for _ in range(2)] == ["MISS", "HIT"]
    assert (site.copies(), site.results()) == (before[0] + 1, before[1] + 1)


def test_g5_an_end_is_an_end_for_copies_new_and_old(site: Site) -> None:
    path = site.path()
    long, short = sign(path, 600), sign(path, 4)
    end = int(short.split(".")[2])
    fresh = [site.get(url)["X-Edge"] for url in (long, short)]
    assert fresh == ["MISS", "HIT"]
    time.sleep(2.1)
    assert site.get(long)["X-Edge"] in {"EXPIRED", "STALE", "REVALIDATED"}, (
        "copies here are old after a second"
    )
    time.sleep(max(0.0, end - time.time()) + 0.05)
    asked = time.time()
    on_old = site.get(short)
    renewed = site.get(long)
    on_new = site.get(short)
    kept = site.get(short, "HEAD", If_None_Match=renewed["ETag"])
    figures = Figures("G5: a signature that has ended, where the edge has the picture")
    figures.add("asked after the end", milliseconds(asked - end), "within 1 s")
    figures.add("while the copy is old", on_old.status, "403")
    figures.add("while the copy is new", on_new.status, "403")
    figures.add("with the ETag of the copy", kept.status, "403")
    figures.show()
    assert [on_old.summary, on_new.summary] == [(403, "signature_expired")] * 2
    assert (kept.status, renewed.status) == (403, 200)


# Many who want one thing -----------------------------------------------------------------------------------


def test_g6_a_herd_is_one_render(site: Site) -> None:
    url = sign(f"/c_scale,w_1400,f_avif,q_90/{site.origin.ids['large.jpg']}")
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(lambda _: site.get(url), range(200)))
    made = Counter(str(answer.headers.get("X-Cache", "edge")) for answer in answers)
    figures = Figures("G6: 200 clients at once, one picture")
    figures.add("renders", made["render"], "1")
    figures.add("answered by", dict(made))
    figures.show()
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert made["render"] == 1


TYPES = [
    "image/avif",
    "image/webp",
    "image/*",
    "*/*",
    "image/png",
    "image/jpeg",
    "IMAGE/WEBP",
    "text/html",
    "é",
]
WEIGHTS = ["", "", ";q=0", ";q=0.0", ";q=1", "; q=0.3", ";q=0.001", ";v=2", ";;", ";q=x", ";q=1e9", ";Q=0"]


def accept(dice: random.Random) -> str:
    words = [dice.choice(TYPES) + dice.choice(WEIGHTS) for _ in range(dice.randrange(0, 9))]
    return dice.choice([",", ", ", " ,", ",,", ";"]).join(words)


@pytest.mark.parametrize("through", ["edge", "origin"])
def test_g7_no_accept_header_makes_a_fourth_picture(site: Site, through: str) -> None:
    url = sign(site.path(chain=",f_auto"))
    dice = random.Random(7)
    before = site.results()
    answers = [
        ask(site.edge.url if through == "edge" else site.origin.url, url, headers={"Accept": accept(dice)})
        for _ in range(500)
    ]
    renders = sum("X-Cache" in answer and answer.cache == "render" for answer in answers)
    figures = Figures(f"G7: 500 Accept headers, asking the {through}")
    figures.add("renders", renders, "at most 3")
    figures.add("types", dict(Counter(answer["Content-Type"] for answer in answers)))
    figures.show()
    assert {answer.status for answer in answers} == {200}
    assert 1 < renders <= 3
    assert site.results() - before == renders


UNKEYED = """
X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Server
X-Forwarded-Uri X-Real-IP X-Client-IP Forwarded Via X-Original-URL X-Original-URI X-Rewrite-URL X-Host
X-HTTP-Method-Override X-HTTP-Method X-Method-Override Accept-Language Accept-Encoding DNT Width DPR
Save-Data Sec-CH-Width Sec-CH-DPR Sec-CH-Viewport-Width Viewport-Width Downlink Origin Referer User-Agent
Cache-Control Pragma Range X-Cache-Variant X-Cache-Key Traceparent X-Auth-Status X-Accel-Redirect
"""


def test_g8_no_other_header_reaches_a_picture(site: Site) -> None:
    names = UNKEYED.split()
    assert len(names) == 40
    canary = "canary.example/7"
    differing, told = [], []
    for name in names:
        url = sign(site.path(chain=",f_png"))
        value = "bytes=0-9" if name == "Range" else "DELETE" if "Method" in name else canary
        straight = site.origin.get(url, **{name: value})
        site.get(url, **{name: value})
        clean = site.get(url)
        reference = site.origin.get(url)
        digests = {hashlib.sha256(answer.body).hexdigest() for answer in (straight, clean, reference)}
        if len(digests) != 1 or clean["X-Edge"] != "HIT" or clean.status != 200:
            differing.append(name)
        if any("canary" in str(answer.headers) for answer in (straight, clean)):
            told.append(name)
    figures = Figures("G8: 40 headers that are not part of any key, at the edge and at the origin")
    figures.add("pictures that differ (SHA-256)", len(differing), "0")
    figures.add("answers that repeat the value", len(told), "0")
    figures.show()
    assert (differing, told) == ([], [])


# Errors and floods -----------------------------------------------------------------------------------------


def test_no_error_is_kept_under_a_good_key(site: Site) -> None:
    url = sign(site.path())
    attempts: list[tuple[str, dict[str, str]]] = [
        ("POST", {}),
        ("DELETE", {}),
        ("TRACE", {}),
        ("GET", {"X-Long": "a" * 40_000}),
        ("GET", {"Authorization": "Bearer no-token"}),
        ("GET", {"Cookie": "origin_session=none"}),
        ("GET", {"X-Cache-Refresh": "wrong"}),
        ("GET", {"Range": "bytes=999999999-"}),
        ("GET", {"If-Match": '"none"'}),
        ("GET", {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}),
        ("GET", {"Content-Length": "x"}),
        ("GET", {"Transfer-Encoding": "gzip"}),
        ("GET", {"Expect": "200-maybe"}),
        ("GET", {"Host": "a b"}),
    ]
    answers = Counter(ask(site.edge.url, url, method, headers).status for method, headers in attempts)
    print(f"\nT11: {sum(answers.values())} attempts under a good key were answered {dict(answers)}")
    assert sum(amount for status, amount in answers.items() if status >= 400) >= 10
    assert {site.get(url).status for _ in range(3)} == {200}
    assert site.get(url)["X-Edge"] == "HIT"


def test_a_flood_of_unsigned_sizes_touches_no_storage(site: Site) -> None:
    """Originals are out of reach meanwhile, and nobody notices."""
    originals = site.origin.data / "originals"
    away = originals.with_name("away")
    targets = [f"/w_{width}/{site.origin.ids['large.jpg']}" for width in range(1, 1_001)]
    targets += [f"/w_{width}/nothing-{width}" for width in range(1, 201)]
    before = site.results()
    originals.rename(away)
    try:
        found = statuses(site.origin.url, targets)
    finally:
        away.rename(originals)
    slow = sorted(seconds for _, seconds in found)[int(len(found) * 0.99)]
    print(
        f"\nT1: {len(found):,} unsigned sizes: {dict(Counter(s for s, _ in found))}, p99 {milliseconds(slow)}"
    )
    assert {status for status, _ in found} == {403}
    assert site.results() == before


def test_where_nothing_is_signed_the_render_rate_ends_a_flood(
    origin_factory: OriginFactory, library: Library
) -> None:
    server = origin_factory(library=library, ORIGIN_RATE_RENDER="20/minute")
    known = f"/w_5/{server.ids['card.jpg']}"
    assert server.get(known).status == 200
    answers = [server.get(f"/w_{width}/{server.ids['card.jpg']}") for width in range(10, 110)]
    seen = Counter(answer.status for answer in answers)
    print(f"\nT1: 100 unsigned sizes at 20 renders a minute: {dict(seen)}")
    assert set(seen) == {200, 429}
    assert 19 <= seen[200] <= 22  # a minute may end meanwhile
    assert all(int(answer["Retry-After"]) >= 1 for answer in answers if answer.status == 429)
    assert server.get(known).status == 200, "what is there costs nothing"
