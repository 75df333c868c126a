"""Small objects: electronics, tableware, books, toys, textiles and fruit."""

from scenes import containers, electronics, smallware, storage
from scenes.catalog import APPLIANCES, ELECTRONICS, Kind, on

_TABLES = ("top", "shelf", "stove")
_CHINA = ("plain", "plain", "stripes", "dots")
_FABRIC = ("plain", "fabric", "stripes", "dots", "checker")

SMALL: tuple[Kind, ...] = (
    Kind("monitor", (0.2, 0.56, 0.44), electronics.monitor, on("top"), True, ELECTRONICS),
    Kind("tv", (0.18, 0.85, 0.52), electronics.tv, on("top"), True, ("black", "gray", "white")),
    Kind("laptop", (0.3, 0.34, 0.22), electronics.laptop, on("top", "bed", "seat"), True, ELECTRONICS, spread=2.0),
    Kind("keyboard", (0.15, 0.42, 0.03), electronics.keyboard, on("top"), colors=ELECTRONICS),
    Kind("mouse", (0.11, 0.065, 0.038), electronics.mouse, on("top"), colors=ELECTRONICS),
    Kind("phone", (0.15, 0.075, 0.012), electronics.phone, on("top", "book", "bed"), colors=ELECTRONICS),
    Kind(
        "remote control",
        (0.18, 0.05, 0.022),
        electronics.remote,
        on("top", "bed", "seat"),
        colors=("black", "gray", "white"),
    ),
    Kind("speaker", (0.2, 0.19, 0.32), electronics.speaker, on("top", "shelf", "floor"), True, spread=2.8),
    Kind("printer", (0.4, 0.44, 0.22), electronics.printer, on("top", "floor"), True, ELECTRONICS),
    Kind("microwave", (0.36, 0.48, 0.28), electronics.microwave, on("top"), True, APPLIANCES, gloss=0.2),
    Kind("toaster", (0.2, 0.29, 0.19), electronics.toaster, on("top"), colors=APPLIANCES, gloss=0.35),
    Kind("kettle", (0.24, 0.17, 0.24), containers.kettle, on("top", "stove"), colors=APPLIANCES, gloss=0.4),
    Kind("pot", (0.24, 0.3, 0.18), containers.pot, on("top", "stove", "shelf"), gloss=0.3),
    Kind(
        "pan",
        (0.48, 0.28, 0.07),
        containers.pan,
        on("top", "stove"),
        colors=("black", "gray", "red", "blue"),
        gloss=0.2,
    ),
    Kind("mug", (0.12, 0.09, 0.095), containers.mug, on(*_TABLES, "book", "seat", "block"), textures=_CHINA, gloss=0.4),
    Kind("cup", (0.085, 0.085, 0.11), containers.glass, on(*_TABLES, "book", "block"), textures=_CHINA, gloss=0.4),
    Kind("bowl", (0.22, 0.22, 0.09), containers.bowl, on(*_TABLES, "book"), textures=_CHINA, gloss=0.35, spread=2.8),
    Kind("plate", (0.24, 0.24, 0.026), containers.plate, on("top", "shelf"), textures=_CHINA, gloss=0.35),
    Kind("bottle", (0.085, 0.085, 0.27), containers.bottle, on(*_TABLES, "floor", "inside"), gloss=0.45, spread=2.5),
    Kind("can", (0.07, 0.07, 0.12), containers.can, on(*_TABLES, "inside", "book", "block"), gloss=0.35),
    Kind(
        "vase", (0.16, 0.16, 0.32), containers.vase, on("top", "shelf", "floor"), textures=_CHINA, gloss=0.4, spread=2.8
    ),
    Kind("candle", (0.07, 0.07, 0.13), containers.candle, on("top", "shelf", "book", "inside"), spread=2.6),
    Kind("table lamp", (0.28, 0.28, 0.46), storage.lamp, on("top", "shelf")),
    Kind("clock", (0.05, 0.26, 0.26), electronics.clock, on("hung", "top", "shelf"), True, spread=2.8),
    Kind("picture", (0.03, 0.5, 0.46), smallware.picture, on("hung", "hung", "top"), True, spread=3.2, jitter=0.3),
    Kind(
        "book",
        (0.15, 0.21, 0.035),
        smallware.book,
        on(*_TABLES, "book", "seat", "bed", "floor", "block", "inside"),
        spread=2.2,
        jitter=0.3,
    ),
    Kind("tissue box", (0.12, 0.23, 0.12), smallware.tissue_box, on("top", "shelf", "bed"), textures=_CHINA),
    Kind("cushion", (0.42, 0.42, 0.14), smallware.cushion, on("seat", "bed", "floor", "rug"), textures=_FABRIC),
    Kind("pillow", (0.4, 0.62, 0.14), smallware.cushion, on("pillow place"), textures=_FABRIC, spread=2.0),
    Kind(
        "backpack", (0.26, 0.32, 0.44), smallware.backpack, on("floor", "seat", "bed", "wall"), True, textures=_FABRIC
    ),
    Kind(
        "teddy bear",
        (0.3, 0.3, 0.38),
        smallware.teddy_bear,
        on("floor", "rug", "bed", "seat", "shelf", "inside", "top"),
        True,
        ("brown", "beige", "white", "pink", "gray", "blue"),
        ("fabric",),
        spread=2.8,
    ),
    Kind(
        "ball",
        (0.2, 0.2, 0.2),
        smallware.ball,
        on("floor", "rug", "inside", "top"),
        textures=("plain", "stripes", "dots"),
        jitter=0.0,
        spread=5.0,
    ),
    Kind(
        "block", (0.08, 0.08, 0.08), smallware.block, on("floor", "rug", "top", "inside", "block", "book"), spread=3.0
    ),
    Kind(
        "toy car", (0.22, 0.1, 0.085), smallware.toy_car, on("floor", "rug", "top", "inside", "shelf"), True, spread=3.0
    ),
    Kind(
        "apple",
        (0.08, 0.08, 0.082),
        smallware.fruit,
        on("inside", "top", "book"),
        colors=("red", "green", "yellow"),
        jitter=0.05,
    ),
    Kind("orange", (0.085, 0.085, 0.084), smallware.fruit, on("inside", "top"), colors=("orange",), jitter=0.04),
    Kind("lemon", (0.095, 0.068, 0.066), smallware.lemon, on("inside", "top"), colors=("yellow", "green"), jitter=0.05),
    Kind("banana", (0.06, 0.19, 0.042), smallware.banana, on("inside", "top"), colors=("yellow", "green")),
)
