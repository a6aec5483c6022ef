"""``/docs``: the OpenAPI document as a page, without a script and without anything from elsewhere."""

from __future__ import annotations

import html
import json
from typing import Any

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto }
code, pre { background: #eef1f6; padding: .1em .35em; border-radius: .3em }
pre { padding: .8em; overflow: auto }
summary { cursor: pointer; padding: .35em 0 } b { display: inline-block; min-width: 4.5em }
details { border-top: 1px solid #d6dbe4 }
td, th { text-align: left; vertical-align: top; padding: .15em .8em .15em 0 }
"""


def page(document: bytes) -> str:
    """The page of an OpenAPI document."""
    spec: dict[str, Any] = json.loads(document)
    operations = "".join(
        _operation(path, method, operation, spec)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_e(spec["info"]["title"])}</title>'
        f"<style>{_STYLE}</style><h1>{_e(spec['info']['title'])}</h1>"
        f"<p>{_e(spec['info'].get('summary', ''))} "
        f'The same for programs: <a href="/openapi.json">openapi.json</a>.</p>{operations}</html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any], spec: dict[str, Any]) -> str:
    parts = [f"<p>{_e(operation.get('description', ''))}</p>"]
    if parameters := operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{_e(one['name'])}</code><td>{_e(one['in'])}<td><code>{_e(_shape(one['schema']))}</code>"
            for one in parameters
        )
        parts.append(f"<table>{rows}</table>")
    if body := operation.get("requestBody"):
        for media, content in body["content"].items():
            parts.append(f"<p>Body, {_e(media)}:</p><pre>{_e(_fields(content['schema'], spec))}</pre>")
    answers = "".join(
        f"<tr><td>{_e(status)}<td>{_e(answer.get('description', ''))}"
        for status, answer in operation["responses"].items()
    )
    parts.append(f"<table>{answers}</table>")
    head = f"<b>{_e(method.upper())}</b> <code>{_e(path)}</code> {_e(operation.get('summary', ''))}"
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _fields(schema: dict[str, Any], spec: dict[str, Any]) -> str:
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    required = set(schema.get("required", ()))
    lines = [
        f"{name}{'' if name in required else '?'}: {_shape(field)}"
        for name, field in schema.get("properties", {}).items()
    ]
    return "\n".join(lines)


def _shape(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_shape(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_shape(schema.get('items', {}))}"
    limits = [
        f"{sign}{schema[name]}" for name, sign in (("minimum", "≥"), ("maximum", "≤")) if name in schema
    ]
    if "pattern" in schema:
        limits.append(str(schema["pattern"]))
    return " ".join([kind, *limits])


def _e(text: str) -> str:
    return html.escape(str(text))
