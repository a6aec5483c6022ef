"""The SDK: build URLs, sign them, write them into markup."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Self

from urlspec.arguments import Dpr, Height, Layer, LayerApply, Underlay, Width
from urlspec.characters import check_path
from urlspec.declare import Argument, Field, expectation, usage
from urlspec.errors import UrlError, UrlSpecError
from urlspec.judge import Draft, Placed, judge
from urlspec.operations import Operations
from urlspec.outputs import EXTENSIONS, PICTURE_FORMATS, Format
from urlspec.parse import read_chain, segments_of
from urlspec.request import Component, Request, matched
from urlspec.sign import Expiry, SigningKey
from urlspec.sources import SourceCodec, SourceRef
from urlspec.texts import TextRef, read_text_layer
from urlspec.values import BadValue

Key = SigningKey | str

_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)


@dataclass(frozen=True)
class Url(Operations):
    """A delivery URL under construction. Immutable: every method gives a new one.

    ``base`` is where the pictures are served (``https://img.example``, or empty for a path); ``source`` an
    asset's id or ``@name/key``. Methods named after arguments add to the current component; ``then()``
    begins the next one, which works on what the earlier ones made::

        Url("https://img.example", "cat").width(640).height(480).crop("fill").then().blur(3).format("auto")

    Raises UrlError at once for an impossible value, and when the text is made for what cannot stand together.
    """

    base: str
    source: SourceRef | str
    _drafts: tuple[tuple[Argument, ...], ...] = field(default=((),), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.base.rstrip("/"))
        object.__setattr__(self, "source", coerced_source(self.source))

    def _add(self, kind: type[Argument], **values: Any) -> Self:
        return self._append(_read(kind, values))

    def _append(self, argument: Argument) -> Self:
        *before, current = self._drafts
        if current and isinstance(argument, Layer | Underlay | LayerApply):
            # In the URL, what stands beside a layer shapes the layer; a programmer who writes
            # .width(640).layer("logo") means the picture.
            return replace(self, _drafts=(*self._drafts, (argument,)))
        return replace(self, _drafts=(*before, (*current, argument)))

    def then(self) -> Self:
        """Begin the next component."""
        return replace(self, _drafts=(*self._drafts, ()))

    def text(
        self, text: str, *, family: str = "DejaVu Sans", size: int = 32, styles: Sequence[str] = ()
    ) -> Self:
        """Lay a text over the picture: ``size`` in pixels; styles such as ``bold``, ``italic``."""
        try:
            layer = read_text_layer(["text", "_".join([family, str(size), *styles]), text])
        except BadValue as error:
            raise UrlError("value_invalid", error.hint, argument=text, expected=error.hint) from error
        return self._append(Layer(layer))

    def chain(self, text: str) -> Self:
        """Append components as they are written in a URL (``c_fill,w_400,h_300/e_blur:3``)."""
        path = f"/{text}".encode("utf-8", "surrogatepass")
        check_path(path)
        parts = (tuple(one.argument for one in draft.placed) for draft in read_chain(segments_of(path)))
        return replace(self, _drafts=(*(part for part in self._drafts if part), *parts))

    def request(self) -> Request:
        """What the URL says. Raises UrlError for what cannot stand together."""
        parts = [part for part in self._drafts if part]
        drafts = [
            Draft(number, [Placed(argument, str(argument), 0, number) for argument in arguments])
            for number, arguments in enumerate(parts, 1)
        ]
        assert not isinstance(self.source, str)
        return judge(drafts, self.source)

    @property
    def path(self) -> str:
        """The canonical path, unsigned."""
        path = self.request().canonical()
        check_path(path.encode())  # the server's own limit holds here already
        return path

    def __str__(self) -> str:
        return self.base + self.path

    def sign(self, key: Key, *, expires: Expiry = None, audience: str = "") -> str:
        """The signed URL. ``key`` is a SigningKey or ``kid:secret``; ``expires`` a datetime, a timedelta from
        now, or unix seconds; ``audience`` what the server has in ``ORIGIN_AUDIENCE``."""
        signer = SigningKey.read(key) if isinstance(key, str) else key
        signed = signer.sign(self.path, expires, audience)
        check_path(signed.encode())  # the signature counts
        return self.base + signed

    def made(self, key: Key | None = None, *, expires: Expiry = None, audience: str = "") -> str:
        """The URL, signed when there is a key."""
        return str(self) if key is None else self.sign(key, expires=expires, audience=audience)

    def _own(self) -> list[int]:
        """Indices of the components that work on the picture itself, not on a layer."""
        closed = matched(tuple(Component(part) for part in self._drafts))
        of_layers = {index for start, end in closed.items() for index in range(start, end + 1)}
        return [
            index
            for index, part in enumerate(self._drafts)
            if index not in of_layers and not any(isinstance(one, Layer | Underlay) for one in part)
        ]

    def _wide(self, width: int) -> Self:
        """With this width in the last component that sizes the picture."""
        own = self._own()
        sized = [i for i in own if any(isinstance(one, Width | Height) for one in self._drafts[i])]
        drafts = [*self._drafts] if own else [*self._drafts, ()]
        at = (sized or own or [-1])[-1]
        kept = (one for one in drafts[at] if not isinstance(one, Width))
        drafts[at] = (*kept, _read(Width, {"value": width}))
        return replace(self, _drafts=tuple(drafts))

    def _written(self, form: str) -> Self:
        """In this format, whatever was said before."""
        *drafts, last = (tuple(one for one in part if not isinstance(one, Format)) for part in self._drafts)
        return replace(self, _drafts=(*drafts, (*last, _read(Format, {"name": form}))))

    def srcset(
        self, widths: Sequence[int], *, key: Key | None = None, expires: Expiry = None, audience: str = ""
    ) -> str:
        """The value of a ``srcset`` attribute (not yet escaped), one candidate a width in pixels.

        A height in pixels beside the width would distort the set; use ``aspect_ratio`` instead.
        """
        self._check_fluid(widths)
        made = (self._wide(width).made(key, expires=expires, audience=audience) for width in widths)
        return ", ".join(f"{url} {width}w" for url, width in zip(made, widths, strict=True))

    def _check_fluid(self, widths: Sequence[int]) -> None:
        if not widths:
            raise UrlSpecError("srcset needs at least one width")
        own = [one for index in self._own() for one in self._drafts[index]]
        if any(isinstance(one, Height) and isinstance(one.value, int) for one in own):
            raise UrlSpecError("a srcset changes the width: say the shape by aspect_ratio(), not by height()")
        if any(isinstance(one, Dpr) for one in own):
            raise UrlSpecError("a srcset says pixels itself: leave dpr() out")

    def picture(
        self,
        widths: Sequence[int],
        *,
        alt: str,
        sizes: str = "100vw",
        formats: Sequence[str] = ("avif", "webp", "jpg"),
        key: Key | None = None,
        expires: Expiry = None,
        audience: str = "",
        **attributes: str | int,
    ) -> str:
        """A ``<picture>`` element: one ``source`` a format, and an ``img`` in the last of them.

        ``attributes`` are added to the ``img`` (``class_`` is ``class``). Every value is escaped.
        Raises UrlSpecError for a name that is no attribute's, and what ``srcset`` raises.
        """

        def candidates(name: str) -> str:
            return self._written(name).srcset(widths, key=key, expires=expires, audience=audience)

        if not formats:
            raise UrlSpecError("a picture needs at least one format")
        *modern, plain = formats
        lines = [
            _tag("source", {"type": _media_type(name), "srcset": candidates(name), "sizes": sizes})
            for name in modern
        ]
        middle = sorted(widths)[len(widths) // 2]
        src = self._written(plain)._wide(middle).made(key, expires=expires, audience=audience)
        image: dict[str, str | int] = {"src": src, "srcset": candidates(plain), "sizes": sizes, "alt": alt}
        image |= {"loading": "lazy", "decoding": "async"}
        image |= {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return "\n".join(["<picture>", *(f"  {line}" for line in (*lines, _tag("img", image))), "</picture>"])


def _read(kind: type[Argument], values: Mapping[str, Any]) -> Argument:
    """The argument that a programmer's values make. Raises UrlError."""
    try:
        return kind(**{field.name: _coerced(field, values[field.name]) for field in kind.fields()})
    except (BadValue, AttributeError, TypeError, ValueError) as error:
        hint = (error.hint if isinstance(error, BadValue) else "") or kind.hint
        raise UrlError(
            "value_invalid",
            f"{usage(kind)} expects {expectation(kind)}." + (f" Note: {hint}." if hint else ""),
            argument=" ".join(str(value) for value in values.values()),
            expected=expectation(kind),
        ) from error


def _coerced(field: Field, value: Any) -> Any:
    return value if not field.required and value == field.default else field.codec.coerce(value)


def coerced_source(source: SourceRef | str) -> SourceRef:
    """An id or ``@name/key``. Raises UrlError."""
    try:
        return SourceCodec().coerce(source)
    except BadValue as error:
        raise UrlError(
            "id_invalid", f"Not a source: {error.hint}.", argument=str(source), expected="an id or @name/key"
        ) from error


def _media_type(name: str) -> str:
    """The type of a ``source`` in this format. Raises UrlSpecError where a browser could not choose by it."""
    form = EXTENSIONS.get(name)
    if form not in PICTURE_FORMATS:
        raise UrlSpecError(f"a <source> names one of {' '.join(PICTURE_FORMATS)}, not {name!r}")
    return "image/jpeg" if form == "jpg" else f"image/{form}"


def _tag(name: str, attributes: dict[str, str | int]) -> str:
    for key in attributes:
        if not _ATTRIBUTE.fullmatch(key):
            raise UrlSpecError(f"{key!r} is not the name of an attribute")
    written = " ".join(f'{key}="{escape(str(value), quote=True)}"' for key, value in attributes.items())
    return f"<{name} {written}>"


def srcset(url: Url, widths: Sequence[int], **signing: Any) -> str:
    """``url.srcset(widths, …)``."""
    return url.srcset(widths, **signing)


def picture(url: Url, widths: Sequence[int], *, alt: str, **options: Any) -> str:
    """``url.picture(widths, alt=…, …)``."""
    return url.picture(widths, alt=alt, **options)


__all__ = ["TextRef", "Url", "coerced_source", "picture", "srcset"]
