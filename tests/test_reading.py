"""Reading one picture file: what comes in every odd form is right, or named with a reason."""

import io
import os
import pickle
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

from lecture_lib.datasets.reading import UnreadablePicture, decode_picture, read_bytes

RGB = np.random.default_rng(0).integers(
    0, 256, (5, 7, 3), dtype=np.uint8
)  # tall is not wide: 5 rows, 7 columns


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read_picture(path: Path) -> torch.Tensor:
    return decode_picture(read_bytes(path), Path(path).name)


def pixels(data: bytes) -> np.ndarray:
    """Decoded as [H, W, 3]."""
    tensor = decode_picture(data, "picture")
    assert tensor.dtype == torch.uint8
    assert tensor.ndim == 3
    assert len(tensor) == 3
    return tensor.permute(1, 2, 0).numpy()


def smooth(height: int = 48, width: int = 64) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([3 * x, 5 * y, 255 - 2 * x], -1).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_rows_columns_and_channels_keep_their_places(kind):
    assert np.array_equal(pixels(encoded(Image.fromarray(RGB), kind)), RGB)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF"])
def test_grey_becomes_three_equal_channels(kind):
    grey = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (16, 1))
    got = pixels(encoded(Image.fromarray(grey), kind, **({"quality": 100} if kind == "JPEG" else {})))
    assert (got[..., 0] == got[..., 1]).all()
    assert (got[..., 0] == got[..., 2]).all()
    assert np.abs(got[..., 0].astype(int) - grey).max() <= 2


def test_sixteen_bit_grey_is_scaled_not_clipped_to_white():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        got = pixels(encoded(Image.fromarray(ramp), kind))
        assert np.abs(got[..., 0].astype(float) - ramp / 257).max() <= 1
    big_endian = encoded(Image.fromarray(ramp), "PPM")  # 16-bit PGM has its high byte first
    assert np.abs(pixels(big_endian)[..., 1].astype(float) - ramp / 257).max() <= 1


def test_sixteen_bit_colour_is_read_by_its_high_bytes():
    rows = b"".join(b"\0" + struct.pack(">6H", 0, 32768, 65535, 256, 512, 0) for _ in range(2))
    got = pixels(png(2, 2, 16, 2, rows))
    assert got[0].tolist() == [[0, 128, 255], [1, 2, 0]]


def test_samples_of_unknown_range_are_refused_by_name():
    for samples in (
        np.full((4, 4), 2.5, np.float32),
        np.full((4, 4), 70_000, np.int32),
        np.eye(4, dtype=np.int32),
    ):
        with pytest.raises(UnreadablePicture, match="unknown range"):
            pixels(encoded(Image.fromarray(samples), "TIFF"))


def test_twelve_bits_reach_white():
    ifd = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 3)]
    entries = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in ifd)
    strip = b"\xff\xf8\x00\0"  # 4095 and 2048 in three bytes
    file = struct.pack("<2sHI", b"II", 42, 12) + strip + struct.pack("<H", len(ifd)) + entries + bytes(4)
    assert pixels(file)[0, :, 0].tolist() == [255, 128]


def test_palette_picture_shows_its_colours_not_its_indices():
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putdata([0, 1])
    assert pixels(encoded(picture, "PNG")).tolist() == [[[10, 20, 30], [200, 100, 50]]]
    bits = Image.fromarray(np.array([[True, False]]))
    assert pixels(encoded(bits, "PNG"))[..., 1].tolist() == [[255, 0]]


@pytest.mark.parametrize(("ink", "colour"), [((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0))])
def test_cmyk_jpeg_is_not_inverted(ink, colour):
    got = pixels(encoded(Image.new("CMYK", (16, 16), ink), "JPEG"))
    assert np.abs(got.astype(int) - colour).max() <= 3


def test_transparency_lies_on_white():
    rgba = Image.new("RGBA", (3, 1))
    rgba.putdata([(0, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 128)])
    grey = Image.new("LA", (3, 1))
    grey.putdata([(0, 0), (0, 255), (0, 128)])
    for picture in (rgba, grey):
        for channel in pixels(encoded(picture, "PNG"))[0].T:
            assert np.abs(channel.astype(int) - [255, 0, 127]).max() <= 1
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putdata([0, 1])
    got = pixels(encoded(palette, "PNG", transparency=0))
    assert got.tolist() == [[[255, 255, 255], [200, 100, 50]]]


# what a camera stores for an upright scene, so that a viewer that follows the tag shows it upright
STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_rotation_is_applied_once(orientation, kind):
    scene = np.asarray(smooth())
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](scene)))
    got = pixels(encoded(stored, kind, exif=exif, **options))
    assert got.shape == scene.shape
    assert np.abs(got.astype(int) - scene).max() <= 4


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_does_not_cost_the_picture():
    data = encoded(smooth(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\x7f" * 40)
    assert pixels(data).shape == (48, 64, 3)


def test_animation_shows_its_first_frame():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert pixels(data)[2, 2].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n <!DOCTYPE html><html>404 Not Found</html>", "web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"class,group\nant,invertebrate\n", "not a picture"),
        (bytes(1000), "not a picture"),
        (b"\xff\xd8\xff\xe0", "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(content, reason):
    with pytest.raises(UnreadablePicture, match=reason):
        decode_picture(content, "x.jpg")


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bomb_is_refused_before_it_fills_the_memory(side):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(UnreadablePicture, match="pixels"):
            decode_picture(png(side, side, 8, 2, b""), "bomb.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_damage_leads_to_any_other_exception(kind):
    rng = np.random.default_rng(2)
    data = np.frombuffer(encoded(smooth(), kind), np.uint8)
    for _ in range(60):
        damaged = data.copy()
        at = rng.integers(0, len(data), rng.integers(1, 12))
        damaged[at] = rng.integers(0, 256, len(at))
        try:
            picture = decode_picture(damaged.tobytes(), "damaged")
        except UnreadablePicture:
            continue
        assert picture.dtype == torch.uint8
        assert picture.shape[0] == 3


def test_the_exception_survives_a_worker_process():
    error = pickle.loads(pickle.dumps(UnreadablePicture("a.jpg", "the file is empty")))
    assert (error.file, error.reason, str(error)) == (
        "a.jpg",
        "the file is empty",
        "a.jpg: the file is empty.",
    )


@pytest.mark.real
def test_real_jpegs_agree_with_another_decoder():
    root = Path(os.environ["LECTURE_DATA"])
    files = (
        sorted(root.glob("caltech101/*/*/*.jpg"))[::40] + sorted(root.glob("VOCdevkit/*/JPEGImages/*"))[::10]
    )
    if not files:
        pytest.skip(f"no Caltech-101 and no VOC under {root}")
    for file in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            expected = decode_image(str(file), ImageReadMode.RGB).int()
        got = read_picture(file)
        assert got.shape == expected.shape, file
        assert (got - expected).abs().max() <= 2, file
