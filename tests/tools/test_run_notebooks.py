"""The pictures in a chapter's outputs are small, and look as they were drawn."""

import io

import numpy as np
from PIL import Image
from run_notebooks import slim


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_drawing_of_lines_becomes_smaller_and_looks_the_same():
    y, x = np.mgrid[:400, :600]
    line = np.exp(-(((y - 200 - 150 * np.sin(x / 60)) / 2) ** 2))[..., None]
    drawing = (255 - line * np.array([255, 140, 77])).astype(np.uint8)
    small = slim(png(drawing))
    assert len(small) < len(png(drawing)) / 2
    changed = np.abs(np.asarray(Image.open(io.BytesIO(small)).convert("RGB")).astype(int) - drawing)
    assert changed.mean() < 0.3


def test_photographs_keep_every_pixel():
    photograph = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(slim(png(photograph)))).convert("RGB")), photograph)


def test_grey_and_transparent_pictures_are_taken():
    for shape in ((20, 30), (20, 30, 4)):
        grey = np.full(shape, 255, np.uint8)
        assert Image.open(io.BytesIO(slim(png(grey)))).size == (30, 20)
