"""Named colors that people distinguish, and the colors of materials."""

from functools import cache

import numpy as np

Rgb = tuple[float, float, float]

# sRGB 0..255
NAMED: dict[str, Rgb] = {
    "red": (196, 32, 36),
    "orange": (238, 124, 22),
    "yellow": (238, 204, 48),
    "green": (46, 130, 56),
    "turquoise": (50, 184, 178),
    "blue": (36, 78, 186),
    "purple": (128, 44, 142),
    "pink": (240, 142, 178),
    "brown": (104, 62, 34),
    "beige": (212, 186, 146),
    "white": (238, 238, 234),
    "gray": (132, 134, 136),
    "black": (30, 30, 33),
}
ANY = tuple(NAMED)
_ROLES: dict[str, tuple[Rgb, ...]] = {
    "wood": ((150, 104, 62), (112, 72, 42), (184, 140, 92), (86, 56, 36)),
    "metal": ((168, 170, 174), (120, 122, 126), (196, 190, 176)),
    "dark": ((36, 36, 40), (52, 50, 50)),
    "white": ((236, 234, 228), (222, 222, 226)),
    "paper": ((232, 224, 204), (214, 198, 160)),
    "glass": ((28, 32, 38), (40, 44, 46)),
    "screen": ((14, 16, 20), (24, 52, 104), (150, 180, 210)),
    "glow": ((255, 236, 190),),
    "leaf": ((52, 112, 44), (76, 134, 58)),
    "art": ((120, 140, 110), (150, 110, 90), (90, 110, 150), (200, 180, 140)),
}


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (D65) of sRGB colors [..., 3] in 0..255."""
    linear = np.asarray(rgb, float) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ matrix.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


_LABS = lab(np.array(list(NAMED.values())))


def shade_of(name: str, rng: np.random.Generator) -> Rgb:
    """Draw a shade whose nearest named color is still `name`."""
    shades = _shades(name)
    return shades[int(rng.integers(len(shades)))]


@cache
def _shades(name: str) -> tuple[Rgb, ...]:
    rng = np.random.default_rng(ANY.index(name))
    center = np.array(NAMED[name], float)
    brightness = np.exp(rng.uniform(-0.12, 0.12, (512, 1)))
    shades = np.clip(center * brightness + rng.uniform(-14, 14, (512, 3)), 6, 250)
    nearest = np.linalg.norm(lab(shades)[:, None] - _LABS, axis=2).argmin(1)
    return tuple((float(r), float(g), float(b)) for r, g, b in shades[nearest == ANY.index(name)])


def color_of_role(role: str, rng: np.random.Generator) -> Rgb:
    """Draw the color of a secondary part: a role such as `wood` or `metal`; `second` draws any named color."""
    if role == "second":
        return shade_of(ANY[int(rng.integers(len(ANY)))], rng)
    choices = np.array(_ROLES[role])
    color = choices[int(rng.integers(len(choices)))] * np.exp(rng.uniform(-0.12, 0.12))
    return float(color[0]), float(color[1]), float(min(color[2], 255))
