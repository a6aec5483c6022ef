"""The API: accounts and assets. Routes, validation and the OpenAPI document come from one declaration."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Query, Request, Response
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.middleware.cors import CORSMiddleware

from origin.errors import BadRequest, Unauthorized
from origin.http import models as m
from origin.http.asgi import Scope
from origin.http.auth import Authenticator, SignedIn, set_session
from origin.http.envelope import Completed, Envelope
from origin.http.handlers import handle_errors
from origin.http.openapi import (
    PICTURE,
    PROBLEMS,
    QUERY_FORM,
    UPLOAD_FIELDS,
    UPLOAD_PROBLEMS,
    UPLOADED,
    multipart,
)
from origin.http.receive import Received, received
from origin.service.accounts import Accounts
from origin.service.eager import Eager, checked_chains
from origin.service.idempotency import Idempotency
from origin.service.ingest import Upload
from origin.service.library import UNSET, Asset, Change, Library
from origin.service.rates import Kind, Rates, Standing
from origin.service.uploads import StraightUploads, Wish
from origin.service.urls import OwnUrls

_UPLOADS: Final = {"POST": re.compile("/images(/upload)?"), "PUT": re.compile("/images/[^/]+/file")}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the API is made of."""

    accounts: Accounts
    authenticator: Authenticator
    library: Library
    uploads: StraightUploads
    urls: OwnUrls
    eager: Eager
    idempotency: Idempotency
    rates: Rates
    public_url: str
    secure_cookies: bool
    max_bytes: int
    folder: Path
    """Where uploads land before they are taken in."""
    cors_origins: tuple[str, ...]


