"""A URL once it has been read: frozen values, and their canonical text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from urlspec.arguments import Dpr as DprArgument
from urlspec.arguments import Layer, LayerApply, Preset, Underlay, Width
from urlspec.declare import Argument
from urlspec.kinds import LayerRef, TextRef
from urlspec.outputs import Fallback
from urlspec.pipeline import PLACEMENT, place
from urlspec.sources import AssetRef, NamedRef, SourceRef

A = TypeVar("A", bound=Argument)


@dataclass(frozen=True, slots=True)
class Component:
    """The arguments between two ``/``, in pipeline order. Output arguments are not among them."""

    arguments: tuple[Argument, ...]

    def get(self, kind: type[A]) -> A | None:
        """The argument declared by ``kind``, or None."""
        for argument in self.arguments:
            if type(argument) is kind:
                return argument
        return None

    def has(self, kind: type[Argument]) -> bool:
        return self.get(kind) is not None

    @property
    def layer(self) -> Layer | Underlay | None:
        return self.get(Layer) or self.get(Underlay)

    def without(self, *kinds: type[Argument]) -> Component:
        return Component(tuple(argument for argument in self.arguments if type(argument) not in kinds))

    def __str__(self) -> str:
        return ",".join(str(argument) for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class LayerStep:
    """A layer with everything that belongs to it.

    ``shape`` is applied to the layer's own picture; lengths given as fractions in its *first* component are
    fractions of the picture below. ``placement`` says where and how it is laid.
    """

    source: LayerRef
    under: bool
    opening: Component
    shape: tuple[Step, ...]
    placement: Component


Step = Component | LayerStep


@dataclass(frozen=True, slots=True)
class Output:
    """The arguments that count for the whole URL, in pipeline order."""

    arguments: tuple[Argument, ...] = ()

    def get(self, kind: type[A]) -> A | None:
        for argument in self.arguments:
            if type(argument) is kind:
                return argument
        return None

    def has(self, kind: type[Argument]) -> bool:
        return self.get(kind) is not None


@dataclass(frozen=True, slots=True)
class Dropped:
    """An argument that was accepted, has no effect where it stands, and was dropped."""

    argument: str
    component: int
    """Counted from 1, as given."""
    reason: str


@dataclass(frozen=True, slots=True)
class Request:
    """A delivery URL without its signature.

    Equal requests have equal canonical text. ``warnings`` do not take part in equality.
    """

    components: tuple[Component, ...]
    output: Output
    source: SourceRef
    warnings: tuple[Dropped, ...] = field(default=(), compare=False)

    def canonical(self) -> str:
        """The one text of this request: a path that starts with ``/``. Output arguments stand last."""
        segments = [str(component) for component in self.components]
        if self.output.arguments:
            written = ",".join(str(argument) for argument in self.output.arguments)
            # Any component takes output arguments, a closing one too, so the last one always can.
            segments = [*segments[:-1], f"{segments[-1]},{written}"] if segments else [written]
        return "/" + "/".join([*segments, self.source.path()])

    def steps(self) -> tuple[Step, ...]:
        """The components as a tree: every layer with what belongs to it."""
        return _steps(self.components, matched(self.components))

    def layers(self) -> Iterator[LayerRef]:
        for component in self.components:
            if (layer := component.layer) is not None:
                yield layer.source

    def assets(self) -> tuple[SourceRef, ...]:
        """Every picture the URL names, the source first, then layers, then the fallback; no repeats."""
        named: list[SourceRef] = [self.source]
        named += [layer for layer in self.layers() if not isinstance(layer, TextRef)]
        if (fallback := self.output.get(Fallback)) is not None:
            named.append(fallback.source)
        return tuple(dict.fromkeys(named))

    @property
    def presets(self) -> tuple[Preset, ...]:
        return tuple(preset for component in self.components if (preset := component.get(Preset)))

    @property
    def wants_width_hint(self) -> bool:
        return any((width := part.get(Width)) and width.value == "auto" for part in self.components)

    @property
    def wants_dpr_hint(self) -> bool:
        return any((dpr := part.get(DprArgument)) and dpr.factor == "auto" for part in self.components)


def component(arguments: list[Argument]) -> Component:
    """A component from arguments in any order."""
    return Component(tuple(sorted(arguments, key=place)))


def matched(components: tuple[Component, ...]) -> dict[int, int]:
    """For every layer component that something closes, the index of the component that does.

    An ``fl_layer_apply`` that closes nothing is left out; finding it is the judge's business.
    """
    open_layers: list[int] = []
    closed: dict[int, int] = {}
    for index, part in enumerate(components):
        if part.has(LayerApply):
            if open_layers:
                closed[open_layers.pop()] = index
        elif part.layer is not None:
            open_layers.append(index)
    return closed


def _steps(components: tuple[Component, ...], closed: dict[int, int], offset: int = 0) -> tuple[Step, ...]:
    steps: list[Step] = []
    index = 0
    while index < len(components):
        part = components[index]
        layer = part.layer
        if layer is None:
            steps.append(part)
            index += 1
            continue
        end = closed.get(index + offset)
        opening, placement = split_layer(part) if end is None else (part, components[end - offset])
        inner: tuple[Step, ...] = ()
        if end is not None:
            inner = _steps(components[index + 1 : end - offset], closed, index + 1 + offset)
        steps.append(LayerStep(layer.source, isinstance(layer, Underlay), opening, inner, placement))
        index = index + 1 if end is None else end - offset + 1
    return tuple(steps)


def split_layer(part: Component) -> tuple[Component, Component]:
    """A layer applied at once: what shapes the layer, and what places it."""
    shape = tuple(argument for argument in part.arguments if type(argument) not in PLACEMENT)
    placed = tuple(argument for argument in part.arguments if type(argument) in PLACEMENT)
    return Component(shape), Component(placed)


__all__ = [
    "AssetRef",
    "Component",
    "Dropped",
    "LayerStep",
    "NamedRef",
    "Output",
    "Request",
    "Step",
    "component",
]
