"""One picture of the built-in world: a horizon, stuff above and below it, things on their side of it, and shapes of no class.
It does not know about splits, seen and unseen classes, caches or sentences.

Everything follows from the key of the picture through numpy's seeded generators. Two machines may differ by one grey level
in rare pixels where their sine functions differ in the last bit; on one machine the bytes are always the same.
"""

from dataclasses import dataclass

import numpy as np

from signseg.data.world import drawing
from signseg.data.world.catalogue import CLASSES, NOTHING, RAW_IDS, Kind

SIDE = 96  # pixels, at scale 1
MAX_SEGMENTS = 40
_FIRST_RADIUS, _LAST_RADIUS = 11.0, 15.0  # pixels, at the horizon and at the picture's edge
_VOID_THING = 0.22  # share of things that are of no class
_THINGS = tuple(kind for kind in CLASSES if not kind.is_stuff)
_LAYOUT, _CONTENT, _LIGHT, _ANNOTATION = range(4)  # independent random streams of a picture


@dataclass(frozen=True)
class Scene:
    """A picture and what was drawn in it.

    image: (H, W, 3) uint8 RGB; segments: (H, W) uint8, number of the segment drawn last at a pixel, 0 for none;
    classes: (MAX_SEGMENTS,) uint8, raw class id of each segment, NOTHING where it has no class.
    """

    image: np.ndarray
    segments: np.ndarray
    classes: np.ndarray


def draw_scene(key: tuple[int, ...], size: int) -> Scene:
    """Draw the picture of a key.

    Args:
        key: non-negative integers (world version, split, seed, index).
        size: side in pixels. Objects and textures keep their size in pixels; the layout scales and their number follows the area.
    """
    canvas = drawing.Canvas(np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.uint8), [NOTHING])
    layout, content, lighting = (np.random.default_rng((*key, stream)) for stream in (_LAYOUT, _CONTENT, _LIGHT))
    horizon = _paint_stuff(canvas, layout, size)
    canvas.image[:] *= drawing.mottle(lighting, size, spacing=9, strength=0.035)[..., None]
    _paint_things(canvas, content, size, horizon)
    canvas.image[:] *= drawing.light(lighting, size)[..., None]
    canvas.image[:] += lighting.standard_normal(canvas.image.shape, dtype=np.float32) * lighting.uniform(3, 7)
    classes = np.full(MAX_SEGMENTS, NOTHING, np.uint8)
    classes[: len(canvas.classes)] = canvas.classes
    return Scene(np.clip(np.rint(canvas.image), 0, 255).astype(np.uint8), canvas.segments, classes)


def annotation_luck(key: tuple[int, ...]) -> np.ndarray:
    """(MAX_SEGMENTS,) in 0..1, one number a segment, from a stream of its own. A world in which annotators leave out a share p
    of the segments leaves out those below p, so that a larger share contains a smaller one and pictures stay the same."""
    return np.random.default_rng((*key, _ANNOTATION)).random(MAX_SEGMENTS)


def _paint_stuff(canvas: drawing.Canvas, rng: np.random.Generator, size: int) -> np.ndarray:
    """Fill both sides of a new horizon with stuff and, often, hills and a path of no class.

    Returns:
        (size,) row of the horizon at each column, in pixels.
    """
    across = np.arange(size) / size
    rows, everything = np.arange(size)[:, None], slice(None)
    horizon = size * (rng.uniform(0.38, 0.62) + drawing.wave(rng, across, height=0.05, cycles=1.0))
    above, below = _stuff_of_this_picture(rng)
    everywhere, ground = np.ones((size, size), np.float32), _below(rows, horizon)
    for kind in above:
        coverage = everywhere if kind is above[0] else _part(rng, size, horizon * 0.5)
        canvas.paint(everything, everything, coverage, drawing.class_colour(rng, kind.colour), RAW_IDS[kind.name])
    if rng.random() < 0.6:
        top = horizon - size * np.maximum(0.01, rng.uniform(0.06, 0.12) + drawing.wave(rng, across, height=0.07, cycles=2.0))
        canvas.paint(everything, everything, _below(rows, top), drawing.void_colour(rng), NOTHING)
    for kind in below:
        coverage = ground if kind is below[0] else ground * _part(rng, size, (horizon + size) * 0.5)
        canvas.paint(everything, everything, coverage, drawing.class_colour(rng, kind.colour), RAW_IDS[kind.name])
    if rng.random() < 0.45:
        canvas.paint(everything, everything, ground * _path(rng, size, horizon), drawing.void_colour(rng), NOTHING)
    return horizon


def _stuff_of_this_picture(rng: np.random.Generator) -> tuple[list[Kind], list[Kind]]:
    """One or two kinds of stuff above the horizon and below it, no colour twice (twins would meet without a visible border)."""
    taken: set[str] = set()
    chosen: dict[str, list[Kind]] = {}
    for place in rng.permutation(["up", "down"]):
        kinds = [kind for kind in CLASSES if kind.is_stuff and kind.place == place and kind.colour not in taken]
        chosen[place] = _draw(rng, kinds, count=int(rng.integers(1, 3)))
        taken |= {kind.colour for kind in chosen[place]}
    return chosen["up"], chosen["down"]


