"""Taking a picture away: through two origins and the shipped nginx, all real, every variant warm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import NginxFactory, OriginFactory
from tests.support import pictures
from tests.support.origin import OriginServer, Response, ask, until
from tests.support.servers import NginxServer, S3Server, free_port

SECRET = "e" * 40
VARIANTS = [f"w_{width},f_{name}" for width in range(40, 140, 10) for name in ("webp", "jpg", "auto")]


@dataclass
class Site:
    edge: NginxServer
    origins: tuple[OriginServer, OriginServer]
    token: str

    def get(self, target: str) -> Response:
        return ask(self.edge.url, target, headers={"Accept": "image/webp"})

    def api(self, method: str, target: str, body: bytes = b"", kind: str = "application/json") -> Response:
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return ask(self.edge.url, target, method=method, headers=headers, body=body)

    def upload(self, method: str, target: str, picture: bytes, **fields: str) -> Response:
        parts = [
            f'--x\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode()
            for n, v in fields.items()
        ]
        parts.append(
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
            + picture
            + b"\r\n--x--\r\n"
        )
        return self.api(method, target, b"".join(parts), "multipart/form-data; boundary=x")

    def warm(self, id: str) -> dict[str, bytes]:
        """Every variant in the edge's cache; what it shows."""
        paths = [f"/{chain}/{id}" for chain in VARIANTS]
        with ThreadPoolExecutor(4) as pool:
            assert {answer.status for answer in pool.map(self.get, paths)} == {200}
            hits = list(pool.map(self.get, paths))
        assert {hit["X-Edge"] for hit in hits} == {"HIT"}
        return {path: hit.body for path, hit in zip(paths, hits, strict=True)}

    def shows(self, old: dict[str, bytes]) -> list[str]:
        """The variants that still are what they were."""
        return [path for path, body in old.items() if self.get(path).body == body]


@pytest.fixture(scope="module")
def site(
    origin_factory: OriginFactory,
    nginx_factory: NginxFactory,
    redis_url: str,
    s3: S3Server,
    postgres_database: str,
) -> Site:
    ports = (free_port(), free_port())
    edge = nginx_factory(*(f"127.0.0.1:{port}" for port in ports), refresh_secret=SECRET)
    settings: dict[str, Any] = {
        "DATABASE_URL": postgres_database,
        "REDIS_URL": redis_url,
        "AWS_S3_BUCKET_NAME": s3.bucket,
        "AWS_S3_ACCESS_KEY": s3.access_key,
        "AWS_S3_SECRET_KEY": s3.secret_key,
        "AWS_REGION": s3.region,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
        "JWT_SECRET": "j" * 40,
        "ORIGIN_EDGES": edge.url,
        "ORIGIN_EDGE_SECRET": SECRET,
        **{f"ORIGIN_RATE_{name}": "off" for name in ("UPLOAD", "LOGIN", "REGISTER", "API")},
    }
    first, second = (origin_factory(ORIGIN_PORT=str(port), **settings) for port in ports)
    found = Site(edge, (first, second), "")
    account = b'{"email": "purge@example.org", "password": "correct horse"}'
    assert found.api("POST", "/auth/register", account).status == 201
    found.token = ask(
        edge.url, "/auth/login", method="POST", body=account, headers={"Content-Type": "application/json"}
    ).json["access_token"]
    return found


@pytest.mark.parametrize("way", ["delete", "file", "purge", "private"])
def test_no_old_pixels_through_the_edge_soon_after(site: Site, way: str) -> None:
    id = f"card-{way}"
    made = site.upload("POST", "/images", pictures.card(400, 300, ".jpg"), id=id)
    assert made.status == 201, made.body
    old = site.warm(id)
    done = {
        "delete": lambda: site.api("DELETE", f"/images/{id}"),
        "file": lambda: site.upload("PUT", f"/images/{id}/file", pictures.plain(400, 300, (9, 99, 199))),
        "purge": lambda: site.api("POST", f"/images/{id}/purge"),
        "private": lambda: site.api("PATCH", f"/images/{id}", b'{"visibility": "private"}'),
    }[way]()
    assert done.status in {200, 204}, done.body
    if way == "purge":
        # The same pixels come again, but made anew: the copies are gone.
        for path in old:
            until(lambda path=path: site.get(path)["X-Edge"] != "HIT")  # type: ignore[misc]
        assert {site.get(path).status for path in old} == {200}
        return
    # All other ways to new pixels take longer than this waits: the edge keeps a day, an origin 60 seconds.
    seconds = until(lambda: not site.shows(old))
    print(f"{way}: old pixels of {len(old)} warm variants until {seconds * 1000:.0f} ms after the answer")
    for _ in range(5):
        assert site.shows(old) == [], "what was gone came back"
    answers = [site.get(path) for path in old]
    assert {answer.status for answer in answers} == {{"delete": 410, "file": 200, "private": 404}[way]}
