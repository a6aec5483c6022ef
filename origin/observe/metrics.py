"""What Prometheus is told.

A registry for each server process: a process is one target, and sums are made in queries. What happens is
counted where it happens in plain numbers or here in counters whose labelled children are kept, so that a
request pays about as much for its metrics as for a dictionary or two; everything else is looked up when
Prometheus asks.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from origin.backends.tally import Tally
from origin.backends.window import Counts
from origin.http.checks import Check, checked
from origin.http.exchange import Exchange
from origin.imaging.model import RENDERER_VERSION, Rendered

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
RENDER_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
LOST = ("deadline", "cpu", "killed", "crash")
REFUSED = ("full", "impatient")


class Store(Protocol):
    """A cache that counts."""

    tally: Tally


class Bounded(Protocol):
    """A cache with a budget of bytes."""

    @property
    def used(self) -> int | None: ...

    @property
    def limit(self) -> int: ...


class Window(Protocol):
    """How many requests a storage is asked at once."""

    counts: Counts

    @property
    def width(self) -> int: ...

    @property
    def under_way(self) -> int: ...


class Workers(Protocol):
    """The render pool."""

    @property
    def size(self) -> int: ...

    @property
    def room(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    @property
    def busy(self) -> int: ...


class Metrics:
    """Counts requests and renders, and asks the parts it is told of."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the lines, and nobody asks for them
        self.registry = CollectorRegistry()
        registry = self.registry
        ProcessCollector(registry=registry)
        Gauge("origin_renderer_info", "The renderer's version.", ["version"], registry=registry).labels(
            RENDERER_VERSION
        ).set(1)
        self._requests = Counter(
            "origin_requests",
            "Requests answered, by route, method, status and where a picture came from.",
            ["route", "method", "status", "cache"],
            registry=registry,
        )
        self._seconds = Histogram(
            "origin_request_seconds",
            "Seconds from a request's head to its answer's end, by route and where a picture came from.",
            ["route", "cache"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._sent = Counter("origin_sent_bytes", "Bytes of answers' bodies.", ["route"], registry=registry)
        self._received = Counter(
            "origin_received_bytes", "Bytes of requests' bodies, as announced.", ["route"], registry=registry
        )
        self._problems = Counter(
            "origin_problems", "Answers that were problem documents, by code.", ["code"], registry=registry
        )
        self._fetching = Histogram(
            "origin_fetch_seconds",
            "Seconds until a picture's originals were there as checked local files.",
            buckets=RENDER_BUCKETS,
            registry=registry,
        )
        self._rendering = Histogram(
            "origin_render_seconds",
            "Seconds in a worker: probe, render (to the last pixel), encode (streaming decodes included).",
            ["stage", "format"],
            buckets=RENDER_BUCKETS,
            registry=registry,
        )
        self._waiting = Histogram(
            "origin_queue_wait_seconds",
            "Seconds that a job waited for a worker.",
            buckets=(0.001, *RENDER_BUCKETS),
            registry=registry,
        )
        self._refused = Counter(
            "origin_jobs_refused",
            "Jobs sent away: the queue was full, or the wait too long (impatient).",
            ["reason"],
            registry=registry,
        )
        self._lost = Counter(
            "origin_workers_lost",
            "Workers that ended amid a job: deadline, cpu, killed (from outside, out of memory) or crash.",
            ["reason"],
            registry=registry,
        )
        for reason in REFUSED:
            self._refused.labels(reason)
        for reason in LOST:
            self._lost.labels(reason)
        self._states: dict[str, tuple[bool, float]] = {}
        self._checks: Mapping[str, tuple[Check, bool]] = {}
        self._stores: dict[str, Store] = {}
        self._bounded: dict[str, Bounded] = {}
        self._windows: dict[str, Window] = {}
        self._look(self._caches)
        self._look(self._storages)
        self._children: dict[tuple[str, str, int, str], tuple[Counter, Histogram, Counter]] = {}

    # What happens -------------------------------------------------------------------------------------

    def exchange(self, exchange: Exchange) -> None:
        """A request has ended."""
        method = exchange.scope["method"]
        key = (exchange.route, method if method in METHODS else "other", exchange.status, exchange.cache)
        children = self._children.get(key)
        if children is None:
            route, _, status, cache = key
            children = self._children[key] = (
                self._requests.labels(route, key[1], str(status), cache),
                self._seconds.labels(route, cache),
                self._sent.labels(route),
            )
        requests, seconds, sent = children
        requests.inc()
        seconds.observe(exchange.seconds)
        sent.inc(exchange.sent)
        if received := exchange.received:
            self._received.labels(exchange.route).inc(received)
        if (error := exchange.error) is not None:
            self._problems.labels(getattr(error, "code", "") or "internal").inc()
        if "fetch" in exchange.stages:
            self._fetching.observe(exchange.stages["fetch"])

    def waited(self, seconds: float) -> None:
        self._waiting.observe(seconds)

    def refused(self, why: str) -> None:
        self._refused.labels(why).inc()

    def rendered(self, done: Rendered) -> None:
        for stage, seconds in done.seconds.items():
            self._rendering.labels(stage, done.format).observe(seconds)

    def lost(self, why: str) -> None:
        self._lost.labels(why).inc()

    # What is looked up --------------------------------------------------------------------------------

    def watch_pool(self, pool: Workers) -> None:
        def collect() -> Iterable[Metric]:
            yield GaugeMetricFamily("origin_workers", "Render workers.", pool.size)
            yield GaugeMetricFamily("origin_workers_busy", "Jobs in workers.", pool.busy)
            yield GaugeMetricFamily("origin_queue_jobs", "Jobs that wait for a worker.", pool.waiting)
            yield GaugeMetricFamily("origin_queue_limit", "Jobs that may wait.", pool.room)
            resident = resident_bytes(children())
            if resident is not None:
                yield GaugeMetricFamily(
                    "origin_workers_resident_bytes", "Memory of all workers together.", resident
                )

        self._look(collect)

    def watch_store(self, name: str, store: Store, bounded: Bounded | None = None) -> None:
        """``memory redis files`` keep results, ``sources`` the local copies of originals,
        ``rasters`` decoded pictures.

        Without ``bounded`` the store makes room by itself, and nobody here knows how often.
        """
        self._stores[name] = store
        if bounded is not None:
            self._bounded[name] = bounded

    def _caches(self) -> Iterable[Metric]:
        lookups = CounterMetricFamily(
            "origin_cache_lookups", "Lookups in a cache: hit, miss or error.", labels=["store", "result"]
        )
        for name, store in self._stores.items():
            lookups.add_metric([name, "hit"], store.tally.hits)
            lookups.add_metric([name, "miss"], store.tally.misses)
            lookups.add_metric([name, "error"], store.tally.errors)
        evictions = CounterMetricFamily(
            "origin_cache_evictions", "Entries that left a cache to make room.", labels=["store"]
        )
        used = GaugeMetricFamily("origin_cache_bytes", "Bytes in a cache.", labels=["store"])
        limit = GaugeMetricFamily(
            "origin_cache_limit_bytes", "Bytes that a cache may hold.", labels=["store"]
        )
        for name, one in self._bounded.items():
            evictions.add_metric([name], self._stores[name].tally.evictions)
            limit.add_metric([name], one.limit)
            if (known := one.used) is not None:
                used.add_metric([name], known)
        return lookups, evictions, used, limit

    def watch_window(self, store: str, window: Window) -> None:
        """``originals``, or the name of a source in S3."""
        self._windows[store] = window

    def _storages(self) -> Iterable[Metric]:
        labels = ["store"]
        asking = GaugeMetricFamily("origin_storage_requests", "Requests to S3 under way.", labels=labels)
        window = GaugeMetricFamily(
            "origin_storage_window",
            "Requests to S3 that may be under way: fewer while it asks to be spared.",
            labels=labels,
        )
        slowed = CounterMetricFamily(
            "origin_storage_slowed", "Times that S3 asked for less, or let time pass.", labels=labels
        )
        turned_away = CounterMetricFamily(
            "origin_storage_turned_away", "Requests not sent to S3: too many waited.", labels=labels
        )
        for name, one in self._windows.items():
            asking.add_metric([name], one.under_way)
            window.add_metric([name], one.width)
            slowed.add_metric([name], one.counts.narrowed)
            turned_away.add_metric([name], one.counts.turned_away)
        return asking, window, slowed, turned_away

    def watch_counts(
        self, name: str, help: str, label: str, counts: Callable[[], Mapping[str, float]]
    ) -> None:
        """A counter ``name`` by ``label``, kept by somebody else."""

        def collect() -> Iterable[Metric]:
            family = CounterMetricFamily(name, help, labels=[label])
            for value, count in counts().items():
                family.add_metric([value], count)
            yield family

        self._look(collect)

    def watch_number(self, name: str, help: str, count: Callable[[], float], *, grows: bool = False) -> None:
        """A number kept by somebody else: a counter when it only ``grows``, else a gauge."""
        kind = CounterMetricFamily if grows else GaugeMetricFamily
        self._look(lambda: [kind(name, help, count())])

    def watch_dependencies(self, checks: Mapping[str, tuple[Check, bool]]) -> None:
        """Ask ``checks`` each time that Prometheus asks; what is not needed is not missed."""
        self._checks = checks

        def collect() -> Iterable[Metric]:
            up = GaugeMetricFamily(
                "origin_dependency_up",
                "1 when it answered just now; without one that is needed no picture can be made.",
                labels=["dependency", "needed"],
            )
            seconds = GaugeMetricFamily(
                "origin_dependency_seconds", "How long that took.", labels=["dependency"]
            )
            for name, (well, took) in self._states.items():
                up.add_metric([name, "yes" if checks[name][1] else "no"], float(well))
                seconds.add_metric([name], took)
            yield from (up, seconds)

        self._look(collect)

    def _look(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self.registry.register(_Looked(collect))

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text for Prometheus and its media type, as its ``Accept`` asks."""

        async def ask(name: str) -> None:
            started = time.perf_counter()
            state = await checked(self._checks[name][0])
            self._states[name] = (state == "ok", time.perf_counter() - started)

        await asyncio.gather(*(ask(name) for name in self._checks))
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type


class _Looked(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()


def children() -> list[int]:
    """Process ids of this process's children; none where the system does not tell."""
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # the thread has just ended
    return found


def resident_bytes(processes: Sequence[int]) -> int | None:
    """Resident memory of ``processes`` together; None where the system does not tell."""
    total = 0
    for process in processes:
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue  # it has just ended
    return total * os.sysconf("SC_PAGE_SIZE") if processes else None
