"""Figures are told as they were found, and those that miss what is promised say so."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.page import BEGIN, END, block, found, page, write
from benchmarks.support import Promise, Report, publish
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("promise", "kept", "bound"),
    [
        pytest.param(Promise("a", 1.1, most=1.1, unit="×"), True, "at most 1.1 ×", id="just kept"),
        pytest.param(Promise("a", 1.11, most=1.1), False, "at most 1.1", id="more than promised"),
        pytest.param(Promise("a", 1.9, least=2), False, "at least 2", id="less than promised"),
        pytest.param(Promise("a", 2.5, least=2, unit="×"), True, "at least 2 ×", id="enough"),
        pytest.param(Promise("a", 9.0), True, "", id="nothing promised"),
    ],
)
def test_a_promise_knows_whether_it_is_kept(promise: Promise, kept: bool, bound: str) -> None:
    assert (promise.kept, promise.bound) == (kept, bound)


def test_a_report_becomes_a_page_and_the_readmes_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["/x/mix.py", "--short", "--json", "mix.json", "--cells", "a b"])
    folder = tmp_path / "docs"
    folder.mkdir()
    options = Namespace(json=folder / "mix.json", chart=folder / "mix.svg")
    bars = {"p50": {"100/s": 1.5, "125/s": 2_000.0}, "p99": {"100/s": 3.0}}
    missed = Promise("latency", 3.0, most=2.0, unit="ms")
    rows = [["100", "a|b"], ["", ""]]
    publish(Report("mix", "A <title>", ["rate", "x"], rows, "ms", bars, promises=[missed]), options)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert list(write(folder, readme)) == [folder / "README.md", readme]

    whole, shown = (folder / "README.md").read_text(), readme.read_text()
    assert '`python -m benchmarks.mix --short --cells "a b"`' in whole
    assert "| rate | x |\n| --- | --- |\n| 100 | a\\|b |\n" in whole
    assert "(mix.svg)" in whole
    assert "| latency | 3 ms | at most 2 ms: **missed** | `mix` |" in shown
    assert "(docs/mix.svg)" in shown
    assert "old" not in shown
    assert (shown[:6], shown[-6:]) == ("before", "after\n")
    drawn = (folder / "mix.svg").read_text()
    assert "A &lt;title&gt;" in drawn
    assert drawn.count("<rect") == 1 + 2 + 3  # the ground, the legend, the bars
    assert "2000 ms" in drawn


def test_no_figures_are_no_page(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no figures"):
        list(write(tmp_path, None))


def test_the_readme_says_what_the_files_say() -> None:
    results = found(ROOT / "docs" / "bench")
    assert (ROOT / "docs" / "bench" / "README.md").read_text() == page(results)
    assert block(results, ROOT) in (ROOT / "README.md").read_text()


def test_every_figure_has_a_program() -> None:
    for path in (ROOT / "docs" / "bench").glob("*.json"):
        assert (ROOT / "benchmarks" / f"{path.stem}.py").exists()
        assert json.loads(path.read_text())["command"].startswith("python -m benchmarks.")
