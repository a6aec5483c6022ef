"""The URL language of image-origin: parse, canonicalise, sign, build.

A backend needs only this package (and itsdangerous)::

    from urlspec import Url

    Url("https://img.example", "cat").width(640).format("auto").sign("web:<secret>", expires=3600)
"""
