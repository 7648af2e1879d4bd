"""People: jointed figures that look right from every side."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from segexp.streetscenes.light import Color
from segexp.streetscenes.painter import Painter
from segexp.streetscenes.thing import Pose, Thing, up

SKIN = np.array([(224, 180, 150), (198, 146, 112), (150, 104, 76), (92, 62, 48)], dtype=np.float64)
DULL = [(30, 30, 34), (58, 60, 68), (40, 52, 84), (112, 112, 114), (176, 168, 154), (214, 212, 206)]
BRIGHT = [(122, 34, 36), (74, 92, 66), (96, 74, 56), (160, 120, 60), (70, 110, 150)]
CLOTHES = np.array([*DULL, *BRIGHT], dtype=np.float64)
CLOTHES_SHARES = (0.2, 0.16, 0.16, 0.1, 0.08, 0.08, 0.07, 0.05, 0.05, 0.03, 0.02)


class Looks(NamedTuple):
    skin: Color
    hair: Color
    coat: Color
    trousers: Color


Joint = tuple[float, float, float]
"""Forward, right, up in metres, of a body 1.75 m tall."""
Bar = Callable[[Joint, Joint, float, Color], None]
"""A function that draws a limb between two joints: radius in metres, unlit colour."""
SHOE = np.full(3, 32.0)


class Posture(NamedTuple):
    """Joints of a body 1.75 m tall, in metres; (forward, up) where the side gives the rest; left before right side."""

    head: Joint
    shoulders: tuple[float, float]
    hips: tuple[float, float]
    knees: tuple[tuple[float, float], tuple[float, float]]
    feet: tuple[tuple[float, float], tuple[float, float]]
    hands: tuple[Joint, Joint]


def sample_looks(rng: np.random.Generator) -> Looks:
    coat, trousers = (CLOTHES[i] * rng.uniform(0.8, 1.15) for i in rng.choice(len(CLOTHES), 2, p=CLOTHES_SHARES))
    hair = np.array([(36, 28, 24), (80, 58, 40), (150, 120, 80), (140, 138, 136)], dtype=np.float64)[rng.integers(4)]
    return Looks(SKIN[rng.choice(4, p=[0.6, 0.2, 0.1, 0.1])], hair, coat, trousers)


def person(pose: Pose, rng: np.random.Generator, group: bool = False) -> Thing:
    """Someone who walks or stands; a child now and then."""
    scale = rng.uniform(0.6, 0.8) if rng.random() < 0.1 else rng.uniform(0.92, 1.08)
    stride = rng.uniform(-0.32, 0.32) if rng.random() < 0.75 else 0.05
    bag = bool(rng.random() < 0.35)
    draw = partial(_draw_person, looks=sample_looks(rng), posture=walking(stride), scale=scale, group=group, bag=bag)
    return Thing(pose, (0.45, 0.5, 1.75 * scale), draw)


def walking(stride: float) -> Posture:
    """The posture of a walker; stride: how far the left foot is before the hips, in metres."""
    lift = abs(stride) * 0.25
    return Posture(
        head=(0.04, 0.0, 1.61),
        shoulders=(0.0, 1.40),
        hips=(0.0, 0.88),
        knees=((stride * 0.65, 0.47), (-stride * 0.4, 0.46)),
        feet=((stride, 0.05), (-stride * 1.1, 0.05 + lift)),
        hands=((-stride * 0.8, -0.27, 0.83), (stride * 0.8, 0.27, 0.83)),
    )


def _draw_person(
    painter: Painter, pose: Pose, looks: Looks, posture: Posture, scale: float, group: bool, bag: bool
) -> None:
    identity = painter.identity("person", group)
    draw_body(painter, pose, looks, posture, scale, identity)
    if bag:
        hand = posture.hands[0]
        strap = pose.point(hand[0] * scale, hand[1] * scale * 1.1, 0.62 * scale)
        painter.limb(strap, strap + up(0.2 * scale), 0.11 * scale, looks.trousers * 0.7, identity)


def draw_body(painter: Painter, pose: Pose, looks: Looks, posture: Posture, scale: float, identity: int) -> None:
    """Draw legs, torso, arms and head of one figure in this order: what comes later covers what came before."""
    light = painter.light.ambient + 0.45 * painter.light.sunlight

    def bar(start: Joint, end: Joint, radius: float, color: Color) -> None:
        first, last = pose.to_world(np.array([start, end]) * scale)
        painter.limb(first, last, radius * scale, color * light, identity)

    for side, sign in enumerate((-1, 1)):
        _draw_leg(bar, looks.trousers * (0.85 if sign < 0 else 1.0), posture, side, 0.1 * sign)
    shoulder, hip, top = posture.shoulders[0], posture.hips[0], posture.shoulders[1]
    for sign in (-1, 1):
        bar((shoulder, 0.19 * sign, top), (hip, 0.1 * sign, posture.hips[1] + 0.05), 0.115, looks.coat)
    bar((shoulder, 0.0, top), (hip, 0.0, posture.hips[1] + 0.12), 0.15, looks.coat)
    for side, sign in enumerate((-1, 1)):
        _draw_arm(bar, looks, (shoulder, 0.22 * sign, top), posture.hands[side])
    forward, _, height = posture.head
    bar((shoulder, 0.0, top + 0.05), posture.head, 0.06, looks.skin * 0.9)
    bar(posture.head, posture.head, 0.115, looks.skin)
    crown = (forward - 0.03, 0.0, height + 0.05)
    bar(crown, crown, 0.11, looks.hair)


def _draw_leg(bar: Bar, trousers: Color, posture: Posture, side: int, aside: float) -> None:
    (knee, knee_height), (foot, foot_height) = posture.knees[side], posture.feet[side]
    bar((posture.hips[0], aside, posture.hips[1]), (knee, aside, knee_height), 0.085, trousers)
    bar((knee, aside, knee_height), (foot, aside, foot_height), 0.065, trousers)
    bar((foot, aside, foot_height), (foot + 0.15, aside, foot_height), 0.05, SHOE)


def _draw_arm(bar: Bar, looks: Looks, shoulder: Joint, hand: Joint) -> None:
    forward, right, height = ((start + end) / 2 for start, end in zip(shoulder, hand, strict=True))
    elbow = (forward, right, height - 0.05)
    bar(shoulder, elbow, 0.055, looks.coat * 0.9)
    bar(elbow, hand, 0.045, looks.coat * 0.9)
    bar(hand, hand, 0.05, looks.skin)
