"""Named chains of a server: read from TOML, put in the place of every ``t_``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from urlspec.arguments import Preset
from urlspec.characters import check_path
from urlspec.declare import Argument
from urlspec.errors import SHOWN, UrlError, UrlSpecError, nearest
from urlspec.judge import Draft, Placed, check_counts, check_repeats, judge
from urlspec.kinds import PRESET_NAME, PresetCall
from urlspec.outputs import Download, Format, Version
from urlspec.parse import read_chain, segments_of
from urlspec.request import Request
from urlspec.sources import AssetRef

DEEPEST: Final = 4
"""How far presets may name presets."""
LONGEST: Final = 16_384
"""Bytes of a chain once its arguments are filled in."""

_PLACEHOLDER: Final = re.compile(r"\$([1-9])")
_TEXT: Final = re.compile(r"(?:[lu]_text:[^:]*:[^:]*|dl_[^:]*|t_.*)")
"""The beginning of an argument in which a ``:`` that is filled in is text."""


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

    def lists(self, arguments: tuple[str, ...]) -> bool:
        """Whether a call with these is one of a known, finite set."""
        if self.listed is None:
            return self.takes == 0 and not arguments
        return len(arguments) == len(self.listed) and all(
            value in allowed for value, allowed in zip(arguments, self.listed, strict=True)
        )

    def filled(self, arguments: tuple[str, ...]) -> str:
        """The chain with its arguments filled in.

        They are escaped, so none can add an argument or a component. A ``:`` separates fields as if it stood
        in the chain (``ar_$1`` takes ``16:9``), except in a text, where it is text.
        """

        def value(match: re.Match[str]) -> str:
            text = _TEXT.fullmatch(_beginning(match)) is not None
            return quote(arguments[int(match[1]) - 1], safe="" if text else ":")

        return _PLACEHOLDER.sub(value, self.chain)

    def samples(self) -> Iterator[tuple[str, ...]]:
        """Calls in which every listed value occurs; numbers where any value is allowed."""
        listed = self.listed or (("1",),) * self.takes
        first = tuple(values[0] for values in listed)
        yield first
        for number, values in enumerate(listed):
            yield from ((*first[:number], value, *first[number + 1 :]) for value in values[1:])


@dataclass(frozen=True, slots=True)
class Presets:
    """All presets of a server."""

    definitions: Mapping[str, PresetDefinition] = field(default_factory=dict)

    @classmethod
    def from_toml(cls, text: str) -> Presets:
        """Read a preset file. Raises PresetFileError, naming the preset that is wrong."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PresetFileError(f"the preset file is not TOML: {error}") from error
        entries = table.get("presets", {})
        if set(table) - {"presets"} or not isinstance(entries, dict):
            raise PresetFileError("the preset file has one table: [presets]")
        presets = cls({name: _definition(name, entry) for name, entry in entries.items()})
        for name, definition in presets.definitions.items():
            for arguments in definition.samples():
                presets._try(name, definition, arguments)
        return presets

    def _try(self, name: str, definition: PresetDefinition, arguments: tuple[str, ...]) -> None:
        call = Preset(PresetCall(name, arguments))
        try:
            judge(self.expand([Draft(1, [Placed(call, f"t_{name}", 0, 1)])]), AssetRef("x"))
        except UrlError as error:
            # What is open may be anything but a number, and what closes a layer opens none.
            guessed = definition.takes and definition.listed is None and error.code == "value_invalid"
            if not guessed and error.code != "layer_unopened":
                raise PresetFileError(f"preset {name!r}: {error.detail}") from error

    def expand(self, drafts: list[Draft]) -> list[Draft]:
        """The drafts with every ``t_`` replaced by its components. Raises UrlError.

        Other arguments beside it become one component after it; output arguments of the URL itself override
        the preset's.
        """
        return self._expanded(drafts, 0)

    def lists(self, argument: Argument) -> bool:
        """Whether ``argument`` is a call of a preset whose calls are a known, finite set, and one of them."""
        if not isinstance(argument, Preset) or argument.call.name not in self.definitions:
            return False
        return self.definitions[argument.call.name].lists(argument.call.arguments)

    def _expanded(self, drafts: list[Draft], depth: int) -> list[Draft]:
        if not any(draft.has(Preset) for draft in drafts):
            return drafts
        given = {type(one.argument) for one in _all(drafts) if one.argument.scope == "output"}
        expanded: list[Draft] = []
        for draft in drafts:
            check_repeats(draft)
            call = draft.get(Preset)
            if call is None:
                expanded.append(draft)
                continue
            for component in self._called(call, depth):
                component.placed = [one for one in component.placed if type(one.argument) not in given]
                expanded += [component] if component.placed else []
            rest = [one for one in draft.placed if one is not call]
            expanded += [Draft(draft.number, rest)] if rest else []
            check_counts(expanded)  # at once: presets that name presets grow fast
        return expanded

    def _called(self, call: Placed, depth: int) -> list[Draft]:
        """The components that a call stands for. Raises UrlError, at the place of the call."""
        if depth >= DEEPEST:
            raise call.error("preset_arguments", "Presets name presets too deeply.", f"{DEEPEST} levels")
        assert isinstance(call.argument, Preset)
        name, arguments = call.argument.call.name, call.argument.call.arguments
        definition = self._definition(call, name, arguments)
        raw = b"/" + definition.filled(arguments).encode()
        try:
            check_path(raw, LONGEST)
            chain = read_chain(segments_of(raw))
        except UrlError as error:
            detail = f"In preset {name[:SHOWN]!r}: {error.detail}"
            raise call.error(error.code, detail, error.expected, error.nearest) from error
        for draft in chain:
            draft.number = call.component
            draft.placed = [
                one._replace(position=call.position, component=call.component) for one in draft.placed
            ]
        return self._expanded(chain, depth + 1)

    def _definition(self, call: Placed, name: str, arguments: tuple[str, ...]) -> PresetDefinition:
        definition = self.definitions.get(name)
        if definition is None:
            raise call.error(
                "preset_unknown",
                f"This server has no preset {name[:SHOWN]!r}.",
                "a preset of this server",
                nearest(name, self.definitions),
            )
        takes = definition.takes
        if len(arguments) != takes:
            raise call.error(
                "preset_arguments",
                f"The preset takes {takes} argument{'' if takes == 1 else 's'} and got {len(arguments)}.",
                f"t_{name}" + "".join(f":<{number + 1}>" for number in range(takes)),
            )
        for value, allowed in zip(arguments, definition.listed or (), strict=False):
            if value not in allowed:
                raise call.error(
                    "preset_arguments",
                    f"{value[:SHOWN]!r} is not among the values of this preset.",
                    "one of " + " ".join(allowed),
                    nearest(value, allowed),
                )
        return definition


