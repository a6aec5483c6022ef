"""Whether two files show the same picture: encoders differ from build to build in what no eye sees."""

from __future__ import annotations

from pathlib import Path

GREY = 128
"""What lies behind transparency in the comparison."""


def difference(one: str, other: str) -> float:
    """Mean difference of two picture files, 0 to 255 a channel; 255 when size or kind differ.

    Of an animation the first frame counts. Raises pyvips.Error for a file that is no picture. For a worker.
    """
    import pyvips

    first, second = (pyvips.Image.new_from_buffer(Path(path).read_bytes(), "") for path in (one, other))
    if (first.width, first.height, first.hasalpha()) != (second.width, second.height, second.hasalpha()):
        return 255.0
    flat = []
    for image in (first, second):
        shown = image.colourspace("srgb")
        flat.append(shown.flatten(background=GREY) if shown.hasalpha() else shown)
    return float((flat[0].cast("float") - flat[1].cast("float")).abs().avg())
