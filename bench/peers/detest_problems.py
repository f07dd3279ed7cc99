"""DETEST (Hull, Enright, Fellen and Sedgwick 1972) for the peers: the definitions of test/problems.ts once more.

The bench compares the ends of tight solves on both sides, so that the two texts cannot drift apart.
"""

import numpy as np

GRAVITY = 2.95912208286
SUN = 1.00000597682
MASSES = np.array(
    [0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778]
)
POSITIONS = [
    3.42947415189, 3.35386959711, 1.35494901715, 6.6414554255, 5.97156957878, 2.18231499728, 11.2630437207, 14.6952576794,
    6.27960525067, -30.1552268759, 1.65699966404, 1.43785752721, -21.123835338, 28.4465098142, 15.3882659679,
]  # fmt: skip
VELOCITIES = [
    -0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812, 0.169143213293, -0.325325669158,
    0.189706021964, 0.087726532278, -0.024047625417, -0.287659532608, -0.117219543175, -0.176860753121, -0.216393453025,
    -0.014864789309,
]  # fmt: skip


def unit(size):
    return [1.0] + [0.0] * (size - 1)


def diffusion(_t, y):
    padded = np.concatenate(([0.0], y, [0.0]))
    return padded[:-2] - 2 * y + padded[2:]


def chain(rate):
    def slope(_t, y):
        flow = np.array([rate(i) for i in range(len(y) - 1)]) * y[:-1]
        return np.concatenate(([0.0], flow)) - np.concatenate((flow, [0.0]))

    return slope


def b4(_t, y):
    radius = np.hypot(y[0], y[1])
    return [-y[1] - y[0] * y[2] / radius, y[0] - y[1] * y[2] / radius, y[0] / radius]


def planets(_t, state):
    at = state[:15].reshape(5, 3)
    cubes = np.linalg.norm(at, axis=1) ** 3
    acceleration = -(SUN + MASSES)[:, None] * at / cubes[:, None]
    for body in range(5):
        for other in range(5):
            if other != body:
                apart = at[other] - at[body]
                pull = apart / np.linalg.norm(apart) ** 3 - at[other] / cubes[other]
                acceleration[body] += MASSES[other] * pull
    return np.concatenate((state[15:], GRAVITY * acceleration.ravel()))


def orbit(eccentricity):
    def slope(_t, y):
        cube = (y[0] ** 2 + y[1] ** 2) ** 1.5
        return [y[2], y[3], -y[0] / cube, -y[1] / cube]

    return [1 - eccentricity, 0.0, 0.0, np.sqrt((1 + eccentricity) / (1 - eccentricity))], slope


# name, y0, slope(t, y), in the order of test/problems.ts; t from 0 to 20
DETEST = [
    ("A1", [1.0], lambda t, y: -y),
    ("A2", [1.0], lambda t, y: -(y**3) / 2),
    ("A3", [1.0], lambda t, y: y * np.cos(t)),
    ("A4", [1.0], lambda t, y: y / 4 * (1 - y / 20)),
    ("A5", [4.0], lambda t, y: (y - t) / (y + t)),
    ("B1", [1.0, 3.0], lambda t, y: [2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])]),
    ("B2", [2.0, 0.0, 1.0], lambda t, y: [-y[0] + y[1], y[0] - 2 * y[1] + y[2], y[1] - y[2]]),
    ("B3", [1.0, 0.0, 0.0], lambda t, y: [-y[0], y[0] - y[1] ** 2, y[1] ** 2]),
    ("B4", [3.0, 0.0, 0.0], b4),
    ("B5", [0.0, 1.0, 1.0], lambda t, y: [y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]]),
    ("C1", unit(10), chain(lambda i: 1.0)),
    ("C2", unit(10), chain(lambda i: i + 1.0)),
    ("C3", unit(10), diffusion),
    ("C4", unit(51), diffusion),
    ("C5", POSITIONS + VELOCITIES, planets),
    *((f"D{i + 1}", *orbit(eccentricity)) for i, eccentricity in enumerate([0.1, 0.3, 0.5, 0.7, 0.9])),
    (
        "E1",
        [0.671396707141803, 0.09540051444747447],
        lambda t, y: [y[1], -(y[1] / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * y[0])],
    ),
    ("E2", [2.0, 0.0], lambda t, y: [y[1], (1 - y[0] ** 2) * y[1] - y[0]]),
    ("E3", [0.0, 0.0], lambda t, y: [y[1], y[0] ** 3 / 6 - y[0] + 2 * np.sin(2.78535 * t)]),
    ("E4", [30.0, 0.0], lambda t, y: [y[1], 0.032 - 0.4 * y[1] ** 2]),
    ("E5", [0.0, 0.0], lambda t, y: [y[1], np.sqrt(1 + y[1] ** 2) / (25 - t)]),
]
