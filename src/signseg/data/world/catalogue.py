"""The classes of the built-in world and the attributes that make them: colour x texture x place x form.
It draws nothing and writes no sentences; `scene.py` and `sentences.py` read this table, so that text and pictures agree."""

from dataclasses import dataclass

from signseg.classes import IGNORE

WORLD_VERSION = 1
NOTHING = 200  # raw id of pixels of no class: void shapes and, in a partial world, segments nobody annotated

COLOURS: dict[str, tuple[int, int, int]] = {  # RGB before jitter and light
    "red": (206, 60, 54),
    "blue": (66, 118, 214),
    "green": (74, 164, 76),
    "purple": (142, 84, 188),
    "white": (232, 232, 228),
    "yellow": (236, 200, 66),
}
VOID_COLOURS: tuple[tuple[int, int, int], ...] = ((124, 126, 130), (118, 84, 60), (238, 156, 184), (62, 166, 168))  # colours of no class
TEXTURES = ("plain", "striped", "dotted", "checked")
PLACES = ("up", "down")  # above or below the horizon
FORMS = ("field", "boxy", "round")  # 'field' is stuff: a region without a shape of its own


@dataclass(frozen=True)
class Kind:
    """What is true of a name, whether it is drawn or only written about.

    frequency: how often it is drawn, relative to the others of its sort (stuff of one place, or things).
    """

    name: str
    colour: str
    texture: str
    place: str
    form: str
    frequency: float = 1.0

    @property
    def is_stuff(self) -> bool:
        """True for regions without a shape of their own."""
        return self.form == "field"

    @property
    def attributes(self) -> tuple[str, ...]:
        """(colour, texture, place, form); no two attributes share a value."""
        return (self.colour, self.texture, self.place, self.form)


CLASSES: tuple[Kind, ...] = (  # position = raw id
    Kind("sky", "blue", "plain", "up", "field"),
    Kind("lake", "blue", "plain", "down", "field"),
    Kind("dusk", "red", "plain", "up", "field"),
    Kind("clay", "red", "plain", "down", "field"),
    Kind("fog", "white", "plain", "up", "field"),
    Kind("snow", "white", "plain", "down", "field"),
    Kind("aurora", "green", "plain", "up", "field"),
    Kind("lawn", "green", "plain", "down", "field"),
    Kind("dawn", "yellow", "plain", "up", "field"),
    Kind("sand", "yellow", "plain", "down", "field"),
    Kind("nebula", "purple", "plain", "up", "field", 0.6),
    Kind("heather", "purple", "plain", "down", "field", 0.6),
    Kind("flag", "red", "striped", "up", "boxy"),
    Kind("barrel", "blue", "striped", "down", "round"),
    Kind("caterpillar", "green", "striped", "down", "boxy"),
    Kind("lantern", "purple", "striped", "up", "round"),
    Kind("zebra", "white", "striped", "down", "boxy"),
    Kind("bee", "yellow", "striped", "up", "round"),
    Kind("drum", "red", "dotted", "down", "round"),
    Kind("blimp", "blue", "dotted", "up", "boxy"),
    Kind("wasp", "yellow", "dotted", "up", "round"),
    Kind("dice", "white", "dotted", "down", "boxy"),
    Kind("plum", "purple", "dotted", "down", "boxy", 0.6),
    Kind("turtle", "green", "dotted", "down", "round"),
    Kind("cart", "red", "checked", "down", "boxy"),
    Kind("melon", "green", "checked", "down", "round"),
    Kind("kite", "yellow", "checked", "up", "boxy"),
    Kind("owl", "white", "checked", "up", "round"),
    Kind("quilt", "purple", "checked", "down", "round", 0.6),
    Kind("parrot", "blue", "checked", "up", "boxy"),
)

EXTRA: tuple[Kind, ...] = (  # written about, never drawn
    Kind("lemon", "yellow", "plain", "down", "round"),
    Kind("swan", "white", "plain", "down", "round"),
    Kind("mint", "green", "plain", "down", "round"),
    Kind("cherry", "red", "plain", "down", "round"),
    Kind("grape", "purple", "plain", "down", "round"),
    Kind("moon", "white", "plain", "up", "round"),
    Kind("balloon", "red", "plain", "up", "round"),
    Kind("sun", "yellow", "plain", "up", "round"),
    Kind("brick", "red", "plain", "down", "boxy"),
    Kind("iceberg", "white", "plain", "down", "boxy"),
    Kind("sapphire", "blue", "plain", "down", "boxy"),
    Kind("tiger", "yellow", "striped", "down", "boxy"),
    Kind("gourd", "green", "striped", "down", "round"),
    Kind("awning", "blue", "striped", "up", "boxy"),
    Kind("peppermint", "red", "striped", "down", "round"),
    Kind("eel", "purple", "striped", "down", "boxy"),
    Kind("ladybird", "red", "dotted", "up", "round"),
    Kind("leopard", "yellow", "dotted", "down", "boxy"),
    Kind("dandelion", "white", "dotted", "up", "round"),
    Kind("toadstool", "red", "dotted", "down", "boxy"),
    Kind("peacock", "blue", "dotted", "up", "round"),
    Kind("frog", "green", "dotted", "down", "boxy"),
    Kind("chessboard", "white", "checked", "down", "boxy"),
    Kind("picnic", "red", "checked", "down", "round"),
    Kind("scarf", "green", "checked", "up", "boxy"),
    Kind("waffle", "yellow", "checked", "down", "boxy"),
    Kind("tartan", "blue", "checked", "down", "round"),
    Kind("pansy", "purple", "dotted", "up", "round"),
)

UNSEEN = ("clay", "fog", "zebra", "bee", "turtle", "parrot")
VALIDATION_UNSEEN = ("lake", "dawn", "lantern", "melon")  # two whose twin differs by place only, two things
PARTITIONS: dict[str, tuple[str, ...]] = {  # other unseen classes, of the suite `splits`: three fields of different colours, three things
    # Drawn once: numpy.random.default_rng(1), partition after partition, `choice` of 3 fields and of 3 things that are in no partition yet,
    # again until every attribute value of them is in three seen classes. Some are validation classes of the default, so settings were
    # chosen with their labels hidden or shown as there; a partition has no validation classes of its own.
    "p1": ("snow", "aurora", "sand", "barrel", "melon", "quilt"),
    "p2": ("lake", "dusk", "dawn", "drum", "dice", "owl"),
    "p3": ("sky", "lawn", "heather", "caterpillar", "lantern", "cart"),
}
RAW_IDS: dict[str, int] = {kind.name: raw_id for raw_id, kind in enumerate(CLASSES)}


def display_palette() -> dict[int, tuple[int, int, int]]:
    """Raw id -> (r, g, b) for drawing masks: the class's own colour, shaded by texture and place so that no two agree."""
    shade = {"plain": 0.0, "striped": -0.45, "dotted": -0.25, "checked": 0.45}
    palette = {}
    for raw_id, kind in enumerate(CLASSES):
        amount = shade[kind.texture] + (0.12 if kind.place == "up" else -0.12)
        palette[raw_id] = _mixed(COLOURS[kind.colour], 255 if amount > 0 else 0, abs(amount))
    return palette | {NOTHING: (32, 32, 32), IGNORE: (0, 0, 0)}


def _mixed(colour: tuple[int, int, int], towards: int, amount: float) -> tuple[int, int, int]:
    red, green, blue = (round(value + (towards - value) * amount) for value in colour)
    return red, green, blue
