"""Furniture and appliances."""

from scenes import containers, seating, storage
from scenes.catalog import APPLIANCES, WOODS, Kind, on

_FABRIC = ("plain", "plain", "fabric", "stripes", "dots")
_WOOD = ("wood", "wood", "plain")

FURNITURE: tuple[Kind, ...] = (
    Kind("chair", (0.46, 0.45, 0.88), seating.chair, on("floor"), True, textures=_WOOD, spread=2.0),
    Kind("stool", (0.36, 0.36, 0.52), seating.stool, on("floor", "rug"), textures=_WOOD),
    Kind("bench", (0.38, 1.1, 0.45), seating.bench, on("floor", "wall"), colors=WOODS, textures=_WOOD, spread=2.1),
    Kind("sofa", (0.85, 1.8, 0.8), seating.sofa, on("floor", "wall"), True, textures=_FABRIC, spread=2.0),
    Kind("armchair", (0.8, 0.85, 0.82), seating.sofa, on("floor", "wall", "rug"), True, textures=_FABRIC, spread=2.0),
    Kind("office chair", (0.6, 0.6, 0.95), seating.office_chair, on("floor"), True, spread=2.0),
    Kind("bed", (1.95, 1.35, 0.9), seating.bed, on("wall"), True, textures=_FABRIC, spread=2.0),
    Kind("table", (0.85, 1.25, 0.72), storage.table, on("floor"), colors=WOODS, textures=_WOOD, spread=2.0),
    Kind("coffee table", (0.6, 0.95, 0.4), storage.table, on("floor", "rug"), colors=WOODS, textures=_WOOD),
    Kind("side table", (0.42, 0.42, 0.5), storage.table, on("floor", "wall"), colors=WOODS, textures=_WOOD),
    Kind("desk", (0.65, 1.3, 0.73), storage.desk, on("wall"), True, WOODS, _WOOD, 2.0),
    Kind("cabinet", (0.42, 1.0, 0.8), storage.cabinet, on("wall"), True, textures=_WOOD),
    Kind("dresser", (0.45, 0.9, 0.85), storage.dresser, on("wall"), True, textures=_WOOD, spread=2.0),
    Kind("wardrobe", (0.55, 1.1, 1.65), storage.wardrobe, on("wall"), True, textures=_WOOD, spread=2.0),
    Kind("nightstand", (0.38, 0.44, 0.5), storage.nightstand, on("wall"), True, textures=_WOOD),
    Kind("bookshelf", (0.3, 0.85, 1.35), storage.bookshelf, on("wall"), True, WOODS, _WOOD, 2.4),
    Kind("wall shelf", (0.22, 0.8, 0.16), storage.wall_shelf, on("hung"), colors=WOODS, textures=_WOOD),
    Kind("fridge", (0.62, 0.62, 1.45), storage.fridge, on("wall"), True, APPLIANCES, spread=2.2, gloss=0.25),
    Kind("oven", (0.6, 0.6, 0.86), storage.oven, on("wall"), True, APPLIANCES, spread=2.0, gloss=0.25),
    Kind(
        "washing machine",
        (0.58, 0.6, 0.84),
        storage.washing_machine,
        on("wall"),
        True,
        APPLIANCES,
        gloss=0.2,
        spread=2.0,
    ),
    Kind("rug", (1.3, 1.8, 0.012), storage.rug, on("floor"), textures=("fabric", "stripes", "checker", "dots")),
    Kind("floor lamp", (0.4, 0.4, 1.45), storage.lamp, on("floor", "wall")),
    Kind(
        "potted plant",
        (0.5, 0.5, 0.8),
        containers.plant,
        on("floor", "wall", "top", "shelf"),
        colors=("green",),
        spread=5.0,
    ),
    Kind("suitcase", (0.28, 0.45, 0.72), storage.suitcase, on("floor", "wall", "bed"), gloss=0.1),
    Kind("crate", (0.38, 0.5, 0.28), containers.crate, on("floor", "rug", "top", "wall"), textures=_WOOD, spread=2.8),
    Kind("box", (0.36, 0.46, 0.3), containers.carton, on("floor", "top", "wall", "shelf", "bed"), spread=4.0),
    Kind(
        "basket",
        (0.4, 0.4, 0.34),
        containers.basket,
        on("floor", "wall", "top", "shelf"),
        textures=("weave",),
        spread=2.8,
    ),
    Kind("bin", (0.3, 0.3, 0.42), containers.basket, on("floor", "wall"), gloss=0.1),
)
