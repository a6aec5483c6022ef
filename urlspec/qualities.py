"""Quality of the output: a number, a grade, or lossless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from urlspec.values import BadValue, Codec, read_integer

GRADES = ("best", "good", "eco", "low")
SUBSAMPLINGS = ("444", "420")


@dataclass(frozen=True, slots=True)
class QualityValue:
    """``level`` is 1 to 100, ``auto`` or ``lossless``; ``grade`` goes with auto, ``chroma`` with a number,
    ``near`` with lossless: 1 (far) to 99, or 100 for no loss at all."""

    level: int | Literal["auto", "lossless"]
    grade: str = "good"
    chroma: str = ""
    near: int = 100


class QualityCodec(Codec[QualityValue]):
    expected = (
        "1 to 100, 80:444 or 80:420 (chroma subsampling), auto[:best|good|eco|low], or lossless[:1 to 99]"
    )
    type_name = "int | str"

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> QualityValue:
        head, tail = parts[0], list(parts[1:])
        if head == "auto" and (not tail or (len(tail) == 1 and tail[0] in GRADES)):
            return QualityValue("auto", grade=tail[0] if tail else "good")
        if head == "lossless":
            return QualityValue("lossless", near=_near(tail))
        level = read_integer(head)
        if level is None or not 1 <= level <= 100 or len(tail) > 1 or (tail and tail[0] not in SUBSAMPLINGS):
            raise BadValue
        return QualityValue(level, chroma=tail[0] if tail else "")

    def write(self, value: QualityValue) -> list[str]:
        if value.level == "auto":
            return ["auto"] if value.grade == "good" else ["auto", value.grade]
        if value.level == "lossless":
            return ["lossless"] if value.near == 100 else ["lossless", str(value.near)]
        return [str(value.level), value.chroma] if value.chroma else [str(value.level)]

    def coerce(self, value: Any) -> QualityValue:
        return super().coerce(value if isinstance(value, QualityValue) else str(value))


def _near(tail: Sequence[str]) -> int:
    if not tail:
        return 100
    near = read_integer(tail[0])
    if len(tail) > 1 or near is None or not 1 <= near <= 99:
        raise BadValue("lossless:<1 to 99> is a WebP with that little loss; lossless alone loses nothing")
    return near
