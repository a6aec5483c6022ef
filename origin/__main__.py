"""``origin`` and ``python -m origin``."""

from __future__ import annotations

import gc
import sys
from typing import Final

YOUNG: Final = 50_000
"""Objects between two visits of the garbage collector: imports make many, and none of them is garbage."""


def main() -> None:
    """Run the command line.

    Imports happen inside: render workers are spawned, and spawning imports this module again in each.
    """
    gc.set_threshold(YOUNG)  # a fifth of the time that a start takes; a server that has started goes back
    try:
        from origin.cli import app
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in {"origin", "urlspec"}:
            raise
        print('This needs the server: pip install "image-origin[server]"', file=sys.stderr)  # noqa: T201
        sys.exit(1)
    app()


if __name__ == "__main__":
    main()
