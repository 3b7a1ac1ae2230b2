"""Features of a collection that outgrows one machine, computed block by block on a cluster.

    python -m lecture_lib.encode DATASET --layers fc6,fc7                      on the cores of this computer
    python -m lecture_lib.encode DATASET --layers fc6,fc7 --cluster ADDRESS    on a cluster of Dask's

Each worker computes blocks of the store and leaves them beside the array, all in the same LECTURE_CACHE. Then they are
put together, and `encoders.encode` with the same options, in any notebook, reads the array as if it had computed it.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import logging
import secrets
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lecture_lib import backbones, datasets, encoders, settings, store
from lecture_lib.backbones.backbone import Backbone, check_layers
from lecture_lib.datasets import ImageCollection, layout
from lecture_lib.progress import bar
from lecture_lib.store.arrays import Span

if TYPE_CHECKING:
    from distributed import Client

TIMEOUT = 10  # seconds in which a scheduler answers
GOES_ON = "What was finished is kept, and the same command goes on from there."


class ClusterError(Exception):
    """A cluster cannot be used, or is lost; the message says what to do."""


class Task(NamedTuple):
    """What all workers are to compute: `encoders.encode` of a network and pictures, under these settings.

    dataset  a name, or an absolute path of a folder of pictures
    split    of the dataset that has one to choose; None: its usual one
    run      one name a run, as a worker may live longer than the files that it has read
    """

    dataset: str
    split: str | None
    net: str
    layers: tuple[str, ...]
    pool: str | int | None
    l2: bool
    profile: str
    data: str
    cache: str
    run: str


@functools.lru_cache(maxsize=1)
def load(task: Task) -> tuple[Backbone, ImageCollection]:
    """Load network and pictures, once a process. KeyError, at once: the network has no such layer."""
    net = backbones.load(task.net)
    check_layers(net, task.layers)  # before a million pictures are looked at
    if Path(task.dataset).is_absolute():
        images = datasets.folder(task.dataset)
    else:
        images = datasets.load(task.dataset, **({"split": task.split} if task.split else {}))
    return net, images


def encode(task: Task) -> None:
    """Compute what is missing or, inside `store.apart`, what that says."""
    net, images = load(task)
    encoders.encode(net, images, task.layers, pool=task.pool, l2=task.l2, progress=False)


def encode_block(span: Span, task: Task) -> None:
    """Compute one block, in a thread of a worker, and leave it in the store. StoreError: it is of another array."""
    # as many blocks at once as the worker has threads, each on one core
    settings.use(task.profile, data=task.data, cache=task.cache, threads=1, quiet=True)
    with contextlib.redirect_stdout(io.StringIO()):  # the command has said already what is left out
        load(task)
    with store.apart(span):
        encode(task)


def missing_blocks(task: Task) -> list[Span]:
    """List the blocks that are not in the store, and write down there what is to be computed."""
    load(task)
    with store.apart() as missing:
        encode(task)
    return missing


@contextlib.contextmanager
def connect(address: str | None) -> Iterator[Client]:
    """Connect to a scheduler or, without an address, start a worker for each thread of the settings here.

    Raises ClusterError if nobody answers.
    """
    from distributed import Client, LocalCluster  # here, since nothing else in the project needs it

    logging.disable(logging.CRITICAL)  # what goes wrong is said in a sentence
    try:
        with contextlib.ExitStack() as closing:
            if address is None:
                # nothing is held in memory that could be moved to disk, or kill a worker that holds too much
                here = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": ":0"}
                n = settings.current().threads
                address = closing.enter_context(
                    LocalCluster(n_workers=n, silence_logs=logging.CRITICAL, **here)
                ).scheduler_address
            try:
                client = Client(address, timeout=TIMEOUT)
            except (OSError, ValueError):
                raise ClusterError(
                    f"No scheduler answers at {address}. `dask scheduler` prints the address of the one it starts "
                    "(tcp://HOST:8786). Without --cluster this computer's cores do the work."
                ) from None
            yield closing.enter_context(client)
    finally:
        logging.disable(logging.NOTSET)


def compute(client: Client, task: Task, missing: list[Span]) -> None:
    """Let a cluster compute blocks. Raises what a worker raises, ClusterError if the cluster is lost."""
    from distributed import CancelledError, KilledWorker, as_completed

    total = sum(stop - start for start, stop in missing)
    print(f"{total:,} pictures to encode; workers at {client.scheduler.address}: {len(client.nthreads())}.")
    blocks = dict(zip(client.map(encode_block, missing, task=task, pure=False), missing, strict=True))
    with bar(total=total, desc=task.net, unit=" images", delay=1) as under_way:
        for future in as_completed(blocks):
            start, stop = blocks.pop(future)  # or it is asked for again when its worker dies
            try:
                future.result()
            except CancelledError:
                raise ClusterError(f"The cluster's scheduler is gone. {GOES_ON}") from None
            except KilledWorker as error:
                raise ClusterError(
                    f"{error.allowed_failures + 1} workers died over pictures {start} to {stop}, perhaps for want of "
                    f"memory: give a worker more, or fewer threads. {GOES_ON}"
                ) from None
            under_way.update(stop - start)


def main(arguments: list[str] | None = None) -> int:
    """Compute what the command line asks for; return 1 if it could not be finished."""
    parser = argparse.ArgumentParser(
        prog="python -m lecture_lib.encode", description=__doc__.partition("\n")[0]
    )
    known = f"{', '.join(layout.LAYOUT)}, or a folder of pictures"
    parser.add_argument("dataset", metavar="DATASET", help=known)
    parser.add_argument("--layers", required=True, metavar="LAYER,...", help="names, as fc6,fc7")
    parser.add_argument(
        "--net", metavar="NAME", choices=backbones.NAMES, help="default: LECTURE_BACKBONE, or the profile's"
    )
    parser.add_argument("--split", choices=("train", "val"), help="of ilsvrc2012; default: val")
    parser.add_argument("--pool", metavar="mean|max|N", help="of maps, as `encoders.encode` takes it")
    parser.add_argument("--l2", action="store_true", help="vectors of length 1")
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="of a Dask scheduler; default: one on this computer"
    )
    asked = parser.parse_args(arguments)
    chosen = settings.current()
    if find_spec("distributed") is None:
        parser.error('Dask is not installed: python -m pip install "distributed>=2024.2"')
    if asked.split and asked.dataset != "ilsvrc2012":
        parser.error("--split is for ilsvrc2012; other datasets are encoded whole.")
    folder = asked.dataset not in layout.LAYOUT and Path(asked.dataset).is_dir()
    task = Task(
        dataset=str(Path(asked.dataset).absolute()) if folder else asked.dataset,
        split=asked.split,
        net=asked.net or chosen.backbone,
        layers=tuple(asked.layers.split(",")),
        pool=int(asked.pool) if (asked.pool or "").isdigit() else asked.pool,
        l2=asked.l2,
        profile=chosen.profile,
        data=str(chosen.data),
        cache=str(chosen.cache),
        run=secrets.token_hex(8),
    )
    try:
        missing = missing_blocks(task)
    except (FileNotFoundError, KeyError, ValueError, store.StoreError) as error:
        parser.error(error.args[0])
    try:
        if missing:
            with connect(asked.cluster) as client:
                compute(client, task, missing)
        encode(task)
    except (ClusterError, FileNotFoundError, RuntimeError, store.StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{task.net}: {asked.layers} of {len(load(task)[1]):,} pictures, in {settings.shown(chosen.cache)}."
    )
    return 0


if __name__ == "__main__":
    from lecture_lib import encode as module  # workers find its functions under its name, not under __main__

    sys.exit(module.main())
