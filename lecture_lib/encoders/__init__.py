"""Encoders phi: pictures to vectors. `encode` is a network's, `ifv.encode` that of local descriptors.

Their vectors are normalised by `l2_normalise`, `improve` (the signed square root first), `intra_normalise`, `summed`.
"""

from lecture_lib.encoders import fisher, ifv
from lecture_lib.encoders.augment import CNNAUG, FLIP, PYRAMID, TEN_CROPS, WHOLE, View, expand, views
from lecture_lib.encoders.cnn import encode
from lecture_lib.encoders.normalise import improve, intra_normalise, l2_normalise, neighbours, summed
