"""What Prometheus is told, and that the dashboard and the alerts ask for nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from origin.errors import OriginError
from origin.imaging import RenderPool
from tests.conftest import NginxFactory, OriginFactory, RedisFactory
from tests.support.origin import KEY, Library, OriginServer, Response, ask
from tests.support.servers import free_port
from urlspec import Url

MONITORING = Path(__file__).resolve().parents[3] / "docs" / "monitoring"
README = MONITORING.parents[1] / "README.md"
TOKEN = "m" * 32

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def server(
    origin_factory: OriginFactory, library: Library, tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> OriginServer:
    """With Redis, keys, a port for metrics, and the uploads that the library has."""
    return origin_factory(
        library=library,
        REDIS_URL=redis_url,
        ORIGIN_SIGNING_KEYS=f"web:{KEY}",
        ORIGIN_METRICS_PORT=str(free_port()),
        ORIGIN_METRICS_TOKEN=TOKEN,
        ORIGIN_RATE_REGISTER="1/minute",
    )


def metrics(server: OriginServer, target: str = "/metrics", token: str = TOKEN) -> Response:
    assert server.environment
    url = f"http://127.0.0.1:{server.environment['ORIGIN_METRICS_PORT']}"
    return ask(url, target, headers={"Authorization": f"Bearer {token}"})


def samples(server: OriginServer) -> Samples:
    families = text_string_to_metric_families(metrics(server).body.decode())
    return {
        (one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples
    }


def signed(server: OriginServer, chain: str, name: str) -> str:
    return Url("", server.ids[name]).chain(chain).sign(f"web:{KEY}")


def test_what_happens_is_counted(server: OriginServer) -> None:
    before = samples(server)
    path = signed(server, "w_77,f_webp", "card.png")
    made, kept = server.get(path), server.get(path)
    server.get(path, If_None_Match=made["ETag"])
    assert [server.get("/w_77/x").status, server.get("/s1.web.0.nonsense/w_77/x").status] == [403, 403]
    body = json.dumps({"email": "a@example.com", "password": "x"}).encode()
    for _ in range(2):
        ask(server.url, "/auth/register", "POST", {"Content-Type": "application/json"}, body=body)
    after = samples(server)

    def grown(name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return after[key] - before.get(key, 0)

    picture = {"route": "picture", "method": "GET"}
    assert grown("origin_requests_total", **picture, status="200", cache="render") == 1
    assert grown("origin_requests_total", **picture, status="200", cache="memory") == 1
    assert grown("origin_requests_total", **picture, status="304", cache="client") == 1
    assert grown("origin_requests_total", **picture, status="403", cache="") == 2
    assert grown("origin_request_seconds_count", route="picture", cache="memory") == 1
    assert grown("origin_problems_total", code="signature_required") == 1
    assert grown("origin_problems_total", code="signature_invalid") == 1
    assert grown("origin_rate_limited_total", kind="register") == 1
    assert grown("origin_sent_bytes_total", route="picture") >= len(made.body) + len(kept.body)
    assert grown("origin_received_bytes_total", route="api") == 2 * len(body)
    for stage in ("probe", "render", "encode"):
        assert grown("origin_render_seconds_count", stage=stage, format="webp") == 1
    assert grown("origin_fetch_seconds_count") == 1
    assert grown("origin_queue_wait_seconds_count") == 1
    assert grown("origin_cache_lookups_total", store="memory", result="hit") == 1
    for store in ("memory", "redis", "files"):
        assert grown("origin_cache_lookups_total", store=store, result="miss") >= 1
    for name in ("database", "storage", "workers"):
        assert after["origin_dependency_up", frozenset({("dependency", name), ("needed", "yes")})] == 1
    assert after["origin_dependency_up", frozenset({("dependency", "redis"), ("needed", "no")})] == 1
    assert after["origin_workers", frozenset()] == 1
    assert after["origin_queue_limit", frozenset()] == 4
    assert after["origin_workers_resident_bytes", frozenset()] > 1 << 20


def test_the_port_of_the_metrics_shows_no_pictures(server: OriginServer) -> None:
    assert metrics(server, "/readyz").json["status"] == "ready"
    assert metrics(server, signed(server, "w_77,f_webp", "card.png")).status == 404
    assert metrics(server, "/images").status == 404
    assert metrics(server, token="wrong").summary == (401, "unauthorized")
    assert server.get("/metrics").summary == (401, "unauthorized")


def test_nginx_shows_no_metrics(origin: OriginServer, nginx_factory: NginxFactory) -> None:
    edge = nginx_factory(origin.url.removeprefix("http://"))
    assert origin.get("/metrics").status == 200
    assert ask(edge.url, "/metrics").summary == (404, "not_found")
    assert ask(edge.url, "/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status == 404


def test_dependencies_that_are_away_are_told(
    origin_factory: OriginFactory, redis_factory: RedisFactory, library: Library
) -> None:
    redis = redis_factory()
    server = origin_factory(library=library, REDIS_URL=redis.url)
    redis.stop()
    told = server.get("/metrics").body.decode()
    assert 'origin_dependency_up{dependency="redis",needed="no"} 0.0' in told
    ready = server.get("/readyz")
    assert (ready.status, ready.json["checks"]["redis"]) == (200, "unavailable")
    for width in range(60, 65):
        assert server.get(f"/w_{width}/{server.ids['card.png']}").status == 200
    told = server.get("/metrics").body.decode()
    assert "origin_redis_breaker_open 1.0" in told
    errors = re.search(r'origin_cache_lookups_total\{result="error",store="redis"\} (\S+)', told)
    assert errors
    assert float(errors[1]) >= 3


# Workers ------------------------------------------------------------------------------------------------


def hang() -> None:
    time.sleep(60)


def abort() -> None:
    os.abort()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Watching:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def waited(self, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append("waited")

    def refused(self, why: str) -> None:
        self.seen.append(f"refused: {why}")

    def rendered(self, done: object) -> None:
        raise AssertionError(done)

    def lost(self, why: str) -> None:
        self.seen.append(f"lost: {why}")


async def test_it_is_told_how_workers_end_and_who_is_sent_away() -> None:
    watching = Watching()
    pool = RenderPool(1, 1, 0.5, patience=0.2, watcher=watching)
    await pool.start()
    try:
        for function, lost in ((hang, "deadline"), (abort, "crash"), (die, "killed")):
            with pytest.raises(OriginError):
                await pool.run(function)
            assert watching.seen == ["waited", f"lost: {lost}"]
            watching.seen.clear()
        jobs = [asyncio.create_task(pool.run(hang)) for _ in range(3)]
        await asyncio.gather(*jobs, return_exceptions=True)
        assert sorted(watching.seen) == ["lost: deadline", "refused: full", "refused: impatient", "waited"]
    finally:
        await pool.close()


# What is shipped beside it ----------------------------------------------------------------------------------


def expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, and the query: of the dashboard and of the alerts."""
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    yield from alerts()


