"""How much work an encoder may take over a picture: more of it makes fewer bytes of the same look.

Measured by ``benchmarks/formats.py``: bits a pixel at 70 points of SSIMULACRA2, the level found for each, and
milliseconds of CPU for a megapixel; photographs in 640 px. (In 1600 px the order is the same and a megapixel
takes 10 to 25 % less: AVIF 46, 123, 262, 421 ms.)

    JPEG  plain tables         1.17    4      WebP  0  1.18   24      AVIF  0  0.94    53
          best tables          1.13    8            1  1.11   31            1  0.88   158
          and progressive      1.12   17            2  1.07   42            2  0.84   279
          and trellis          1.10   51            3  1.03   92            3  0.78   544
          mozjpeg's all        1.02   78            4  1.02   90            4  0.76  2420

Without loss, bytes beside those of the usual effort, photograph / screenshot / drawing, and the same time:

    PNG  level 1  +47 / +35 / +140 %   40      WebP  0   +7 /  +13 / +550 %  100-260
         level 2   +4 /  +5 /  +17 %   50            1   +2 /   +1 /    0 %  320-400
         level 6                       95            2                       410
         level 9   -2 /  +8 /    0 %  400            4   -2 /   -3 /   -1 %  440-490

So a usual answer takes what stands before the steep part of each curve, a hurried one the cheapest that is
not much larger, and a thorough one, which nobody waits for, what AVIF has to give.
"""

from __future__ import annotations

from typing import Final, Literal

Diligence = Literal["hurried", "usual", "thorough"]
"""``hurried``: many renders wait. ``thorough``: nobody waits, and the machine is idle."""

_SMALL_AVIF: Final = 100_000
"""Pixels up to which AVIF is written well at once: that takes 30 ms, and a second visit would cost more."""
_QUICK_AVIF: Final = 800_000
"""Pixels above which AVIF is at first written with its least effort, so that 1600 px take at most 150 ms."""
_LARGE_AVIF: Final = 8_000_000
"""Pixels above which the better one would take more than 4 s."""


def effort(name: str, pixels: int, diligence: Diligence = "usual", *, lossless: bool = False) -> int:
    """The encoder's own number: of WebP and AVIF its effort, of PNG zlib's level, of JPEG 0 for plain tables
    and 1 for those that suit the picture. Other formats have one effort (0).

    ``pixels`` are those of one frame.
    """
    hurried = diligence == "hurried"
    match name:
        case "jpeg":
            return 0 if hurried else 1
        case "png":
            return 2 if hurried else 6
        case "webp" if lossless:
            return 1 if hurried else 2
        case "webp":
            return 0 if hurried else 2
        case "avif" if pixels <= _SMALL_AVIF:
            return 0 if hurried else 2
        case "avif" if diligence == "thorough":
            return 3 if pixels <= _LARGE_AVIF else 1
        case "avif":
            return 0 if hurried or pixels > _QUICK_AVIF else 1
    return 0
