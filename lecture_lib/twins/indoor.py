"""Indoor scenes: what the twin of MIT-67 shows, in that dataset's five groups and under its class names.

Quattoni and Torralba, Recognizing Indoor Scenes, CVPR 2009. Some scenes are told apart by their layout (bowling),
some by the things in them (clothingstore); see `places` for how they are drawn.
"""

from __future__ import annotations

from lecture_lib.twins import grounds, halls, interiors
from lecture_lib.twins.places import Prop, Table

STORE, HOME, PUBLIC = "store", "home", "public spaces"
LEISURE, WORKING = "leisure", "working place"
SOMEONE = ("standing", "walking", "reading")
GARMENTS = ("coat", "dress", "trousers", "hoodie")
FILM = ("camel", "horse", "car", "locomotive", "waving", "running", "sailing boat", "palm")
PLANTS = ("potted plant", "palm", "cactus", "sunflower", "tulip", "rose", "bamboo")
# fmt: off
SCENES: Table = {
    "bakery": (STORE, interiors.bakery, (
        Prop(("jug", "vase"), (0, 2), (0.10, 0.90), (0.537, 0.540), (0.050, 0.065), True),
        Prop(SOMEONE, (0, 1), (0.15, 0.85), (0.98, 1.02), (0.22, 0.25)))),
    "clothingstore": (STORE, interiors.clothing_store, (
        Prop(GARMENTS, (2, 4), (0.04, 0.96), (0.470, 0.480), (0.105, 0.110), True),
        Prop(GARMENTS, (2, 4), (0.16, 0.84), (0.825, 0.835), (0.125, 0.130), True),
        Prop(SOMEONE, (0, 1), (0.05, 0.15), (0.96, 1.02), (0.23, 0.26)))),
    "grocerystore": (STORE, interiors.grocery_store, (
        Prop(("walking", "standing"), (0, 2), (0.42, 0.58), (0.70, 0.90), (0.11, 0.16), True),)),
    "laundromat": (STORE, interiors.laundromat, (
        Prop(("bucket",), (0, 2), (0.10, 0.90), (0.92, 0.98), (0.07, 0.09), True),
        Prop(("chair",), (0, 1), (0.15, 0.85), (0.96, 1.0), (0.14, 0.17)),
        Prop(SOMEONE, (0, 1), (0.15, 0.85), (0.96, 1.0), (0.20, 0.24)))),
    "shoeshop": (STORE, interiors.shoe_shop, (
        Prop(("shoe",), (3, 5), (0.04, 0.96), (0.252, 0.254), (0.065, 0.075), True),
        Prop(("boot",), (3, 5), (0.04, 0.96), (0.418, 0.420), (0.070, 0.080), True),
        Prop(("shoe",), (3, 5), (0.04, 0.96), (0.652, 0.654), (0.065, 0.075), True),
        Prop(("sitting", "standing"), (0, 1), (0.12, 0.88), (0.96, 1.0), (0.20, 0.24)))),
    "bathroom": (HOME, interiors.bathroom, (
        Prop(("bucket", "stool"), (0, 1), (0.48, 0.60), (0.97, 1.0), (0.08, 0.10)),
        Prop(("potted plant",), (0, 1), (0.04, 0.08), (0.95, 0.99), (0.11, 0.14)))),
    "bedroom": (HOME, grounds.bedroom, (
        Prop(("wardrobe",), (0, 1), (0.12, 0.22), (0.78, 0.84), (0.18, 0.22)),
        Prop(("bed",), (1, 1), (0.40, 0.62), (0.90, 1.02), (0.28, 0.34)),
        Prop(("floor lamp",), (1, 1), (0.82, 0.90), (0.84, 0.90), (0.15, 0.20)))),
    "kitchen": (HOME, grounds.kitchen, (
        Prop(("refrigerator",), (1, 1), (0.12, 0.22), (0.79, 0.84), (0.20, 0.25)),
        Prop(("jug", "saucepan", "teapot"), (1, 3), (0.35, 0.80), (0.55, 0.56), (0.05, 0.07), True),
        Prop(("dining table",), (1, 1), (0.50, 0.75), (0.94, 1.02), (0.18, 0.24)))),
    "livingroom": (HOME, grounds.living_room, (
        Prop(("sofa",), (1, 1), (0.35, 0.60), (0.88, 0.95), (0.24, 0.30)),
        Prop(("television", "floor lamp"), (1, 1), (0.80, 0.90), (0.84, 0.90), (0.13, 0.17)),
        Prop(("potted plant", "bookcase"), (1, 1), (0.08, 0.16), (0.84, 0.92), (0.14, 0.19)))),
    "stairscase": (HOME, interiors.staircase, (
        Prop(("potted plant", "floor lamp"), (0, 1), (0.06, 0.10), (0.90, 0.95), (0.14, 0.18)),
        Prop(("walking",), (0, 1), (0.10, 0.14), (0.94, 0.98), (0.20, 0.23)))),
    "church_inside": (PUBLIC, halls.church, (
        Prop(("standing", "walking", "kneeling"), (0, 2), (0.45, 0.55), (0.72, 0.95), (0.09, 0.14), True),)),
    "library": (PUBLIC, grounds.library, (
        Prop(("chair",), (1, 2), (0.20, 0.80), (0.92, 1.0), (0.13, 0.17), True),
        Prop(("reading",), (0, 1), (0.40, 0.60), (0.95, 1.0), (0.20, 0.24)))),
    "museum": (PUBLIC, halls.museum, (
        Prop(("amphora", "vase"), (1, 1), (0.185, 0.195), (0.642, 0.646), (0.10, 0.12)),
        Prop(("amphora", "vase"), (1, 1), (0.805, 0.815), (0.642, 0.646), (0.10, 0.12)),
        Prop(SOMEONE, (0, 2), (0.32, 0.68), (0.96, 1.02), (0.18, 0.22), True))),
    "subway": (PUBLIC, halls.subway, (
        Prop((*SOMEONE, "waving"), (1, 4), (0.06, 0.94), (0.88, 1.0), (0.16, 0.20), True),)),
    "waitingroom": (PUBLIC, halls.waiting_room, (
        Prop(("chair", "armchair", "sitting"), (4, 5), (0.08, 0.92), (0.76, 0.77), (0.105, 0.115), True),
        Prop(("potted plant",), (0, 1), (0.04, 0.10), (0.86, 0.92), (0.11, 0.14)),
        Prop(("reading", "walking"), (0, 1), (0.25, 0.85), (0.95, 1.0), (0.19, 0.22)))),
    "bar": (LEISURE, halls.bar, (
        Prop(("wineglass", "tankard", "bottle"), (1, 3), (0.10, 0.90), (0.580, 0.585), (0.050, 0.065), True),
        Prop(("stool",), (2, 4), (0.08, 0.92), (0.96, 1.0), (0.16, 0.19), True))),
    "bowling": (LEISURE, halls.bowling, (
        Prop(("running", "walking", "waving"), (0, 1), (0.15, 0.85), (0.92, 1.0), (0.18, 0.22)),)),
    "gameroom": (LEISURE, halls.game_room, (
        Prop(("stool",), (0, 1), (0.05, 0.10), (0.90, 0.95), (0.14, 0.17)),
        Prop(("standing", "waving"), (0, 1), (0.88, 0.94), (0.88, 0.94), (0.19, 0.23)))),
    "movietheater": (LEISURE, halls.movie_theater, (
        Prop(FILM, (1, 1), (0.35, 0.65), (0.45, 0.46), (0.10, 0.13)),)),
    "restaurant": (LEISURE, halls.restaurant, (
        Prop(("chair",), (0, 1), (0.48, 0.52), (0.72, 0.73), (0.09, 0.10)),
        Prop(("chair",), (1, 1), (0.06, 0.10), (0.78, 0.82), (0.11, 0.13)),
        Prop(("chair",), (1, 1), (0.90, 0.94), (0.78, 0.82), (0.11, 0.13)),
        Prop(("wineglass", "bottle"), (1, 1), (0.23, 0.30), (0.664, 0.667), (0.045, 0.055)),
        Prop(("wineglass", "bottle"), (1, 1), (0.70, 0.77), (0.664, 0.667), (0.045, 0.055)),
        Prop(("wineglass", "bottle", "vase"), (1, 2), (0.42, 0.58), (0.825, 0.830), (0.06, 0.07), True),
        Prop(("standing", "walking"), (0, 1), (0.14, 0.86), (0.97, 1.0), (0.21, 0.24)))),
    "classroom": (WORKING, grounds.classroom, (
        Prop(("stool", "chair"), (4, 4), (0.12, 0.88), (0.76, 0.80), (0.08, 0.10), True),
        Prop(("stool", "chair"), (3, 3), (0.15, 0.85), (0.97, 1.02), (0.12, 0.15), True))),
    "computerroom": (WORKING, interiors.computer_room, (
        *(Prop(("television",), (0, 1), (x, x + 0.04), (0.584, 0.586), (0.065, 0.075)) for x in (0.2, 0.4, 0.6, 0.8)),
        *(Prop(("television",), (1, 1), (x, x + 0.06), (0.786, 0.788), (0.10, 0.12)) for x in (0.12, 0.47, 0.82)),
        Prop(("chair",), (1, 2), (0.10, 0.90), (1.0, 1.04), (0.15, 0.18), True))),
    "greenhouse": (WORKING, interiors.greenhouse, (
        Prop(PLANTS, (2, 2), (0.22, 0.42), (0.66, 0.74), (0.07, 0.09), True),
        Prop(PLANTS, (2, 2), (0.58, 0.78), (0.66, 0.74), (0.07, 0.09), True),
        Prop(PLANTS, (1, 2), (0.02, 0.26), (0.88, 1.0), (0.13, 0.18), True),
        Prop(PLANTS, (1, 2), (0.74, 0.98), (0.88, 1.0), (0.13, 0.18), True))),
    "office": (WORKING, interiors.office, (
        Prop(("laptop",), (1, 1), (0.38, 0.58), (0.704, 0.708), (0.07, 0.09)),
        Prop(("telephone", "typewriter"), (0, 1), (0.25, 0.29), (0.706, 0.710), (0.050, 0.055)),
        Prop(("bookcase", "potted plant"), (1, 1), (0.06, 0.12), (0.84, 0.90), (0.17, 0.20)),
        Prop(("chair",), (1, 1), (0.44, 0.52), (0.97, 1.0), (0.15, 0.18)))),
    "warehouse": (WORKING, interiors.warehouse, (
        Prop(("lorry", "van"), (0, 1), (0.44, 0.56), (0.80, 0.82), (0.13, 0.16)),
        Prop(("barrel",), (1, 3), (0.22, 0.78), (0.92, 0.99), (0.07, 0.10), True))),
}
# fmt: on
CLASSES = tuple(SCENES)
GROUPS = tuple(group for group, _, _ in SCENES.values())
