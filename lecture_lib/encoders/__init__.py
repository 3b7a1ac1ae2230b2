"""Encoders phi: pictures to vectors.

`encode` is a network's; `ifv.learn` and `ifv.encode` are those of local descriptors.
"""

from lecture_lib.encoders import fisher, ifv
from lecture_lib.encoders.augment import CNNAUG, FLIP, PYRAMID, TEN_CROPS, WHOLE, View, expand, views
from lecture_lib.encoders.cnn import CNNEncoder, cnn, encode
from lecture_lib.encoders.nearest import neighbours
from lecture_lib.encoders.normalise import l2_normalise, summed

__all__ = [
    "CNNAUG",
    "FLIP",
    "PYRAMID",
    "TEN_CROPS",
    "WHOLE",
    "CNNEncoder",
    "View",
    "cnn",
    "encode",
    "expand",
    "fisher",
    "ifv",
    "l2_normalise",
    "neighbours",
    "summed",
    "views",
]