class Api:
    """The handlers, with the parts they share."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    # Who asks, and how often ------------------------------------------------------------------------------

    async def user(self, request: Request) -> SignedIn:
        """Who is signed in, looked up once a request. Raises Unauthorized."""
        state = request.scope["state"]
        found: SignedIn | None = state.get("signed_in")
        if found is None:
            found = state["signed_in"] = await self.parts.authenticator.signed_in(request.scope)
        if found is None:
            raise Unauthorized
        return found

    def limited(self, kind: Kind, *, by_user: bool) -> Callable[[Request, Response], Awaitable[None]]:
        async def take(request: Request, response: Response) -> None:
            if by_user:
                who = f"user:{(await self.user(request)).principal.id}"
            else:
                who = f"ip:{self.parts.authenticator.address(request.scope)}"
            standing = await self.parts.rates.take(kind, who)
            if standing is not None:
                response.headers.update(rate_headers(standing))

        return take

    # Accounts ---------------------------------------------------------------------------------------------

    async def register(self, body: m.Credentials) -> m.UserBody:
        """Make an account. The answer does not tell whether the address already had one."""
        id, email = await self.parts.accounts.register(body.email, body.password)
        return m.UserBody(id=id, email=email)

    async def login(self, request: Request, body: m.SignIn) -> m.TokenBody:
        """Sign in: a short-lived access token and a refresh token that can be used once. Sets no cookie."""
        session = await self._guarded(
            request, body.email, lambda: self.parts.accounts.login(body.email, body.password)
        )
        return m.TokenBody(
            access_token=session.access, refresh_token=session.refresh, expires_in=session.expires_in
        )

    async def open_session(self, request: Request, body: m.SignIn, response: Response) -> None:
        """Sign a browser in: the token is a cookie that scripts cannot read."""
        if request.headers.get("origin") is not None:
            self.parts.authenticator.check_same_origin(request.scope)
        token, seconds = await self._guarded(
            request, body.email, lambda: self.parts.accounts.browser_session(body.email, body.password)
        )
        response.headers["set-cookie"] = set_session(token, seconds, secure=self.parts.secure_cookies)

    async def _guarded(self, request: Request, email: str, sign_in: Callable[[], Awaitable[Any]]) -> Any:
        """A sign-in, with its failures counted by account and address."""
        account, address = email.strip().lower()[:320], self.parts.authenticator.address(request.scope)
        async with self.parts.rates.guess(account, address):
            return await sign_in()

    async def refresh(self, body: m.RefreshRequest) -> m.TokenBody:
        """New tokens for a refresh token. A refresh token that comes back ends the whole sign-in."""
        session = await self.parts.accounts.refresh(body.refresh_token)
        return m.TokenBody(
            access_token=session.access, refresh_token=session.refresh, expires_in=session.expires_in
        )

    async def logout(self, request: Request, response: Response) -> None:
        """End this sign-in: every token of it stops counting."""
        await self.parts.accounts.logout((await self.user(request)).claims)
        response.headers["set-cookie"] = set_session("", 0, secure=self.parts.secure_cookies)

    # Assets -----------------------------------------------------------------------------------------------

    async def upload(self, request: Request, response: Response) -> m.AssetBody:
        """Send a picture in: multipart with `file`, and optionally `id`, `visibility`, `tags` (joined by
        commas) and `eager` (chains to render at once, joined by spaces)."""
        owner = (await self.user(request)).principal.id
        async with received(request, self.parts.folder, self.parts.max_bytes) as sent:
            upload = upload_of(sent, owner)
            chains = checked_chains(sent.fields.get("eager", ""))
            key = request.headers.get("idempotency-key")
            fingerprint = sent.fingerprint(f"{request.method} {request.url.path}")
            response.status_code, body = await self.parts.idempotency.once(
                owner, key, fingerprint, lambda: self._taken_in(upload, chains)
            )
            return m.AssetBody.model_validate_json(body)

    async def _taken_in(self, upload: Upload, chains: tuple[str, ...]) -> tuple[int, bytes]:
        ingested = await self.parts.library.upload(upload)
        self.parts.eager.begin(ingested, chains)
        body = self.body(ingested.asset).model_dump_json().encode()
        return (201 if ingested.created else 200), body

    async def list(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        tag: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
        visibility: Annotated[m.Visibility | None, Query()] = None,
    ) -> m.ListBody:
        """Your own assets, newest first."""
        owner = (await self.user(request)).principal.id
        page = await self.parts.library.page(
            owner, limit=limit, cursor=cursor, tag=tag, visibility=visibility
        )
        return m.ListBody(items=[self.body(asset) for asset in page.assets], next=page.next)

    async def metadata(self, request: Request, id: str) -> m.AssetBody:
        """What is known of an asset. Without `Accept: application/json` this address is the picture."""
        return self.body(await self.parts.library.get((await self.user(request)).principal.id, id))

    async def change(self, request: Request, id: str, body: m.AssetChange) -> m.AssetBody:
        """Change visibility, focus point or tags."""
        given = body.model_fields_set
        focus = (body.focus.x, body.focus.y) if body.focus else None
        change = Change(body.visibility, focus if "focus" in given else UNSET, body.tags)
        owner = (await self.user(request)).principal.id
        return self.body(await self.parts.library.change(owner, id, change))

    async def replace_file(self, request: Request, id: str) -> m.AssetBody:
        """A new version of an asset: multipart with the field `file`."""
        owner = (await self.user(request)).principal.id
        await self.parts.library.get(owner, id)
        async with received(request, self.parts.folder, self.parts.max_bytes, fields=()) as sent:
            ingested = await self.parts.library.replace_file(owner, id, sent.path)
            self.parts.eager.begin(ingested)
            return self.body(ingested.asset)

    async def delete(self, request: Request, id: str) -> None:
        """Delete an asset; it can be restored for 30 days."""
        await self.parts.library.delete((await self.user(request)).principal.id, id)

    async def restore(self, request: Request, id: str) -> m.AssetBody:
        """Take a deletion back."""
        return self.body(await self.parts.library.restore((await self.user(request)).principal.id, id))

    async def purge(self, request: Request, id: str) -> m.AssetBody:
        """Forget every variant everywhere, and older versions for good."""
        return self.body(await self.parts.library.purge((await self.user(request)).principal.id, id))

    async def url(self, request: Request, id: str, body: m.UrlRequest) -> m.UrlBody:
        """A signed URL of an asset of yours, for pages that send no token."""
        owner = (await self.user(request)).principal.id
        return m.UrlBody(url=await self.parts.urls.signed(owner, id, body.chain, body.expires_in))

    async def presign(self, request: Request, body: m.PresignRequest) -> m.PresignBody:
        """Where and how to put a picture straight into storage."""
        owner = (await self.user(request)).principal.id
        wish = Wish(body.sha256, body.bytes, body.media_type, body.id, body.visibility, tuple(body.tags))
        place = await self.parts.uploads.presign(owner, wish)
        return m.PresignBody(
            id=place.id,
            url=place.url,
            headers=place.headers,
            expires_at=place.expires,
            complete=f"{self.parts.public_url}/images/{place.id}/complete",
        )

    async def complete(self, request: Request, response: Response, id: str) -> m.AssetBody:
        """Say that a presigned upload is done: it is checked and becomes an asset."""
        ingested = await self.parts.uploads.complete((await self.user(request)).principal.id, id)
        response.status_code = 201 if ingested.created else 200
        self.parts.eager.begin(ingested)
        return self.body(ingested.asset)

    def body(self, asset: Asset) -> m.AssetBody:
        return m.asset_body(asset, self.parts.public_url)


def upload_of(sent: Received, owner: str) -> Upload:
    """The upload that the fields describe. Raises BadRequest."""
    visibility = sent.fields.get("visibility")
    if visibility not in {None, "public", "private"}:
        raise BadRequest("visibility is public or private.")
    tags = tuple(tag.strip() for tag in sent.fields.get("tags", "").split(",") if tag.strip())
    return Upload(sent.path, owner, sent.fields.get("id"), visibility, tags)


def rate_headers(standing: Standing) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(standing.reset),
    }


class AssetId(StringConvertor):
    """A segment that may name an asset: not the ones below ``/images`` that are addresses of their own."""

    regex = "(?!(?:upload|presign)(?:/|$))[^/]+"


def application(parts: Parts) -> FastAPI:
    """The ASGI application of the API."""
    register_url_convertor("asset", AssetId())
    api = Api(parts)
    app = FastAPI(
        title="image-origin",
        summary="Accounts, uploads and assets. Pictures themselves are addressed by the URL language.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
    )
    auth, images = {"tags": ["accounts"]}, {"tags": ["images"]}
    limits = {
        "register": api.limited("register", by_user=False),
        "login": api.limited("login", by_user=False),
        # Renewing is no guess, and behind one address there may be an office full of people.
        "refresh": api.limited("api", by_user=False),
        "upload": api.limited("upload", by_user=True),
        "api": api.limited("api", by_user=True),
    }

    def add(path: str, method: str, handler: Callable[..., Any], limit: str, **options: Any) -> None:
        dependencies = [Depends(limits[limit])]
        app.add_api_route(path, handler, methods=[method], dependencies=dependencies, **options)

    add("/auth/register", "POST", api.register, "register", status_code=201, **auth)
    add("/auth/login", "POST", api.login, "login", **auth)
    add("/auth/session", "POST", api.open_session, "login", status_code=204, **auth)
    add("/auth/session", "DELETE", api.logout, "api", status_code=204, operation_id="close_session", **auth)
    add("/auth/refresh", "POST", api.refresh, "refresh", **auth)
    add("/auth/logout", "POST", api.logout, "api", status_code=204, operation_id="sign_out", **auth)
    upload = {
        "responses": UPLOADED | UPLOAD_PROBLEMS,
        "openapi_extra": multipart(UPLOAD_FIELDS, idempotent=True),
        "status_code": 201,
    } | images
    add("/images", "POST", api.upload, "upload", **upload)
    add("/images/upload", "POST", api.upload, "upload", operation_id="upload_alias", **upload)
    add("/images", "GET", api.list, "api", **images)
    add("/images/presign", "POST", api.presign, "upload", responses=UPLOAD_PROBLEMS, **images)
    add(
        "/images/{id:asset}", "GET", api.metadata, "api",
        responses=PROBLEMS | PICTURE, openapi_extra=QUERY_FORM, **images,
    )  # fmt: skip
    add("/images/{id:asset}", "PATCH", api.change, "api", **images)
    add("/images/{id:asset}", "DELETE", api.delete, "api", status_code=204, **images)
    add(
        "/images/{id:asset}/file", "PUT", api.replace_file, "upload",
        responses=UPLOAD_PROBLEMS, openapi_extra=multipart({}), **images,
    )  # fmt: skip
    add("/images/{id:asset}/restore", "POST", api.restore, "api", **images)
    add("/images/{id:asset}/purge", "POST", api.purge, "api", **images)
    add("/images/{id:asset}/url", "POST", api.url, "api", **images)
    add(
        "/images/{id:asset}/complete", "POST", api.complete, "upload",
        responses=UPLOADED | UPLOAD_PROBLEMS, status_code=201, **images,
    )  # fmt: skip

    handle_errors(app)
    # The last is the outermost: a page of another site may read what it is turned away with, too.
    app.add_middleware(Envelope, is_upload=is_upload)
    if parts.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(parts.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            allow_credentials=True,
            expose_headers=["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"],
            max_age=86_400,
        )
    app.add_middleware(Completed)
    return app


def is_upload(scope: Scope) -> bool:
    """Whether the body is a picture, which is streamed; every other body is small."""
    pattern = _UPLOADS.get(scope["method"])
    return pattern is not None and pattern.fullmatch(scope["path"]) is not None
