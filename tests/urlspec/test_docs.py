"""What is generated from the declarations is fresh, and shows every one of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from urlspec import docs, operations, parse
from urlspec.declare import usage
from urlspec.pipeline import PIPELINE

ROOT = Path(__file__).resolve().parents[2]


def test_the_sdk_methods_are_fresh() -> None:
    assert Path(operations.__file__).read_text() == docs.operations(), "run `origin docs`"


def test_the_readme_is_fresh() -> None:
    readme = (ROOT / "README.md").read_text()
    assert docs.replace_block(readme, docs.reference()) == readme, "run `origin docs`"


def test_the_reference_has_a_row_for_every_argument() -> None:
    rows = [line for line in docs.reference().splitlines() if line.startswith("| `")]
    assert len(rows) == len(PIPELINE)
    for kind in PIPELINE:
        name = usage(kind) if not kind.words else f"{kind.key}_<blend>"
        assert sum(row.startswith(f"| `{name}` |") for row in rows) == 1


def test_every_example_of_the_reference_is_a_url() -> None:
    examples = re.findall(r"`(/[^`]+/cat)` \|$", docs.reference(), re.MULTILINE)
    assert len(examples) == len(PIPELINE)
    for example in examples:
        assert parse(example).warnings == ()


def test_rows_have_the_same_number_of_cells() -> None:
    for line in docs.reference().splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5, line


def test_a_block_is_replaced_between_its_markers() -> None:
    text = f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n"
    replaced = docs.replace_block(text, "new\n")
    assert replaced == f"before\n{docs.BEGIN}\n\nnew\n\n{docs.END}\nafter\n"
    assert docs.replace_block(replaced, "new\n") == replaced


@pytest.mark.parametrize("text", ["", docs.BEGIN, docs.END, f"{docs.END} {docs.BEGIN}"])
def test_a_text_without_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no block"):
        docs.replace_block(text, "new")
