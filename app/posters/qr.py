"""A QR code as a small, crisp PNG."""

import io

import qrcode
import qrcode.constants
import qrcode.exceptions
from PIL import Image

# Choosing among the eight masks is 70 % of the work of a code, and readers do not care which it is.
MASK = 4
QUIET_MODULES = 4


def qr_png(payload: str, *, size_px: int) -> bytes:
    """A black and white PNG of exactly ``size_px`` x ``size_px`` with error correction M and quiet margin.

    The same payload and size give the same bytes. ValueError when the payload is empty or too long for any
    code, or when ``size_px`` leaves less than one pixel a module.
    """
    matrix = modules(payload)
    count = len(matrix)
    scale = size_px // (count + 2 * QUIET_MODULES)
    if scale < 1 or size_px > 4096:
        raise ValueError(f"a code of {count} modules does not fit into {size_px} pixels")
    dots = Image.frombytes("L", (count, count), bytes(0 if dark else 255 for row in matrix for dark in row))
    dots = dots.resize((count * scale, count * scale), Image.Resampling.NEAREST)
    picture = Image.new("L", (size_px, size_px), 255)
    margin = (size_px - dots.width) // 2
    picture.paste(dots, (margin, margin))
    out = io.BytesIO()
    picture.convert("1", dither=Image.Dither.NONE).save(out, "PNG", compress_level=6)
    return out.getvalue()


def modules(payload: str) -> list[list[bool]]:
    """The code as rows of modules, True = dark, without margin."""
    if not payload:
        raise ValueError("a code needs a payload")
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, mask_pattern=MASK, border=0)
    code.add_data(payload)
    try:
        code.make(fit=True)
    except (qrcode.exceptions.DataOverflowError, ValueError):
        raise ValueError("the payload is too long for a code") from None
    return [[bool(dark) for dark in row] for row in code.modules]
