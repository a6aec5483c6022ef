"""How a transform is declared: one frozen dataclass per argument of the URL language.

From the declaration alone come the parser, the canonical text, the 400 messages, the SDK method and the
row of the reference table.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, Self
from urllib.parse import quote

from urlspec.values import BadValue, Codec

Scope = Literal["component", "output"]


def arg(codec: Codec[Any], doc: str, *, default: Any = dataclasses.MISSING) -> Any:
    """A field of an argument: how it is written, what it means, and its default if it may be left out."""
    return dataclasses.field(default=default, metadata={"codec": codec, "doc": doc})


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One declared field, as the parser, the SDK and the docs read it."""

    name: str
    codec: Codec[Any]
    doc: str
    default: Any

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


class Argument:
    """Base of all declarations.

    ``key`` stands before the first ``_``. Where one key has many words (``e_blur``, ``fl_tiled``), ``word``
    is the word. ``scope`` says whether it shapes one component or the result as a whole.
    """

    __slots__ = ()

    key: ClassVar[str]
    word: ClassVar[str] = ""
    words: ClassVar[tuple[str, ...]] = ()
    """Several words that are one declaration (the blend modes); the word is then the first field."""
    example: ClassVar[str]
    group: ClassVar[str]
    scope: ClassVar[Scope] = "component"
    method: ClassVar[str]
    hint: ClassVar[str] = ""
    """Added to the message when the value is refused: what other dialects' users probably meant."""

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        return _fields(cls)

    @classmethod
    def read(cls, parts: Sequence[str]) -> Self:
        """The argument that the decoded ``parts`` of a value spell. Raises BadValue."""
        values: list[Any] = []
        at = 0
        for field in cls.fields():
            if at == len(parts):
                if field.required:
                    raise BadValue
                break
            end = at + field.codec.span(parts[at:])
            values.append(field.codec.read(parts[at:end]))
            at = end
        if at < len(parts):
            raise BadValue("too many values")
        return cls(*values)

    def parts(self) -> list[str]:
        """The canonical parts of the value: trailing defaults are left out."""
        written: list[list[str]] = []
        kept = 0
        for field in self.fields():
            value = getattr(self, field.name)
            written.append([] if value is None else field.codec.write(value))
            if field.required or value != field.default:
                kept = len(written)
        flat = [part for parts in written[:kept] for part in parts]
        return [self.word, *flat] if self.word else flat

    @property
    def identity(self) -> str:
        """What may stand once in a component."""
        if self.words:
            return f"{self.key}_{self.parts()[0]}"
        return f"{self.key}_{self.word}" if self.word else self.key

    def settled(self) -> Argument | None:
        """The argument that says the same canonically; None when it changes nothing at all."""
        return self

    def multiplied(self, dpr: float) -> Self:
        """The same argument with every length in pixels multiplied; whole ones are rounded half up."""
        if dpr == 1:
            return self
        lengths = {
            field.name: _multiplied(getattr(self, field.name), dpr)
            for field in self.fields()
            if field.codec.unit == "pixels"
        }
        return dataclasses.replace(self, **lengths) if lengths else self  # type: ignore[type-var]

    def __str__(self) -> str:
        return f"{self.key}_" + ":".join(quote(part, safe="") for part in self.parts())


def _multiplied(value: Any, dpr: float) -> Any:
    """Fractions and words stay what they are."""
    if isinstance(value, int):
        return math.floor(value * dpr + 0.5)
    return value * dpr if isinstance(value, float) else value


def _fields(cls: type[Argument]) -> tuple[Field, ...]:
    found = _KNOWN_FIELDS.get(cls)
    if found is None:
        found = _KNOWN_FIELDS[cls] = tuple(_declared(cls))
    return found


_KNOWN_FIELDS: dict[type[Argument], tuple[Field, ...]] = {}


def _declared(cls: type[Argument]) -> Iterator[Field]:
    if not dataclasses.is_dataclass(cls):
        return
    for field in dataclasses.fields(cls):
        yield Field(field.name, field.metadata["codec"], field.metadata["doc"], field.default)


def usage(cls: type[Argument]) -> str:
    """The shape of an argument, for messages and the reference: ``e_sharpen[:sigma[:strength]]``."""
    head = cls.key + "_" + (cls.word or "")
    text, closing = "", ""
    for number, field in enumerate(cls.fields()):
        colon = ":" if cls.word or number else ""
        if field.required:
            text += f"{colon}<{field.name}>"
        else:
            text += f"[{colon}<{field.name}>"
            closing += "]"
    return head + text + closing


def expectation(cls: type[Argument]) -> str:
    """What the argument wants, in words."""
    described = [f"{field.name}: {field.codec.expected}" for field in cls.fields()]
    if len(described) == 1:
        return cls.fields()[0].codec.expected
    return f"{usage(cls)} with " + "; ".join(described) if described else usage(cls)
