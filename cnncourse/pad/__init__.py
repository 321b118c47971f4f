"""The drawing pad: draw, and see what every layer of a network makes of it, in a notebook or on a page of its own.

`python -m cnncourse.pad` writes such a page.
"""

from cnncourse.handwriting import PAD_SIZE, digit_image
from cnncourse.pad.export import export_web, web_network
from cnncourse.pad.page import JS, SCRIPTS, draw_page, sample_drawings
from cnncourse.pad.widget import DrawingPad

__all__ = [
    "JS",
    "PAD_SIZE",
    "SCRIPTS",
    "DrawingPad",
    "digit_image",
    "draw_page",
    "export_web",
    "sample_drawings",
    "web_network",
]