def alerts() -> Iterator[tuple[str, str]]:
    for rule in (MONITORING / "alerts.yml").read_text().split("- alert: ")[1:]:
        name, _, rest = rule.partition("\n")
        found = re.search(r"expr: (?:>\s)?(.*?)\n +(?:for|labels):", rest, re.DOTALL)
        assert found, name
        yield name, found[1]


def test_dashboard_and_alerts_ask_only_for_what_is_there(server: OriginServer) -> None:
    text = metrics(server).body.decode()
    names = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) | {"up"}
    names |= {f"{name}_{part}" for name in names for part in ("bucket", "sum", "count")}
    labels: dict[str, set[str]] = {}
    for name, written in re.findall(r"^(\w+)\{(.*)\} ", text, re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', written))
    used: set[str] = set()
    for where, expression in expressions():
        # Names of metrics stand before a selector, a bracket or an operator; words of PromQL are not ours.
        for name, selector in re.findall(r"\b((?:origin|process)_\w+|up\b)(?:\{([^}]*)\})?", expression):
            assert name in names, f"{where} asks for {name}"
            used.add(name)
            if name in labels:
                asked = set(re.findall(r"(\w+)=~?\"", selector)) - {"job", "instance"}
                assert asked <= labels[name], f"{where} asks {name} for {asked - labels[name]}"
    own = set(re.findall(r"^# TYPE (origin_\w+)", text, re.MULTILINE))
    shown = {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in used} | used
    assert own <= shown, f"nobody looks at {own - shown}"


def test_every_alert_says_what_to_do() -> None:
    rows = re.findall(r"^\| `(Origin\w+)` \| (.+) \| (.+) \|$", README.read_text(), re.MULTILINE)
    assert [name for name, _, _ in rows] == [name for name, _ in alerts()]
    assert all(len(meaning) > 20 and len(remedy) > 20 for _, meaning, remedy in rows)
