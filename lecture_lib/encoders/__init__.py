"""Encoders phi: pictures to vectors."""

from lecture_lib.encoders.augment import CNNAUG, FLIP, TEN_CROPS, View, expand, views
from lecture_lib.encoders.cnn import CNNEncoder, cnn, encode

__all__ = ["CNNAUG", "FLIP", "TEN_CROPS", "CNNEncoder", "View", "cnn", "encode", "expand", "views"]
