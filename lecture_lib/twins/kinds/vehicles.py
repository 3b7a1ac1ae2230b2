"""Road and rail vehicles, seen from the side, facing right."""

from __future__ import annotations

import torch
from torch import Tensor

from lecture_lib.twins.canvas import Sketch
from lecture_lib.twins.chance import Chance

GROUP = "conveyance, transport"
GENES = (
    "long", "tall", "belt", "hood", "nose", "boot", "bed", "rake", "back", "glaze", "posts",
    "wheel", "rear", "axles", "load", "boiler", "chimney", "wire", "ladder", "open",
)  # fmt: skip
# fmt: off
CLASSES = {
    #               lon  tal  bel  hoo  nos  boo  bed  rak  bac  gla  pos  whe  rea  axl  lo  bo  c  w  l  o
    "car":         (  1, .20, .55, .42,   1, .22,   1, .75, .70,   1, .25, .35, .35,   0,  0,  0, 0, 0, 0, 0),
    "bus":         (  1, .55, .50,   0,   1,   0,   1, .05,   0,   1,   1, .30, .30,   0,  0,  0, 0, 0, 0, 0),
    "van":         (.90, .62, .48, .18, .80,   0,   1, .55,   0, .40,   0, .38, .38,   0,  0,  0, 0, 0, 0, 0),
    "lorry":       (  1, .65, .45,   0,   1, .90, .05, .10,   0,   1,   0, .38, .38, .50,  1,  0, 0, 0, 0, 0),
    "tractor":     (.50, .90, .45, .75,   1, .08, .60, .10,   0,   1,   0, .45,   1,   0,  0,  0, 1, 0, 0, 0),
    "locomotive":  (  1, .70, .55, .95, .10,   0,   1,   0,   0,   1,   0, .25, .55,   1,  0,  1, 1, 0, 0, 0),
    "convertible": (  1, .22, .58, .55,   1, .30,   1,   1, .50,   0,   0, .38, .38,   0,  0,  0, 0, 0, 0, 1),
    # target classes
    "pickup":      (  1, .40, .55, .38,   1, .60, .75, .45,   0,   1, .12, .55, .55,   0,  0,  0, 0, 0, 0, 0),
    "tram":        (  1, .32, .40,   0,   1,   0,   1, .22, .30,   1, .50, .08, .08,   1,  0,  0, 0, 1, 0, 0),
    "fire engine": (  1, .40, .50,   0,   1,   0,   1, .15,   0, .42, .38, .42, .42, .50,  0,  0, 0, 0, 1, 0),
}
# fmt: on


