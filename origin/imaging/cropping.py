"""How ``c_ w_ h_ ar_ mw_ mh_ g_ x_ y_ z_`` give a picture its size: what is cut, resized and padded.

All of it is known from sizes alone, but for the places that pixels decide: those stay a :class:`Smart` box
until somebody has looked, while the size of what comes out is certain from the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from origin.imaging import geometry as g
from origin.imaging.geometry import Box, Size, Smart
from urlspec import arguments as a
from urlspec.kinds import COMPASS, FocalPoint
from urlspec.request import Component
from urlspec.values import Fraction

SMART: Final = {"auto": "attention", "entropy": "entropy", "face": "face", "faces": "faces"}
FACES: Final = frozenset({"face", "faces"})
_FINDING: Final = frozenset({"fill_pad", "auto", "auto_pad"})
"""Modes that look for the place themselves."""
_PADDING: Final = frozenset({"pad", "lpad", "mpad"})
_BOXED: Final = frozenset({"scale", "fill", "fill_pad", "pad", "lpad", "thumb", "auto", "auto_pad"})
"""Modes whose result is exactly the box, whatever enters."""
_NEVER_LARGER: Final = frozenset({"limit", "lfill", "lpad"})

MOST_CUT: Final = 1.5
"""``fill_pad`` cuts until the picture is this much larger than one that fits: a third of its side."""
FACE_ROOM: Final = 2.0
"""``thumb`` and ``auto`` show this many times a face's width and height."""
SMALLEST_FACE: Final = 1 / 12
"""Of the picture's shorter side: smaller ones are not looked for."""


@dataclass(frozen=True, slots=True)
class Cropping:
    """Done in the order of the fields; None where nothing is to be done."""

    region: Box | Smart | None = None
    resize: Size | None = None
    cut: Box | Smart | None = None
    canvas: Size | None = None
    frame: Box | None = None
    """Where the picture lies in ``canvas``."""
    look: str | None = None
    """``face`` or ``faces``: what has to be looked for before anything is done."""
    fixed: bool = False
    """The size that comes out depends on no pixel, trimmed or not."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The picture that is to be sized."""

    size: Size
    base: Size
    """What fractions refer to."""
    dpr: float = 1.0
    focus: tuple[float, float] | None = None
    faces: tuple[Box, ...] | None = None
    """Largest first; None before anybody has looked."""
    vector: bool = False
    """It is drawn as large as it is wanted, so enlarging loses nothing."""


def cropping(component: Component, scene: Scene) -> tuple[Cropping, Size]:
    """What a component does to the size, and the size that comes out. Raises RegionOutside."""
    cropper = _Cropper(component, scene)
    done, size = cropper.cropping()
    return replace(done, fixed=cropper.fixed), size


