"""A gradient, folded like cloth."""

from __future__ import annotations

from typing import Final

from origin.imaging.demo.drawing import Stops, VipsImage, finish, grid, length, look_up, noise, screen

_SILK: Final[Stops] = (
    (0, (14, 12, 58)),
    (0.16, (36, 52, 190)),
    (0.34, (116, 52, 236)),
    (0.52, (232, 62, 172)),
    (0.68, (255, 104, 96)),
    (0.84, (255, 178, 92)),
    (1, (255, 240, 196)),
)


def aurora() -> VipsImage:
    """One gradient, folded like cloth: noise moves the places where its colours are looked up."""
    width, height, margin = 800, 500, 200
    across, down = grid(width, height)
    drift = noise(width, height, 420, 1, 4).bandjoin(noise(width, height, 380, 1, 8)) * 320
    wide = noise(width + 2 * margin, height + 2 * margin, 440, 1, 21).copy_memory()
    cloth = wide.mapim(across.bandjoin(down) + drift + margin).copy_memory()
    flow = (across / width * 0.42 + down / height * 0.5 + cloth * 0.9 + 0.05).copy_memory()
    silk = look_up(_SILK, flow)
    glow = length(across - 700, down * 1.2 - 60)
    silk = screen(silk, (40, 210, 255), ((glow / 260) ** 2 * -1).exp() * 0.75)
    # Sines count in degrees here. A fold is a soft light beside a soft shadow, and fades along its way.
    folds = (flow * 2600 + cloth * 900).sin() * (cloth * 500 + across * 0.5 + 40).sin().abs()
    silk = silk * ((folds * -1).clamp() * [-0.08, -0.24, -0.12] + 1)
    silk = screen(silk, (255, 210, 235), folds.clamp() ** 1.5 * 0.2)
    return finish(silk.resize(2, kernel="cubic"))
