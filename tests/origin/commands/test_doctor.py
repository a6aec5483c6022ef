"""The table of formats that ``origin doctor`` prints."""

from __future__ import annotations

import io

from rich.console import Console

from origin.commands.doctor import format_table
from origin.imaging.capabilities import Format


def test_a_missing_extra_is_named_as_it_is_installed() -> None:
    out = io.StringIO()
    formats = (
        Format("jpeg", reads=True, writes=True, by="libvips"),
        Format("heic", reads=False, writes=False, by="libheif", missing='pip install "image-origin[heic]"'),
    )
    Console(file=out, width=160).print(format_table(formats, frozenset({"jpeg"})))
    lines = {line.split()[0]: line for line in out.getvalue().splitlines() if line.strip()}
    assert 'pip install "image-origin[heic]", name heic in ORIGIN_ACCEPT' in lines["heic"]
    assert lines["jpeg"].count("yes") == 3
    assert "heic" not in lines["jpeg"]
