"""Encoders phi: pictures to vectors."""

from lecture_lib.encoders.cnn import CNNEncoder, cnn, encode

__all__ = ["CNNEncoder", "cnn", "encode"]
