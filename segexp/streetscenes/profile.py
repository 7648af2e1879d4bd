"""The cross-section of a street as tables: the label and colour at each distance to the left or right."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segexp.streetscenes.labels import IDS
from segexp.streetscenes.noise import Field
from segexp.streetscenes.street import LANE, Side, Street

WIDEST, STEPS_PER_METRE = 80.0, 100
STEPS = int(2 * WIDEST * STEPS_PER_METRE)
WHITE = (205.0, 205.0, 200.0)


class Profile(NamedTuple):
    """Tables with one row per centimetre from WIDEST metres left to WIDEST metres right.

    ids: label ids [STEPS], 0 for nothing.  color: unlit [STEPS, 3].  dashed: where broken markings run.
    """

    ids: npt.NDArray[np.uint8]
    color: Field
    dashed: npt.NDArray[np.bool_]


def street_profile(street: Street, rng: np.random.Generator) -> Profile:
    profile = Profile(
        np.full(STEPS, IDS["road"], dtype=np.uint8),
        np.zeros((STEPS, 3), dtype=np.float32),
        np.zeros(STEPS, dtype=bool),
    )
    colors = _surface_colors(rng)
    for side in (street.left, street.right):
        for strip in side.strips:
            kind = strip.kind.removeprefix("yard ")
            where = _between(side, strip.start, strip.end)
            profile.ids[where] = IDS["road" if kind == "kerbside" else kind]
            profile.color[where] = colors[kind]
        _draw_slabs(profile, side)
        _draw_kerb(profile, side, colors["kerb"])
        _draw_rails(profile, side)
        _draw_markings(profile, side, rng)
    return profile


def crossing_profile(profile: Profile, crossing: tuple[float, float]) -> Profile:
    """The profile of a crossing road, of the same surfaces, with a sidewalk on either side."""
    half = (crossing[1] - crossing[0]) / 2
    distance = np.abs(np.arange(STEPS) / STEPS_PER_METRE - WIDEST)
    road, walk = distance < half, (distance >= half) & (distance < half + 2.5)
    ids, color = np.zeros_like(profile.ids), np.zeros_like(profile.color)
    middle = STEPS // 2
    ids[road], color[road] = IDS["road"], profile.color[middle + STEPS_PER_METRE]
    ids[walk] = IDS["sidewalk"]
    paved = profile.color[profile.ids == IDS["sidewalk"]]
    color[walk] = paved[len(paved) // 2]
    return Profile(ids, color, np.zeros_like(profile.dashed))


def _surface_colors(rng: np.random.Generator) -> dict[str, Field]:
    """Colours overlap on purpose: pavement may be as dark as the road, grass as brown as gravel."""
    asphalt = np.array([1.0, 1.0, 1.02]) * rng.uniform(62, 125)
    paving = np.array([1.0, 0.985, 0.95]) * rng.uniform(78, 165)
    if rng.random() < 0.2:
        paving = np.array([150.0, 110.0, 95.0]) * rng.uniform(0.7, 1.1)
    grass = np.array([92.0, 108.0, 58.0]) * rng.uniform(0.6, 1.15)
    if rng.random() < 0.35:
        grass = np.array([140.0, 124.0, 88.0]) * rng.uniform(0.65, 1.1)
    gravel = np.array([128.0, 120.0, 108.0]) * rng.uniform(0.7, 1.2)
    bays = asphalt * rng.uniform(0.9, 1.15) if rng.random() < 0.5 else paving * rng.uniform(0.8, 1.1)
    track = grass if rng.random() < 0.4 else gravel * 0.8
    return {
        "road": asphalt,
        "kerbside": asphalt * rng.uniform(0.88, 1.08),
        "parking": bays,
        "sidewalk": paving,
        "terrain": grass,
        "ground": gravel,
        "rail track": track,
        "kerb": np.minimum(paving * 1.12 + 12, 200),
    }


def _between(side: Side, start: float, end: float) -> slice:
    low, high = sorted((side.sign * start, side.sign * end))
    rows = np.clip(np.array([low + WIDEST, high + WIDEST]) * STEPS_PER_METRE, 0, STEPS).round().astype(int)
    return slice(int(rows[0]), int(rows[1]))


def _draw_slabs(profile: Profile, side: Side) -> None:
    walk = side.find("sidewalk")
    if walk is not None:
        for joint in np.arange(walk.start + 0.6, walk.end, 0.6):
            profile.color[_between(side, joint, joint + 0.04)] *= 0.85


def _draw_kerb(profile: Profile, side: Side, color: Field) -> None:
    walk = side.find("sidewalk")
    if walk is not None:
        profile.color[_between(side, walk.start, walk.start + 0.06)] = color * 0.45
        profile.color[_between(side, walk.start + 0.06, walk.start + 0.24)] = color


def _draw_rails(profile: Profile, side: Side) -> None:
    track = side.find("rail track")
    if track is not None:
        for rail in (track.middle - 0.72, track.middle + 0.72):
            profile.color[_between(side, rail - 0.05, rail + 0.05)] = (95, 88, 84)


def _draw_markings(profile: Profile, side: Side, rng: np.random.Generator) -> None:
    """Broken lines between lanes, sometimes a full one at the edge of the road."""
    road = side.strips[0]
    line = LANE / 2
    while line < road.end - 1.0:
        profile.dashed[_between(side, line - 0.07, line + 0.07)] = True
        line += LANE
    if rng.random() < 0.4:
        profile.color[_between(side, road.end - 0.35, road.end - 0.2)] = WHITE
    bay = side.find("parking")
    if bay is not None:
        profile.color[_between(side, bay.start, bay.start + 0.12)] = WHITE
