"""Patch-based transfer: patches, their labels, the layers that adapt, scores and maps (Oquab et al. 2014).

Data flows through the modules in this order:

grid        where patches lie                 picture size -> boxes [M, 4]
labelling   which show an object              boxes, the picture's objects -> class, background or ambiguous [M]
encode      phi of each                       pictures, patches -> [n, d]
adaptation  FCa and FCb on phi                phi, labels -> layers; phi -> y(C | P) [n, K + 1]
inference   from patches to the picture       y -> score [K], map [H, W]
"""
