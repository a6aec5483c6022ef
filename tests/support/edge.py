"""The shipped nginx.conf in front of an upstream, as the tests of the edge see the two."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.upstream import KEPT, Answer, Reply, Request, Upstream, ask

SECRET = "5eC2e7" + "0" * 58
"""The refresh secret of the fixture ``edge``."""

AVIF, WEBP, PLAIN = "image/avif,image/webp", "image/webp", "image/*"
"""What the edge forwards for the three classes of Accept."""

ALICE = {"Authorization": "Bearer alice"}
SESSION = {"Cookie": "theme=dark; origin_session=s-1; x=y"}


@dataclass
class Edge:
    """nginx at ``url`` in front of ``origin``; ``replies`` answers for a target, all else is a picture."""

    url: str
    origin: Upstream
    replies: dict[str, Reply | Callable[[Request], Reply]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.origin.answer = self._answer

    def _answer(self, request: Request) -> Reply:
        reply = self.replies.get(request.target, picture)
        return reply(request) if callable(reply) else reply

    def get(self, target: str, /, **headers: str) -> Answer:
        """GET; ``_`` in a header's name stands for ``-``."""
        return ask(self.url, target, {name.replace("_", "-"): value for name, value in headers.items()})

    def until(self, target: str, done: Callable[[Answer], bool], **headers: str) -> list[Answer]:
        """Answers up to the first that is ``done``, asked for ten times a second, for half a minute."""
        answers: list[Answer] = []
        for _ in range(300):
            answers.append(self.get(target, **headers))
            if done(answers[-1]):
                return answers
            time.sleep(0.1)
        raise AssertionError(f"never came: {[(answer.status, answer.edge) for answer in answers]}")


def picture(request: Request) -> Reply:
    """A body that tells requests apart, and would carry anything of the client's that reached the origin."""
    body = f"{request.target}|{sorted(request.headers.items())}".encode()
    return Reply(body=body, headers={"Cache-Control": KEPT, "Content-Type": "image/jpeg", "ETag": '"k-1"'})


def problem(answer: Answer) -> tuple[int, str]:
    """Status and code of an error of nginx's own, which has the one shape of errors."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    body = json.loads(answer.body)
    assert set(body) == {"type", "title", "status", "code", "detail", "request_id"}
    assert body["status"] == answer.status
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status, body["code"]
