"""``origin`` and ``python -m origin``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line.

    Imports happen inside: render workers are spawned, and spawning imports this module again in each.
    """
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
