"""The twin networks with few channels, which train in seconds."""

from lecture_lib.backbones import twin_nets
from lecture_lib.backbones.caffe_nets import Conv


def plans(channels: int, units: int) -> dict:
    """The plans of all twin networks, with so many channels a convolution and units a fully connected layer."""

    def stage(part):
        if isinstance(part, int):
            return units
        return part._replace(channels=channels) if isinstance(part, Conv) else part

    return {
        name: {layer: stage(part) for layer, part in plan.items()} for name, plan in twin_nets.NETS.items()
    }
