"""Read one picture file, whatever a camera, a scanner or a web crawler has put into it."""

import io
import os
import stat
from os import PathLike, fsdecode
from unicodedata import category

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

VERSION = 2  # part of every fingerprint of files: raise it when a picture would be read differently
MAX_PIXELS = 89_478_485  # Pillow's own limit, a quarter of a gigabyte in RGB: more is an attack or a mistake

_ORIENTATION = 0x0112  # the EXIF tag that says how the camera was held; 1 is upright
_UPRIGHT = {  # what makes it so; Pillow's own exif_transpose also rewrites the other tags, and stumbles over odd ones
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BREAKS = ("Cc", "Zl", "Zp")  # Unicode's control characters and line separators
_DEPTH = 258  # the TIFF tag of the bits a sample


class UnreadablePicture(ValueError):
    """A file that is not a whole picture; `file` names it, `reason` says why."""

    def __init__(self, file: str | PathLike, reason: str):
        self.file, self.reason = printable(file), reason
        super().__init__(self.file, reason)  # as they are, so that a worker process can hand it back

    def __str__(self):
        return f"{self.file}: {self.reason}."


def read_bytes(path: str | PathLike) -> bytes:
    """The bytes of a file; UnreadablePicture where the system does not hand them out."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # reading a pipe would wait for ever
            raise UnreadablePicture(path, "a folder or a device, not a file")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UnreadablePicture(path, (error.strerror or str(error)).lower()) from None


def decode_picture(data: bytes, name: str | PathLike) -> Tensor:
    """Decode the bytes of a picture file as uint8 [3, H, W] RGB, upright; the memory order may be channels-last.

    name   the file, for the error message
    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB, transparent ones lie on white, EXIF rotation is
    applied, an animation shows its first frame. The content decides the format, not the file's extension.
    Raises UnreadablePicture, with the reason, for everything else.
    """
    if not data:
        raise UnreadablePicture(name, "the file is empty")
    try:
        picture = Image.open(io.BytesIO(data))  # reads the header only
        if picture.width * picture.height > MAX_PIXELS:
            raise Image.DecompressionBombError  # Pillow's own, which it raises from twice that size
        # Pillow for every format: torchvision.io's JPEG decoder needs a fifth less time, but is deprecated
        rgb = _to_rgb(picture)
        # after loading: of a TIFF, Pillow then has turned it itself
        turn = _UPRIGHT.get(_orientation(picture))
        rgb = rgb if turn is None else rgb.transpose(turn)
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        raise UnreadablePicture(name, f"more than {MAX_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise UnreadablePicture(name, _what_it_is(data)) from None
    except Exception as error:  # Pillow's decoders let through whatever a broken file makes them stumble over
        raise UnreadablePicture(name, f"corrupt or cut off ({error or type(error).__name__})") from None
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1)


def printable(path: str | PathLike) -> str:
    """A path or a name as one line of text that can be printed: what cannot is written as a backslash and its number.

    That is bytes of a name that are not UTF-8 ("\\udce9": two names that differ in them still do), and line breaks.
    """
    text = fsdecode(path).encode("utf-8", "backslashreplace").decode()
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if category(c) in _BREAKS else c for c in text)


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    picture.load()
    if picture.mode == "RGB" and not picture.has_transparency_data:
        return picture  # the usual case, which convert would copy
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM"):
        raise ValueError("32-bit, signed or floating-point samples of unknown range")
    if picture.mode.startswith("I"):  # 16-bit grey, or 12-bit; Pillow's own conversion would clip it to white
        depth = picture.tag_v2.get(_DEPTH, (16,))[0] if picture.format == "TIFF" else 16
        return Image.fromarray((np.asarray(picture) >> depth - 8).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return picture.convert("RGB")


def _what_it_is(data: bytes) -> str:
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<svg")):
        return "a web page or XML under a picture's name"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "a HEIC picture, which cannot be read here; save it as JPEG"
    return "not a picture in any format known here"
