"""Vessels: turned bodies with a profile from foot to lip, and what they are held and poured by."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance
from lecture_lib.twins.kinds.parts import on, only, turned, union

GROUP = "vessel"
# The profile: half-widths at six levels from the foot (w0) to the lip (w5) over the height `tall`;
# `level` > 0.5 lifts the inner levels, < 0.5 lowers them. The other genes are parts;
# handles: 0.5 is one, 1 is two; plate: the half-width of the saucer or foot.
GENES = (
    "tall", "level", "w0", "w1", "w2", "w3", "w4", "w5",
    "handles", "bail", "stick", "spout", "rose", "lid", "open", "hoops", "label", "plate", "stopper",
)  # fmt: skip
# fmt: off
CLASSES = {
    #                tall      w0   w1   w2   w3   w4   w5   handles    spout    open  label   stopper
    #                     level                                   bail     rose     hoops
    #                                                                stick    lid         plate
    "bottle":       (.95, .55, .30, .32, .32, .30, .11, .11, 0  , 0, 0, 0, 0, 0, 0, 0, 1, 0  , 1),
    "vase":         (1  , .50, .28, .34, .52, .50, .18, .44, 0  , 0, 0, 0, 0, 0, 1, 0, 0, 0  , 0),
    "jug":          (1  , .30, .40, .56, .58, .38, .28, .34, .50, 0, 0, 0, 0, 0, 1, 0, 0, 0  , 0),
    "teacup":       (.45, .35, .30, .50, .58, .62, .64, .68, .50, 0, 0, 0, 0, 0, 1, 0, 0, .92, 0),
    "bowl":         (.48, .25, .36, .62, .82, .92, .97, 1  , 0  , 0, 0, 0, 0, 0, 1, 1, 0, 0  , 0),
    "teapot":       (.58, .50, .34, .52, .58, .58, .46, .26, .50, 0, 0, 1, 0, 1, 0, 0, 0, 0  , 0),
    "wineglass":    (1  , .50, .06, .05, .05, .40, .52, .44, 0  , 0, 0, 0, 0, 0, 1, 0, 0, .45, 0),
    "amphora":      (1  , .55, .10, .22, .44, .52, .14, .20, 1  , 0, 0, 0, 0, 0, 0, 1, 0, 0  , 0),
    "bucket":       (.62, .50, .44, .50, .55, .60, .64, .70, 0  , 1, 0, 0, 0, 0, 1, 0, 0, 0  , 0),
    "barrel":       (.95, .50, .50, .64, .70, .70, .64, .50, 0  , 0, 0, 0, 0, 0, 0, 1, 0, 0  , 0),
    # targets
    "watering can": (.60, .50, .44, .44, .44, .44, .44, .40, .50, 0, 0, 1, 1, 0, 1, 0, 0, 0  , 0),
    "flask":        (.95, .45, .72, .66, .40, .14, .13, .16, 0  , 0, 0, 0, 0, 0, 0, 0, 0, 0  , 1),
    "tankard":      (.88, .50, .54, .52, .51, .50, .49, .48, .50, 0, 0, 0, 0, 1, 0, 1, 0, 0  , 0),
    "saucepan":     (.42, .50, .56, .60, .60, .60, .60, .60, 0  , 0, 1, 0, 0, 1, 0, 0, 0, 0  , 0),
}
# fmt: on
LEVELS = 6


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one vessel a picture; every gene is [B] in [0, 1]."""
    bail, stick, spout, rose, lid, opened, hoops, label, stopper = (
        on(g[k]) for k in ("bail", "stick", "spout", "rose", "lid", "open", "hoops", "label", "stopper")
    )
    saucer = (g["plate"] > 0.2).float()
    handle, both = (g["handles"] > 0.25).float(), (g["handles"] > 0.75).float()
    hh = 0.92 * g["tall"] - 0.06 * stopper - 0.04 * lid - 0.04 * opened
    cx = -0.16 * handle * (1 - both) * (1 - spout) + 0.10 * rose - 0.34 * stick
    cy = -0.20 * rose - 0.14 * lid - 0.28 * bail + 0.08 * saucer - 0.08 * stopper
    top, bottom = cy + hh, cy - hh
    shift = 2 * g["level"] - 1
    ys = [bottom + 2 * hh * (t + shift * t * (1 - t)) for t in (k / (LEVELS - 1) for k in range(LEVELS))]
    ws = [0.95 * g[f"w{k}"] for k in range(LEVELS)]
    belly, shoulder, lip = ws[2], ws[3], ws[5]
    dish = g["plate"].clamp(min=0.1)

    # ---- behind the body: handles, spout, the bucket's bail, saucer
    reach = 0.22 + 0.12 * (1 - both)
    hx, hy = torch.minimum(belly, shoulder) + 0.06 - 0.12 * both, cy + 0.12 * hh + 0.36 * hh * both
    grip = s.ellipse(cx + hx, hy, reach, 0.52 * hh + 0.03).abs() - 0.055
    far = s.ellipse(cx - hx, hy, reach, 0.52 * hh + 0.03).abs() - 0.055
    swing = r(-0.12, 0.12)
    bow = s.ellipse(swing, top, lip - 0.02, 0.62, swing).abs() - 0.035
    beak_x, beak_y = -0.90 + 0.10 * rose, top - 0.02 + 0.12 * rose
    beak = s.limb(
        [(cx - 0.35, cy - 0.55 * hh), (cx - 0.68, cy - 0.1 * hh), (beak_x, beak_y)], 0.15 - 0.06 * rose, 0.06
    )
    behind = union(
        only(grip, handle),
        only(far, both),
        only(torch.maximum(bow, s.at(top) - s.y), bail),
        only(beak, spout),
        only(s.capsule(cx, top - 0.16, 0.90, top - 0.10, 0.075), stick),
        only(s.trapezoid(beak_x + 0.02, beak_y + 0.03, 0.08, 0.26, 0.11, 0.75), rose),
        only(s.ellipse(0.3 * cx, bottom, dish, 0.04 + 0.10 * dish), saucer),
    )
    s.fill(behind, "second", bevel=0.06)

    # ---- body
    body = turned(s, cx, ys, ws)
    s.fill(body, "body", bevel=0.26, pattern=True)

    # ---- hoops, rim
    dy = (s.y - s.at(cy)).abs()
    bands = union((dy - s.at(0.86 * hh)).abs(), (dy - s.at(0.42 * hh)).abs()) - 0.05
    bands = torch.maximum(bands, body - 0.015)
    s.fill(only(bands, hoops), "second", hoops, bevel=0.04)
    rim = s.ellipse(cx, top, lip, 0.05 + 0.10 * lip)
    s.fill(rim, "body", opened, tone=1.1, bevel=0.05)
    s.fill(rim + 0.05, "dark", opened, bevel=0.03)

    # ---- lid with its knob
    cover = torch.maximum(s.ellipse(cx, top - 0.02, lip + 0.03, 0.18), s.at(top - 0.03) - s.y)
    s.fill(union(cover, s.circle(cx, top + 0.20, 0.08)), "second", lid, bevel=0.06)

    # ---- label and cork
    paper = torch.maximum(s.box(cx, cy - 0.30 * hh, 2.0, 0.28 * hh), body + 0.02)
    s.fill(paper, "light", label, bevel=0.03)
    s.fill(s.box(cx, top + 0.06, 0.11, 0.12, corner=0.03), "accent", stopper, bevel=0.04)
