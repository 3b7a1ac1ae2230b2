"""Arrays computed once and kept on disk, named by a fingerprint of what made them.

An array [n, ...] is computed in blocks of rows, appended to ``<cache>/arrays/<key>.part``; when all are there
it is renamed to ``<key>.npy``, beside ``<key>.json``, which tells people what the array is. A killed process
loses at most the block in hand. One process at a time computes an array; others that ask for it wait. Those that
share out its blocks (`apart`) leave each as ``<key>.<start>-<stop>.block``, and who computes the array takes them in.
"""

from lecture_lib.store.arrays import apart, fetch
from lecture_lib.store.contents import clear, folder, report, results_folder
from lecture_lib.store.files import StoreError, alone, unwritable, write_atomically
from lecture_lib.store.fingerprints import fingerprint
