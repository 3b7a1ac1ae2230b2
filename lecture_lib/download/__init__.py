"""Published files, fetched once: resumed, retried, checked by SHA-256, unpacked safely.

What arrives is written to ``<name>.part``, which survives an interrupt and is continued by the next
call. ``<name>`` itself appears only when it is whole and its hash is right. Every fault becomes one DownloadError
that says what happened and how to get the file by hand.
"""

from lecture_lib.download.fetching import DownloadError, RemoteFile, fetch
from lecture_lib.download.unpacking import unpack
