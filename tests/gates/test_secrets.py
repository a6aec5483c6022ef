"""No secret is written down or told: everything that can fail does, and all that comes of it is searched."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import OriginFactory
from tests.support import pictures
from tests.support.figures import Figures
from tests.support.origin import OriginServer, Response, ask, base_environment, run_cli, until
from tests.support.people import issue
from tests.support.servers import free_port
from urlspec.sign import SigningKey

SECRETS = {
    name: f"Zq7{name}Secret{'x9' * 14}"
    for name in (
        *("signing", "older", "token", "oldtoken", "storage", "redis", "database"),
        *("edge", "webhook", "cdn", "metrics", "password"),
    )
}


def settings() -> dict[str, Any]:
    """All that can be secret, and every outside system away."""
    gone = free_port()
    return {
        "ORIGIN_SIGNING_KEYS": f"web:{SECRETS['signing']},old:{SECRETS['older']}",
        "ORIGIN_UNSIGNED": "any",
        "JWT_SECRET": SECRETS["token"],
        "ORIGIN_JWT_SECRET_OLD": SECRETS["oldtoken"],
        "AWS_S3_BUCKET_NAME": "pictures",
        "AWS_S3_ACCESS_KEY": "access",
        "AWS_S3_SECRET_KEY": SECRETS["storage"],
        "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{gone}",
        "AWS_REGION": "eu-central-1",
        "REDIS_URL": f"redis://user:{SECRETS['redis']}@127.0.0.1:{gone}/0",
        "ORIGIN_EDGES": f"http://127.0.0.1:{gone}",
        "ORIGIN_EDGE_SECRET": SECRETS["edge"],
        "ORIGIN_WEBHOOK_URL": f"http://127.0.0.1:{gone}/hook",
        "ORIGIN_WEBHOOK_SECRET": SECRETS["webhook"],
        "ORIGIN_CDN_PURGE_URL": f"http://127.0.0.1:{gone}/purge",
        "ORIGIN_CDN_PURGE_TOKEN": SECRETS["cdn"],
        "ORIGIN_METRICS_TOKEN": SECRETS["metrics"],
        "ORIGIN_REGISTRATION": "open",
    }


@pytest.fixture(scope="module")
def server(origin_factory: OriginFactory) -> OriginServer:
    return origin_factory(**settings())


def spellings(secret: str) -> Iterator[str]:
    """The text itself, and what loggers and URLs make of it."""
    yield secret
    yield quote(secret, safe="")
    for lead in ("", ":", "web:"):  # base64 as in an Authorization header, at three offsets
        yield base64.b64encode((lead + secret).encode()).decode().rstrip("=")[4:-4]


def told(text: str) -> set[str]:
    return {name for name, secret in SECRETS.items() if any(one in text for one in spellings(secret))}


def shown(answer: Response) -> str:
    return f"{answer.status} {answer.headers.items()} {answer.body.decode('latin-1')}"


def test_no_failing_request_tells_a_secret(server: OriginServer) -> None:
    web, token = SigningKey("web", SECRETS["signing"]), issue("me", secret=SECRETS["token"])
    me = {"Authorization": f"Bearer {token}"}
    json_body = {"Content-Type": "application/json"}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    account = f'{{"email": "a@example.org", "password": "{SECRETS["password"]}"}}'.encode()
    picture = b'--x\r\nContent-Disposition: form-data; name="file"; filename="p"\r\n\r\n' + pictures.card()
    asked: list[tuple[str, str, dict[str, str], bytes]] = [
        ("GET", "/w_9/none", {}, b""),
        ("GET", web.sign("/w_9/none"), {}, b""),
        ("GET", web.sign("/w_9/none", 1_700_000_000), {}, b""),
        ("GET", web.sign("/w_x/none"), {}, b""),
        ("GET", "/explain" + web.sign("/w_9/none"), {}, b""),
        ("GET", f"/s1.web.0.{SECRETS['signing'][:43]}/w_9/none", {}, b""),
        ("GET", f"/w_9/none?token={SECRETS['token']}", {}, b""),
        ("GET", "/readyz", {}, b""),
        ("GET", "/metrics", {}, b""),
        ("GET", "/metrics", {"Authorization": f"Bearer {SECRETS['metrics']}"}, b""),
        ("GET", "/metrics", {"Authorization": "Bearer wrong"}, b""),
        ("GET", "/", {}, b""),
        ("GET", "/openapi.json", {}, b""),
        ("GET", "/docs", {}, b""),
        ("GET", "/images", me, b""),
        ("GET", "/images", {"Authorization": f"Bearer {token}x"}, b""),
        ("GET", "/images", {"Authorization": f"Basic {SECRETS['token']}"}, b""),
        ("GET", "/images", {"Cookie": f"origin_session={SECRETS['token']}"}, b""),
        ("POST", "/auth/register", json_body, account),
        ("POST", "/auth/login", json_body, account),
        ("POST", "/auth/login", json_body, account.replace(b"a@", b"b@")),
        ("POST", "/auth/login", json_body, account[:-3]),
        ("POST", "/auth/session", json_body, account),
        ("POST", "/auth/refresh", json_body, f'{{"refresh_token": "{SECRETS["token"]}"}}'.encode()),
        ("POST", "/images", me | form, picture + b"\r\n--x--\r\n"),
        ("POST", "/images", me | form, picture),
        ("POST", "/images/presign", me | json_body, b'{"bytes": 9, "sha256": "' + b"a" * 64 + b'"}'),
        ("POST", "/images/none/complete", me, b""),
        ("POST", "/images/none/url", me | json_body, b'{"chain": "w_9"}'),
        ("PUT", "/images/none/file", me | form, picture + b"\r\n--x--\r\n"),
        ("DELETE", "/images/none", me, b""),
        ("GET", "/w_9/none", {"X-Cache-Refresh": SECRETS["edge"]}, b""),
        ("GET", "/_authorize", {"X-Original-URI": web.sign("/w_9/none", 1_700_000_000)}, b""),
        ("GET", "/w_9/no ne", {}, b""),
    ]
    answers = [ask(server.url, path, method, headers, body=body) for method, path, headers, body in asked]
    statuses = {answer.status for answer in answers}
    until(lambda: sum("request_id" in line for line in server.lines()) >= len(asked) - 1)
    metrics = ask(server.url, "/metrics", headers={"Authorization": f"Bearer {SECRETS['metrics']}"})
    found = {name for answer in [*answers, metrics] for name in told(shown(answer))}
    logged = told(server.log.read_text())
    figures = Figures(f"G23: {len(asked)} requests of a server whose dependencies are all away")
    figures.add("answered", sorted(statuses))
    figures.add(
        "secrets in answers and metrics, in the log", (len(found), len(logged)), f"0 of {len(SECRETS)}"
    )
    figures.show()
    assert statuses >= {200, 400, 401, 403, 404, 503}
    assert metrics.status == 200
    assert (found, logged) == (set(), set())


def test_no_command_tells_a_secret(tmp_path: Path) -> None:
    """Neither do settings that are wrong, nor a database that is away when the server starts."""
    plain = base_environment(tmp_path, **settings())
    away = f"postgresql://user:{SECRETS['database']}@127.0.0.1:{free_port()}/origin"
    picture = tmp_path / "card.png"
    picture.write_bytes(pictures.card())
    runs = {
        "put": run_cli("put", picture, environment=plain),
        "serve without its database": run_cli("serve", environment=plain | {"DATABASE_URL": away}),
        "doctor without its database": run_cli("doctor", environment=plain | {"DATABASE_URL": away}),
        "bad settings": run_cli(
            "serve",
            environment=plain
            | {
                "DATABASE_URL": away.replace("postgresql", "oracle"),
                "JWT_SECRET": SECRETS["token"][:12],
                "ORIGIN_SIGNING_KEYS": f"WEB:{SECRETS['signing']}",
                "ORIGIN_EDGE_SECRET": SECRETS["edge"][:14],
            },
        ),
    }
    found = {name: told(done.stdout + done.stderr) for name, done in runs.items()}
    print(f"\nG23: {len(runs)} commands told {sum(map(len, found.values()))} secrets; 0 is promised")
    assert set().union(*found.values()) == set(), found
    assert {done.returncode for done in runs.values()} == {1}
    assert [name for name, done in runs.items() if "Traceback" in done.stderr + done.stdout] == []
