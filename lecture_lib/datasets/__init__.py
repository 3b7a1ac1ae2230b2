"""The lecture's datasets: photographs in their original layouts, or their drawn twins."""
