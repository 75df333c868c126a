"""A room as one triangle mesh, ready for ray casting."""

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from scenes.decor import Material, background, of_object
from scenes.mesh import Mesh
from scenes.placement import Room

BACKGROUND = -1

# vertices, faces, vertex normals
_Block = tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass(frozen=True, eq=False)
class Hits:
    """First hits of n rays: `z` in units of the ray direction, face index, and barycentric `u`, `v`."""

    z: np.ndarray
    face: np.ndarray
    u: np.ndarray
    v: np.ndarray


class Scene:
    """Merged triangles of a room with their object (-1 = floor, walls, ceiling), material and normals."""

    def __init__(self, room: Room, rng: np.random.Generator) -> None:
        self.room = room
        self.materials: list[Material] = background(rng)
        shell, materials = _shell(room)
        blocks: list[_Block] = [(mesh.vertices, mesh.faces, None) for mesh in shell]
        objects = [BACKGROUND] * len(shell)
        smooth = [False] * len(shell)
        counts = [len(mesh.faces) for mesh in shell]
        for index, item in enumerate(room.objects):
            looks, place = of_object(item), {}
            for role, mesh in item.design.shape.parts:
                if role not in place:
                    place[role] = len(self.materials)
                    self.materials.append(looks[role])
                objects.append(index)
                materials.append(place[role])
                smooth.append(mesh.normals is not None)
                counts.append(len(mesh.faces))
            vertices, faces, normals = item.design.merged
            blocks.append((vertices @ item.rotation.T + item.position_m, faces, normals @ item.rotation.T))
        self.face_object = np.repeat(np.array(objects, np.int16), counts)
        self.face_material = np.repeat(np.array(materials, np.int16), counts)
        self.face_smooth = np.repeat(np.array(smooth), counts)
        self._merge(blocks)

    def _merge(self, blocks: list[_Block]) -> None:
        starts = np.cumsum([0] + [len(vertices) for vertices, _, _ in blocks[:-1]])
        self.vertices = np.concatenate([vertices for vertices, _, _ in blocks]).astype(np.float32)
        self.faces = np.concatenate([b[1] + s for b, s in zip(blocks, starts, strict=True)]).astype(np.int32)
        normals = [np.zeros_like(vertices) if given is None else given for vertices, _, given in blocks]
        self.vertex_normals = np.concatenate(normals).astype(np.float32)
        a, b, c = (np.ascontiguousarray(self.vertices[self.faces[:, i]].T) for i in range(3))
        ab, ac = b - a, c - a
        normal = np.stack([ab[1] * ac[2] - ab[2] * ac[1], ab[2] * ac[0] - ab[0] * ac[2], ab[0] * ac[1] - ab[1] * ac[0]])
        self.face_normals = normal / np.maximum(np.sqrt((normal * normal).sum(0)), 1e-12)
        self._embree = EmbreeScene()
        TriangleMesh(self._embree, self.vertices, self.faces)

    def cast_from(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Return the first hits of rays [n, 3] (float32), each from an origin of its own; face -1 without one."""
        out = self._embree.run(origins, directions, output=True)
        return Hits(out["tfar"], out["primID"], out["u"], out["v"])

    def cast(self, origin: np.ndarray, directions: np.ndarray) -> Hits:
        """Return the first hits of rays from one `origin` [3] along `directions` [n, 3] (float32, any length)."""
        return self.cast_from(np.broadcast_to(origin.astype(np.float32), directions.shape).copy(), directions)

    def blocked(self, origins: np.ndarray, directions: np.ndarray, reach: float) -> np.ndarray:
        """Return for each ray [n, 3] (float32) whether anything lies within `reach` times its direction."""
        limits = np.full(len(origins), reach, np.float32)
        return self._embree.run(origins, directions, limits, query="OCCLUDED") >= 0


def _shell(room: Room) -> tuple[list[Mesh], list[int]]:
    x, y, z = room.size_m
    corners = {
        0: [(0, 0, 0), (x, 0, 0), (x, y, 0), (0, y, 0)],
        1: [(0, 0, z), (0, y, z), (x, y, z), (x, 0, z)],
        2: [(0, 0, 0), (0, y, 0), (0, y, z), (0, 0, z)],
        3: [(x, 0, 0), (x, 0, z), (x, y, z), (x, y, 0)],
        4: [(0, 0, 0), (0, 0, z), (x, 0, z), (x, 0, 0)],
        5: [(0, y, 0), (x, y, 0), (x, y, z), (0, y, z)],
    }
    quad = np.array([[0, 1, 2], [0, 2, 3]])
    meshes = [Mesh(np.array(points, float), quad) for points in corners.values()]
    materials = list(corners)
    if room.doorway is not None:
        meshes[2 + room.doorway.wall] = room.doorway.wall_mesh(room.size_m)
        for mesh, material in room.doorway.corridor(room.size_m):
            meshes.append(mesh)
            materials.append(material)
    return meshes, materials