def only_presets(request: Request, presets: Presets) -> bool:
    """Whether unsigned delivery of presets allows ``request``, which is as given: presets not expanded.

    Every component is exactly one ``t_`` whose calls are a finite set, and beside them stand no other output
    arguments than ``f_auto``, ``v_`` and ``dl_``. A bare id is not among them.
    """
    outputs = all(
        one == Format("auto") or isinstance(one, Version | Download) for one in request.output.arguments
    )
    return (
        outputs
        and bool(request.components)
        and all(len(part.arguments) == 1 and presets.lists(part.arguments[0]) for part in request.components)
    )


def _all(drafts: list[Draft]) -> Iterator[Placed]:
    for draft in drafts:
        yield from draft.placed


def _beginning(placeholder: re.Match[str]) -> str:
    """What stands of its argument before a placeholder."""
    return re.split("[,/]", placeholder.string[: placeholder.start()])[-1]


def _definition(name: str, entry: Any) -> PresetDefinition:
    """One entry of the file. Raises PresetFileError."""
    if not PRESET_NAME.fullmatch(name):
        raise PresetFileError(f"preset {name!r}: a name is 1 to 64 of A-Z a-z 0-9 _ and -")
    table = {"chain": entry} if isinstance(entry, str) else entry
    if (
        not isinstance(table, dict)
        or set(table) - {"chain", "args"}
        or not isinstance(table.get("chain"), str)
    ):
        raise PresetFileError(f'preset {name!r}: write a chain, or {{chain = "…", args = [["…"], …]}}')
    chain = table["chain"].strip("/")
    if not chain:
        raise PresetFileError(f"preset {name!r}: the chain is empty")
    _check_placeholders(name, chain)
    definition = PresetDefinition(chain, _listed(table.get("args")))
    if "args" in table and (definition.listed is None or len(definition.listed) != definition.takes):
        raise PresetFileError(
            f"preset {name!r}: args lists the texts allowed for each of $1 to ${definition.takes}"
            if definition.takes
            else f"preset {name!r}: the chain has no $1, so it takes no args"
        )
    return definition


def _check_placeholders(name: str, chain: str) -> None:
    found = list(_PLACEHOLDER.finditer(chain))
    if {int(one[1]) for one in found} != set(range(1, len({one[1] for one in found}) + 1)):
        raise PresetFileError(
            f"preset {name!r}: arguments are numbered from $1 without a gap; a $ that is text is %24"
        )
    if not all("_" in _beginning(one) for one in found):
        raise PresetFileError(f"preset {name!r}: $1 to $9 stand in the value of an argument (w_$1)")


def _listed(args: Any) -> tuple[tuple[str, ...], ...] | None:
    whole = isinstance(args, list) and all(
        isinstance(values, list) and values and all(isinstance(value, str) and value for value in values)
        for values in args
    )
    return tuple(map(tuple, args)) if whole else None
