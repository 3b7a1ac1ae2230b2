"""Helpers behind the workbook *Image Classification; Transfer Learning*."""

import os

from lecture_lib.settings import keep_elsewhere, use

# OpenMP's threads otherwise spin while they wait for each other: beside one busy process, a second notebook say, a
# training takes many times as long. Each copy of OpenMP reads this when it is loaded, with the first of torch,
# scikit-learn and openTSNE, so a notebook imports lecture_lib before them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
keep_elsewhere()  # before matplotlib is imported

__all__ = ["use"]
__version__ = "0.6.0"
