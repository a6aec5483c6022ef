"""Pictures that end workers: refused for an hour in that chain, altogether only when nothing else will do.

The decoders of these servers misbehave on request: a JPEG's comment says when a worker is to die or to hang.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.misbehaving import deaths, marked, misbehaving
from tests.support.origin import OriginServer, Response, origin_server, until
from tests.support.people import SECRET, Browser, Person, issue


class Broken:
    """A server whose decoders misbehave, and how often they did."""

    def __init__(self, server: OriginServer, folder: Path) -> None:
        self.server = server
        self.browser = Browser(server)
        self._folder = folder
        self.named = folder / "named"
        """The folder of the source ``@named``."""

    @property
    def deaths(self) -> int:
        return deaths(self._folder)

    def get(self, target: str) -> Response:
        """Asked again while no worker is free: a lost one is being replaced."""
        answers: list[Response] = []

        def answered() -> bool:
            answers.append(self.server.get(target))
            return answers[-1].code != "overloaded"

        until(answered)
        return answers[-1]

    def person(self) -> Person:
        return Person(self.browser, "me", issue("me"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Broken]]:
    with ExitStack() as stack:

        def make(**settings: Any) -> Broken:
            folder = tmp_path_factory.mktemp("refused")
            given: dict[str, Any] = {
                "ORIGIN_RENDER_TIMEOUT": "1",
                "ORIGIN_RATE_UPLOAD": "off",
                "JWT_SECRET": SECRET,
            }
            server = origin_server(folder, **(misbehaving(folder) | given | settings))
            stack.callback(server.stop)
            broken = Broken(server, folder)
            stack.callback(broken.browser.close)
            return broken

        yield make


@pytest.fixture(scope="module")
def broken(start: Callable[..., Broken]) -> Broken:
    return start()


DIED = (422, "image_unprocessable")


@pytest.mark.parametrize(("mark", "first"), [("die-large", DIED), ("hang-large", (504, "render_timeout"))])
def test_two_lost_workers_refuse_the_picture_in_that_chain(
    broken: Broken, mark: str, first: tuple[int, str]
) -> None:
    me, before = broken.person(), broken.deaths
    ids = [me.uploaded(marked(mark, seed=1), id=f"{mark}-{name}")["id"] for name in "abcd"]
    # The same bytes under other names: that is no way around.
    for id in ids[:2]:
        assert broken.get(f"/w_70/{id}").summary == first
    assert broken.deaths == before + 2
    for id in ids[2:]:
        answer = broken.get(f"/dl_other,w_70/{id}")
        assert answer.summary == DIED
        assert "an hour" in answer.json["detail"]
    assert broken.get(f"/w_71/{ids[0]}").summary == first, "another chain has its own two tries"
    assert broken.get(f"/w_50/{ids[0]}").status == 200, "what it does no harm in goes on"
    assert broken.deaths == before + 3
    assert broken.server.healthy()


def test_a_picture_that_nothing_can_open_is_refused_altogether(broken: Broken) -> None:
    before = broken.deaths
    (broken.named / "worse.jpg").write_bytes(marked("die-always", seed=2))
    for _ in range(2):
        assert broken.get("/w_70/@named/worse.jpg").summary == DIED
    until(lambda: "a picture ends workers" in broken.server.log.read_text())
    for chain in ("w_50", "w_71", "f_png"):
        assert broken.get(f"/{chain}/@named/worse.jpg").summary == DIED
    assert broken.deaths == before + 3, "the third death was that of one pixel"
    (broken.named / "better.jpg").write_bytes(marked("harmless", seed=3))
    assert broken.get("/w_70/@named/better.jpg").status == 200


def test_another_form_each_time_is_no_way_around(broken: Broken) -> None:
    before = broken.deaths
    (broken.named / "forms.jpg").write_bytes(marked("die-always", seed=8))
    for width in (101, 102):
        assert broken.get(f"/w_{width}/@named/forms.jpg").summary == DIED
    until(lambda: broken.server.log.read_text().count("a picture ends workers") == 2)
    for width in range(103, 123):
        assert broken.get(f"/w_{width}/@named/forms.jpg").summary == DIED
    assert broken.deaths == before + 3, "the third death was that of one pixel"


def test_a_header_that_ends_workers_is_not_explained_for_ever(broken: Broken) -> None:
    before = broken.deaths
    (broken.named / "header.jpg").write_bytes(marked("die-header", seed=7))
    for _ in range(2):
        assert broken.get("/explain/w_70/@named/header.jpg").summary == DIED
    for target in ("/explain/w_70/@named/header.jpg", "/w_70/@named/header.jpg"):
        answer = broken.get(target)
        assert answer.summary == DIED
        assert "an hour" in answer.json["detail"]
    assert broken.get("/w_71/@named/header.jpg").status == 200, "the picture by itself does no harm"
    assert broken.deaths == before + 2


def test_an_upload_is_looked_at_twice(broken: Broken) -> None:
    me, before = broken.person(), broken.deaths
    data = marked("die-always", seed=4)
    for _ in range(4):
        assert me.upload(data).problem == DIED
    assert broken.deaths == before + 2
    assert me.uploaded(marked("harmless", seed=5))["width"] == 90
    metrics = broken.server.get("/metrics").body.decode()
    assert 'origin_refused_total{what="content"}' in metrics


def test_processes_share_what_they_know(start: Callable[..., Broken], redis_url: str) -> None:
    one, other = start(REDIS_URL=redis_url), start(REDIS_URL=redis_url)
    data = marked("die-always", seed=6)
    for _ in range(2):
        assert one.person().upload(data).problem == DIED
    assert other.person().upload(data).problem == DIED
    assert (one.deaths, other.deaths) == (2, 0)
