"""Originals without metadata: the same pixels, profile and orientation, and nothing that tells of people."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips

from origin.errors import ImageCorrupt
from origin.imaging.clean import cleaned
from origin.imaging.sniff import sniff
from tests.support.pictures import animated, card, difference, frames_of, header, oriented, size_of

SECRETS = (b"SECRETCAM", b"SECRETPLACE", b"SECRETXMP", b"SECRETIPTC", b"SECRETCOMMENT", b"SECRETTEXT")


def told(orientation: int) -> Any:
    """The card as stored, with everything a camera and an editor write."""
    image = pyvips.Image.new_from_buffer(oriented(orientation, suffix=".png"), "").copy()
    for name, value in {
        "ifd0-Artist": "Ada",
        "ifd0-Copyright": "Ada 2026",
        "ifd0-Model": "SECRETCAM",
    }.items():
        image.set_type(pyvips.GValue.gstr_type, f"exif-{name}", value)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSAreaInformation", "SECRETPLACE")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta>SECRETXMP</x:xmpmeta>")
    image.set_type(pyvips.GValue.blob_type, "iptc-data", b"Photoshop 3.0\0SECRETIPTC")
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def jpeg(orientation: int = 1) -> bytes:
    data = bytes(told(orientation).jpegsave_buffer(Q=95, profile="srgb"))
    comment = b"SECRETCOMMENT"
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:] + b"SECRETTEXT"


def png(orientation: int = 1) -> bytes:
    data = bytes(told(orientation).pngsave_buffer(profile="srgb"))
    body = b"Comment\0SECRETTEXT"
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    return data[:33] + chunk + data[33:]


def webp(orientation: int = 1) -> bytes:
    return bytes(told(orientation).webpsave_buffer(lossless=True, profile="srgb"))


def tiff(orientation: int = 1) -> bytes:
    return bytes(told(orientation).tiffsave_buffer(compression="lzw", profile="srgb"))


def bigtiff(orientation: int = 1) -> bytes:
    return bytes(told(orientation).tiffsave_buffer(compression="deflate", bigtiff=True, profile="srgb"))


def avif(orientation: int = 1) -> bytes:
    return bytes(told(orientation).heifsave_buffer(compression="av1", profile="srgb", effort=0))


def gif(orientation: int = 1) -> bytes:
    """An animation with a comment, and XMP as Adobe writes it."""
    data = animated(3)
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    comment = b"\x21\xfe\x0dSECRETCOMMENT\0"
    magic = bytes(range(255, -1, -1))
    xmp = b"\x21\xff\x0bXMP DataXMP<x>SECRETXMP</x>\x01" + magic + b"\0"
    return data[:at] + comment + xmp + data[at:]


MAKERS: dict[str, Callable[..., bytes]] = {
    "jpeg": jpeg, "png": png, "webp": webp, "tiff": tiff, "bigtiff": bigtiff, "avif": avif, "gif": gif,
}  # fmt: skip


def clean(data: bytes, **more: bool) -> bytes:
    return cleaned(sniff(data), data, **more)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_secrets_go_and_pixels_stay(name: str, orientation: int) -> None:
    data = MAKERS[name](orientation)
    before = [secret for secret in SECRETS if secret in data]
    assert before, "the test has nothing to find"
    after = clean(data)
    assert not [secret for secret in (*SECRETS, b"Ada") if secret in after]
    assert difference(data, after).max == 0
    assert size_of(data) == size_of(after)
    assert frames_of(data) == frames_of(after)
    for field in ("icc-profile-data", "orientation", "delay", "loop"):
        one, other = header(data), header(after)
        kept = [image.get(field) if image.get_typeof(field) else None for image in (one, other)]
        assert kept[0] == kept[1] or (field == "orientation" and set(kept) == {1, None})


@pytest.mark.parametrize("name", MAKERS)
def test_cleaning_twice_changes_nothing_more(name: str) -> None:
    once = clean(MAKERS[name](6))
    assert clean(once) == once


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".gif", ".tif"])
def test_nothing_to_remove_gives_the_very_bytes(suffix: str) -> None:
    once = clean(card(suffix=suffix))
    assert clean(once) is once
    if suffix in {".jpg", ".webp"}:
        plain = bytes(pyvips.Image.new_from_buffer(card(), "").write_to_buffer(suffix, keep="none"))
        assert clean(plain) is plain


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff"])
def test_credit_is_kept_when_asked(name: str) -> None:
    kept = clean(MAKERS[name](6), credit=True)
    assert not [secret for secret in SECRETS if secret in kept]
    fields = header(kept)
    if name != "tiff":
        assert fields.get("exif-ifd0-Copyright").startswith("Ada 2026")
        assert fields.get("exif-ifd0-Artist").startswith("Ada")
    assert fields.get("orientation") == 6


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.95])
def test_a_part_of_a_file_is_refused_or_harmless(name: str, part: float) -> None:
    data = MAKERS[name]()
    try:
        made = clean(data[: int(len(data) * part)])
    except ImageCorrupt:
        return
    assert name in {"tiff", "bigtiff", "avif", "webp"}, "the structure was not followed to its end"
    assert len(made) <= len(data)


@pytest.mark.parametrize("name", MAKERS)
def test_damage_never_crashes_or_hangs(name: str) -> None:
    data = MAKERS[name]()
    step = max(1, len(data) // 300)
    for at in range(0, len(data), step):
        broken = bytearray(data)
        broken[at] ^= 0xFF
        try:
            made = cleaned(sniff(data), bytes(broken))
        except ImageCorrupt:
            continue
        assert len(made) <= len(data) + 64


def test_directories_in_a_circle_end() -> None:
    data = bytearray(tiff())
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    struct.pack_into(order + "I", data, start + 2 + 12 * count, start)
    assert len(clean(bytes(data))) == len(data)


def test_a_preview_behind_the_picture_goes() -> None:
    second = jpeg()
    data = card(suffix=".jpg") + second
    made = clean(data)
    assert made == clean(card(suffix=".jpg"))
    assert difference(made, card(suffix=".jpg")).max == 0


def test_every_file_of_the_corpus_stays_the_same_picture(
    corpus: Path, corpus_files: list[dict[str, Any]]
) -> None:
    seen = 0
    for entry in corpus_files:
        path = corpus / entry["path"]
        if entry["expected"] != "decode-ok" or entry["bytes"] > 150_000:
            continue
        data = path.read_bytes()
        kind = sniff(data[:512])
        if kind not in {"jpeg", "png", "webp", "gif", "tiff", "avif"}:
            continue
        made = cleaned(kind, data)
        one, other = (pyvips.Image.new_from_buffer(one, "") for one in (data, made))
        assert one.write_to_memory() == other.write_to_memory(), entry["path"]
        for field in ("icc-profile-data", "orientation"):
            kept = [image.get(field) if image.get_typeof(field) else None for image in (one, other)]
            assert kept[0] == kept[1] or set(kept) <= {0, 1, None}, (entry["path"], field)
        assert not [name for name in other.get_fields() if "GPS" in name or name.startswith("iptc")]
        seen += 1
    assert seen > 50
