"""Draw batches of objects from signed distance fields, shaded as if modelled in clay.

A *sketch* is B pictures of one kind of object, drawn part by part, back to front. Each part is a signed
distance field d [B, H, W] (negative inside, in object units) that is filled with one of the object's paints.
Fills keep three fields: colour, coverage and a height that swells inside each part. When all parts are there,
the slope of the height gives normals, and those give light and shade (the distance functions are the textbook
ones; see I. Quilez, "2D distance functions").

Object units: x to the right, y UP, the object about fills the box [-1, 1] x [-1, 1]. The same numbers draw it
at any resolution. Every argument of a shape is a float or a tensor [B].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from lecture_lib.twins.chance import Chance
from lecture_lib.twins.extents import Value, most, within
from lecture_lib.twins.frames import Pose, Window

FRAME = 1.15  # a sketch without a pose shows a little more than the object box


class Sketch:
    """B objects of one kind in the making; see the module's text for units.

    It shows the box [-FRAME, FRAME] x [-FRAME, FRAME] unless it has a pose of its own: then parts lie at the same
    place in all pictures of a batch, so that `fill` works on a part's own rows and columns only, and what does
    not turn is worked out on x [1, 1, S] and y [1, S, 1].
    """

    def __init__(
        self, window: Window, paints: dict[str, Tensor], r: Chance, pose: Pose | None = None
    ) -> None:
        B, H, W = len(r), window.height, window.width
        u, v = window.axes()
        if pose is None:
            self.x, self.y = FRAME * (2 * u - 1), FRAME * (1 - 2 * v)
            self.pixel = torch.full((1, 1, 1), 2 * FRAME / W)
        else:
            at = self.at
            du, dv = u - at(pose.x), at(pose.y) - v
            cos, sin = at(pose.angle.cos() / pose.scale), at(pose.angle.sin() / pose.scale)
            self.y = cos * dv - sin * du
            self.x = (cos * du + sin * dv) * at(pose.mirror / pose.stretch) + at(pose.shear) * self.y
            self.pixel = at(1.0 / (W * pose.scale))  # side of a pixel in object units
        self.paints = {k: c.view(-1, 3, 1, 1) for k, c in paints.items()}
        self.colour = torch.zeros(B, 3, H, W)
        self.cover = torch.zeros(B, H, W)
        self.height = torch.zeros(B, H, W)
        self._layer = 0
        self._pattern_draws = r.pick(6), r(0, math.pi), r(9, 20), r(0, 6.3), r(0, 6.3), r(0.2, 0.7)

    # ---- shapes: signed distance, negative inside ----

    def local(self, cx: Value, cy: Value, angle: Value = 0.0) -> tuple[Tensor, Tensor]:
        """Coordinates [B, H, W] of a frame of its own, with its origin at (cx, cy) and turned by `angle`."""
        dx, dy = self.x - self.at(cx), self.y - self.at(cy)
        if isinstance(angle, Tensor):
            cos, sin = self.at(angle.cos()), self.at(angle.sin())
        elif angle == 0.0:
            return dx, dy
        else:
            cos, sin = math.cos(angle), math.sin(angle)
        return cos * dx + sin * dy, cos * dy - sin * dx

    @staticmethod
    def at(value: Value) -> Value:
        """Give a tensor [B] the shape [B, 1, 1], so that it meets the fields."""
        return value.view(-1, 1, 1) if isinstance(value, Tensor) and value.ndim == 1 else value

    @within(lambda cx, cy, rx, ry, angle=0.0: ([cx], [cy], most(rx, ry)))
    def ellipse(self, cx: Value, cy: Value, rx: Value, ry: Value, angle: Value = 0.0) -> Tensor:
        """Ellipse with half-axes rx, ry, turned by `angle` (radians, anticlockwise)."""
        dx, dy = self.local(cx, cy, angle)
        rx, ry = self.at(rx), self.at(ry)
        px, py = dx / rx, dy / ry
        k0 = (px * px + py * py).sqrt_()
        k1 = ((px / rx) ** 2 + (py / ry) ** 2).sqrt_().clamp_(min=1e-6)
        return k0 * (k0 - 1) / k1

    @within(lambda cx, cy, radius: ([cx], [cy], radius))
    def circle(self, cx: Value, cy: Value, radius: Value) -> Tensor:
        """Disc."""
        dx, dy = self.local(cx, cy)
        return (dx * dx + dy * dy).sqrt_() - self.at(radius)

    def ring(self, cx: Value, cy: Value, radius: Value, half: Value) -> Tensor:
        """Annulus: all points within `half` of the circle."""
        return self.circle(cx, cy, radius).abs_() - self.at(half)

    def arc(self, cx: Value, cy: Value, radius: Value, half: Value, middle: Value, reach: Value) -> Tensor:
        """Piece of a ring around direction `middle` (radians from +x), `reach` to each side."""
        dx, dy = self.local(cx, cy, middle)
        dy = dy.abs()
        radius, half = self.at(radius), self.at(half)
        reach = self.at(torch.as_tensor(reach, device=dx.device))
        ex, ey = radius * reach.cos(), radius * reach.sin()
        on_arc = ((dx * dx + dy * dy).sqrt() - radius).abs()
        at_end = ((dx - ex) ** 2 + (dy - ey) ** 2).sqrt()
        return torch.where(reach.sin() * dx > reach.cos() * dy, on_arc, at_end) - half

    @within(lambda x0, y0, x1, y1, r0, r1=None: ([x0, x1], [y0, y1], most(r0, r0 if r1 is None else r1)))
    def capsule(
        self, x0: Value, y0: Value, x1: Value, y1: Value, r0: Value, r1: Value | None = None
    ) -> Tensor:
        """Rounded stick from (x0, y0), radius r0, to (x1, y1), radius r1 (default r0; 0 is a point)."""
        r1 = r0 if r1 is None else r1
        dx, dy = self.local(x0, y0)
        ex, ey = self.at(x1 - x0), self.at(y1 - y0)
        t = ((dx * ex + dy * ey) / (ex * ex + ey * ey + 1e-9)).clamp_(0, 1)
        gap = ((dx - ex * t) ** 2 + (dy - ey * t) ** 2).sqrt_()
        return gap - (self.at(r0) + self.at(r1 - r0) * t)

    @within(lambda points, r0, r1=None: (*zip(*points, strict=True), most(r0, r0 if r1 is None else r1)))
    def limb(self, points: Sequence[tuple[Value, Value]], r0: Value, r1: Value | None = None) -> Tensor:
        """Chain of capsules through `points`, tapering from r0 to r1: necks, tails, legs, cables."""
        r1 = r0 if r1 is None else r1
        n = len(points) - 1
        d = None
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
            part = self.capsule(x0, y0, x1, y1, r0 + (r1 - r0) * (i / n), r0 + (r1 - r0) * ((i + 1) / n))
            d = part if d is None else torch.minimum(d, part)
        return d

    @within(lambda cx, cy, hw, hh, angle=0.0, corner=0.0: ([cx], [cy], hw + hh))
    def box(
        self, cx: Value, cy: Value, hw: Value, hh: Value, angle: Value = 0.0, corner: Value = 0.0
    ) -> Tensor:
        """Rectangle with half-width hw and half-height hh; `corner` rounds it and keeps its size."""
        dx, dy = self.local(cx, cy, angle)
        corner = self.at(corner)
        qx, qy = dx.abs_() - (self.at(hw) - corner), dy.abs_() - (self.at(hh) - corner)
        outside = (qx.clamp(min=0) ** 2 + qy.clamp(min=0) ** 2).sqrt_()
        return outside + torch.maximum(qx, qy).clamp_(max=0) - corner

    @within(lambda cx, cy, bottom, top, hh, angle=0.0, corner=0.0: ([cx], [cy], most(bottom, top) + hh))
    def trapezoid(
        self,
        cx: Value,
        cy: Value,
        bottom: Value,
        top: Value,
        hh: Value,
        angle: Value = 0.0,
        corner: Value = 0.0,
    ) -> Tensor:
        """Isosceles trapezoid: half-widths `bottom` and `top`, half-height hh; top = 0 is a triangle."""
        dx, dy = self.local(cx, cy, angle)
        corner = self.at(corner)
        bottom, top, hh = self.at(bottom), self.at(top), self.at(hh)
        slope = (top - bottom) / (2 * hh)
        lean = 1 / (1 + slope * slope) ** 0.5
        side = (dx.abs_() - (bottom + top) / 2 - slope * dy) * lean
        return (
            torch.maximum(side, dy.abs() - hh)
            if isinstance(corner, float) and corner == 0.0
            else (self._soft_max(side + corner, dy.abs() - hh + corner) - corner)
        )

    @within(lambda points: (*zip(*points, strict=True), 0.0))
    def polygon(self, points: Sequence[tuple[Value, Value]]) -> Tensor:
        """Convex polygon through `points`, in either direction."""
        pts = [
            (torch.as_tensor(x, device=self.x.device), torch.as_tensor(y, device=self.x.device))
            for x, y in points
        ]
        area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(pts, pts[1:] + pts[:1], strict=True))
        turn = torch.where(area > 0, 1.0, -1.0)
        d = None
        for (x0, y0), (x1, y1) in zip(pts, pts[1:] + pts[:1], strict=True):
            nx, ny = turn * (y1 - y0), turn * (x0 - x1)
            n = (nx * nx + ny * ny).sqrt().clamp(min=1e-6)
            nx, ny = nx / n, ny / n
            side = self.x * self.at(nx) + self.y * self.at(ny) - self.at(nx * x0 + ny * y0)
            d = side if d is None else torch.maximum(d, side)
        return d

    @staticmethod
    def _soft_max(a: Tensor, b: Tensor) -> Tensor:
        return (a.clamp(min=0) ** 2 + b.clamp(min=0) ** 2).sqrt_() + torch.maximum(a, b).clamp_(max=0)

    # ---- paint ----

    def fill(
        self,
        d: Tensor,
        paint: str,
        when: Value = 1.0,
        tone: Value = 1.0,
        bevel: float = 0.12,
        pattern: bool = False,
    ) -> None:
        """Lay a part over what is there.

        d        [B, H, W]  its signed distance
        paint    one of PAINTS
        when     1 where the object has this part, 0 where not: [B] or float
        tone     multiplies the colour: < 1 for what lies farther back or in shade
        bevel    width of the rounded rim in object units: large is a ball, small a flat plate
        pattern  whether the object's own pattern (stripes, spots, ...) is on this part
        """
        if isinstance(when, Tensor):
            if not bool(when.any()):
                return
            when = self.at(when)
        elif when == 0.0:
            return
        self._layer = self._layer + when  # each picture counts its own parts, whatever is drawn beside it
        d = d.expand_as(self.cover)
        here = self._reach(d)
        if here is None:
            return
        d = d[(slice(None), *here)]
        a = (0.5 - d / self.pixel).clamp_(0, 1)
        if isinstance(when, Tensor):
            a = a * when
        t = 1 - (1 + d / bevel).clamp_(0, 1)
        swell = (t * (2 - t)).sqrt_().mul_(bevel).add_(0.012 * self._layer)
        height, colour = self.height[(slice(None), *here)], self.colour[(slice(None), slice(None), *here)]
        cover = self.cover[(slice(None), *here)]
        height.lerp_(swell, a)
        c = self.paints[paint]
        if isinstance(tone, Tensor):
            tone = tone.view(-1, 1, 1, 1)
        if pattern:
            pattern_here = self._pattern[(slice(None), *here)][:, None]
            c = c + (self.paints["second" if paint == "body" else "body"] - c) * pattern_here
        colour.lerp_((c * tone).expand_as(colour), a[:, None])
        torch.maximum(cover, a, out=cover)

    def _reach(self, d: Tensor) -> tuple[slice, slice] | None:
        """The rows and columns of a part [B, H, W], of all pictures together; None if it is outside of all."""
        inside = (d.amin(0) < 0.5 * float(self.pixel.max())).numpy()
        rows, columns = inside.any(1).nonzero()[0], inside.any(0).nonzero()[0]
        if not len(rows):
            return None
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def eye(self, cx: Value, cy: Value, radius: Value, when: Value = 1.0) -> None:
        """A round eye with a pupil."""
        self.fill(self.circle(cx, cy, radius), "light", when, bevel=0.05)
        self.fill(self.circle(cx, cy, 0.62 * radius), "dark", when, tone=0.4, bevel=0.03)

    @cached_property
    def _pattern(self) -> Tensor:
        """Strength [B, H, W] of the second colour: plain, stripes or spots; chance alone decides."""
        kind, angle, pitch, phase_x, phase_y, much = self._pattern_draws
        px, py = self.local(0.0, 0.0, angle)
        wave_x, wave_y = (
            (px * self.at(pitch) + self.at(phase_x)).sin_(),
            (py * self.at(pitch) + self.at(phase_y)).sin_(),
        )
        field = torch.where(self.at(kind == 0), wave_x, wave_x * wave_y * 2)
        return (field * 3).sigmoid_() * self.at(much * (kind < 2))

    def shade(self, light: Tensor, gloss: Tensor) -> Tensor:
        """Light the clay: colour [B, 3, H, W] in [0, 1].

        light [B, 3] unit vector towards the lamp (x right, y up, z to the viewer); gloss [B] in [0, 1].
        """
        step = self.pixel * 2
        gx = torch.zeros_like(self.height)
        gy = torch.zeros_like(self.height)
        gx[:, :, 1:-1] = self.height[:, :, 2:] - self.height[:, :, :-2]
        gy[:, 1:-1] = self.height[:, :-2] - self.height[:, 2:]
        gx, gy = (gx / step).clamp_(-1.6, 1.6), (gy / step).clamp_(-1.6, 1.6)
        lx, ly, lz = (light[:, i].view(-1, 1, 1) for i in range(3))
        length = (1 + gx * gx + gy * gy).rsqrt_()
        lambert = ((lz - gx * lx - gy * ly) * length).clamp_(0, 1)
        glint = lambert**4
        glint = glint * glint * (0.55 * self.at(gloss))
        return (self.colour * (0.45 + 0.72 * lambert)[:, None] + glint[:, None]).clamp_(0, 1)
