"""Bodies of the API: what comes in, checked, and what goes out. The OpenAPI document is made from these."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr

from origin.service.accounts import EMAIL, LONGEST, SHORTEST
from origin.service.library import MOST_TAGS, TAG, Asset

Visibility = Literal["public", "private"]
SLUG = "^[A-Za-z0-9-]{1,64}$"
Slug = Annotated[StrictStr, Field(pattern=SLUG, description="1 to 64 of A-Z a-z 0-9 -")]
Tag = Annotated[StrictStr, Field(pattern=TAG, description="1 to 64 characters, no comma, no controls")]
Sha256 = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$", description="hex")]


def _whole(value: object) -> object:
    """JSON knows no integers: 60.0 is one, "60" is not."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
CHAIN = r"^[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1000}$"
"""What a chain may hold; whether it means something is judged by the URL language."""


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Credentials(Body):
    email: Annotated[StrictStr, Field(pattern=EMAIL, max_length=320)]
    password: Annotated[StrictStr, Field(min_length=SHORTEST, max_length=LONGEST)]


class SignIn(Body):
    email: Annotated[StrictStr, Field(max_length=320)]
    password: Annotated[StrictStr, Field(max_length=512)]


class RefreshRequest(Body):
    refresh_token: Annotated[StrictStr, Field(max_length=1024)]


class UserBody(BaseModel):
    id: str
    email: str


class TokenBody(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: Annotated[int, Field(description="seconds")]


Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]


class Focus(Body):
    """Point of interest, as fractions from the left and the top."""

    x: Fraction
    y: Fraction


def _is_none(value: object) -> bool:
    return value is None


class AssetBody(BaseModel):
    """An asset, in its current version."""

    id: str
    version: int
    url: str
    width: Annotated[int, Field(description="pixels as shown, after the EXIF orientation")]
    height: int
    format: str
    bytes: int
    frames: int
    has_alpha: bool
    orientation: Annotated[int, Field(ge=1, le=8, description="EXIF orientation of the file")]
    visibility: Visibility
    tags: list[str]
    sha256: str
    thumbhash: str | None
    dominant_color: Annotated[str | None, Field(description="#rrggbb")]
    created_at: datetime
    focus: Annotated[
        Focus | None, Field(description="point of interest; left out where none is set", exclude_if=_is_none)
    ] = None


class ListBody(BaseModel):
    items: list[AssetBody]
    next: Annotated[str | None, Field(description="cursor of the next page")]


class AssetChange(Body):
    """What is left out stays; a focus of null removes it."""

    visibility: Visibility | None = None
    focus: Focus | None = None
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] | None = None


class UrlRequest(Body):
    chain: Annotated[StrictStr, Field(pattern=CHAIN, description="components such as w_640,f_auto")] = ""
    expires_in: Annotated[StrictInt, Field(ge=1, le=7 * 86_400, description="seconds"), Whole] = 3_600


class UrlBody(BaseModel):
    url: str


class PresignRequest(Body):
    sha256: Sha256
    bytes: Annotated[StrictInt, Field(ge=1), Whole]
    media_type: Annotated[StrictStr, Field(pattern=r"^(?:image/[a-z0-9.+-]{1,40}|application/pdf)$")] = (
        "image/jpeg"
    )
    id: Slug | None = None
    visibility: Visibility = "public"
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] = []


class PresignBody(BaseModel):
    """PUT the bytes to ``url`` with exactly these headers, then POST to ``complete``."""

    id: str
    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires_at: datetime
    complete: str


class ProblemBody(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str


def asset_body(asset: Asset, public_url: str) -> AssetBody:
    version = asset.current
    return AssetBody(
        id=asset.id,
        version=version.number,
        url=f"{public_url}/{asset.id}",
        width=version.width,
        height=version.height,
        format=version.format,
        bytes=version.bytes,
        frames=version.frames,
        has_alpha=version.has_alpha,
        orientation=version.orientation,
        visibility="private" if asset.visibility == "private" else "public",
        tags=list(asset.tags),
        sha256=version.sha256,
        thumbhash=version.thumbhash,
        dominant_color=version.dominant_color,
        created_at=asset.created.astimezone(UTC),
        focus=Focus(x=asset.focus[0], y=asset.focus[1]) if asset.focus else None,
    )
