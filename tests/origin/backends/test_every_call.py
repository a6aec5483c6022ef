"""Whatever is asked of a database that is away says so, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from origin.backends.database import Database
from origin.errors import DatabaseUnavailable
from origin.ports import Revocation, Ticket, User
from tests.origin.backends.conftest import WHEN, an_asset
from tests.support.servers import free_port


async def nothing() -> None:
    raise AssertionError("nothing may be removed")


CALLS: dict[str, Callable[[Database], Awaitable[object]]] = {
    "ping": lambda d: d.ping(),
    "migrate": lambda d: d.migrate(),
    "find": lambda d: d.find("id"),
    "find_same": lambda d: d.find_same("owner", "ab" * 32, visibility="public"),
    "changed_since": lambda d: d.changed_since(0),
    "add": lambda d: d.add(an_asset()),
    "delete": lambda d: d.delete("id"),
    "purge": lambda d: d.purge("id"),
    "page": lambda d: d.page("owner", limit=1, tag="tag", visibility="public"),
    "owned": lambda d: d.owned("owner", "id"),
    "change": lambda d: d.change("owner", "id", tags=[]),
    "add_version": lambda d: d.add_version("owner", "id", an_asset().current),
    "purge_versions": lambda d: d.purge_versions("owner", "id"),
    "discard": lambda d: d.discard("owner", "id"),
    "restore": lambda d: d.restore("owner", "id", since=WHEN),
    "bytes_of": lambda d: d.bytes_of("owner"),
    "expired": lambda d: d.expired(WHEN, 1),
    "bury": lambda d: d.bury("id", WHEN),
    "referenced": lambda d: d.referenced(["ab" * 32]),
    "remove_unreferenced": lambda d: d.remove_unreferenced("ab" * 32, nothing),
    "forget_old": lambda d: d.forget_old(WHEN),
    "add_user": lambda d: d.add_user(User("id", "email", "hash", WHEN)),
    "user_by_email": lambda d: d.user_by_email("email"),
    "user_by_id": lambda d: d.user_by_id("id"),
    "revoke": lambda d: d.revoke("jti", WHEN),
    "revoked": lambda d: d.revoked(["jti"]),
    "add_ticket": lambda d: d.add_ticket(
        Ticket("id", "owner", "ab" * 32, 1, "public", (), "key", WHEN, WHEN)
    ),
    "ticket": lambda d: d.ticket("owner", "id"),
    "drop_ticket": lambda d: d.drop_ticket("id"),
    "cancel_ticket": lambda d: d.cancel_ticket("key"),
    "begin": lambda d: d.begin("owner", "key", "fingerprint", WHEN),
    "finish": lambda d: d.finish("owner", "key", 200, b""),
    "abandon": lambda d: d.abandon("owner", "key"),
    "emitted": lambda d: d.emitted(["id"], "/path"),
    "emitted_for": lambda d: d.emitted_for("id"),
    "forget_emitted": lambda d: d.forget_emitted("id", ["/path"]),
    "remind": lambda d: d.remind("id", WHEN, WHEN),
    "due": lambda d: d.due(WHEN, 1),
    "put_off": lambda d: d.put_off("id", WHEN, WHEN),
    "reminded": lambda d: d.reminded("id", WHEN),
    "count_all": lambda d: d.count_all(),
    "assets_after": lambda d: d.assets_after("", 1),
    "users_after": lambda d: d.users_after("", 1),
    "revocations_after": lambda d: d.revocations_after("", 1),
    "known_assets": lambda d: d.known_assets(["id"]),
    "known_users": lambda d: d.known_users([User("id", "email", "hash", WHEN)]),
    "put_assets": lambda d: d.put_assets([an_asset()]),
    "put_users": lambda d: d.put_users([User("id", "email", "hash", WHEN)]),
    "put_revocations": lambda d: d.put_revocations([Revocation("token", WHEN)]),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tableless(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database')}/origin.db"
        return
    yield request.getfixturevalue("postgres_database")


def test_no_call_is_left_out() -> None:
    public = {name for name in dir(Database) if not name.startswith("_")}
    assert public - {"close"} == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
async def test_a_database_that_nobody_serves(call: str) -> None:
    database = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(DatabaseUnavailable):
        await CALLS[call](database)
    await database.close()


@pytest.mark.parametrize("call", [call for call in CALLS if call != "migrate"])
async def test_a_database_without_tables(tableless: str, call: str) -> None:
    database = Database(tableless)
    with pytest.raises(DatabaseUnavailable):
        await CALLS[call](database)
    await database.close()
