"""What of a source's metadata goes into a result: ``meta_none``, ``meta_copyright``, ``meta_all``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyvips

from origin.imaging import exif
from origin.imaging.colour import VipsImage
from origin.imaging.fields import field_names

_FLAGS: Final = {"exif-data": 1 << 0, "xmp-data": 1 << 1, "iptc-data": 1 << 2}
"""libvips' VipsForeignKeep."""

_SAID: Final = (*_FLAGS, "orientation")

METADATA: Final = tuple(_FLAGS)
"""libvips' names of the blocks that a file may carry."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Blocks by libvips' field name."""

    blocks: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def of(cls, image: VipsImage, keep: str) -> Kept:
        """What ``keep`` leaves of a freshly opened picture."""
        if keep == "none":
            return cls()
        found = {name: bytes(image.get(name)) for name in _FLAGS if image.get_typeof(name)}
        tags = exif.read(found.get("exif-data", b""))
        if keep == "copyright":
            tags.pop(exif.ORIENTATION, None)
            return cls((("exif-data", b"Exif\0\0" + exif.build(tags)),) if tags else ())
        return cls(tuple(found.items()))

    @property
    def flags(self) -> int:
        return sum(_FLAGS[name] for name, _ in self.blocks)

    def on(self, image: VipsImage) -> VipsImage:
        """The picture with these blocks and no others. Its orientation is done, and must not be written:
        some savers do, whatever they are told to keep."""
        if not self.blocks and not any(map(image.get_typeof, _SAID)):
            return image
        image = image.copy()
        for name in field_names(image):
            if name.startswith("exif-") or name in _FLAGS or name == "orientation":
                image.remove(name)
        for name, block in self.blocks:
            image.set_type(pyvips.GValue.blob_type, name, block)
        if self.blocks:
            # Written over the tag in the EXIF block, which still has the source's.
            image.set_type(pyvips.GValue.gint_type, "orientation", 1)
        return image
