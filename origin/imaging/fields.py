"""What libvips knows of a picture beside its pixels."""

from __future__ import annotations

from pyvips import ffi, glib_lib, vips_lib

from origin.imaging.colour import VipsImage


def field_names(image: VipsImage) -> list[str]:
    """The names of a picture's fields.

    libvips makes some of what stands in the file. Those that are no text are left out; ``get_fields`` of
    pyvips raises UnicodeDecodeError for them.
    """
    found: list[bytes] = []
    array = vips_lib.vips_image_get_fields(image.pointer)
    while array[len(found)] != ffi.NULL:
        name = array[len(found)]
        found.append(ffi.string(name))
        glib_lib.g_free(name)
    glib_lib.g_free(array)
    return [name.decode() for name in found if _is_text(name)]


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
