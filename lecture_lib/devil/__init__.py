"""Shallow against deep, as in "Return of the Devil in the Details" (Chatfield et al. 2014)."""

from lecture_lib.devil.comparison import Kernel, by_class, classify, kernel, shared_training

__all__ = ["Kernel", "by_class", "classify", "kernel", "shared_training"]
