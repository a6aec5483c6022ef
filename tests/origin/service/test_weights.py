"""What a render is thought to need before its picture is opened."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from origin.backends.files import FolderSource
from origin.imaging.host import host_memory
from origin.imaging.model import Limits
from origin.ports import Asset, AssetVersion
from origin.service.access import Credentials
from origin.service.admission import Admitted, Reading
from origin.service.catalog import Found
from origin.service.weights import Weights
from urlspec.parse import parse

MIB = 1 << 20
WHEN = datetime(2026, 5, 17, tzinfo=UTC)


def admitted(chain: str, format: str, width: int, height: int, *, known: bool = True, **of: Any) -> Admitted:
    """A request for a picture of which the catalog knows everything, or its size in bytes only."""
    request = parse(f"/{chain}/cat".encode())
    facts = {"frames": 1, "has_alpha": False, "orientation": 1, "bytes": 5_000_000, **of}
    version = AssetVersion(1, "0" * 64, format=format, width=width, height=height, created=WHEN, **facts)
    asset = Asset("cat", None, "public", version, purges=0, created=WHEN) if known else None
    found = Found(
        request.source,
        "cat:1",
        WHEN,
        FolderSource(Path()),
        "cat",
        size=version.bytes,
        asset=asset,
        version=version if known else None,
    )
    reading = Reading(request, request, request.canonical())
    return Admitted(reading, request, Credentials(None), (found,), "jpeg", "key", hinted=False, modified=0.0)


@pytest.mark.parametrize(
    ("chain", "format", "size", "least", "most"),
    [
        pytest.param("w_300,f_webp", "jpeg", (6000, 4000), 190, 260, id="a JPEG, which may be progressive"),
        pytest.param("w_300,f_webp", "png", (6000, 4000), 30, 80, id="a PNG streams"),
        pytest.param("w_300,f_webp", "avif", (6000, 4000), 500, 900, id="an AVIF does not"),
        pytest.param("w_30,f_webp", "png", (60, 40), 25, 40, id="a small one"),
        pytest.param("c_scale,w_4000,f_avif", "png", (4000, 3000), 350, 900, id="a large result"),
    ],
)
async def test_known_pictures(chain: str, format: str, size: tuple[int, int], least: int, most: int) -> None:
    assert least <= await Weights(Limits()).of(admitted(chain, format, *size)) / MIB <= most


@pytest.mark.parametrize(
    ("bytes", "least", "most"), [(0, 25, 40), (1_000_000, 80, 100), (60_000_000, 1024, 1024)]
)
async def test_pictures_of_which_only_the_size_is_known(bytes: int, least: int, most: int) -> None:
    wanted = admitted("w_300", "jpeg", 6000, 4000, known=False, bytes=bytes)
    assert least <= await Weights(Limits()).of(wanted) / MIB <= most


async def test_what_cannot_be_planned_is_weighed_by_its_size() -> None:
    """The worker refuses it, and until then it counts."""
    wanted = admitted("c_crop,w_50,h_50,x_900,y_900", "png", 60, 40, bytes=1_000_000)
    assert 80 <= await Weights(Limits()).of(wanted) / MIB <= 100


@pytest.mark.parametrize(
    ("text", "counts"), [("268435456", True), ("max", False), ("9223372036854771712", False), (None, False)]
)
def test_a_container_has_less_than_its_machine(tmp_path: Path, text: str | None, counts: bool) -> None:
    limit = tmp_path / "memory.max"
    if text is not None:
        limit.write_text(text + "\n")
    machine = host_memory(())
    assert machine > 256 * MIB
    assert host_memory((str(limit),)) == (256 * MIB if counts else machine)
