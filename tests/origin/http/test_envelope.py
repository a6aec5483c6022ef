"""What is turned away before the framework sees it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from origin.http.asgi import Message, Receive, Scope, Send, respond
from origin.http.envelope import MOST_SIGN_INS, SIGN_INS, Envelope


class Slow:
    """An application whose answers come when they are let go."""

    def __init__(self) -> None:
        self.going = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self.going.wait()
        await respond(send, 200, [], b"{}")


async def ask(envelope: Envelope, path: str, method: str = "POST") -> tuple[int, dict[str, str], Any]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "state": {"request_id": "r"}}
    await envelope(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, json.loads(sent[1]["body"])


@pytest.mark.parametrize("path", sorted(SIGN_INS))
async def test_so_many_sign_ins_at_once_and_no_more(path: str) -> None:
    slow = Slow()
    envelope = Envelope(slow, is_upload=lambda _: False)
    under_way = [asyncio.create_task(ask(envelope, path)) for _ in range(MOST_SIGN_INS)]
    await asyncio.sleep(0)
    status, headers, body = await ask(envelope, path)
    assert (status, body["code"], headers["retry-after"]) == (503, "too_many_sign_ins", "5")
    assert (headers["cache-control"], headers["x-request-id"]) == ("no-store", "r")
    others = [
        asyncio.create_task(ask(envelope, "/images")),
        asyncio.create_task(ask(envelope, path, "DELETE")),
    ]
    await asyncio.sleep(0)
    assert slow.asked == MOST_SIGN_INS + 2
    slow.going.set()
    assert {answer[0] for answer in await asyncio.gather(*under_way, *others)} == {200}
    assert (await ask(envelope, path))[0] == 200
