"""What the benchmarks share: a running server, its CPU time, photographs, tables, JSON and charts."""

from __future__ import annotations

from statistics import median

from benchmarks.support.photographs import ROOT, busy, copies, corpus, photos
from benchmarks.support.reports import Promise, Report, arguments, machine, publish, table, versions
from benchmarks.support.servers import Get, Server, cpu_of, processes_of, serving

__all__ = [
    "ROOT",
    "Get",
    "Promise",
    "Report",
    "Server",
    "arguments",
    "busy",
    "copies",
    "corpus",
    "cpu_of",
    "machine",
    "median",
    "photos",
    "processes_of",
    "publish",
    "serving",
    "table",
    "versions",
]
