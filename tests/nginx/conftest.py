from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import NginxFactory
from tests.support.edge import SECRET, Edge, picture
from tests.support.upstream import upstream


@pytest.fixture(scope="module")
def edge(nginx_factory: NginxFactory) -> Iterator[Edge]:
    """One edge for a module: tests ask for ids of their own."""
    with upstream(picture) as origin:
        yield Edge(nginx_factory(origin.address, refresh_secret=SECRET).url, origin)


@pytest.fixture
def mortal(nginx_factory: NginxFactory) -> Iterator[Edge]:
    """An edge without a refresh secret, whose origin the test may stop."""
    with upstream(picture) as origin:
        yield Edge(nginx_factory(origin.address).url, origin)
