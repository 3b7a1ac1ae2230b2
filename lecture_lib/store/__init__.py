"""Arrays computed once and kept on disk, named by a fingerprint of what made them.

An array [n, ...] is computed in blocks of rows. Every finished block is a file of its own in
``<cache>/arrays/<key>.parts/``; when all are there they are joined into ``<key>.npy``, beside
``<key>.json``, which tells people what the array is. Each file appears whole or not at all (written
under a temporary name, then renamed), so a killed process loses at most the block in hand. There are
no locks: processes that compute the same array at once write the same blocks, and the first to finish
wins. `clear` may be called at any time, too.
"""

from lecture_lib.store.arrays import fetch
from lecture_lib.store.contents import clear, report, size
from lecture_lib.store.files import StoreError, write_atomically
from lecture_lib.store.fingerprints import fingerprint

__all__ = ["StoreError", "clear", "fetch", "fingerprint", "report", "size", "write_atomically"]
