"""The SDK: build URLs, sign them, write them into markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Self

from urlspec.arguments import Dpr, Height, Layer, LayerApply, Underlay, Width
from urlspec.declare import Argument, expectation, usage
from urlspec.errors import UrlError, UrlSpecError
from urlspec.judge import Draft, Placed, judge
from urlspec.kinds import TextRef, read_text_layer
from urlspec.operations import Operations
from urlspec.outputs import Format
from urlspec.parse import parse
from urlspec.request import Request
from urlspec.sign import Expiry, SigningKey
from urlspec.sources import SourceCodec, SourceRef
from urlspec.values import BadValue

Key = SigningKey | str


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
        fields = {entry.name: entry for entry in kind.fields()}
        try:
            read = {
                name: value
                if value is None or value == fields[name].default
                else fields[name].codec.coerce(value)
                for name, value in values.items()
            }
            argument = kind(**read)
        except (BadValue, AttributeError, TypeError, ValueError) as error:
            raise UrlError(
                "value_invalid",
                f"{usage(kind)} expects {expectation(kind)}.",
                argument=" ".join(str(value) for value in values.values()),
                expected=expectation(kind),
            ) from error
        return self._append(argument)

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
        request = parse(f"/{text}/x")
        parts = [part.arguments for part in request.components]
        last = [*parts[-1], *request.output.arguments] if parts else list(request.output.arguments)
        drafts = [part for part in self._drafts if part]
        return replace(self, _drafts=(*drafts, *parts[:-1], tuple(last)))

    def request(self) -> Request:
        """What the URL says. Raises UrlError for what cannot stand together."""
        drafts = [
            Draft(number, [Placed(argument, str(argument), 0, number) for argument in arguments])
            for number, arguments in enumerate(self._drafts, 1)
        ]
        assert not isinstance(self.source, str)
        return judge(drafts, self.source)

    @property
    def path(self) -> str:
        """The canonical path, unsigned."""
        path = self.request().canonical()
        parse(path)  # the server's own limits (length) hold here already
        return path

    def __str__(self) -> str:
        return self.base + self.path

    def sign(self, key: Key, *, expires: Expiry = None, audience: str = "") -> str:
        """The signed URL. ``key`` is a SigningKey or ``kid:secret``; ``expires`` a datetime, a timedelta from
        now, or unix seconds; ``audience`` what the server has in ``ORIGIN_AUDIENCE``."""
        signer = SigningKey.read(key) if isinstance(key, str) else key
        signed = signer.sign(self.path, expires, audience)
        parse(signed[signed.index("/", 1) :])
        return self.base + signed

    def made(self, key: Key | None = None, *, expires: Expiry = None, audience: str = "") -> str:
        """The URL, signed when there is a key."""
        return str(self) if key is None else self.sign(key, expires=expires, audience=audience)

    def _with(self, *arguments: Argument) -> Self:
        """With these in the component that sizes the picture, in place of what they replace."""
        kinds = {type(argument) for argument in arguments}
        sized = [
            i for i, part in enumerate(self._drafts) if any(isinstance(one, Width | Height) for one in part)
        ]
        at = sized[-1] if sized else len(self._drafts) - 1
        kept = [
            tuple(one for one in part if type(one) not in kinds or (i != at and one.scope == "component"))
            for i, part in enumerate(self._drafts)
        ]
        kept[at] = (*kept[at], *arguments)
        return replace(self, _drafts=tuple(kept))

    def srcset(
        self, widths: Sequence[int], *, key: Key | None = None, expires: Expiry = None, audience: str = ""
    ) -> str:
        """The value of a ``srcset`` attribute (not yet escaped), one candidate a width in pixels.

        A height in pixels beside the width would distort the set; use ``aspect_ratio`` instead.
        """
        self._check_fluid(widths)
        made = (self._with(Width(width)).made(key, expires=expires, audience=audience) for width in widths)
        return ", ".join(f"{url} {width}w" for url, width in zip(made, widths, strict=True))

    def _check_fluid(self, widths: Sequence[int]) -> None:
        if not widths:
            raise UrlSpecError("srcset needs at least one width")
        if any(
            isinstance(one, Height) and isinstance(one.value, int) for part in self._drafts for one in part
        ):
            raise UrlSpecError("a srcset changes the width: say the shape by aspect_ratio(), not by height()")
        if any(isinstance(one, Dpr) for part in self._drafts for one in part):
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
        """

        def candidates(name: str) -> str:
            url = self._with(Format(name))
            return url.srcset(widths, key=key, expires=expires, audience=audience)

        *modern, plain = formats
        lines = [
            _tag("source", {"type": f"image/{name}", "srcset": candidates(name), "sizes": sizes})
            for name in modern
        ]
        middle = sorted(widths)[len(widths) // 2]
        src = self._with(Format(plain))._with(Width(middle)).made(key, expires=expires, audience=audience)
        image: dict[str, str | int] = {"src": src, "srcset": candidates(plain), "sizes": sizes, "alt": alt}
        image |= {"loading": "lazy", "decoding": "async"}
        image |= {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return "\n".join(["<picture>", *(f"  {line}" for line in (*lines, _tag("img", image))), "</picture>"])


def coerced_source(source: SourceRef | str) -> SourceRef:
    """An id or ``@name/key``. Raises UrlError."""
    try:
        return SourceCodec().coerce(source)
    except BadValue as error:
        raise UrlError(
            "id_invalid", f"Not a source: {error.hint}.", argument=str(source), expected="an id or @name/key"
        ) from error


def _tag(name: str, attributes: dict[str, str | int]) -> str:
    written = " ".join(f'{key}="{escape(str(value), quote=True)}"' for key, value in attributes.items())
    return f"<{name} {written}>"


def srcset(url: Url, widths: Sequence[int], **signing: Any) -> str:
    """``url.srcset(widths, …)``."""
    return url.srcset(widths, **signing)


def picture(url: Url, widths: Sequence[int], *, alt: str, **options: Any) -> str:
    """``url.picture(widths, alt=…, …)``."""
    return url.picture(widths, alt=alt, **options)


__all__ = ["TextRef", "Url", "coerced_source", "picture", "srcset"]
