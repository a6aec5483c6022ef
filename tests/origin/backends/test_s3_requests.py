"""How reads of S3 are signed, and by whom."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from origin.backends.s3 import S3Store
from origin.backends.s3_requests import Credentials, Signer
from origin.errors import StorageUnavailable
from tests.origin.backends.test_s3 import answer, answering
from tests.support.servers import S3Server

WHEN = datetime(2013, 5, 24, tzinfo=UTC)
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("lifecycle=", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_the_examples_of_aws(query: str, signature: str) -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    signer = Signer("us-east-1")
    for _ in range(2):  # the second time with the key of the day
        headers = signer.headers("GET", "examplebucket.s3.amazonaws.com", "/", EXAMPLE, WHEN, query)
        assert headers["authorization"].endswith(
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
        )


def test_a_token_is_signed_and_another_secret_or_day_signs_otherwise() -> None:
    signer = Signer("us-east-1")

    def signed(credentials: Credentials, when: datetime = WHEN) -> dict[str, str]:
        return signer.headers("GET", "host", "/a/b", credentials, when)

    with_token = signed(Credentials("id", "secret", "token"))
    assert with_token["x-amz-security-token"] == "token"
    assert ";x-amz-security-token," in with_token["authorization"]
    made = [
        signed(Credentials("id", "secret")),
        signed(Credentials("id", "other")),
        signed(Credentials("id", "secret"), WHEN.replace(day=25)),
        with_token,
    ]
    assert len({headers["authorization"] for headers in made}) == len(made)
    assert made[0] == signed(Credentials("id", "secret"))


async def read(store: S3Store, key: str) -> bytes:
    async with store.open(key) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])


async def test_a_bucket_that_lies_elsewhere_is_asked_there(s3: S3Server) -> None:
    elsewhere = (
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nx-amz-bucket-region: eu-west-3\r\n"
        b"Connection: close\r\n\r\n"
    )
    async with answering(s3, elsewhere, answer("200 OK", b"picture")) as (requests, store):
        assert await read(store, "picture") == b"picture"
        assert await read(store, "picture") == b"picture"
    regions = [request.split(b"Credential=")[1].split(b"/")[2] for request in requests]
    assert regions == [b"us-east-1", b"eu-west-3", b"eu-west-3"]


async def test_credentials_from_where_aws_keeps_them(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    s3.path("picture").write_bytes(b"picture")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))

    async def attempt() -> bytes:
        store = S3Store(s3.bucket, endpoint_url=s3.endpoint_url, budget=20)
        try:
            async with asyncio.timeout(30):
                return await read(store, "picture")
        finally:
            await store.close()

    with pytest.raises(StorageUnavailable):
        await attempt()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    assert await attempt() == b"picture"
