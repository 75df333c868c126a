"""The exact distance between two triangle meshes."""

import numpy as np

from scenes.mesh import Mesh

_EDGES = ((0, 1), (1, 2), (2, 0))
_TINY = 1e-18


def distance_m(a: Mesh, b: Mesh) -> float:
    """Return the distance of two surfaces that do not cross, m: of a corner to a face, or of two edges."""
    return min(_points_to_faces(a, b), _points_to_faces(b, a), _edges_to_edges(a, b))


def _points_to_faces(a: Mesh, b: Mesh) -> float:
    """Return the smallest distance of a vertex of `a` to the inside of a face of `b`; edges are compared elsewhere."""
    points = a.vertices[np.unique(a.faces)]
    p, q, r = (b.vertices[b.faces[:, corner]] for corner in range(3))
    normal = np.cross(q - p, r - p)
    area = np.linalg.norm(normal, axis=1)
    sound = area > _TINY
    p, q, r, normal = p[sound], q[sound], r[sound], normal[sound] / area[sound, None]
    height = np.einsum("nmk,mk->nm", points[:, None] - p[None], normal)
    inside = np.ones(height.shape, bool)
    for start, end in ((p, q), (q, r), (r, p)):
        outward = np.cross(end - start, normal)
        inside &= np.einsum("nmk,mk->nm", points[:, None] - start[None], outward) <= 0
    return float(np.abs(height[inside]).min(initial=np.inf))


def _edges_to_edges(a: Mesh, b: Mesh) -> float:
    p, d = _edges(a)
    q, e = _edges(b)
    w = p[:, None] - q[None]
    dd, ee = (d * d).sum(1)[:, None], (e * e).sum(1)[None]
    de = d @ e.T
    dw, ew = np.einsum("ik,ijk->ij", d, w), np.einsum("jk,ijk->ij", e, w)
    denominator = np.maximum(dd * ee - de * de, _TINY)
    s = np.clip((de * ew - ee * dw) / denominator, 0, 1)
    t = np.clip((de * s + ew) / np.maximum(ee, _TINY), 0, 1)
    s = np.clip((de * t - dw) / np.maximum(dd, _TINY), 0, 1)
    apart = w + s[..., None] * d[:, None] - t[..., None] * e[None]
    return float(np.sqrt((apart * apart).sum(-1).min()))


def _edges(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Return the start and the direction of every edge."""
    pairs = np.sort(np.concatenate([mesh.faces[:, edge] for edge in _EDGES]), axis=1)
    pairs = np.unique(pairs, axis=0)
    start = mesh.vertices[pairs[:, 0]]
    return start, mesh.vertices[pairs[:, 1]] - start
