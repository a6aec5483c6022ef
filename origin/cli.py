"""The command line. Exit codes: 0 done, 1 it did not work, 2 the command was wrong.

Everything heavy is imported inside the commands: ``--help`` is quick, and a spawned render worker, which
imports the main module again, stays small.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from origin.settings import Settings

app = typer.Typer(
    help="An image CDN origin: URLs become pictures. Settings come from the environment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
keys_app = typer.Typer(help="Signing keys.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys_app, name="keys")
user_app = typer.Typer(help="Users.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user_app, name="user")


def fail(message: str, code: int = 1) -> typer.Exit:
    """Say what went wrong on stderr; the caller raises what comes back."""
    typer.echo(message, err=True)
    return typer.Exit(code)


def settings() -> Settings:
    """The settings, or an exit that names every variable that is wrong."""
    from origin.settings import SettingsError, load_settings, unknown_variables

    try:
        loaded = load_settings()
    except SettingsError as error:
        lines = "\n".join(f"  {problem}" for problem in error.problems)
        raise fail(f"The settings cannot be used:\n{lines}") from error
    for line in unknown_variables():
        typer.echo(f"Note: {line}", err=True)
    return loaded


@contextmanager
def problems() -> Iterator[None]:
    """Turn errors that have words for people into those words and exit code 1."""
    from origin.errors import OriginError
    from origin.settings import SettingsError
    from urlspec.errors import SignatureError, UrlError, UrlSpecError

    try:
        yield
    except (UrlError, SignatureError) as error:
        nearest = getattr(error, "nearest", None)
        hint = f" Did you mean {nearest}?" if nearest else ""
        raise fail(f"{error.code}: {error.detail}{hint}") from error
    except OriginError as error:
        raise fail(f"{error.code}: {error.detail}") from error
    except SettingsError as error:
        raise fail(str(error)) from error
    except UrlSpecError as error:
        raise fail(str(error)) from error


@app.command()
def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="Put some pictures into an empty data folder.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Instead of ORIGIN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Instead of ORIGIN_PORT.")] = None,
) -> None:
    """Serve pictures."""
    import os

    from origin.commands.serve import run

    # The options are settings like any other, so that their rules hold for them too.
    for name, value in (("ORIGIN_HOST", host), ("ORIGIN_PORT", port)):
        if value is not None:
            os.environ[name] = str(value)
    loaded = settings()
    with problems():
        raise typer.Exit(run(loaded, demo=demo))


@app.command()
def put(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders with everything in them.")],
    id: Annotated[str | None, typer.Option("--id", help="A slug for the one file given.")] = None,
    owner: Annotated[str | None, typer.Option(help="User id of the owner; none: the operator's.")] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Only its owner and signed URLs show it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
) -> None:
    """Take pictures in."""
    from origin.commands.put import put_files

    loaded = settings()
    if id is not None and (len(files) != 1 or files[0].is_dir()):
        raise fail("--id goes with exactly one file", 2)
    with problems():
        raise typer.Exit(
            asyncio.run(put_files(loaded, files, id=id, owner=owner, private=private, as_json=json))
        )


@app.command()
def url(
    id: Annotated[str, typer.Argument(help="An asset's id, or @source/key.")],
    op: Annotated[
        list[str] | None, typer.Option("--op", help="A component such as w_300,f_webp; repeatable.")
    ] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign with the first key.")] = False,
    expires: Annotated[
        str | None, typer.Option(help="How long the signature counts: 30s, 15m, 1h, 7d.")
    ] = None,
) -> None:
    """Print the URL of a picture."""
    from urlspec.url import Url

    loaded = settings()
    if expires is not None and not sign:
        raise fail("--expires goes with --sign", 2)
    with problems():
        built = Url(loaded.public_url or "", id)
        for component in op or []:
            built = built.chain(component)
        if not sign:
            typer.echo(str(built))
            return
        if not loaded.signing_keys:
            raise fail("There is no signing key: set ORIGIN_SIGNING_KEYS (`origin keys new` makes one).")
        lasting = duration(expires) if expires else None
        typer.echo(built.sign(loaded.signing_keys.keys[0], expires=lasting, audience=loaded.audience))


def duration(text: str) -> timedelta:
    """``30s``, ``15m``, ``1h`` or ``7d``."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if text[-1:] not in units or not (text[:-1].isascii() and text[:-1].isdigit()) or len(text) > 9:
        raise fail(f"{text!r} is not a duration: write 30s, 15m, 1h or 7d", 2)
    return timedelta(**{units[text[-1]]: int(text[:-1])})


