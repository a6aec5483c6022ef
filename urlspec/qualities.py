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
    """``level`` is 1 to 100, ``auto`` or ``lossless``; ``grade`` goes with auto, ``chroma`` with a number."""

    level: int | Literal["auto", "lossless"]
    grade: str = "good"
    chroma: str = ""


class QualityCodec(Codec[QualityValue]):
    expected = "1 to 100, 80:444 or 80:420 (chroma subsampling), auto[:best|good|eco|low], or lossless"
    type_name = "int | str"

    def span(self, parts: Sequence[str]) -> int:
        return len(parts)

    def read(self, parts: Sequence[str]) -> QualityValue:
        head, tail = parts[0], list(parts[1:])
        if head == "auto" and (not tail or (len(tail) == 1 and tail[0] in GRADES)):
            return QualityValue("auto", grade=tail[0] if tail else "good")
        if head == "lossless" and not tail:
            return QualityValue("lossless")
        level = read_integer(head)
        if level is None or not 1 <= level <= 100 or len(tail) > 1 or (tail and tail[0] not in SUBSAMPLINGS):
            raise BadValue
        return QualityValue(level, chroma=tail[0] if tail else "")

    def write(self, value: QualityValue) -> list[str]:
        if value.level == "auto":
            return ["auto"] if value.grade == "good" else ["auto", value.grade]
        return [str(value.level), value.chroma] if value.chroma else [str(value.level)]

    def coerce(self, value: Any) -> QualityValue:
        return super().coerce(value if isinstance(value, QualityValue) else str(value))
