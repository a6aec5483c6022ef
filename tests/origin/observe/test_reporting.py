"""Logs, traces and error reports of a real server: what they say, and what they never say."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.conftest import OriginFactory
from tests.support.origin import KEY, Library, OriginServer, base_environment, run_cli, until
from tests.support.servers import free_port
from urlspec import Url

pytest.importorskip("opentelemetry.sdk")
pytest.importorskip("sentry_sdk")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector:
    """Takes what OpenTelemetry and Sentry send."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.posts.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def spans(self) -> list[Span]:
        found: list[Span] = []
        for path, body in self.posts:
            if path == "/v1/traces":
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    assert "image-origin" in str(resource.resource)
                    found += [span for scope in resource.scope_spans for span in scope.spans]
        return found

    def events(self) -> list[dict[str, Any]]:
        bodies = [body for path, body in self.posts if path == "/api/7/envelope/"]
        lines = [json.loads(line) for body in bodies for line in body.splitlines()]
        return [line for line in lines if "exception" in line]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    thread = Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def server(origin_factory: OriginFactory, library: Library, collector: Collector) -> OriginServer:
    return origin_factory(
        library=library,
        ORIGIN_SIGNING_KEYS=f"web:{KEY}",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
        OTEL_BSP_SCHEDULE_DELAY="100",
        SENTRY_DSN=f"http://publickey@127.0.0.1:{collector.port}/7",
    )


def signed(server: OriginServer, chain: str, name: str) -> str:
    return Url("", server.ids[name]).chain(chain).sign(f"web:{KEY}")


def attributes(span: Span) -> dict[str, Any]:
    return {
        one.key: one.value.string_value or one.value.int_value or one.value.double_value
        for one in span.attributes
    }


def test_a_request_is_a_trace_of_its_stages(server: OriginServer, collector: Collector) -> None:
    path = signed(server, "w_33,f_webp", "card.png")
    assert server.get(path, traceparent=f"00-{TRACE}-{PARENT}-01", X_Request_Id="traced").status == 200

    def mine() -> dict[str, Span]:
        return {span.name: span for span in collector.spans() if span.trace_id.hex() == TRACE}

    until(lambda: "GET picture" in mine(), seconds=30)
    spans = mine()
    root = spans["GET picture"]
    assert root.parent_span_id.hex() == PARENT
    about = attributes(root)
    assert about["url.path"] == f"/s1.web.0.***/w_33,f_webp/{server.ids['card.png']}"
    assert about["http.response.status_code"] == 200
    assert (about["origin.cache"], about["origin.request_id"]) == ("render", "traced")
    assert {"lookup", "fetch", "render", "keep"} <= set(spans)
    rendered = attributes(spans["render"])
    assert (rendered["origin.format"], rendered["origin.width"]) == ("webp", 33)
    assert rendered["origin.encode.seconds"] > 0
    assert all(
        span.trace_id == root.trace_id and root.start_time_unix_nano <= span.start_time_unix_nano
        for span in spans.values()
    )


def test_only_what_nobody_expects_is_reported(server: OriginServer, collector: Collector) -> None:
    original = server.original(_sha256(server, "large.jpg"))
    original.write_bytes(b"x" * original.stat().st_size)
    assert server.get("/w_44/x").status == 403
    broken = server.get(signed(server, "w_44", "large.jpg"), X_Request_Id="broken")
    assert broken.summary == (502, "storage_corrupt")
    until(lambda: bool(collector.events()), seconds=30)
    [event] = collector.events()
    assert event["tags"] == {"code": "storage_corrupt", "request_id": "broken"}
    assert event["request"] == {"method": "GET", "url": f"/s1.web.0.***/w_44/{server.ids['large.jpg']}"}
    assert event["exception"]["values"][-1]["type"] == "StorageBroken"
    frames = [frame for one in event["exception"]["values"] for frame in one["stacktrace"]["frames"]]
    assert frames
    assert not any("vars" in frame for frame in frames)
    line = next(line for line in server.lines() if line.get("request_id") == "broken")
    assert (line["level"], line["status"], line["code"]) == ("warning", 502, "storage_corrupt")