class _Cropper:
    def __init__(self, component: Component, scene: Scene) -> None:
        self.component = component
        self.scene = scene
        self.picture = scene.size
        crop = component.get(a.Crop)
        self.mode = crop.mode if crop else "limit"
        self.gravity = self._gravity()
        self.look = self.gravity if self.gravity in FACES and isinstance(self.gravity, str) else None

    def cropping(self) -> tuple[Cropping, Size]:
        mode, picture = self.mode, self.picture
        box, boxed = self._box()
        if mode == "crop" and box is not None:
            region = self._region(box)
            return Cropping(region, look=self._looked_for(region)), region.size
        if mode == "mpad" and box is not None:
            return self._padded(picture, Size(max(box.width, picture.width), max(box.height, picture.height)))
        if box is not None and boxed:
            if mode == "thumb" or (mode in {"auto", "auto_pad"} and self._goes_near(box)):
                region = self._zoomed(box)
                return Cropping(region, box, look=self._looked_for(region)), box
            if mode in {"fill", "auto"}:
                return self._filled(g.around(picture, box), box)
            if mode == "lfill":
                covering = g.around(picture, box)
                return self._filled(self._raised(picture if self._too_large(covering) else covering), box)
            if mode in {"fill_pad", "auto_pad"}:
                return self._filled_or_padded(box)
            if mode in _PADDING:
                return self._padded(self._target(box, boxed), box)
        target = picture if box is None else self._target(box, boxed)
        return self._cut_to_sides(self._raised(target))

    @property
    def fixed(self) -> bool:
        """Whether two of ``w_ h_ ar_`` say the size outright."""
        said = sum(self.component.has(kind) for kind in (a.Width, a.Height, a.AspectRatio))
        return said == 2 and self.mode in _BOXED

    # Size ---------------------------------------------------------------------------------------------

    def _box(self) -> tuple[Size | None, bool]:
        """The box that ``w_ h_ ar_`` name, and whether it may have another ratio than the picture."""
        width, height = self._side(a.Width), self._side(a.Height)
        ratio = self.component.get(a.AspectRatio)
        picture = self.picture
        if width is not None and height is not None:
            return Size(width, height), True
        if ratio is not None:
            if width is not None:
                return Size(width, g.half_up(width / ratio.value.value)), True
            if height is not None:
                return Size(g.half_up(height * ratio.value.value), height), True
            return g.ratio_box(picture, ratio.value, outside=self.mode in _PADDING), True
        near = self.component.has(a.Zoom) or self._near_faces
        if width is not None:
            return Size(width, g.half_up(picture.height * width / picture.width)), near
        if height is not None:
            return Size(g.half_up(picture.width * height / picture.height), height), near
        return None, False

    def _side(self, kind: type[a.Width | a.Height | a.MinWidth | a.MinHeight]) -> int | None:
        argument = self.component.get(kind)
        if argument is None or isinstance(argument.value, str):
            return None
        base = self.scene.base
        side = base.width if kind in {a.Width, a.MinWidth} else base.height
        return g.length(argument.value, side, self.scene.dpr)

    def _target(self, box: Size, boxed: bool) -> Size:
        """The size of the whole picture after its resize."""
        picture, mode = self.picture, self.mode
        target = box if mode == "scale" or not boxed else g.inside(picture, box)
        if mode in _NEVER_LARGER and self._too_large(target):
            return picture
        return picture if mode == "mfit" and _larger(picture, target) else target

    def _too_large(self, size: Size) -> bool:
        """Whether the picture would have to be enlarged, and that would be seen."""
        return _larger(size, self.picture) and not self.scene.vector

    def _raised(self, size: Size) -> Size:
        """``size`` enlarged, its ratio kept, to what ``mw_ mh_`` ask for at least."""
        width, height = self._side(a.MinWidth) or 1, self._side(a.MinHeight) or 1
        if width <= size.width and height <= size.height:
            return size
        exact = size if self.mode == "scale" else self.picture  # of the same ratio, but not rounded
        return g.around(exact, Size(max(width, size.width), max(height, size.height)))

    # What becomes of the picture ------------------------------------------------------------------------

    def _filled(self, covering: Size, box: Size) -> tuple[Cropping, Size]:
        """Resized to ``covering``, of which the box is cut."""
        leaving = Size(min(box.width, covering.width), min(box.height, covering.height))
        cut = self._cut(leaving, covering)
        return Cropping(None, self._unless(covering), cut, look=self._looked_for(cut)), leaving

    def _cut_to_sides(self, target: Size) -> tuple[Cropping, Size]:
        """Resized; what ``mw_ mh_`` made larger than ``w_ h_`` is cut."""
        if not self.component.has(a.MinWidth) and not self.component.has(a.MinHeight):
            return Cropping(resize=self._unless(target)), target
        width, height = self._side(a.Width), self._side(a.Height)
        least = self._side(a.MinWidth) or 1, self._side(a.MinHeight) or 1
        most = Size(
            max(width, least[0]) if width else target.width,
            max(height, least[1]) if height else target.height,
        )
        return self._filled(target, most)

    def _filled_or_padded(self, box: Size) -> tuple[Cropping, Size]:
        """Filled while that cuts no more than a third of a side and no face; then cut so far, and padded."""
        picture = self.picture
        most = MOST_CUT
        if faces := self._faces():
            most = max(1.0, min(most, picture.width / faces.width, picture.height / faces.height))
        larger = g.inside(picture, g.scaled(box, most))
        if larger.width >= box.width and larger.height >= box.height:
            return self._filled(g.around(picture, box), box)
        shown = Size(min(larger.width, box.width), min(larger.height, box.height))
        cut = self._cut(shown, larger)
        done, _ = self._padded(shown, box)
        return (
            Cropping(None, self._unless(larger), cut, done.canvas, done.frame, look=self._looked_for(cut)),
            box,
        )

    def _padded(self, target: Size, box: Size) -> tuple[Cropping, Size]:
        left, top = self._place_in(target, box)
        frame = Box(left, top, *target) if target != box else None
        return Cropping(None, self._unless(target), None, box if frame else None, frame), box

    def _unless(self, size: Size) -> Size | None:
        return None if size == self.picture else size

    # Zoom ---------------------------------------------------------------------------------------------

    @property
    def _near_faces(self) -> bool:
        """Whether faces decide how much is shown, whatever the ratio."""
        asked = self.component.get(a.Gravity)
        return asked is not None and asked.value in FACES and self.mode in {"thumb", "auto", "auto_pad"}

    def _goes_near(self, box: Size) -> bool:
        """Whether ``auto`` shows less than filling would, and ``auto_pad`` need not pad."""
        if self.look:
            return True  # before anybody has looked, the nearest view is assumed: it needs the most pixels
        if faces := self._faces():
            wanted = self._around_faces(faces, box)
            return self.mode == "auto" or not _larger(wanted, self.picture)
        zoom = self.component.get(a.Zoom)
        return self.mode == "auto" and zoom is not None and zoom.factor > 1

    def _zoomed(self, box: Size) -> Box | Smart:
        """The part of the picture that fills the box after zooming in."""
        picture = self.picture
        seen = g.inside(box, picture)  # the largest part with the box's ratio
        zoom = self.component.get(a.Zoom)
        factor = zoom.factor if zoom else 1.0
        if self.look:
            # A face may be small, and the nearer the view, the more of the pixels are needed.
            return Smart(seen, self.look, least=min(1.0, SMALLEST_FACE * FACE_ROOM / factor))
        if faces := self._faces():
            near = self._around_faces(faces, box)
            near = near if near.width < seen.width else seen
        else:
            # Without something to look at, zooming out can show no more than the whole.
            near = g.scaled(seen, 1 / max(1.0, factor))
            if self.mode == "auto" and near.width < box.width:
                near = box if box.width < seen.width else seen  # no closer than its own pixels
        return self._cut(near, picture, near.width / box.width) or Box(0, 0, *picture)

    def _around_faces(self, faces: Box, box: Size) -> Size:
        """The part around the faces, of the box's ratio; larger than the picture where they are large."""
        zoom = self.component.get(a.Zoom)
        room = FACE_ROOM / (zoom.factor if zoom else 1.0)
        scale = room * max(faces.width / box.width, faces.height / box.height)
        return g.scaled(box, max(1.0, scale) if self.mode != "thumb" else scale)

    def _faces(self) -> Box | None:
        """What is to be kept of the faces that were found: the largest, or the box around all."""
        asked, faces = self.component.get(a.Gravity), self.scene.faces
        if asked is None or asked.value not in FACES or not faces:
            return None
        if asked.value == "face":
            return faces[0]
        left, top = min(face.left for face in faces), min(face.top for face in faces)
        right = max(face.left + face.width for face in faces)
        bottom = max(face.top + face.height for face in faces)
        return Box(left, top, right - left, bottom - top)

    # Place --------------------------------------------------------------------------------------------

    def _gravity(self) -> str | FocalPoint:
        """The gravity as far as it is known: a face that was found is a point."""
        argument = self.component.get(a.Gravity)
        default = "north_west" if self.mode == "crop" else "auto" if self.mode in _FINDING else "center"
        value = argument.value if argument else default
        if value == "focus":
            return FocalPoint(*self.scene.focus) if self.scene.focus else "center"
        if value in FACES and self.scene.faces is not None:
            if faces := self._faces():
                return FocalPoint(
                    (faces.left + faces.width / 2) / self.picture.width,
                    (faces.top + faces.height / 2) / self.picture.height,
                )
            return "auto"
        return value

    def _looked_for(self, place: Box | Smart | None) -> str | None:
        return self.look if isinstance(place, Smart) else None

    def _smart(self, size: Size) -> Smart | None:
        by = SMART.get(self.gravity) if isinstance(self.gravity, str) else None
        return Smart(size, by) if by else None

    def _offsets(self, resized: Size, pixel: float = 1.0) -> tuple[float, float]:
        """``x_ y_`` where the picture is ``resized``: pixels count in the result, fractions in the picture.

        For ``xy_center`` both name a point of the picture before its resize. ``pixel`` is how many pixels
        here one of the result is.
        """
        picture, base, dpr = self.picture, self.scene.base, self.scene.dpr
        found = []
        for argument, side, scale in (
            (self.component.get(a.X), base.width, resized.width / picture.width),
            (self.component.get(a.Y), base.height, resized.height / picture.height),
        ):
            value = argument.value if argument else 0
            if isinstance(value, Fraction):
                found.append(value.value * side * scale)
            else:
                found.append(value * dpr * (scale if self.gravity == "xy_center" else pixel))
        return found[0], found[1]

    def _region(self, box: Size) -> Box | Smart:
        picture, gravity = self.picture, self.gravity
        if smart := self._smart(Size(min(box.width, picture.width), min(box.height, picture.height))):
            return smart
        x, y = self._offsets(picture)
        if isinstance(gravity, FocalPoint):
            return g.window(box, picture, gravity, x, y)
        left, top = g.put(box, picture, gravity, x, y)
        return g.clipped(Box(left, top, box.width, box.height), picture)

    def _cut(self, size: Size, resized: Size, pixel: float = 1.0) -> Box | Smart | None:
        if size == resized:
            return None
        if smart := self._smart(size):
            return smart
        return g.window(size, resized, self.gravity, *self._offsets(resized, pixel))

    def _place_in(self, picture: Size, canvas: Size) -> tuple[int, int]:
        gravity = self.gravity if self.mode in _PADDING or self.gravity in COMPASS else "center"
        if isinstance(gravity, FocalPoint):
            left = g.signed_half_up((canvas.width - picture.width) * gravity.x)
            top = g.signed_half_up((canvas.height - picture.height) * gravity.y)
        else:
            left, top = g.put(picture, canvas, gravity, *self._offsets(picture))
        return g.held(left, picture.width, canvas.width), g.held(top, picture.height, canvas.height)


def _larger(size: Size, than: Size) -> bool:
    return size.width > than.width or size.height > than.height
