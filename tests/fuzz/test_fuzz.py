"""The fuzz targets find nothing in a few hundred inputs, and do find what is there; `make fuzz` searches."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import bodies, paths
from tests.fuzz.bodies import Body

few = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("target", [paths, bodies], ids=["paths", "bodies"])
def test_a_short_search_finds_nothing(target: object) -> None:
    outcomes = set()

    @few
    @given(target.INPUTS)  # type: ignore[attr-defined]
    def search(drawn: object) -> None:
        outcomes.add(target.check(drawn))  # type: ignore[attr-defined]

    search()
    assert len(outcomes) > 1, "everything ends the same way: the inputs do not get far"


def test_a_body_that_arrives_otherwise_is_found() -> None:
    data = b'--e\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc\r\n--e--\r\n'
    sent = Body("multipart/form-data; boundary=e", str(len(data)), (data,), whole=True, file=b"abd")
    with pytest.raises(AssertionError, match="other bytes"):
        bodies.check(sent)
