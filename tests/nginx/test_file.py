"""The shipped nginx.conf as a file: it loads, says what a site changes, spreads and logs."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import NginxFactory
from tests.support import servers
from tests.support.edge import picture
from tests.support.upstream import ask, fresh_id, upstream


def test_the_file_loads_with_nothing_but_its_site_lines_changed(tmp_path: Path) -> None:
    text = servers.NGINX_CONF.read_text()
    text = text.replace("/var/cache/nginx/origin", str(tmp_path / "cache"))
    text = text.replace("/var/log/nginx", str(tmp_path))
    conf = tmp_path / "nginx.conf"
    conf.write_text(text)
    words = [servers.program("nginx"), "-t", "-q", "-e", f"{tmp_path}/e.log", "-c", str(conf)]
    done = subprocess.run([*words, "-g", f"pid {tmp_path}/pid;"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_site_lines() -> None:
    marked = [line.strip() for line in servers.NGINX_CONF.read_text().splitlines() if "# site:" in line]
    said = {line.split("# site: ")[1].split(",")[0]: line for line in marked if "# site: " in line}
    assert set(said) == {"listen", "upstream", "cache", "purgers", "refresh secret", "hosts"}
    assert "127.0.0.1:8000" in said["upstream"]
    assert "/var/cache/nginx/origin" in said["cache"]


def test_no_module_beyond_stock() -> None:
    text = servers.NGINX_CONF.read_text()
    assert not re.search(r"load_module|_by_lua|js_import|more_set|cache_purge", text)


def test_one_path_stays_with_one_origin_until_that_dies(nginx_factory: NginxFactory) -> None:
    with upstream(picture) as first, upstream(picture) as second:
        edge = nginx_factory(first.address, second.address)
        uncached = [f"/explain/{fresh_id()}" for _ in range(20)]
        for target in uncached * 3:
            assert ask(edge.url, target).status == 200
        homes = {target: [bool(one.arrived(target)) for one in (first, second)] for target in uncached}
        assert all(sum(where) == 1 for where in homes.values())
        assert {tuple(where) for where in homes.values()} == {(True, False), (False, True)}
        first.stop()
        assert [ask(edge.url, target).status for target in uncached] == [200] * 20


def test_the_log_is_one_json_object_per_request(nginx_factory: NginxFactory) -> None:
    with upstream(picture) as origin:
        edge = nginx_factory(origin.address)
        answer = ask(edge.url, '/a"b', {"User-Agent": 'quo"te\\'})
        assert ask(edge.url, "/w_300/abc").edge == "MISS"
        for _ in range(50):
            if len(edge.access_log()) == 2:
                break
            time.sleep(0.02)
        first, second = (json.loads(line) for line in edge.access_log())
        assert (first["uri"], first["agent"], first["status"]) == ('/a"b', 'quo"te\\', 400)
        assert first["id"] == answer.headers["X-Request-Id"]
        assert (second["edge"], second["status"]) == ("MISS", 200)


def test_a_site_that_names_its_hosts_hangs_up_on_others(tmp_path: Path) -> None:
    def edit(text: str) -> str:
        lines = "default 0;\n        img.example 1;\n        *.cdn.example 1;"
        return text.replace("default 1;  # site: hosts", lines)

    with upstream(picture) as origin:
        edge = servers.nginx_server(tmp_path, origin.address, edit=edit)
        try:
            for known in ("img.example", "IMG.EXAMPLE:8080", "a.cdn.example"):
                assert ask(edge.url, f"/{fresh_id()}", {"Host": known}).status == 200
            for stranger in ("other.example", "img.example.evil", "127.0.0.1", "evil", ""):
                with pytest.raises(ConnectionResetError):
                    ask(edge.url, f"/{fresh_id()}", {"Host": stranger})
            assert len(origin.seen) == 3
        finally:
            edge.stop()