def draw(s: Sketch, g: dict[str, Tensor], r: Chance) -> None:
    """Draw one vehicle a picture; every gene is [B] in [0, 1].

    A part that a class lacks but that shares its fill with others is moved `away`, out of the picture.
    """
    at = lambda t: t.view(-1, 1, 1)  # noqa: E731
    on = {k: (g[k] > 0.5).float() for k in ("load", "boiler", "chimney", "wire", "ladder", "open")}
    away = {k: 9 * (1 - v) for k, v in on.items()}

    # the box of the whole: half-length, ground, belt line (under the windows), roof
    L = 0.60 + 0.36 * g["long"]
    tall = 0.60 + 0.95 * g["tall"]
    ground = -tall / 2 - 0.14 * (on["wire"] + on["ladder"])
    roof = ground + tall
    belt = ground + tall * (0.30 + 0.50 * g["belt"])
    front, rear = 0.07 + 0.26 * g["wheel"], 0.07 + 0.36 * g["rear"]
    low = ground + 0.75 * front
    xf, xr = L - 1.2 * L * g["hood"], -L + 1.5 * L * g["boot"]  # feet of windscreen and of rear window
    cab = roof - 0.18 * tall * on["load"]
    mid = (xf + xr) / 2

    # wheels' places; third and fourth axle beside the rear and the front one
    yr, yf = ground + rear, ground + front
    wr, wf = -L + 1.1 * rear + 0.10 * g["long"], L - 1.1 * front - 0.10 * g["long"]
    third = wr + 2.1 * rear + 9 * (g["axles"] < 0.25).float()
    fourth = wf - 2.1 * front + 9 * (g["axles"] < 0.75).float()

    def rings(share: float) -> Tensor:
        d = torch.minimum(s.circle(wr, yr, share * rear), s.circle(wf, yf, share * front))
        d = torch.minimum(d, s.circle(third, yr, share * rear))
        return torch.minimum(d, s.circle(fourth, yf, share * front))

    # chassis, chimney and steam dome, current collector
    d = s.box(0.0, low + 0.02, L - 0.06, 0.07)
    top = belt + 0.85 * (roof - belt)
    xc = xf + 0.72 * (L - xf)
    d = torch.minimum(
        d,
        s.trapezoid(
            xc + away["chimney"],
            (belt + top) / 2 - 0.05,
            0.05,
            0.06 + 0.03 * on["boiler"],
            (top - belt) / 2 + 0.05,
        ),
    )
    fold = r(-0.06, 0.06)
    x0 = fold + away["wire"]
    d = torch.minimum(
        d, s.limb([(x0 - 0.12, roof), (x0 + 0.14, roof + 0.15), (x0 - 0.06, roof + 0.26)], 0.024)
    )
    d = torch.minimum(d, s.capsule(x0 - 0.26, roof + 0.27, x0 + 0.16, roof + 0.27, 0.024))
    s.fill(d, "dark", bevel=0.04, tone=1.2)

    # ladder: two rails with rungs, raised a little
    rise = 0.06 + r(0, 0.08)
    lx, ly = s.local(-0.12 + away["ladder"], roof + 0.12, rise)
    rungs = ((lx * 8).frac().abs() - 0.5).abs() / 8 - 0.022
    d = torch.maximum((ly.abs() - 0.055).abs() - 0.022, lx.abs() - 0.8)
    d = torch.minimum(d, torch.maximum(rungs, torch.maximum(ly.abs() - 0.07, lx.abs() - 0.8)))
    s.fill(d, "light", when=on["ladder"], bevel=0.03)

    # boiler or load, with the steam dome
    bx = torch.where(on["boiler"] > 0, (xf + L - 0.05) / 2, (xr - 0.04 - L) / 2) + 9 * (
        1 - on["boiler"] - on["load"]
    )
    bw = torch.where(on["boiler"] > 0, (L - 0.05 - xf) / 2, (xr - 0.04 + L) / 2)
    b0 = low + 0.06
    b1 = torch.where(on["boiler"] > 0, belt, roof)
    d = s.box(bx, (b0 + b1) / 2, bw, (b1 - b0) / 2, corner=0.04)
    d = torch.minimum(d, s.circle(xf + 0.30 * (L - xf) + away["boiler"], belt, 0.10))
    s.fill(d, "second", bevel=0.13, pattern=True)
    s.fill(s.box(L - 0.13, (b0 + b1) / 2, 0.09, (b1 - b0) / 2 + 0.02), "dark", when=on["boiler"], bevel=0.06)

    # body: hood, middle, rear, and the cabin with its slanted screens
    hood = low + (belt - low) * (0.15 + 0.80 * g["nose"])
    bed = low + (belt - low) * (0.15 + 0.85 * g["bed"])
    d = s.box((xf + L) / 2 - 0.05, (low + hood) / 2, (L - xf) / 2 + 0.05, (hood - low) / 2, corner=0.05)
    d = torch.minimum(
        d, s.box((xr - L) / 2 + 0.05, (low + bed) / 2, (xr + L) / 2 + 0.05, (bed - low) / 2, corner=0.05)
    )
    d = torch.minimum(d, s.box(mid, (low + belt) / 2, (xf - xr) / 2, (belt - low) / 2, corner=0.04))
    rise, roofless = cab - belt, 9 * on["open"]
    lean_f, lean_r = rise * 1.1 * g["rake"], rise * 0.9 * g["back"]
    sill = belt - 0.04
    cabin = s.polygon(
        [
            (xr + roofless, sill),
            (xf + roofless, sill),
            (xf - lean_f + roofless, cab),
            (xr + lean_r + roofless, cab),
        ]
    )
    body = torch.minimum(d, cabin)
    s.fill(body, "body", bevel=0.07, pattern=True)
    s.fill(torch.maximum(body + 0.015, s.y - at(low + 0.32 * (belt - low))), "second", bevel=0.04)

    # windows between posts; the rear part may be blind
    count = (1 + 7 * g["posts"]).round()
    pitch = (xf - xr) / count
    share = ((s.x - at(xr)) / at(pitch)).remainder(1.0)
    d = torch.maximum(cabin + 0.055, 0.025 - (0.5 - (share - 0.5).abs()) * at(pitch))
    d = torch.maximum(d, at(xf - g["glaze"] * (xf - xr)) - s.x)
    s.fill(d, "light", bevel=0.03, tone=0.92)

    # open car: screen, seats; lamps and bumpers of all
    d = s.capsule(xf + away["open"], belt, xf - 0.16 + away["open"], roof, 0.022)
    d = torch.minimum(d, s.box(mid - 0.05 + away["open"], belt + 0.07, 0.06, 0.14, 0.25, 0.05))
    d = torch.minimum(d, s.box(xr + 0.07 + away["open"], belt + 0.07, 0.06, 0.14, 0.25, 0.05))
    s.fill(d, "dark", when=on["open"], bevel=0.03)
    lamp = low + 0.68 * (hood - low)
    d = torch.minimum(
        s.ellipse(L - 0.05, lamp, 0.045, 0.05), s.box(L - 0.03, low + 0.05, 0.05, 0.035, 0.0, 0.02)
    )
    s.fill(d, "accent", bevel=0.04)

    # wheels
    s.fill(rings(1.0), "dark", bevel=0.06)
    s.fill(rings(0.55), "light", bevel=0.06, tone=0.9)
    s.fill(rings(0.2), "accent", bevel=0.04)
