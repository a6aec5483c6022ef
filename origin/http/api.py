"""The API: accounts and assets. Routes, validation and the OpenAPI document come from one declaration."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from starlette.middleware.cors import CORSMiddleware

from origin.errors import BadRequest, Unauthorized
from origin.http import models as m
from origin.http.auth import COOKIE, Authenticator, SignedIn
from origin.http.handlers import handle_errors
from origin.http.receive import Received, received
from origin.service.accounts import Accounts
from origin.service.eager import Eager, checked_chains
from origin.service.idempotency import Idempotency
from origin.service.ingest import Upload
from origin.service.library import UNSET, Asset, Change, Library
from origin.service.rates import Kind, Rates, Standing
from origin.service.uploads import StraightUploads, Wish
from origin.service.urls import OwnUrls

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": m.ProblemBody, "description": text, "content": {"application/problem+json": {}}}
    for code, text in {
        400: "The URL or the body is wrong",
        401: "Sign in first",
        403: "You may not do that",
        404: "Not there, or not yours",
        429: "Too many requests",
        503: "A dependency is away",
    }.items()
}
UPLOAD_PROBLEMS: dict[int | str, dict[str, Any]] = PROBLEMS | {
    code: {"model": m.ProblemBody, "description": text, "content": {"application/problem+json": {}}}
    for code, text in {
        409: "The id is taken, or the Idempotency-Key was used for something else",
        411: "Content-Length is missing",
        413: "Too large, or beyond the quota",
        415: "Not a picture of an accepted type",
        422: "The picture is damaged or beyond the limits",
        504: "Took too long",
        507: "No space left",
    }.items()
}


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
        found = await self.parts.authenticator.signed_in(request.scope)
        if found is None:
            raise Unauthorized
        return found

    def limited(self, kind: Kind) -> Callable[[Request, Response], Awaitable[None]]:
        async def take(request: Request, response: Response) -> None:
            who = f"ip:{self.parts.authenticator.address(request.scope)}"
            if kind in {"upload", "api"}:
                who = f"user:{(await self.user(request)).principal.id}"
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
        response.set_cookie(
            COOKIE,
            token,
            max_age=seconds,
            path="/",
            httponly=True,
            secure=self.parts.secure_cookies,
            samesite="strict",
        )

    async def _guarded(self, request: Request, email: str, sign_in: Callable[[], Awaitable[Any]]) -> Any:
        """A sign-in, with its failures counted by account and address."""
        account, address = email.strip().lower()[:320], self.parts.authenticator.address(request.scope)
        await self.parts.rates.check_failures(account, address)
        try:
            return await sign_in()
        except Unauthorized:
            await self.parts.rates.failed(account, address)
            raise

    async def refresh(self, body: m.RefreshRequest) -> m.TokenBody:
        """New tokens for a refresh token. A refresh token that comes back ends the whole sign-in."""
        session = await self.parts.accounts.refresh(body.refresh_token)
        return m.TokenBody(
            access_token=session.access, refresh_token=session.refresh, expires_in=session.expires_in
        )

    async def logout(self, request: Request, response: Response) -> None:
        """End this sign-in: every token of it stops counting."""
        await self.parts.accounts.logout((await self.user(request)).claims)
        response.delete_cookie(
            COOKIE, path="/", httponly=True, secure=self.parts.secure_cookies, samesite="strict"
        )

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
        self.parts.eager.begin(ingested.asset, chains)
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
        async with received(request, self.parts.folder, self.parts.max_bytes) as sent:
            return self.body(await self.parts.library.replace_file(owner, id, sent.path))

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
        place = await self.parts.uploads.presign(owner, wish, self.parts.library.check_quota)
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
        self.parts.eager.begin(ingested.asset, ())
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


def application(parts: Parts) -> FastAPI:
    """The ASGI application of the API."""
    api = Api(parts)
    router = APIRouter(responses=PROBLEMS)
    auth, images = {"tags": ["accounts"]}, {"tags": ["images"]}
    kinds: tuple[Kind, ...] = ("login", "register", "upload", "api")
    limited: dict[str, list[Any]] = {kind: [Depends(api.limited(kind))] for kind in kinds}

    def add(path: str, method: str, handler: Callable[..., Any], limit: str, **options: Any) -> None:
        router.add_api_route(path, handler, methods=[method], dependencies=limited[limit], **options)

    add("/auth/register", "POST", api.register, "register", status_code=201, **auth)
    add("/auth/login", "POST", api.login, "login", **auth)
    add("/auth/session", "POST", api.open_session, "login", status_code=204, **auth)
    router.add_api_route("/auth/session", api.logout, methods=["DELETE"], status_code=204, **auth)  # type: ignore[arg-type]
    add("/auth/refresh", "POST", api.refresh, "login", **auth)
    router.add_api_route(
        "/auth/logout",
        api.logout,
        methods=["POST"],
        status_code=204,
        operation_id="sign_out",
        **auth,  # type: ignore[arg-type]
    )
    upload = {
        "responses": UPLOAD_PROBLEMS,
        "openapi_extra": multipart(UPLOAD_FIELDS),
        "status_code": 201,
    } | images
    add("/images", "POST", api.upload, "upload", **upload)
    add("/images/upload", "POST", api.upload, "upload", operation_id="upload_alias", **upload)
    add("/images", "GET", api.list, "api", **images)
    add("/images/presign", "POST", api.presign, "upload", responses=UPLOAD_PROBLEMS, **images)
    add("/images/{id}", "GET", api.metadata, "api", **images)
    add("/images/{id}", "PATCH", api.change, "api", **images)
    add("/images/{id}", "DELETE", api.delete, "api", status_code=204, **images)
    add(
        "/images/{id}/file", "PUT", api.replace_file, "upload",
        responses=UPLOAD_PROBLEMS, openapi_extra=multipart({}), **images,
    )  # fmt: skip
    add("/images/{id}/restore", "POST", api.restore, "api", **images)
    add("/images/{id}/purge", "POST", api.purge, "api", **images)
    add("/images/{id}/url", "POST", api.url, "api", **images)
    add("/images/{id}/complete", "POST", api.complete, "upload", responses=UPLOAD_PROBLEMS, **images)

    app = FastAPI(
        title="image-origin",
        summary="Accounts, uploads and assets. Pictures themselves are addressed by the URL language.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.include_router(router)
    handle_errors(app)
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
    return app


UPLOAD_FIELDS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"},
    "visibility": {"type": "string", "enum": ["public", "private"]},
    "tags": {"type": "string", "description": "joined by commas"},
    "eager": {"type": "string", "description": "chains to render at once, joined by spaces"},
}


def multipart(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI description of a multipart body, which is read as a stream and not by the framework."""
    file = {"type": "string", "format": "binary"}
    schema = {"type": "object", "required": ["file"], "properties": {"file": file, **fields}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def openapi(app: FastAPI) -> bytes:
    """The OpenAPI document. Bodies that do not fit are 400 here, not the framework's 422."""
    document = app.openapi()
    for path in document["paths"].values():
        for operation in path.values():
            answers = operation["responses"]
            if "HTTPValidationError" in json.dumps(answers.get("422", {})):
                del answers["422"]
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return json.dumps(document).encode()
