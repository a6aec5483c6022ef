"""Who may read the metrics."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from origin.errors import NotFound, Unauthorized
from origin.http.asgi import Scope
from origin.http.monitor import Monitor

TOKEN = "t" * 20
OWN, MAIN = 9464, 8000
HERE, THERE = "127.0.0.1", "203.0.113.9"

CASES = {
    # token, own port, port asked, client, headers -> what comes
    "neither, this machine": (None, None, MAIN, HERE, {}, None),
    "neither, this machine over IPv6": (None, None, MAIN, "::1", {}, None),
    "neither, another machine": (None, None, MAIN, THERE, {}, NotFound),
    "neither, through a proxy on this machine": (
        *(None, None, MAIN, HERE),
        {"x-forwarded-for": THERE},
        NotFound,
    ),
    "neither, a proxy that says loopback": (None, None, MAIN, HERE, {"x-forwarded-for": HERE}, NotFound),
    "neither, another kind of proxy": (None, None, MAIN, HERE, {"forwarded": "for=1.2.3.4"}, NotFound),
    "own port": (None, OWN, OWN, THERE, {}, None),
    "not on the own port": (None, OWN, MAIN, HERE, {}, NotFound),
    "token": (TOKEN, None, MAIN, THERE, {"authorization": f"Bearer {TOKEN}"}, None),
    "token, other letter case of the scheme": (
        *(TOKEN, None, MAIN, THERE),
        {"authorization": f"bearer {TOKEN}"},
        None,
    ),
    "token missing": (TOKEN, None, MAIN, HERE, {}, Unauthorized),
    "token wrong": (TOKEN, None, MAIN, HERE, {"authorization": f"Bearer {TOKEN}x"}, Unauthorized),
    "token not ASCII": (TOKEN, None, MAIN, HERE, {"authorization": "Bearer \xfc"}, Unauthorized),
    "token as a password": (TOKEN, None, MAIN, HERE, {"authorization": f"Basic {TOKEN}"}, Unauthorized),
    "token missing on the own port": (TOKEN, OWN, OWN, HERE, {}, Unauthorized),
    "token on the main port beside an own one": (
        *(TOKEN, OWN, MAIN, THERE),
        {"authorization": f"Bearer {TOKEN}"},
        None,
    ),
}


@pytest.mark.parametrize(
    ("token", "own", "port", "client", "headers", "error"), CASES.values(), ids=CASES.keys()
)
async def test_metrics_are_for_those_who_may(
    token: str | None,
    own: int | None,
    port: int,
    client: str,
    headers: dict[str, str],
    error: type[Exception] | None,
) -> None:
    async def exposition(_: str) -> tuple[bytes, str]:
        return b"numbers", "text/plain"

    def address(scope: Scope) -> str:
        return str(scope["client"][0])

    monitor = Monitor(exposition, token=token, port=own, address=address)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "server": ("127.0.0.1", port), "client": (client, 1), "headers": raw}
    if error is None:
        assert (await monitor.metrics(Request(scope))).body == b"numbers"
    else:
        with pytest.raises(error):
            await monitor.metrics(Request(scope))
