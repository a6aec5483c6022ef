"""The URL language of image-origin: parse, canonicalise, sign, build.

A backend needs only this package (and itsdangerous)::

    from datetime import timedelta
    from urlspec import Url

    url = Url("https://img.example", "cat").width(640).format("auto")
    url.sign("web:<secret>", expires=timedelta(hours=1))
"""

from __future__ import annotations

from urlspec.errors import SignatureError, UrlError, UrlSpecError
from urlspec.kinds import FocalPoint, PresetCall, TextRef
from urlspec.parse import parse
from urlspec.presets import PresetFileError, Presets
from urlspec.request import Request
from urlspec.sign import KeyFormatError, Keyring, LongExpiryWarning, SigningKey
from urlspec.sources import AssetRef, NamedRef
from urlspec.url import Url, picture, srcset
from urlspec.values import Colour, Fraction, Ratio

__all__ = [
    "AssetRef",
    "Colour",
    "FocalPoint",
    "Fraction",
    "KeyFormatError",
    "Keyring",
    "LongExpiryWarning",
    "NamedRef",
    "PresetCall",
    "PresetFileError",
    "Presets",
    "Ratio",
    "Request",
    "SignatureError",
    "SigningKey",
    "TextRef",
    "Url",
    "UrlError",
    "UrlSpecError",
    "parse",
    "picture",
    "srcset",
]
