"""Everything that can go wrong, in one tree, and the one table from it to HTTP.

The public side of an error is its ``code``, ``title`` and ``detail`` (RFC 9457). The private cause is the
chained exception (``raise Broken(...) from error``): it goes to the log with the request id and never to a
client. Errors of the URL language itself live in ``urlspec.errors``.
"""

from __future__ import annotations

from typing import ClassVar

REGISTRY: dict[str, type[OriginError]] = {}
"""Every concrete error by its code: the HTTP table, the docs and the tests read it."""


class OriginError(Exception):
    """Root of the server's own errors.

    ``detail`` is for the client: no host, key, path or library text in it. ``retry_after`` is in seconds.
    """

    status: ClassVar[int]
    code: ClassVar[str] = ""
    title: ClassVar[str] = ""
    retry_after: ClassVar[int | None] = None
    worker_lost: bool = False
    """A render worker ended amid the work, by itself or because it took too long."""

    def __init__(self, detail: str = "", **members: str | int) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.members = members
        """Further members of the problem document, for example the largest size that would do."""

    def __init_subclass__(cls) -> None:
        if cls.code:
            REGISTRY[cls.code] = cls

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword members would be lost on the way out of a worker process.
        return (_rebuild, (type(self), self.detail, self.members))


def _rebuild(kind: type[OriginError], detail: str, members: dict[str, str | int]) -> OriginError:
    return kind(detail, **members)


# 400: the request asks for something impossible -------------------------------------------------------


class BadRequest(OriginError):
    status = 400
    code = "bad_request"
    title = "The request is not understood"


class ResultTooLarge(BadRequest):
    code = "result_too_large"
    title = "The result would be larger than this server makes"


class TooExpensive(BadRequest):
    code = "too_expensive"
    title = "The picture would take longer than this server may spend on it"


class RegionOutside(BadRequest):
    code = "region_outside"
    title = "The region lies outside the picture"


class CeilingUnreachable(BadRequest):
    code = "ceiling_unreachable"
    title = "The picture cannot be made as small as mb_ asks"


class PageMissing(BadRequest):
    code = "page_missing"
    title = "The picture has no such page or frame"


class FacesUnavailable(BadRequest):
    code = "faces_unavailable"
    title = "This server finds no faces: that takes the extra image-origin[faces]; g_auto needs none"


# 401, 403, 404, 405, 409, 410 -------------------------------------------------------------------------


class Unauthorized(OriginError):
    status = 401
    code = "unauthorized"
    title = "Sign in first"


class Forbidden(OriginError):
    status = 403
    code = "forbidden"
    title = "You may not do that"


class NotFound(OriginError):
    status = 404
    code = "not_found"
    title = "There is nothing here"


class MethodNotAllowed(OriginError):
    status = 405
    code = "method_not_allowed"
    title = "That method does not work here"


class Conflict(OriginError):
    status = 409
    code = "conflict"
    title = "That is taken"


class Gone(OriginError):
    status = 410
    code = "gone"
    title = "It was here and has been removed"


# 411, 413, 415, 422: the bytes ------------------------------------------------------------------------


class LengthRequired(OriginError):
    status = 411
    code = "length_required"
    title = "Say how long the body is"


class SourceTooLarge(OriginError):
    status = 413
    code = "source_too_large"
    title = "The file is larger than this server accepts"


class BodyTooLarge(OriginError):
    status = 413
    code = "body_too_large"
    title = "The body is larger than this needs"


class QuotaExceeded(OriginError):
    status = 413
    code = "quota_exceeded"
    title = "The file does not fit into what you may store here"

    @classmethod
    def check(cls, quota: int | None, used: int, size: int) -> None:
        """Raise when ``size`` more bytes are too many; ``quota`` None is no limit."""
        if quota is not None and used + size > quota:
            raise cls(
                f"The quota is {quota} bytes, {used} are used; this file has {size}.", quota_bytes=quota
            )


class UnsupportedMedia(OriginError):
    status = 415
    code = "unsupported_media"
    title = "The file is not a picture of an accepted type"


class ImageError(OriginError):
    """The picture itself is at fault."""

    status = 422


class UploadMismatch(ImageError):
    code = "upload_mismatch"
    title = "What was put is not what was announced"


class ImageCorrupt(ImageError):
    code = "image_corrupt"
    title = "The picture is damaged or incomplete"


class ImageTooLarge(ImageError):
    code = "image_too_large"
    title = "The picture has more pixels than this server accepts"


class TooManyFrames(ImageError):
    code = "too_many_frames"
    title = "The animation has more frames than this server accepts"


class ImageTooComplex(ImageError):
    code = "image_too_complex"
    title = "The picture is coded in more passes than this server accepts"


class ImageUnprocessable(ImageError):
    code = "image_unprocessable"
    title = "The picture could not be processed within a worker's limits"


# 429 and 5xx: us and what we depend on ----------------------------------------------------------------


class TooManyRequests(OriginError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    retry_after = 60
    wait: int | None = None
    """Seconds until it is worth trying again, where they are known."""
    limit: int | None = None
    """How many there may be."""


class Internal(OriginError):
    status = 500
    code = "internal"
    title = "Something went wrong on this side"


class StorageBroken(OriginError):
    """Storage answered with something that cannot be right. Never rendered, never cached."""

    status = 502
    code = "storage_corrupt"
    title = "The stored picture does not have the content it was stored with"


class StorageTruncated(StorageBroken):
    code = "storage_truncated"
    title = "Storage delivered only a part of the picture"


class StorageMissing(StorageBroken):
    code = "storage_missing"
    title = "The picture is known, but storage does not have its file"


class Unavailable(OriginError):
    status = 503
    code = "unavailable"
    title = "A part of the service is away"
    retry_after = 2


class Overloaded(Unavailable):
    code = "overloaded"
    title = "More pictures are wanted than can be made just now"
    retry_after = 1


class TooManySignIns(Overloaded):
    code = "too_many_sign_ins"
    title = "Too many people are signing in just now"
    retry_after = 5


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    title = "Storage does not answer"


class DatabaseUnavailable(Unavailable):
    code = "db_unavailable"
    title = "The database does not answer"


class DeadlineExceeded(OriginError):
    status = 504
    retry_after = 60


class StorageTimeout(DeadlineExceeded):
    code = "storage_timeout"
    title = "Storage took too long"
    retry_after = 5


class RenderTimeout(DeadlineExceeded):
    code = "render_timeout"
    title = "The picture took too long to make"


class TooOld(OriginError):
    """A library that this server must not be run with; nobody is served, so no client ever sees it."""

    status = 503
    code = "too_old"
    title = "A library is older than it may be"


class StorageFull(OriginError):
    status = 507
    code = "storage_full"
    title = "There is no space left for the file"
