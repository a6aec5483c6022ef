"""The README's own lines, run as they stand."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT, OriginFactory
from tests.support import pictures
from tests.support.origin import KEY

README = (ROOT / "README.md").read_text()


def test_nothing_written_by_hand_is_where_the_next_generation_overwrites_it() -> None:
    generated = re.findall("(?s)<!-- [a-z]+: begin .*?-->(.*?)<!-- [a-z]+: end -->", README)
    assert len(generated) == 3
    assert not any("curl" in block or "```" in block for block in generated)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_five_lines_from_nothing_to_a_private_picture(origin_factory: OriginFactory, tmp_path: Path) -> None:
    section = README.partition("## People and their pictures\n")[2]
    script = section.partition("```sh\n")[2].partition("```")[0]
    assert len(script.splitlines()) == 5
    server = origin_factory(ORIGIN_SIGNING_KEYS=f"web:{KEY}", ORIGIN_UNSIGNED="none")
    (tmp_path / "holiday.jpg").write_bytes(pictures.card(800, 600, ".jpg"))
    lines = script.replace("https://img.example", server.url).splitlines()
    done = subprocess.run(
        ["sh", "-ec", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    url = json.loads(done.stdout[done.stdout.rindex('{"url"') :])["url"]
    answer = server.get(urlsplit(url).path, Accept="image/webp")
    assert (answer.status, answer["Content-Type"], answer["Cache-Control"][:8]) == (
        200,
        "image/webp",
        "private,",
    )
    assert server.get("/w_640,f_auto/holiday").status == 403
