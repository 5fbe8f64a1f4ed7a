"""Static backgrounds: paper tint, undulating hairlines, rosettes, as a numpy phase field.

A phase field takes 60 ms where drawing the curves takes 85–900 ms (facts on faces,
"Guilloche"); it is done once per face and kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .boxes import Ground, Rgb, Rosette, Wave

_Field = NDArray[np.float32]


def paint(ground: Ground, size_px: tuple[int, int], origin_mm: tuple[float, float],
          px_per_mm: float) -> Image.Image:  # fmt: skip
    """The background, RGB. ``origin_mm`` is the face's coordinate of the picture's corner."""
    width, height = size_px
    x = (np.arange(width, dtype=np.float32) + 0.5) / px_per_mm + origin_mm[0]
    y = (np.arange(height, dtype=np.float32) + 0.5) / px_per_mm + origin_mm[1]
    share = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    start, end = _rgb(ground.paper), _rgb(ground.paper_to)
    picture = np.broadcast_to(start + (end - start) * share, (height, width, 3)).copy()
    for wave in ground.waves:
        _mix(picture, wave.colour, _wave(wave, x, y, px_per_mm))
    for rosette in ground.rosettes:
        _mix(picture, rosette.colour, _rosette(rosette, x, y, px_per_mm))
    return Image.fromarray(np.clip(picture + 0.5, 0, 255).astype(np.uint8), "RGB")


def _rgb(colour: Rgb) -> _Field:
    return np.array(colour, dtype=np.float32)


def _mix(picture: _Field, colour: Rgb, cover: _Field) -> None:
    picture += (_rgb(colour) - picture) * cover[:, :, None]


def _wave(wave: Wave, x: _Field, y: _Field, px_per_mm: float) -> _Field:
    turn = wave.angle_deg
    # Two frequencies without a common measure: the eye finds no repeat.
    swing = _sine(x, y, turn, wave.wave_mm, 0.0)
    swing += 0.45 * _sine(x, y, turn, wave.wave_mm * 0.618, 1.3)
    swing *= _sine(x, y, turn + 90, wave.wave_mm * 3.1, np.pi / 2)
    sine, cosine = np.sin(np.deg2rad(turn)), np.cos(np.deg2rad(turn))
    phase = np.add.outer((y * cosine).astype(np.float32), (-x * sine).astype(np.float32))
    phase += np.float32(wave.swing_mm) * swing
    return _lines(phase, wave.period_mm, wave.width_mm, px_per_mm)


def _sine(x: _Field, y: _Field, turn: float, length: float, shift: float) -> _Field:
    """A plane sine over the grid: an outer product costs a third of a sine per pixel."""
    pace = 2 * np.pi / length
    angle = np.deg2rad(turn)
    along_x = np.exp(1j * (pace * np.cos(angle) * x + shift)).astype(np.complex64)
    along_y = np.exp(1j * pace * np.sin(angle) * y).astype(np.complex64)
    plane: _Field = np.multiply.outer(along_y.real, along_x.imag)
    plane += np.multiply.outer(along_y.imag, along_x.real)
    return plane


def _rosette(rosette: Rosette, x: _Field, y: _Field, px_per_mm: float) -> _Field:
    grid_x, grid_y = np.meshgrid(x - rosette.x, y - rosette.y)
    radius, angle = np.hypot(grid_x, grid_y), np.arctan2(grid_y, grid_x)
    phase = radius + rosette.swing_mm * np.sin(rosette.petals * angle)
    phase = phase + 0.5 * rosette.swing_mm * np.cos((rosette.petals // 2) * angle + radius * 0.35)
    cover = _lines(phase, rosette.period_mm, rosette.width_mm, px_per_mm)
    soft = 1.5
    edge = np.clip((rosette.outer_mm - phase) / soft, 0, 1)
    edge *= np.clip((phase - rosette.inner_mm) / soft, 0, 1)
    whole: _Field = (cover * edge).astype(np.float32)
    return whole


def _lines(phase: _Field, period: float, width: float, px_per_mm: float) -> _Field:
    """Coverage 0–1 of lines where ``phase`` is a multiple of ``period``, edges a pixel soft."""
    slope = np.empty_like(phase)  # phase mm per mm, from neighbours: half the work of gradient
    slope[1:, 1:] = np.hypot(phase[1:, 1:] - phase[:-1, 1:], phase[1:, 1:] - phase[1:, :-1])
    slope[0], slope[:, 0] = slope[1], slope[:, 1]
    slope *= px_per_mm
    np.maximum(slope, 0.05, out=slope)
    turns = phase / np.float32(period)
    turns -= np.floor(turns)
    turns -= 0.5
    distance = (0.5 - np.abs(turns)) * np.float32(period) / slope  # mm from the nearest line
    cover = np.clip((width / 2 - distance) * px_per_mm + 0.5, 0, 1)
    # A line thinner than a pixel is lighter, not wider.
    lighter: _Field = (cover * min(1.0, width * px_per_mm)).astype(np.float32)
    return lighter
