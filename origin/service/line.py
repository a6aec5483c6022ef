"""Who waits for a render worker: in the pool's queue, or still on the way to it."""

from __future__ import annotations

from collections import Counter


class Line:
    """Renders that were admitted and have not ended, by the content they are made from.

    Variants of one original wait for its decode before they queue for a worker themselves; unless they are
    counted from the start, too many are let in, and told only then. While a content is being fetched, those
    that wait for it are not counted: a slow store is no reason to leave workers idle.
    """

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()
        self._fetching: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(many for content, many in self._waiting.items() if content not in self._fetching)

    def joined(self, content: str) -> _Counted:
        """Around a render, from before it is admitted."""
        return _Counted(self._waiting, content)

    def fetching(self, content: str) -> _Counted:
        """Around the fetching of a content."""
        return _Counted(self._fetching, content)


class _Counted:
    __slots__ = ("_content", "_counts")

    def __init__(self, counts: Counter[str], content: str) -> None:
        self._counts = counts
        self._content = content

    def __enter__(self) -> None:
        self._counts[self._content] += 1

    def __exit__(self, *_: object) -> None:
        self._counts[self._content] -= 1
        if not self._counts[self._content]:
            del self._counts[self._content]
