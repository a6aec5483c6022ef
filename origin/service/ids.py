"""Ids of assets: 128 random bits in base58, or a slug that the owner chose."""

from __future__ import annotations

import secrets
from typing import Final

from origin.errors import BadRequest
from urlspec.errors import UrlError
from urlspec.sources import read_id
from urlspec.values import BadValue

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH: Final = 22


def new_id() -> str:
    """22 characters of base58: enough for 128 bits, so that ids can neither be guessed nor counted."""
    number = secrets.randbits(128)
    text = ""
    for _ in range(LENGTH):
        number, digit = divmod(number, 58)
        text += BASE58[digit]
    return text


def chosen_id(text: str) -> str:
    """A slug as it was asked for. Raises UrlError (``id_reserved``) or BadRequest, saying what is wrong."""
    try:
        return read_id(text).id
    except BadValue as error:
        if error.code == "id_reserved":
            raise UrlError("id_reserved", f"The id {text!r} is kept for the server itself.") from error
        raise BadRequest(f"{text[:80]!r} cannot be an id: {error.hint}.") from error
