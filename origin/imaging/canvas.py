"""A picture on its way: frames of equal size, with turning and resizing put off until pixels are needed.

Putting off is what lets a chain of crops and sizes decode small: the frames may hold fewer pixels than
``size`` says (the decoder shrank them) or more (a resize is due), and are as stored until ``settle``.
"""

from __future__ import annotations

from collections.abc import Callable

from origin.imaging.colour import VipsImage, premultiplied, split, to_srgb
from origin.imaging.faces import LOOKED_AT, found
from origin.imaging.geometry import UPRIGHT, Box, Size, Smart, View

Paint = Callable[[VipsImage], VipsImage]


class Canvas:
    """``size`` is what the URL's arguments see: one frame as shown, at its nominal size."""

    def __init__(
        self,
        frames: list[VipsImage],
        view: View,
        size: Size,
        *,
        settled: bool = False,
        vector: bool = False,
    ) -> None:
        """``vector``: the frames were drawn as large as they will be wanted, larger than ``size`` perhaps."""
        self.frames = frames
        self.view = view
        self.size = size
        self.space = "srgb"
        """What the frames are converted to; ``p3`` may be set before anything is done with their pixels."""
        self._vector = vector
        self._converted = settled
        self._in_memory = settled or len(frames) > 1

    @classmethod
    def of(cls, image: VipsImage) -> Canvas:
        """A picture that is in memory, upright and sRGB."""
        return cls([image], UPRIGHT, Size(image.width, image.height), settled=True)

    # Geometry -----------------------------------------------------------------------------------------

    def turn(self, turn: View) -> None:
        if turn.mirrored:
            self.view = self.view.flip("h")
        self.view = self.view.turn(90 * turn.quarters)
        self.size = turn.shown(self.size)

    def crop(self, box: Box) -> None:
        """Cut ``box`` of the picture as shown."""
        if self._held_larger:
            self._resample()  # a cut in the resized picture is exact only there
        stored = self.view.stored(box, self.size)
        across = self._actual.width / self._stored.width
        down = self._actual.height / self._stored.height
        left, top = round(stored.left * across), round(stored.top * down)
        right = max(round((stored.left + stored.width) * across), left + 1)
        bottom = max(round((stored.top + stored.height) * down), top + 1)
        left, top = min(left, self._actual.width - 1), min(top, self._actual.height - 1)
        right, bottom = min(right, self._actual.width), min(bottom, self._actual.height)
        self.frames = [frame.crop(left, top, right - left, bottom - top) for frame in self.frames]
        self.size = box.size

    def resize(self, size: Size) -> None:
        grows = size.width > self.size.width or size.height > self.size.height
        if grows and self._actual != self._stored and not self._vector:
            self._resample()  # enlarging shows what the smaller picture holds, not what it was made from
        self.size = size
        if grows and not self._vector:
            self._resample()

    def find(self, smart: Smart) -> Box:
        """Where the pixels of the first frame say that a box should lie."""
        if self._held_larger:
            self._resample()
        self._convert()
        self._show()
        self._remember()
        across, down = self._actual.width / self.size.width, self._actual.height / self.size.height
        width = min(max(round(smart.size.width * across), 1), self._actual.width)
        height = min(max(round(smart.size.height * down), 1), self._actual.height)
        cut = self.frames[0].smartcrop(width, height, interesting=smart.by)
        left, top = round(-cut.xoffset / across), round(-cut.yoffset / down)
        left = min(left, self.size.width - smart.size.width)
        top = min(top, self.size.height - smart.size.height)
        return Box(left, top, *smart.size)

    def faces(self) -> tuple[Box, ...]:
        """The faces in the first frame as shown, largest first, in pixels of ``size``.

        What is searched is as large as the frames are, up to ``faces.LOOKED_AT``: a resize that is due comes
        later, since faces are found in pictures larger than many thumbnails.
        """
        self._convert()
        self._remember()
        frame, _ = split(self.frames[0])
        small = frame.resize(min(1.0, LOOKED_AT / max(frame.width, frame.height)))
        grey = show(small.colourspace("b-w"), self.view)[0]
        across, down = self.size.width / grey.width, self.size.height / grey.height
        return tuple(
            Box(
                round(box.left * across),
                round(box.top * down),
                max(1, round(box.width * across)),
                max(1, round(box.height * down)),
            )
            for box in found(grey.cast("uchar").numpy())
        )

    # Pixels -------------------------------------------------------------------------------------------

    def paint(self, work: Paint, place: tuple[int, int] = (0, 0)) -> None:  # noqa: ARG002 - who follows asks
        """Do ``work`` on every frame: in memory, upright, sRGB, of nominal size.

        ``place`` is where the picture then lies in a larger one, from the left and the top.
        """
        self.settle()
        self.frames = [work(frame) for frame in self.frames]
        self.size = self._actual
        # The next look copies it: steps read their input more than once, and would repeat all before them.
        self._in_memory = False

    def settle(self) -> None:
        """Do everything that was put off, and hold the pixels in memory."""
        self.finish()
        self._remember()

    def finish(self) -> None:
        """Do everything that was put off; a still that was only cut and resized stays a stream."""
        self._resample()
        self._convert()
        self._show()

    @property
    def _actual(self) -> Size:
        return Size(self.frames[0].width, self.frames[0].height)

    @property
    def _held_larger(self) -> bool:
        stored, actual = self._stored, self._actual
        return not self._vector and (stored.width < actual.width or stored.height < actual.height)

    @property
    def _stored(self) -> Size:
        """The nominal size of the frames as they lie in memory."""
        return self.view.shown(self.size)

    def _resample(self) -> None:
        target, actual = self._stored, self._actual
        if target == actual:
            return
        across, down = target.width / actual.width, target.height / actual.height
        resized = (
            premultiplied(frame, lambda image: image.resize(across, vscale=down), quick=True)
            for frame in self.frames
        )
        # Many frames as one pipeline would hold the buffers of all their resizes at once.
        self.frames = [image.copy_memory() for image in resized] if len(self.frames) > 1 else list(resized)

    def _convert(self) -> None:
        if not self._converted:
            self.frames = [to_srgb(frame, self.space) for frame in self.frames]
            self._converted = True

    def _show(self) -> None:
        if self.view != UPRIGHT:
            self._remember()  # turning reads a picture in another order than a stream comes in
            self.frames = [show(frame, self.view) for frame in self.frames]
            self.view = UPRIGHT
            self._in_memory = False

    def _remember(self) -> None:
        if not self._in_memory:
            self.frames = [frame.copy_memory() for frame in self.frames]
            self._in_memory = True


def show(image: VipsImage, view: View) -> VipsImage:
    """A stored picture as shown."""
    image = image.fliphor() if view.mirrored else image
    match view.quarters:
        case 1:
            return image.rot90()
        case 2:
            return image.rot180()
        case 3:
            return image.rot270()
    return image
