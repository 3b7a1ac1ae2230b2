"""What each layer costs: multiply-adds, counted, and seconds, measured (DeCAF's figure of computation time)."""

import time

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lecture_lib.backbones import Backbone


@torch.no_grad()
def layer_costs(net: Backbone, batch: int = 1, repeats: int = 7) -> pd.DataFrame:
    """Cost of each stage of the network for one picture, in batches of `batch`.

    returns a table, one row a stage, in order: `layer`; `kind` ("convolutional", "pooling", "fully connected", a
    local response normalisation counting as the pooling it stands with);
    `mmac`, million multiply-adds a picture in convolutions and linear maps; `parameters`; `ms`, milliseconds a
    picture: the fastest of `repeats` passes; on a processor, its own time on one thread, as several wait for one
    another where the computer is busy.
    """
    x = torch.randn(batch, 3, net.input_size, net.input_size, device=net.device)
    x = x.contiguous(memory_format=torch.channels_last)
    stages = dict(net.stages.named_children())
    rows, after = [], x
    for layer, stage in stages.items():
        with FlopCounterMode(display=False) as counter:
            after = stage(after)
        rows.append(
            {
                "layer": layer,
                "kind": _kind(stage),
                "mmac": counter.get_total_flops() / 2 / batch / 1e6,  # it counts a multiply-add as two
                "parameters": sum(p.numel() for p in stage.parameters()),
            }
        )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        passes = pd.DataFrame([_time_stages(stages, x) for _ in range(repeats + 2)][2:])  # two to warm up
    finally:
        torch.set_num_threads(threads)
    table = pd.DataFrame(rows)
    table["ms"] = table["layer"].map(passes.min()) * 1e3 / batch
    return table


@torch.inference_mode()
def _time_stages(stages: dict[str, nn.Module], x: Tensor) -> dict[str, float]:
    seconds, clock = {}, time.thread_time if x.device.type == "cpu" else time.perf_counter
    for layer, stage in stages.items():
        x = x.clone()  # an in-place ReLU must not find its own output
        _wait(x)
        start = clock()
        x = stage(x)
        _wait(x)
        seconds[layer] = clock() - start
    return seconds


def _wait(x: Tensor) -> None:
    if x.device.type in ("cuda", "mps"):
        getattr(torch, x.device.type).synchronize()


def _kind(stage: nn.Module) -> str:
    modules = list(stage.modules())
    if any(isinstance(m, nn.Conv2d) for m in modules):
        return "convolutional"
    return "fully connected" if any(isinstance(m, nn.Linear) for m in modules) else "pooling"


def bfloat16_is_faster(device: torch.device) -> bool:
    """Time one convolution, forward and backward, both ways: bfloat16 must win by a quarter.

    Processors without bfloat16 arithmetic take many times longer with it, so this is never assumed. It is a
    processor's own time that counts: what else runs on it must not decide how a training goes on.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter

    def seconds(enabled: bool) -> float:
        conv = nn.Conv2d(96, 96, 3, padding=1).to(device, memory_format=torch.channels_last)
        x = torch.randn(32, 96, 16, 16, device=device).contiguous(memory_format=torch.channels_last)
        times = []
        for _ in range(5):
            start = clock()
            with torch.autocast(device.type, torch.bfloat16, enabled=enabled):
                loss = conv(x).float().sum()
            loss.backward()
            loss.item()  # waits for an accelerator
            times.append(clock() - start)
        return min(times[1:])

    try:
        return seconds(True) * 1.25 < seconds(False)
    except RuntimeError:  # a device that has no bfloat16 at all
        return False
