"""Classes as colours over an image, and a legend below it."""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from segexp.classes import Grouping
from segexp.display.pictures import with_palette
from segexp.types import Bytes

Entries = tuple[tuple[str, tuple[int, ...]], ...]
PAPER, INK = (255, 255, 255), (20, 20, 20)


def draw_overlay(image: Bytes, class_ids: Bytes, grouping: Grouping, opacity: float) -> Image.Image:
    """Blend colours over image [H, W, 3] by class_ids [H, W]. opacity: of the colours, 0 to 1."""
    return Image.blend(Image.fromarray(image), with_palette(class_ids, grouping.colors).convert("RGB"), opacity)


def with_legend(image: Image.Image, grouping: Grouping) -> Image.Image:
    """The image above a legend that names every class, in its order."""
    entries = tuple(zip(grouping.names, (tuple(color) for color in grouping.colors.tolist()), strict=True))
    legend = draw_legend(entries, image.width)
    picture = Image.new("RGB", (image.width, image.height + legend.height))
    picture.paste(image)
    picture.paste(legend, (0, image.height))
    return picture


@lru_cache(maxsize=64)
def draw_legend(entries: Entries, width: int) -> Image.Image:
    """Draw swatches and names in as many columns as fit; the text is as high as a picture of that width needs."""
    size = max(10, min(28, width // 45))
    font = ImageFont.load_default(size)
    row = round(1.6 * size)
    column = min(width, 2 * row + max(round(font.getlength(name)) for name, _ in entries))
    num_columns = max(1, width // column)
    num_rows = -(-len(entries) // num_columns)
    legend = Image.new("RGB", (width, num_rows * row + row // 2), PAPER)
    draw = ImageDraw.Draw(legend)
    for number, (name, color) in enumerate(entries):
        left, top = number % num_columns * column + row // 3, number // num_columns * row + row // 3
        draw.rectangle((left, top, left + size, top + size), fill=color, outline=INK)
        draw.text((left + 1.4 * size, top + size / 2), name, INK, font, anchor="lm")
    return legend
