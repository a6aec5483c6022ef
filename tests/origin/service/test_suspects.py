"""Who is suspected of ending workers, and how suspects get their turns."""

from __future__ import annotations

import asyncio

import pytest

from origin.backends.strikes import LocalStrikes
from origin.errors import ImageUnprocessable, Overloaded
from origin.imaging.model import Job, Lost, Rendered, Source
from origin.service.refused import LINE, STORM, Case, Lane, Refusals, Suspects


class Renderer:
    """Makes everything, or loses a worker to each of the paths in ``deadly``."""

    def __init__(self, *deadly: str) -> None:
        self.deadly = deadly
        self.tried: list[str] = []

    async def render(self, job: Job, lost: Lost | None = None) -> Rendered:
        (source,) = job.sources.values()
        self.tried.append(source.path)
        if source.path in self.deadly:
            assert lost is not None
            await lost()
            raise ImageUnprocessable
        return Rendered(b"", "image/png", "png", 1, 1)


def refusals(*deadly: str) -> tuple[Refusals, Renderer]:
    renderer = Renderer(*deadly)
    return Refusals(LocalStrikes(), renderer, rest=0.0), renderer


async def case(refusals: Refusals, content: str, chain: str = "w_1") -> Case:
    return await refusals.render(Suspects(chain, (content,)))


async def lost(refusals: Refusals, content: str, *chains: str) -> None:
    for chain in chains:
        await (await case(refusals, content, chain)).lost((Source(content),))


async def alone(refusals: Refusals, content: str) -> bool:
    return (await case(refusals, content, "another"))._lane is not None


async def test_one_loss_is_forgiven_when_it_comes_out() -> None:
    one, _ = refusals()
    assert not await alone(one, "a")
    await lost(one, "a", "w_1")
    assert await alone(one, "a")
    await (await case(one, "a")).passed()
    assert not await alone(one, "a")
    await lost(one, "a", "w_2")
    await (await case(one, "a")).passed()
    assert await alone(one, "a"), "two are not"
    assert not await alone(one, "b")


async def test_what_ends_workers_in_any_form_is_tried_by_itself() -> None:
    one, renderer = refusals("bad")
    await lost(one, "bad", "w_1", "w_2")
    await lost(one, "large", "w_1", "w_2")
    await asyncio.gather(*one._trials)
    with pytest.raises(ImageUnprocessable):
        await case(one, "bad", "w_3")
    assert await alone(one, "large")
    await lost(one, "large", *(f"w_{number}" for number in range(3, 9)))
    await asyncio.gather(*one._trials)
    assert renderer.tried == ["bad", "large", "large", "large"], "after 2, 4 and 8 losses"


async def test_many_that_end_workers_make_strangers_suspects() -> None:
    one, _ = refusals()
    await (await case(one, "known")).passed()
    for number in range(STORM[0]):
        assert not await alone(one, "stranger")
        await lost(one, "same", f"w_{number}")
    for number in range(STORM[0] - 1):
        await lost(one, f"other{number}", "w_1")
    assert await alone(one, "stranger")
    assert not await alone(one, "known")


async def test_one_at_a_time_and_not_too_many_in_line() -> None:
    lane, order = Lane(rest=0.0), list[str]()

    async def suspect(number: int) -> None:
        async with lane.turn():
            order.append(f"{number} begins")
            await asyncio.sleep(0)
            order.append(f"{number} ends")

    suspects = [asyncio.create_task(suspect(number)) for number in range(2 * LINE)]
    ended = await asyncio.gather(*suspects, return_exceptions=True)
    served = [number for number, error in enumerate(ended) if error is None]
    assert order == [f"{number} {what}" for number in served for what in ("begins", "ends")]
    assert len(served) >= LINE
    assert {type(error) for error in ended} == {type(None), Overloaded}


async def test_a_loss_gives_the_workers_a_rest() -> None:
    lane, loop = Lane(rest=0.2), asyncio.get_running_loop()
    async with lane.turn():
        lane.lost()
        lost = loop.time()
    async with lane.turn():
        assert loop.time() - lost > 0.15
