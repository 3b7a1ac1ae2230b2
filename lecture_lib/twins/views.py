"""From which side and how an object is seen: a warp that keeps its class, from a sketch into a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from lecture_lib.twins.canvas import FRAME
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.frames import Pose, Window

STRETCH, SHEAR, KEYSTONE, BEND = 0.32, 0.30, 0.17, 0.20
REACH = 1.3  # no object reaches farther from its centre, in units of its scale


@dataclass(frozen=True)
class View:
    """The pose of an object, how it recedes (keystone [B, 2]), and how it is bent: bend [B, 2, 4, 4] has strengths of
    waves (cosines) across and down the object, in its units.

    Stretch, shear and keystone stand for the viewpoint: front, three quarters, from above. The bend moves every
    point smoothly, so that no two individuals have one outline.
    """

    pose: Pose
    keystone: Tensor
    bend: Tensor

    @classmethod
    def draw(cls, r: Chance, x: Tensor, y: Tensor, scale: Tensor, angle: Tensor, variety: float) -> View:
        """Draw a view of an object at (x, y); variety: 0 is the sketch as it is, but for a mirror."""
        stretch, shear = (variety * r(-STRETCH, STRETCH)).exp(), variety * r(-SHEAR, SHEAR)
        # What is stretched or sheared is made smaller: the corners of the box stay within reach.
        far = torch.hypot((0.9 + 0.9 * shear.abs()) * stretch, torch.tensor(0.9))
        scale = scale * (REACH / far).clamp(max=1) / stretch.sqrt().clamp(min=1)
        pose = Pose(x, y, scale, angle, 1 - 2 * r.chance(0.5), stretch, shear)
        keystone = torch.stack([r(-KEYSTONE, KEYSTONE), r(-KEYSTONE, KEYSTONE)], 1) * variety
        fade = 1 / (1 + torch.arange(4)[:, None] + torch.arange(4))  # of fine waves
        return cls(pose, keystone, (r.lattice(2, 4, 4) - 0.5) * (2 * BEND * variety) * fade)

    def lamp(self, light: Tensor) -> Tensor:
        """The direction [B, 3] of a lamp as the sketch has it, so that its light comes from `light` in the picture."""
        cos, sin = self.pose.angle.cos(), self.pose.angle.sin()
        x, y, z = light.unbind(1)
        return torch.stack([(cos * x + sin * y) * self.pose.mirror, cos * y - sin * x, z], 1)

    def take(self, rows: Sequence[int]) -> View:
        """The views of the objects at `rows`."""
        return View(self.pose.take(rows), self.keystone[rows], self.bend[rows])

    def moved(self, left: Tensor, top: Tensor, zoom: float) -> View:
        """The same view in a part of the picture that starts at (left, top) and is 1 / zoom of it wide."""
        p = self.pose
        pose = replace(p, x=(p.x - left) * zoom, y=(p.y - top) * zoom, scale=p.scale * zoom)
        return replace(self, pose=pose)

    def look(self, sketch: Tensor, window: Window) -> Tensor:
        """See a sketch [B, C, S, S] in a picture: [B, C, H, W], 0 where it is not."""
        column = lambda t: t.view(-1, 1, 1)  # noqa: E731
        u, v = window.axes()
        p = self.pose
        waves = torch.arange(self.bend.shape[-1])
        along, down = (
            (w.flatten()[:, None] * waves * torch.pi).cos() for w in (u, v * (window.width / window.height))
        )
        bend = down @ self.bend @ along.T
        du = bend[:, 0].add_((u - column(p.x)) / column(p.scale))
        dv = bend[:, 1].add_((column(p.y) - v) / column(p.scale))
        cos, sin = column(p.angle.cos()), column(p.angle.sin())
        y = cos * dv - sin * du
        x = (cos * du + sin * dv) * column(p.mirror / p.stretch) + column(p.shear) * y
        near = 1 + column(self.keystone[:, 0]) * x + column(self.keystone[:, 1]) * y
        near = near.clamp_(0.6, 1.6).div_(FRAME)
        return F.grid_sample(sketch, torch.stack([x * near, -y * near], 3), align_corners=False)
