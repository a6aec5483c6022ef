"""Settings: read once from the environment, validated once, at start.

Each is declared once; the reference in the README, ``origin doctor`` and the messages derive from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from origin.variables import INPUTS, Bytes, Inputs, Keys, Names, Networks, Rate, Sources
from urlspec.errors import nearest
from urlspec.sign import EXAMPLE_SECRET, Keyring

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SettingsError(Exception):
    """Settings that cannot be used; one line a problem: the variable, what is wrong, an example."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _own(name: str, default: Any, doc: str, example: str, **rules: Any) -> Any:
    """A setting: its variable, default, meaning, and an example for the messages."""
    return Field(
        default, validation_alias=name, description=doc, examples=[example], validate_default=False, **rules
    )


class Settings(BaseModel):
    """Everything that can be set. The names users know are kept; the rest is ``ORIGIN_*``."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    database_url: str | None = _own(
        "DATABASE_URL",
        None,
        "PostgreSQL; without it a SQLite file in the data folder",
        "postgresql://user:pass@db/origin",
    )
    redis_url: str | None = _own(
        "REDIS_URL", None, "Redis for results and for one render across processes", "redis://127.0.0.1:6379/0"
    )
    s3_bucket: str | None = _own(
        "AWS_S3_BUCKET_NAME",
        None,
        "Bucket of the originals; without it a folder in the data folder",
        "pictures",
    )
    s3_access_key: str | None = _own("AWS_S3_ACCESS_KEY", None, "Access key of S3", "AKIA…")
    s3_secret_key: str | None = _own("AWS_S3_SECRET_KEY", None, "Secret key of S3", "…")
    s3_region: str = _own("AWS_REGION", "us-east-1", "Region of S3", "eu-central-1")
    s3_endpoint: str | None = _own(
        "AWS_S3_ENDPOINT_URL",
        None,
        "Endpoint of an S3 that is not Amazon's",
        "https://s3.example",
        pattern=r"^https?://[^/?#\s]+/?$",
    )

    host: str = _own("ORIGIN_HOST", "127.0.0.1", "Address to listen on", "0.0.0.0")  # noqa: S104 - an example
    port: int = _own("ORIGIN_PORT", 8000, "Port to listen on", "8000", ge=0, le=65_535)
    data_dir: Path = _own(
        "ORIGIN_DATA_DIR", Path("./var"), "Folder for everything that is kept here", "/srv/origin"
    )
    public_url: str | None = _own(
        "ORIGIN_PUBLIC_URL",
        None,
        "Where clients reach the pictures; begins every URL made here",
        "https://img.example",
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
    )
    signing_keys: Keys = _own(
        "ORIGIN_SIGNING_KEYS",
        Keyring(),
        "kid:secret[,kid:secret]; the first signs, all verify; `origin keys new` makes one",
        "web:<43 random characters>",
    )
    audience: str = _own(
        "ORIGIN_AUDIENCE", "", "Part of every signature, so that it counts for one deployment", "img.example"
    )
    unsigned: Literal["any", "presets", "none"] | None = _own(
        "ORIGIN_UNSIGNED",
        None,
        "Unsigned delivery: any, presets or none; any without keys, else none",
        "presets",
    )
    sources: Sources = _own(
        "ORIGIN_SOURCES",
        (),
        "name=s3://bucket/prefix or name=file:///dir, with ;public to open it; separated by spaces",
        "products=s3://shop/images brand=file:///srv/brand;public",
    )
    presets: Path | None = _own(
        "ORIGIN_PRESETS", None, "TOML file of named chains", "/etc/origin/presets.toml"
    )
    fonts: Path | None = _own("ORIGIN_FONTS", None, "Folder of further fonts for texts", "/srv/fonts")

    workers: int = _own(
        "ORIGIN_WORKERS",
        os.cpu_count() or 1,
        "Render processes; as many as cores unless set",
        "4",
        ge=1,
        le=256,
    )
    queue: int | None = _own(
        "ORIGIN_QUEUE", None, "Renders that may wait; 4 × workers unless set", "16", ge=0, le=10_000
    )
    render_timeout: float = _own(
        "ORIGIN_RENDER_TIMEOUT", 10.0, "Seconds a render may take", "10", gt=0, le=600
    )
    deadline: float = _own("ORIGIN_DEADLINE", 15.0, "Seconds a request may take", "15", gt=0, le=900)

    max_source_bytes: Bytes = _own("ORIGIN_MAX_SOURCE_BYTES", 64 << 20, "Largest original", "64MiB", ge=1)
    max_source_pixels: int = _own(
        "ORIGIN_MAX_SOURCE_PIXELS", 100_000_000, "Most pixels of an original", "100000000", ge=1
    )
    max_source_side: int = _own(
        "ORIGIN_MAX_SOURCE_SIDE", 16_384, "Longest side of an original", "16384", ge=1
    )
    max_frames: int = _own(
        "ORIGIN_MAX_FRAMES", 100, "Most frames; frames × pixels stay within the pixel limit", "100", ge=1
    )
    max_scans: int = _own("ORIGIN_MAX_SCANS", 100, "Most scans of a progressive JPEG", "100", ge=1)
    max_render_memory: Bytes = _own(
        "ORIGIN_MAX_RENDER_MEMORY", 1 << 30, "Estimated memory of one render", "1GiB", ge=1
    )
    memory: Bytes | None = _own(
        "ORIGIN_MEMORY",
        None,
        "Estimated memory of all renders at one time; three quarters of the host's or container's unless set",
        "6GiB",
        ge=1,
    )
    max_result_side: int = _own(
        "ORIGIN_MAX_RESULT_SIDE", 8_192, "Longest side of a result", "8192", ge=1, le=65_535
    )
    max_result_pixels: int = _own(
        "ORIGIN_MAX_RESULT_PIXELS", 40_000_000, "Most pixels of a result (16 MP for AVIF)", "40000000", ge=1
    )
    max_url_bytes: int = _own(
        "ORIGIN_MAX_URL_BYTES", 1_024, "Longest path, signature included", "1024", ge=64, le=8_000
    )
    accept: Inputs = _own(
        "ORIGIN_ACCEPT", frozenset(INPUTS[:6]), "Types of originals that are accepted", "jpeg,png,webp"
    )
    drafts: Literal["auto", "all", "off"] = _own(
        "ORIGIN_DRAFTS",
        "auto",
        "AVIF is answered quickly coded and replaced by a smaller one when idle: auto where f_auto chose it,"
        " all for f_avif too, off never",
        "off",
    )
    hurry: bool = _own(
        "ORIGIN_HURRY",
        True,
        "Encode with less effort while renders queue up; such results live a minute and are made anew later",
        "off",
    )
    cache_control: str = _own(
        "ORIGIN_CACHE_CONTROL",
        "public, max-age=3600, s-maxage=86400, stale-while-revalidate=86400",
        "Cache-Control of public pictures without v_",
        "public, max-age=600",
        pattern=r"^public, [ -~]+$",
    )
    jwt_secret: str | None = _own(
        "JWT_SECRET",
        None,
        "Signs our tokens, at least 32 bytes; made once and kept in the data folder unless set",
        "<43 random characters>",
        min_length=32,
    )
    jwt_secret_old: str | None = _own(
        "ORIGIN_JWT_SECRET_OLD",
        None,
        "The JWT_SECRET before this one: its tokens go on counting, new ones are not signed with it",
        "<43 random characters>",
        min_length=32,
    )
    jwks_url: str | None = _own(
        "ORIGIN_JWKS_URL",
        None,
        "Keys of your own identity provider; its RS256 or ES256 tokens then count like ours",
        "https://login.example/.well-known/jwks.json",
        pattern=r"^https://[^\s]+$|^http://(127\.0\.0\.1|localhost)[:/][^\s]*$",
    )
    jwt_issuer: str | None = _own(
        "ORIGIN_JWT_ISSUER", None, "Issuer of those tokens", "https://login.example/"
    )
    jwt_audience: str | None = _own("ORIGIN_JWT_AUDIENCE", None, "Audience of those tokens", "img.example")
    registration: Literal["open", "closed"] | None = _own(
        "ORIGIN_REGISTRATION", None, "Who may register: open on loopback, else closed, unless set", "closed"
    )
    quota_bytes: Bytes = _own("ORIGIN_QUOTA_BYTES", 5 << 30, "What one user may store", "5GiB", ge=1)
    trusted_proxies: Networks = _own(
        "ORIGIN_TRUSTED_PROXIES",
        (),
        "Addresses or networks whose X-Forwarded-For is believed",
        "127.0.0.1,10.0.0.0/8",
    )
    rate_render: Rate = _own(
        "ORIGIN_RATE_RENDER", "600/minute", "Renders by user or address; hits are free", "off"
    )
    rate_upload: Rate = _own("ORIGIN_RATE_UPLOAD", "60/minute", "Uploads by user", "60/minute")
    rate_login: Rate = _own(
        "ORIGIN_RATE_LOGIN",
        "10/minute",
        "Sign-ins by address; off lifts the limit on failures too",
        "10/minute",
    )
    rate_register: Rate = _own("ORIGIN_RATE_REGISTER", "5/minute", "Registrations by address", "5/minute")
    rate_api: Rate = _own("ORIGIN_RATE_API", "300/minute", "Other API requests by user", "300/minute")
    edges: Names = _own(
        "ORIGIN_EDGES", (), "nginx caches to tell when an asset changes", "http://10.88.0.10:8080"
    )
    edge_secret: str | None = _own(
        "ORIGIN_EDGE_SECRET",
        None,
        "What they know us by; also in their nginx.conf",
        "<64 hex digits>",
        pattern=r"^[A-Za-z0-9_-]{32,}$",
    )
    cdn_purge_url: str | None = _own(
        "ORIGIN_CDN_PURGE_URL",
        None,
        "Receives a POST with the surrogate key and the paths of what changed",
        "https://hooks.example/purge",
        pattern=r"^https?://[^\s]+$",
    )
    cdn_purge_token: str | None = _own("ORIGIN_CDN_PURGE_TOKEN", None, "Bearer token of those requests", "…")
    webhook_url: str | None = _own(
        "ORIGIN_WEBHOOK_URL",
        None,
        "Receives a POST when an upload and its eager variants are done",
        "https://app.example/hooks/images",
        pattern=r"^https?://[^\s]+$",
    )
    webhook_secret: str | None = _own(
        "ORIGIN_WEBHOOK_SECRET",
        None,
        "Signs those requests, at least 32 bytes",
        "<43 random characters>",
        min_length=32,
    )
    metrics_port: int | None = _own(
        "ORIGIN_METRICS_PORT",
        None,
        "Port of its own for /metrics, on the same address; keep it from the world",
        "9464",
        ge=1,
        le=65_535,
    )
    metrics_token: str | None = _own(
        "ORIGIN_METRICS_TOKEN",
        None,
        "Bearer token that /metrics asks for; with neither it answers this machine alone",
        "<43 random characters>",
        min_length=16,
    )
    otlp_endpoint: str | None = _own(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        None,
        "OpenTelemetry collector (OTLP over HTTP) for traces; the SDK's other OTEL_* variables count too",
        "http://127.0.0.1:4318",
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
    )
    sentry_dsn: str | None = _own(
        "SENTRY_DSN",
        None,
        "Where errors that nobody expected are reported",
        "https://key@o0.ingest.sentry.io/0",
        pattern=r"^https?://[^@/\s]+@[^\s]+/[0-9]+$",
    )
    dev_errors: bool = _own(
        "ORIGIN_DEV_ERRORS",
        False,
        "Refusals as pictures that say what is wrong, where an img asks; for developers, not for visitors",
        "on",
    )
    cors_origins: Names = _own(
        "ORIGIN_CORS_ORIGINS", (), "Origins that may call the API from a browser", "https://app.example"
    )
    cache_bytes: Bytes = _own("ORIGIN_CACHE_BYTES", 4 << 30, "Local copies of originals", "4GiB", ge=1)
    raster_bytes: Bytes = _own(
        "ORIGIN_RASTER_BYTES",
        2 << 30,
        "Decoded pictures kept in the data folder, so that further variants need no original; 0 keeps none",
        "2GiB",
        ge=0,
    )
    result_bytes: Bytes = _own(
        "ORIGIN_RESULT_BYTES", 4 << 30, "Results kept in the data folder", "4GiB", ge=1
    )
    redis_entry_bytes: Bytes = _own(
        "ORIGIN_REDIS_ENTRY_BYTES",
        1 << 20,
        "Largest result kept in Redis; larger ones go to the folder",
        "1MiB",
        ge=1,
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if any(key.secret == EXAMPLE_SECRET for key in self.signing_keys.keys):
            raise ValueError("ORIGIN_SIGNING_KEYS holds the key of the documentation, which everybody knows")
        if self.s3_bucket and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError("AWS_S3_BUCKET_NAME needs AWS_S3_ACCESS_KEY and AWS_S3_SECRET_KEY")
        if any(source.bucket for source in self.sources) and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError(
                "ORIGIN_SOURCES names a bucket, which needs AWS_S3_ACCESS_KEY and AWS_S3_SECRET_KEY"
            )
        if self.host not in LOOPBACK and not self.signing_keys and self.unsigned is None:
            raise ValueError(
                "ORIGIN_HOST is not loopback, but there is no signing key: anybody could order any picture. "
                "Set ORIGIN_SIGNING_KEYS (`origin keys new` makes one), or ORIGIN_UNSIGNED=any if you mean it"
            )
        if self.jwks_url and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("ORIGIN_JWKS_URL needs ORIGIN_JWT_ISSUER and ORIGIN_JWT_AUDIENCE")
        if self.edges and not self.edge_secret:
            raise ValueError("ORIGIN_EDGES needs ORIGIN_EDGE_SECRET, which the edges know too")
        if self.webhook_url and not self.webhook_secret:
            raise ValueError("ORIGIN_WEBHOOK_URL needs ORIGIN_WEBHOOK_SECRET, which signs its requests")
        if self.metrics_port is not None and self.metrics_port == self.port:
            raise ValueError("ORIGIN_METRICS_PORT must be another port than ORIGIN_PORT")
        if self.deadline < self.render_timeout:
            raise ValueError("ORIGIN_DEADLINE must not be shorter than ORIGIN_RENDER_TIMEOUT")
        return self

    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be written down."""
        urls = (self.database_url, self.redis_url, self.cdn_purge_url, self.webhook_url, self.sentry_dsn)
        passwords = (urlsplit(url) for url in urls if url)
        found = (
            *(key.secret for key in self.signing_keys.keys),
            *(self.s3_secret_key, self.jwt_secret, self.jwt_secret_old),
            *(self.edge_secret, self.webhook_secret),
            *(self.cdn_purge_token, self.metrics_token, self.sentry_dsn),
            *(parts.password for parts in passwords),
        )
        return tuple(one for one in found if one)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.signing_keys.keys, self.audience)

    @property
    def unsigned_mode(self) -> str:
        return self.unsigned or ("none" if self.signing_keys else "any")

    @property
    def registration_open(self) -> bool:
        return (self.registration or ("open" if self.host in LOOPBACK else "closed")) == "open"

    @property
    def queue_length(self) -> int:
        return 4 * self.workers if self.queue is None else self.queue


