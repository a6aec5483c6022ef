"""Everything that is kept in SQLite or PostgreSQL."""

from __future__ import annotations

from origin.backends.sql_edges import SqlEdges
from origin.backends.sql_library import SqlLibrary
from origin.backends.sql_people import SqlPeople
from origin.backends.sql_sweep import SqlSweep
from origin.backends.sql_transfer import SqlTransfer
from origin.backends.sql_uploads import SqlIdempotency, SqlTickets


class Database(SqlLibrary, SqlPeople, SqlTickets, SqlIdempotency, SqlEdges, SqlSweep, SqlTransfer):
    """Assets, users, tokens and uploads in one database, which is opened by the first call."""
