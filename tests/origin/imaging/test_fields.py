"""Files whose words are no text: libvips repeats them, and nothing breaks on them."""

from __future__ import annotations

import pickle

import pytest
import pyvips

from origin.errors import ImageCorrupt
from origin.imaging import worker
from origin.imaging.fields import field_names
from origin.imaging.wire import HEAD
from tests.origin.imaging.rendering import render
from tests.support import pictures

CREDIT = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x98\x82\x02\0\x04\0\0\0me \0\0\0\0\0"
"""A copyright, ``me ``."""


@pytest.fixture
def strange() -> bytes:
    """An AVIF with a block of a kind whose name, which becomes a field's, is no UTF-8."""
    image = pictures.card_image(64, 48).copy()
    image.set_type(pyvips.GValue.blob_type, "exif-data", CREDIT)
    data: bytes = image.write_to_buffer(".avif", Q=50, effort=0, keep="exif")
    assert data.count(b"Exif") == 2, "the item's kind, and its content"
    return data.replace(b"Exif", b"\xfe\xffif", 1)


def test_a_field_whose_name_is_no_text(strange: bytes) -> None:
    opened = pyvips.Image.new_from_buffer(strange, "")
    with pytest.raises(UnicodeDecodeError):
        opened.get_fields()
    assert {"width", "vips-loader"} <= set(field_names(opened))
    plain = pictures.card_image()
    assert field_names(plain) == plain.get_fields()
    for chain in ("w_32,f_webp", "w_32,f_avif,meta_all", "w_32,f_jpg,meta_copyright"):
        assert render(f"/{chain}", strange).width == 32


def test_words_of_libvips_that_are_no_text_are_the_files_fault() -> None:
    answer = worker._answer(b"\xff".decode, (), 60)
    _, error, _ = pickle.loads(answer[HEAD.size :])
    assert type(error) is ImageCorrupt
