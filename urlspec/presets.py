"""Named chains of a server: read from TOML, put in the place of every ``t_``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from urlspec.arguments import Preset as PresetArgument
from urlspec.characters import check_path
from urlspec.errors import UrlError, UrlSpecError, nearest
from urlspec.judge import Draft, Placed, judge
from urlspec.kinds import PresetCall
from urlspec.sources import AssetRef

_PLACEHOLDER = re.compile(r"\$([1-9])")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
DEEPEST: Final = 4
"""How far presets may name presets."""


class PresetFileError(UrlSpecError):
    """A preset file that cannot be used; the message names the preset."""


@dataclass(frozen=True, slots=True)
class PresetDefinition:
    """One preset. ``listed`` holds the allowed values of each argument; None allows any."""

    chain: str
    listed: tuple[tuple[str, ...], ...] | None = None

    @property
    def takes(self) -> int:
        """How many arguments the chain uses."""
        return max((int(number) for number in _PLACEHOLDER.findall(self.chain)), default=0)

    def closed(self) -> bool:
        """Whether the calls of this preset are a known, finite set."""
        return self.takes == 0 or self.listed is not None

    def filled(self, arguments: tuple[str, ...]) -> str:
        # A ':' separates fields inside an argument; everything else is text, so no argument adds another.
        return _PLACEHOLDER.sub(lambda match: quote(arguments[int(match[1]) - 1], safe=":"), self.chain)


@dataclass(frozen=True, slots=True)
class Presets:
    """All presets of a server."""

    definitions: Mapping[str, PresetDefinition] = field(default_factory=dict)

    @classmethod
    def from_toml(cls, text: str) -> Presets:
        """Read a preset file. Raises PresetFileError, naming the preset that is wrong."""
        try:
            table = tomllib.loads(text).get("presets", {})
        except tomllib.TOMLDecodeError as error:
            raise PresetFileError(f"the preset file is not TOML: {error}") from error
        presets = cls({name: _definition(name, entry) for name, entry in table.items()})
        for name, definition in presets.definitions.items():
            presets._try(name, definition)
        return presets

    def _try(self, name: str, definition: PresetDefinition) -> None:
        listed = definition.listed or (("1",),) * definition.takes
        sample = PresetCall(name, tuple(values[0] for values in listed))
        try:
            draft = Draft(1, [Placed(PresetArgument(sample), f"t_{name}", 0, 1)])
            judge(self.expand([draft]), AssetRef("x"))
        except UrlError as error:
            # A preset whose open arguments are not numbers is judged when it is called.
            if definition.takes and definition.listed is None and error.code == "value_invalid":
                return
            raise PresetFileError(f"preset {name!r}: {error.detail}") from error

    def expand(self, drafts: list[Draft], depth: int = 0) -> list[Draft]:
        """The drafts with every ``t_`` replaced by its components.

        Other arguments beside it become one component after it; output arguments of the URL itself override
        the preset's.
        """
        if not any(draft.has(PresetArgument) for draft in drafts):
            return drafts
        if depth >= DEEPEST:
            raise UrlError(
                "preset_arguments", "Presets name presets too deeply.", expected=f"{DEEPEST} levels"
            )
        given = {
            one.argument.identity
            for draft in drafts
            for one in draft.placed
            if one.argument.scope == "output"
        }
        expanded: list[Draft] = []
        for draft in drafts:
            call = draft.get(PresetArgument)
            if call is None:
                expanded.append(draft)
                continue
            chain = self.expand(self._chain(call), depth + 1)
            for component in chain:
                component.placed = [one for one in component.placed if one.argument.identity not in given]
            rest = [one for one in draft.placed if one is not call]
            expanded += [component for component in chain if component.placed]
            expanded += [Draft(draft.number, rest)] if rest else []
        return expanded

    def _chain(self, call: Placed) -> list[Draft]:
        from urlspec.parse import read_component

        assert isinstance(call.argument, PresetArgument)
        definition = self._called(call, call.argument.call)
        raw = definition.filled(call.argument.call.arguments).encode()
        check_path(b"/" + raw, limit=16_384)
        drafts = [read_component(segment, 0, call.component) for segment in raw.split(b"/")]
        for draft in drafts:
            draft.placed = [
                Placed(one.argument, one.text, call.position, call.component) for one in draft.placed
            ]
        return drafts

    def _called(self, placed: Placed, call: PresetCall) -> PresetDefinition:
        definition = self.definitions.get(call.name)
        if definition is None:
            raise UrlError(
                "preset_unknown",
                f"This server has no preset {call.name[:40]!r}.",
                component=placed.component,
                argument=placed.text,
                position=placed.position,
                expected="a preset of this server",
                nearest=nearest(call.name, self.definitions),
            )
        if len(call.arguments) < definition.takes:
            raise placed.error(
                "preset_arguments",
                f"The preset takes {definition.takes} arguments and got {len(call.arguments)}.",
                f"t_{call.name}" + "".join(f":<{number + 1}>" for number in range(definition.takes)),
            )
        if len(call.arguments) > definition.takes:
            raise placed.error(
                "preset_arguments",
                f"The preset takes {definition.takes} arguments.",
                f"{definition.takes} arguments",
            )
        for value, allowed in zip(call.arguments, definition.listed or (), strict=False):
            if value not in allowed:
                raise placed.error(
                    "preset_arguments",
                    f"{value[:40]!r} is not among the values of this preset.",
                    " ".join(allowed),
                )
        return definition


def _definition(name: str, entry: Any) -> PresetDefinition:
    if not _NAME.fullmatch(name):
        raise PresetFileError(f"preset {name!r}: a name is 1 to 64 of A-Z a-z 0-9 _ and -")
    if isinstance(entry, str):
        return PresetDefinition(entry.strip("/"))
    if (
        not isinstance(entry, dict)
        or set(entry) - {"chain", "args"}
        or not isinstance(entry.get("chain"), str)
    ):
        raise PresetFileError(f'preset {name!r}: write a chain, or {{chain = "…", args = [["…"], …]}}')
    listed = entry.get("args")
    if listed is None:
        return PresetDefinition(entry["chain"].strip("/"))
    whole = isinstance(listed, list) and all(
        isinstance(values, list) and values and all(isinstance(value, str) for value in values)
        for values in listed
    )
    definition = PresetDefinition(entry["chain"].strip("/"), tuple(map(tuple, listed)) if whole else None)
    if not whole or len(listed) != definition.takes:
        raise PresetFileError(
            f"preset {name!r}: args lists the texts allowed for each of $1 to ${definition.takes}"
        )
    return definition
