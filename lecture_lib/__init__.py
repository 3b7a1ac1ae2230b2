"""Helpers behind the workbook *Image Classification; Transfer Learning*."""

from lecture_lib.settings import use

__all__ = ["use"]
__version__ = "0.1.0"