def variable(name: str) -> str:
    """The environment variable of a field."""
    return str(Settings.model_fields[name].validation_alias)


VARIABLES = {variable(name): name for name in Settings.model_fields}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. Raises SettingsError with one line a problem."""
    environ = os.environ if environ is None else environ
    given: dict[str, Any] = {name: value for name, value in environ.items() if name in VARIABLES and value}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError([_problem(entry) for entry in error.errors(include_url=False)]) from error
    except ValueError as error:
        raise SettingsError([str(error)]) from error
    return settings


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """One line for each ``ORIGIN_*`` variable that means nothing, with the nearest known name."""
    environ = os.environ if environ is None else environ
    lines = []
    for name in sorted(environ):
        if name.startswith("ORIGIN_") and name not in VARIABLES and name != "ORIGIN_CORPUS":
            meant = nearest(name, VARIABLES)
            lines.append(f"{name} is not a setting" + (f"; did you mean {meant}?" if meant else ""))
    return lines


def _problem(entry: Any) -> str:
    place = entry["loc"][0] if entry["loc"] else ""
    message = entry["msg"].removeprefix("Value error, ")
    if not place:
        return str(message)
    field = Settings.model_fields[VARIABLES.get(str(place), str(place))]
    secret = any(word in str(place) for word in ("SECRET", "KEY", "TOKEN", "_URL", "DSN"))
    shown = "" if secret else f"={str(entry['input'])[:60]!r}"
    example = (field.examples or [""])[0]
    return f"{place}{shown}: {message}. Example: {place}={example}"


def reference() -> str:
    """The settings as a Markdown table."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = _shown_default(name, field.default)
        rows.append(
            f"| `{variable(name)}` | {default} | {field.description} | `{(field.examples or [''])[0]}` |"
        )
    return (
        "\n".join(["| variable | default | meaning | example |", "| --- | --- | --- | --- |", *rows]) + "\n"
    )


def _shown_default(name: str, default: Any) -> str:
    if name == "workers":
        return "cores"
    if name == "accept":
        return "`" + ",".join(INPUTS[:6]) + "`"
    if default is None or default in ((), "") or isinstance(default, Keyring):
        return "none"
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, int) and default >= 1 << 20 and default % (1 << 20) == 0:
        return f"{default >> 30}GiB" if default % (1 << 30) == 0 else f"{default >> 20}MiB"
    return f"`{default}`"