def _draw(rng: np.random.Generator, kinds: list[Kind] | tuple[Kind, ...], count: int) -> list[Kind]:
    weights = np.array([kind.frequency for kind in kinds])
    return [kinds[i] for i in rng.choice(len(kinds), size=count, replace=False, p=weights / weights.sum())]


def _below(rows: np.ndarray, curve: np.ndarray) -> np.ndarray:
    return np.clip(0.5 + rows - curve, 0, 1).astype(np.float32)


def _part(rng: np.random.Generator, size: int, middle: np.ndarray) -> np.ndarray:
    """(size, size) coverage of one side of a wavy border: upright and slanted, or lying along the curve `middle`."""
    along = np.arange(size) / size
    if rng.random() < 0.35:
        coverage = _below(np.arange(size)[:, None], middle + size * drawing.wave(rng, along, height=0.05, cycles=1.5))
    else:
        border = rng.uniform(0.32, 0.68) + rng.uniform(-0.4, 0.4) * (along - 0.5) + drawing.wave(rng, along, height=0.07, cycles=1.5)
        coverage = _below(np.arange(size)[:, None], size * border).T
    return coverage if rng.random() < 0.5 else 1 - coverage


def _path(rng: np.random.Generator, size: int, horizon: np.ndarray) -> np.ndarray:
    """(size, size) coverage of a winding strip that widens from the horizon towards the viewer."""
    rows, columns = np.arange(size)[:, None], np.arange(size)[None, :]
    depth = np.clip((rows - horizon.min()) / (size - horizon.min()), 0, 1)
    centre = size * (rng.uniform(0.2, 0.8) + rng.uniform(-0.3, 0.3) * depth + drawing.wave(rng, depth, height=0.05, cycles=1.0))
    half_width = size * (0.03 + rng.uniform(0.08, 0.16) * depth)
    return np.clip(0.5 + half_width - np.abs(columns - centre), 0, 1).astype(np.float32)


def _paint_things(canvas: drawing.Canvas, rng: np.random.Generator, size: int, horizon: np.ndarray) -> None:
    """Draw things of classes and of none; later ones cover earlier ones in part."""
    count = max(2, round(float(rng.uniform(3.5, 6.5)) * (size / SIDE) ** 2))
    placed: list[tuple[float, float, float]] = []
    for _ in range(min(count, MAX_SEGMENTS - len(canvas.classes))):
        kind = _draw(rng, _THINGS, 1)[0]
        is_void = rng.random() < _VOID_THING
        spot = _free_spot(rng, size, horizon, kind.place, placed)
        placed.append(spot)
        _paint_thing(canvas, rng, spot, kind, is_void=is_void)


def _free_spot(
    rng: np.random.Generator, size: int, horizon: np.ndarray, place: str, placed: list[tuple[float, float, float]]
) -> tuple[float, float, float]:
    """(row, column, radius) on the right side of the horizon, the least crowded of a few tries. Nearer things, away from the
    horizon, are larger."""
    best, best_room = (0.0, 0.0, 0.0), -np.inf
    for _ in range(8):
        column, depth = rng.uniform(5, size - 6), rng.uniform(0, 1)
        border = horizon[int(column)]
        margin, far = 6.0, (border if place == "up" else size - border) - 7.0
        distance = margin + depth * max(far - margin, 0.0)
        row = border - distance if place == "up" else border + distance
        radius = (_FIRST_RADIUS + (_LAST_RADIUS - _FIRST_RADIUS) * depth) * rng.uniform(0.92, 1.1)
        room = min((np.hypot(row - r, column - c) / (radius + other) for r, c, other in placed), default=np.inf)
        if room > best_room:
            best, best_room = (float(row), float(column), float(radius)), room
        if best_room > 0.8:
            break
    return best


def _paint_thing(
    canvas: drawing.Canvas, rng: np.random.Generator, spot: tuple[float, float, float], kind: Kind, *, is_void: bool
) -> None:
    """One thing with its texture and a little shading towards its edge."""
    row, column, radius = spot
    size, reach = canvas.segments.shape[0], radius * 1.6
    rows = slice(max(0, int(row - reach)), min(size, int(row + reach) + 2))
    columns = slice(max(0, int(column - reach)), min(size, int(column + reach) + 2))
    down, right = np.arange(rows.start, rows.stop)[:, None] - row, np.arange(columns.start, columns.stop)[None, :] - column
    distance = drawing.outline(rng, kind.form, radius, right, down)
    name = str(rng.choice(["plain", "striped", "checked", "ringed"])) if is_void else kind.texture
    colour = drawing.void_colour(rng) if is_void else drawing.class_colour(rng, kind.colour)
    dark = drawing.texture(rng, name, right, down) * rng.uniform(0.5, 0.7)
    shading = 1.08 - 0.2 * np.minimum(distance, 1) ** 3
    tone = ((1 - dark) * shading)[..., None].astype(np.float32) * colour
    canvas.paint(rows, columns, drawing.coverage_of(distance, radius), tone, NOTHING if is_void else RAW_IDS[kind.name])
