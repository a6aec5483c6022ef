from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"redis", "aioboto3", "aiobotocore", "botocore", "aiohttp", "asyncpg"}


@pytest.mark.parametrize("module", ["database", "files", "leases", "results", "source_cache"])
def test_one_machine_needs_no_client_of_a_fleet(module: str) -> None:
    program = f"import sys, origin.backends.{module}; print(*({HEAVY!r} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout.split() == []
