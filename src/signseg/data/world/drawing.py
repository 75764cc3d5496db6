"""Brushes of the built-in world: outlines of things, textures, waves and light, each as an array of coverages or factors.
What is drawn where, and which class it is, is decided in `scene.py`.

Lengths are in pixels. A coverage is in 0..1 and crosses 1/2 on the outline, so that the label (coverage >= 1/2) and the
anti-aliased edge agree.
"""

from dataclasses import dataclass

import numpy as np

from signseg.data.world.catalogue import COLOURS, VOID_COLOURS


@dataclass(frozen=True)
class Canvas:
    """A picture being painted. The arrays change in place.

    image: (H, W, 3) float32, 0..255; segments: (H, W) uint8, position in `classes`;
    classes: raw class id of each segment, segment 0 being 'nothing'.
    """

    image: np.ndarray
    segments: np.ndarray
    classes: list[int]

    def paint(self, rows: slice, columns: slice, coverage: np.ndarray, colour: np.ndarray, raw_id: int) -> None:
        """Lay a new segment over what is there.

        Args:
            rows, columns: the window that `coverage` (h, w) covers.
            colour: (3,) or (h, w, 3), 0..255.
        """
        window = self.image[rows, columns]
        window += coverage[..., None] * (colour - window)
        self.segments[rows, columns][coverage >= 0.5] = len(self.classes)
        self.classes.append(raw_id)


def class_colour(rng: np.random.Generator, colour: str) -> np.ndarray:
    """(3,) float32: a named colour with jitter of hue and brightness."""
    return _jittered(rng, COLOURS[colour])


def void_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) float32: a jittered colour that no class has."""
    return _jittered(rng, VOID_COLOURS[rng.integers(len(VOID_COLOURS))])


def _jittered(rng: np.random.Generator, colour: tuple[int, int, int]) -> np.ndarray:
    return ((np.array(colour) + rng.uniform(-14, 14, 3)) * rng.uniform(0.86, 1.06)).astype(np.float32)


def wave(rng: np.random.Generator, positions: np.ndarray, *, height: float, cycles: float) -> np.ndarray:
    """A smooth curve over `positions` (0..1 over the picture): two sines, at most `height` from zero, about `cycles` of them."""
    slow, fast = rng.uniform(0.5, 1.0) * cycles, rng.uniform(1.5, 2.5) * cycles
    phases = rng.uniform(0, 2 * np.pi, 2)
    return height * (0.7 * np.sin(2 * np.pi * slow * positions + phases[0]) + 0.3 * np.sin(2 * np.pi * fast * positions + phases[1]))


def outline(rng: np.random.Generator, form: str, radius: float, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """How far out each pixel lies in a random shape of this form: 0 in the middle, 1 on the outline.

    Round shapes are ellipses with dents; boxy ones are rectangles with rounded corners, slanted and tapered.

    Args:
        radius: of the circle or square of about the same area.
        right, down: (1, w) and (h, 1) offsets from the centre.
    Returns:
        (h, w) float32.
    """
    angle = rng.uniform(0, 2 * np.pi) if form == "round" else rng.uniform(-0.5, 0.5)
    along = np.cos(angle) * right + np.sin(angle) * down
    across = np.cos(angle) * down - np.sin(angle) * right
    stretch = np.sqrt(rng.uniform(1.0, 1.5))
    if form == "round":
        along, across = along / (radius * stretch), across / (radius / stretch)
        dents, lobes, phase = rng.uniform(0.0, 0.09), rng.integers(3, 6), rng.uniform(0, 2 * np.pi)
        return np.hypot(along, across) * (1 + dents * np.sin(lobes * np.arctan2(across, along) + phase))
    if rng.random() < 0.5:
        stretch = 1 / stretch
    half = 0.9 * radius
    slant, taper, corners = rng.uniform(-0.25, 0.25), rng.uniform(-0.2, 0.2), rng.choice([6, 8, 12])
    across = across / (half / stretch)
    along = (along / (half * stretch) + slant * across) / (1 + taper * np.clip(across, -1, 1))
    return (along**corners + across**corners) ** (1.0 / corners)


def coverage_of(distance: np.ndarray, radius: float) -> np.ndarray:
    """(h, w) coverage of the shape whose `outline` is `distance`; the edge is about one pixel wide."""
    return np.clip(0.5 + (1.0 - distance) * radius, 0, 1).astype(np.float32)


def texture(rng: np.random.Generator, name: str, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """How much of the dark tone each pixel has, for a random orientation, period, phase and thickness of this texture.

    Args:
        name: "plain", "striped", "dotted", "checked", or "ringed", which no class has.
        right, down: (1, w) and (h, 1) offsets from the centre.
    Returns:
        (h, w) in 0..1.
    """
    if name == "plain":
        return np.zeros((down.shape[0], right.shape[1]), dtype=np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(6.5, 9.0)
    thickness, phases = rng.uniform(-0.25, 0.25), rng.uniform(0, 2 * np.pi, 2)
    turn, sharpness = 2 * np.pi / period, period / (2 * np.pi)
    first = turn * (np.cos(angle) * right + np.sin(angle) * down) + phases[0]
    second = turn * (np.cos(angle) * down - np.sin(angle) * right) + phases[1]
    if name == "striped":
        return np.clip(0.5 + sharpness * (np.sin(first) + thickness), 0, 1)
    if name == "dotted":
        return np.clip(0.5 + sharpness * (np.sin(first) + np.sin(second) - 0.75 + thickness), 0, 1)
    if name == "checked":
        return 0.5 + 0.5 * np.clip(2 * sharpness * np.sin(first), -1, 1) * np.clip(2 * sharpness * np.sin(second), -1, 1)
    return np.clip(0.5 + sharpness * (np.sin(turn * np.hypot(right, down) + phases[0]) + thickness), 0, 1)


def mottle(rng: np.random.Generator, size: int, *, spacing: float, strength: float) -> np.ndarray:
    """(size, size) smooth random factors around 1: uneven ground and sky, with patches of about `spacing` pixels."""
    knots = int(np.ceil(size / spacing)) + 2
    position = np.arange(size) / spacing
    blend = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(knots)))
    return 1 + strength * (blend @ rng.standard_normal((knots, knots)) @ blend.T)


def light(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size) factors: brighter towards one side and towards top or bottom, either way, so that light does not tell place."""
    position = np.linspace(-1, 1, size)
    sideways, upwards = rng.uniform(-0.18, 0.18), rng.uniform(-0.12, 0.12)
    return (1 + upwards * position)[:, None] * (1 + sideways * position)[None, :]
