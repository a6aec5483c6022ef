"""A server's life: how it starts, refuses to start, and ends."""

from __future__ import annotations

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import OriginFactory
from tests.support.origin import KEY, Library, base_environment, run_cli, until
from tests.support.servers import free_port
from urlspec.sign import EXAMPLE_SECRET


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", free_port()))) as other:
        port = other.getsockname()[1]
        done = run_cli("serve", environment=base_environment(tmp_path, ORIGIN_PORT=str(port)))
    assert done.returncode == 1
    assert done.stderr == (
        f"127.0.0.1:{port} is in use by another program. Stop that program or set ORIGIN_PORT.\n"
    )


REFUSED = {
    "documented key": ({"ORIGIN_SIGNING_KEYS": f"web:{EXAMPLE_SECRET}"}, "ORIGIN_SIGNING_KEYS"),
    "open to everybody": ({"ORIGIN_HOST": "0.0.0.0"}, "ORIGIN_UNSIGNED"),
    "no presets": ({"ORIGIN_PRESETS": "/no/such/file.toml"}, "ORIGIN_PRESETS"),
    "no fonts": ({"ORIGIN_FONTS": "/no/such/folder"}, "ORIGIN_FONTS"),
    "address of another machine": ({"ORIGIN_HOST": "192.0.2.1", "ORIGIN_UNSIGNED": "any"}, "ORIGIN_HOST"),
    "another kind of database": ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: is of an unknown kind"),
    "no address of Redis": ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: "),
}


@pytest.mark.parametrize(("settings", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_it_does_not_start_with_settings_that_cannot_work(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    environment = base_environment(tmp_path, ORIGIN_PORT=str(free_port()), **settings)
    done = run_cli("serve", environment=environment)
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_presets_that_are_wrong_name_the_preset(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('[presets]\ncard = "w_30x"\n')
    environment = base_environment(
        tmp_path, ORIGIN_PRESETS=str(tmp_path / "p.toml"), ORIGIN_PORT=str(free_port())
    )
    done = run_cli("serve", environment=environment)
    assert done.returncode == 1
    assert "card" in done.stderr
    assert "ORIGIN_PRESETS" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_says_where_it_is_and_who_may(origin_factory: OriginFactory) -> None:
    free = origin_factory(ORIGIN_PUBLIC_URL="https://img.example")
    text = free.log.read_text()
    assert "Serving pictures at https://img.example/" in text
    assert "Unsigned URLs are allowed" in text
    keyed = origin_factory(ORIGIN_SIGNING_KEYS=f"web:{KEY}", ORIGIN_WORKER="9")
    text = keyed.log.read_text()
    assert "Unsigned" not in text
    assert "ORIGIN_WORKER is not a setting; did you mean ORIGIN_WORKERS?" in text
    assert KEY not in text


def test_the_pages_of_its_own(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library)
    assert server.get("/healthz").json == {"status": "ok"}
    ready = server.get("/readyz")
    assert (ready.status, set(ready.json["checks"].values())) == (200, {"ok"})
    home = server.get("/")
    assert (home.status, home.headers.get_content_type()) == (200, "text/html")
    assert "script" not in home["Content-Security-Policy"]
    assert server.get("/robots.txt").status == 200
    assert server.get("/favicon.ico").status == 204
    for page in ("/", "/healthz", "/readyz"):
        answer = server.get(page, "POST")
        assert (answer.status, answer["Allow"]) == (405, "GET, HEAD")


def test_readiness_names_the_dependency_that_is_away(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    ready = server.get("/readyz")
    assert (ready.status, ready.json["checks"]["redis"]) == (200, "unavailable"), "Redis is not needed"
    assert server.get(f"/w_9/{server.ids['card.png']}").status == 200


def test_asked_to_stop_it_finishes_what_it_began(origin_factory: OriginFactory, library: Library) -> None:
    server = origin_factory(library=library)
    path = f"/c_scale,w_4000,h_4000,f_webp/{server.ids['large.jpg']}"
    workers = server.workers()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.get, path)
        time.sleep(0.2)
        os.kill(server.pid, signal.SIGTERM)
        answer = asked.result()
    assert (answer.status, answer.cache) == (200, "render")
    until(lambda: not server.running)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers), "no worker is left behind"


def test_killed_without_a_word_it_leaves_no_worker_and_starts_again(
    origin_factory: OriginFactory, library: Library
) -> None:
    server = origin_factory(library=library)
    path = f"/w_70/{server.ids['large.jpg']}"
    first = server.get(path)
    workers = server.workers()
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in workers))
    server.kill()
    server.start()
    assert server.get(path).body == first.body


def test_every_request_has_a_line_and_none_can_break_it(
    origin_factory: OriginFactory, library: Library
) -> None:
    server = origin_factory(library=library)
    server.get("/w_9/x%22,%0A", X_Request_Id="one")
    server.get(f"/w_9/{server.ids['card.png']}", X_Request_Id="two")
    until(lambda: {"one", "two"} <= {line.get("request_id") for line in server.lines()})
    lines = {line["request_id"]: line for line in server.lines() if "request_id" in line}
    assert (lines["one"]["status"], lines["one"]["code"]) == (400, "path_invalid")
    assert (lines["two"]["status"], lines["two"]["cache"]) == (200, "render")
    assert lines["two"]["path"] == f"/w_9/{server.ids['card.png']}"
    assert lines["two"]["ms"] > 0


def test_demo_fills_an_empty_folder_once(origin_factory: OriginFactory) -> None:
    server = origin_factory("--demo")
    paths = [
        line.split()[0].removeprefix(server.url)
        for line in server.log.read_text().splitlines()
        if line.startswith("  http")
    ]
    assert len(paths) >= 3
    for path in paths:
        answer = server.get(path, Accept="image/avif,image/webp")
        assert answer.status == 200, path
    assert all(path in server.get("/").body.decode() for path in paths)