@app.command()
def explain(url: Annotated[str, typer.Argument(help="A delivery URL or its path.")]) -> None:
    """Tell how a URL is read and what it would cost."""
    from origin.commands.explain import explain_url

    loaded = settings()
    with problems():
        typer.echo(asyncio.run(explain_url(loaded, url)))


@keys_app.command("new")
def keys_new(
    kid: Annotated[str, typer.Option(help="Name of the key: 1 to 8 of a-z 0-9.")] = "web",
) -> None:
    """Make a signing key and print it as kid:secret."""
    from urlspec.sign import SigningKey

    with problems():
        key = SigningKey.new(kid)
    typer.echo(f"{key.kid}:{key.secret}")
    typer.echo(
        "Put it first in ORIGIN_SIGNING_KEYS=kid:secret[,kid:secret]; the others go on verifying.", err=True
    )


@keys_app.command("list")
def keys_list() -> None:
    """Name the signing keys, without their secrets."""
    keys = settings().signing_keys.keys
    if not keys:
        typer.echo("no signing keys: unsigned delivery is allowed on this machine", err=True)
    for number, key in enumerate(keys):
        role = "signs and verifies" if number == 0 else "verifies"
        typer.echo(f"{key.kid}\t{len(key.secret.encode())} bytes\t{role}")


@user_app.command("add")
def user_add(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when left out."),
    ],
) -> None:
    """Add a user, also where registration is closed."""
    from origin.commands.operate import add_user

    loaded = settings()
    with problems():
        typer.echo(asyncio.run(add_user(loaded, email, password)))


@app.command()
def migrate() -> None:
    """Create or update the tables of the database."""
    from origin.app import build

    loaded = settings()

    async def work() -> None:
        async with build(loaded).stored():
            pass

    with problems():
        asyncio.run(work())
    typer.echo("The database is up to date.", err=True)


@app.command()
def purge(id: Annotated[str, typer.Argument(help="An asset's id.")]) -> None:
    """Forget every variant of an asset; running servers follow within a second."""
    from origin.commands.operate import purge_asset

    loaded = settings()
    with problems():
        asyncio.run(purge_asset(loaded, id))


@app.command()
def rm(id: Annotated[str, typer.Argument(help="An asset's id.")]) -> None:
    """Take an asset down; running servers follow within a second."""
    from origin.commands.operate import remove_asset

    loaded = settings()
    with problems():
        asyncio.run(remove_asset(loaded, id))


@app.command("export")
def export_(
    folder: Annotated[Path, typer.Argument(help="An empty or new folder, or one with an earlier export.")],
) -> None:
    """Write all assets, users and originals into a folder; begin again after an interruption."""
    from origin.commands.transfer import export_to

    loaded = settings()
    with problems():
        asyncio.run(export_to(loaded, folder))


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="A folder that `origin export` wrote.")],
) -> None:
    """Add everything in a folder to this store; begin again after an interruption."""
    from origin.commands.transfer import import_from

    loaded = settings()
    with problems():
        asyncio.run(import_from(loaded, folder))


@app.command()
def doctor() -> None:
    """Check settings, build and every dependency, and say what to do."""
    from rich.console import Console

    from origin.commands.doctor import examine

    loaded = settings()
    with problems():
        healthy = asyncio.run(examine(loaded, Console()))
    raise typer.Exit(0 if healthy else 1)


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Only say whether they are fresh.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Leave the gallery out, which takes a while.")] = False,
    folder: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Write what is generated from the declarations: reference, SDK methods, and the gallery of examples."""
    from origin.commands.documents import stale_documents, write_documents

    found = stale_documents(folder) if check else write_documents(folder)
    if not text:
        from origin.commands.gallery import DeadExample, stale_gallery, write_gallery

        try:
            found += stale_gallery(folder / "docs") if check else write_gallery(folder / "docs")
        except DeadExample as error:
            raise fail(str(error)) from error
    if not check:
        typer.echo(f"written: {', '.join(str(path) for path in found) or 'nothing to change'}", err=True)
    elif found:
        raise fail(f"stale: {', '.join(str(path) for path in found)}; run `origin docs`")