def _sha256(server: OriginServer, name: str) -> str:
    import sqlite3

    with sqlite3.connect(server.data / "origin.sqlite") as database:
        [found] = database.execute(
            "select sha256 from asset_versions where asset_id = ?", (server.ids[name],)
        ).fetchone()
    return str(found)


SECRET = "SECRETSECRETSECRETSECRET"

QUIET = {
    "wrong signature": (f"/s1.web.0.{SECRET}/w_1/x", {}),
    "signature in an explanation": (f"/explain/s1.web.0.{SECRET}/w_1/x", {}),
    "expired signature": (f"/s1.web.1893456000.{SECRET}/w_1/x", {}),
    "token": ("/w_1/x", {"Authorization": f"Bearer {SECRET}"}),
    "password": ("/auth/login", {"Authorization": f"Basic {SECRET}"}),
    "cookie": ("/images", {"Cookie": f"origin_session={SECRET}"}),
    "query": (f"/images?token={SECRET}", {}),
    "query of a picture": (f"/w_1/x?secret={SECRET}", {}),
    "other headers": ("/w_1/x", {"Referer": SECRET, "User-Agent": SECRET, "X-Api-Key": SECRET}),
    "request id that is none": ("/w_1/x", {"X-Request-Id": f"{SECRET}\t"}),
}


def test_no_credential_reaches_any_log_or_trace(server: OriginServer, collector: Collector) -> None:
    for target, headers in QUIET.values():
        answer = server.get(target, **{name.replace("-", "_"): value for name, value in headers.items()})
        assert 400 <= answer.status < 500
    path = signed(server, "w_55,f_webp", "card.png")
    mac = path.split("/")[1].rpartition(".")[2]
    assert server.get(path, X_Request_Id="last").status == 200
    until(lambda: any(line.get("request_id") == "last" for line in server.lines()), seconds=30)
    until(lambda: any("last" in str(span.attributes) for span in collector.spans()), seconds=30)
    sent = server.log.read_bytes() + b"".join(body for _, body in collector.posts)
    for secret in (SECRET, mac, KEY, "publickey"):
        assert secret.encode() not in sent.replace(b"sentry_key=publickey", b"").replace(
            f"http://publickey@127.0.0.1:{collector.port}/7".encode(), b""
        ), secret


def test_a_line_of_log_is_one_line_and_complete(server: OriginServer) -> None:
    server.get("/w_9/x%22,%0A", X_Request_Id="odd")
    path = signed(server, "w_66,f_webp", "card.png")
    first, again = server.get(path, X_Request_Id="first"), server.get(path, X_Request_Id="again")
    until(lambda: any(line.get("request_id") == "again" for line in server.lines()), seconds=30)
    raw = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    assert all(line.isascii() and line.isprintable() for line in raw)
    lines = {line["request_id"]: line for line in map(json.loads, raw) if "request_id" in line}
    assert lines["odd"]["path"] == "/w_9/x%22,%0A"
    assert (lines["odd"]["status"], lines["odd"]["code"]) == (400, "path_invalid")
    for name, answer, cache in (("first", first, "render"), ("again", again, "memory")):
        assert (lines[name]["cache"], lines[name]["bytes"]) == (cache, len(answer.body))
        assert (lines[name]["client"], lines[name]["method"]) == ("127.0.0.1", "GET")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", lines[name]["timestamp"])
    assert lines["first"]["fetch_ms"] >= 0
    assert lines["first"]["render_ms"] > 0
    assert "render_ms" not in lines["again"]


def test_an_extra_that_is_missing_is_named(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules.update({'opentelemetry.sdk': None, 'sentry_sdk': None})\n"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    for variable, value, extra in (
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", "tracing"),
        ("SENTRY_DSN", "http://key@127.0.0.1:1/1", "sentry"),
    ):
        environment = base_environment(tmp_path, ORIGIN_PORT=str(free_port()), **{variable: value})
        environment["PYTHONPATH"] = f"{tmp_path}:{environment['PYTHONPATH']}"
        done = run_cli("serve", environment=environment)
        assert (done.returncode, done.stderr) == (
            1,
            f'{variable} needs pip install "image-origin[{extra}]"\n',
        )
