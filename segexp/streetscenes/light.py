"""Weather and time of day: how bright a surface is, and how it fades with distance."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Color = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Light:
    """The light of a scene. Colours are red, green, blue: of surfaces in 0..255, of light in 0..1 and above.

    sun: unit vector towards the sun, world axes.
    shadow: share of the light that a cast shadow takes, 0..1.
    haze: colour that distant things take on.
    visibility: distance in metres at which they have lost two thirds of their own colour.
    clouds: share of the sky they cover, 0..1.
    night: 0 by day, 1 when lamps are lit.
    """

    sun: Color
    sunlight: Color
    ambient: Color
    shadow: float
    haze: Color
    visibility: float
    sky_top: Color
    sky_low: Color
    clouds: float
    night: float

    def shade(self, color: Color, normal: Color) -> Color:
        """Colour of a surface with this outward normal (any length)."""
        facing = max(0.0, float(normal @ self.sun) / (float(np.sqrt(normal @ normal)) + 1e-9))
        return np.minimum(color * (self.ambient + self.sunlight * facing), 255.0)

    def on_ground(self) -> Color:
        return self.ambient + self.sunlight * self.sun[1]

    def fade(self, color: Color, distance: float) -> Color:
        """The colour as seen through the haze from a distance in metres."""
        own_share = float(np.exp(-max(distance, 0.0) / self.visibility))
        return color * own_share + self.haze * (1 - own_share)


def sample_light(rng: np.random.Generator) -> Light:
    kind = rng.choice(["sunny", "overcast", "hazy", "dusk"], p=[0.4, 0.35, 0.13, 0.12])
    return {"sunny": _sunny, "overcast": _overcast, "hazy": _hazy, "dusk": _dusk}[kind](rng)


def _sun(rng: np.random.Generator, lowest: float, highest: float) -> Color:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(lowest, highest))
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def _sunny(rng: np.random.Generator) -> Light:
    return Light(
        sun=_sun(rng, 20, 60),
        sunlight=np.array([0.78, 0.74, 0.66]) * rng.uniform(0.8, 1.1),
        ambient=np.array([0.50, 0.53, 0.58]) * rng.uniform(0.85, 1.1),
        shadow=rng.uniform(0.45, 0.6),
        haze=np.array([190.0, 200.0, 212.0]),
        visibility=rng.uniform(180, 500),
        sky_top=np.array([90.0, 140.0, 200.0]) * rng.uniform(0.85, 1.15),
        sky_low=np.array([205.0, 220.0, 235.0]),
        clouds=rng.uniform(0.0, 0.7),
        night=0.0,
    )


def _overcast(rng: np.random.Generator) -> Light:
    gray = rng.uniform(165, 245)
    return Light(
        sun=_sun(rng, 50, 80),
        sunlight=np.full(3, rng.uniform(0.1, 0.22)),
        ambient=np.array([0.78, 0.80, 0.83]) * rng.uniform(0.75, 1.05),
        shadow=rng.uniform(0.05, 0.15),
        haze=np.array([0.97, 0.99, 1.0]) * gray * 0.93,
        visibility=rng.uniform(110, 300),
        sky_top=np.array([0.93, 0.96, 1.0]) * gray,
        sky_low=np.array([1.0, 1.0, 1.0]) * gray,
        clouds=rng.uniform(0.3, 1.0),
        night=0.0,
    )


def _hazy(rng: np.random.Generator) -> Light:
    tint = np.array([1.0, 0.97, 0.92]) * rng.uniform(190, 230)
    return Light(
        sun=_sun(rng, 15, 40),
        sunlight=np.array([0.4, 0.36, 0.3]),
        ambient=np.array([0.7, 0.69, 0.67]),
        shadow=rng.uniform(0.15, 0.3),
        haze=tint * 0.95,
        visibility=rng.uniform(45, 90),
        sky_top=tint,
        sky_low=tint * 1.03,
        clouds=rng.uniform(0.0, 0.4),
        night=0.0,
    )


def _dusk(rng: np.random.Generator) -> Light:
    return Light(
        sun=_sun(rng, 6, 15),
        sunlight=np.array([0.34, 0.22, 0.14]) * rng.uniform(0.6, 1.2),
        ambient=np.array([0.50, 0.48, 0.54]) * rng.uniform(0.75, 1.15),
        shadow=rng.uniform(0.1, 0.25),
        haze=np.array([128.0, 112.0, 112.0]),
        visibility=rng.uniform(120, 300),
        sky_top=np.array([88.0, 100.0, 140.0]),
        sky_low=np.array([226.0, 170.0, 130.0]) * rng.uniform(0.7, 1.05),
        clouds=rng.uniform(0.2, 0.8),
        night=1.0,
    )
