"""Work on pictures in several threads, results in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_order(take: Callable[[Item], Made], items: Sequence[Item], workers: int, cores: int) -> Iterator[Made]:
    """Yield take(item) for each item, in order, with `workers` threads of `cores` of torch's threads each.

    Closing the iterator, also by an interrupt, ends the work after the items at hand.
    """
    before = torch.get_num_threads()
    # the number of torch's threads is a matter of the thread that sets it, as its default for new ones is not
    threads = ThreadPoolExecutor(workers, "encode", initializer=torch.set_num_threads, initargs=(cores,))
    begun: deque = deque()
    todo = iter(items)
    try:
        for _ in items:
            # one more than there are threads: none is idle while the caller writes; nothing piles up
            begun.extend(threads.submit(take, item) for item in islice(todo, workers + 1 - len(begun)))
            yield begun.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)  # also after an interrupt: nothing keeps on computing
        torch.set_num_threads(before)
