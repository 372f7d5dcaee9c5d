"""Images of more than 8 bits, files that are no images of a class, and files that are dangerous."""

import os
import re
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

import glassnet as gn
from glassnet.data import image_files, images, pixel_values
from glassnet.data.pixel_values import PixelExtent, choose_range
from glassnet.errors import ConfigError, DataError, DataWarning

RAMP = np.linspace(0, 1, 64).reshape(8, 8)
"""Gray from black to white; its 8-bit pixels are the oracle of every kind below."""

GRAY = (255 * RAMP).round()

FORMATS = {"u": 1, "i": 2, "f": 3}


def tiff(values, order="<", photometric=1, bits=None):
    """Return an uncompressed grayscale TIFF file of the values, written by hand (TIFF 6.0)."""
    values = np.asarray(values)
    body = values.astype(values.dtype.newbyteorder(order)).tobytes()
    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    bits = bits or 8 * values.dtype.itemsize
    tags = [(256, width), (257, height), (259, 1), (262, photometric), (277, samples)]
    tags += [(278, height), (279, len(body)), (339, FORMATS[values.dtype.kind])]
    count = len(tags) + 2
    start = 8 + 2 + 12 * count + 4
    tags += [(273, start + 8), (258, bits if samples == 1 else start)]
    entries = b"".join(
        struct.pack(order + "HHII", tag, 4, 1, value)
        if tag not in (258, 339, 259, 262, 277)
        else struct.pack(order + "HHI", tag, 3, samples if tag == 258 else 1)
        + struct.pack(order + ("I" if tag == 258 and samples > 1 else "HH"), *(
            (value,) if tag == 258 and samples > 1 else (value, 0)))
        for tag, value in sorted(tags)
    )  # fmt: skip
    extra = struct.pack(order + "4H", bits, bits, bits, bits)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(order + "IH", 8, count)
    return head + entries + bytes(4) + extra + body


def folder_of(root, *contents, suffix=".tif"):
    """Write each file of `contents` into both of the classes a and b."""
    for name in "ab":
        (root / name).mkdir(parents=True, exist_ok=True)
        for i, content in enumerate(contents):
            (root / name / f"{i}{suffix}").write_bytes(content)
    return root


def read(root, **options):
    """Return the pixels of the first image and the texts of all warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = gn.data.images_from_folder(root, (8, 8), **options)
    return data, [str(warning.message) for warning in caught]


KINDS = {
    "float 0..1": ("f4", 1, "<", 1, (0, 1)),
    "float 0..1, big-endian": ("f4", 1, ">", 1, (0, 1)),
    "float 0..255": ("f4", 255, "<", 1, (0, 255)),
    "float 0..4095": ("f4", 4095, ">", 1, (0, 4095)),
    "float 0..1, white is zero": ("f4", -1, "<", 0, (0, 1)),
    "int32 0..255": ("i4", 255, "<", 1, (0, 255)),
    "int32 0..65535, big-endian": ("i4", 65535, ">", 1, (0, 65535)),
    "uint32 0..2^32-1": ("u4", 2**32 - 1, "<", 1, (0, 2**32 - 1)),
    "int16 0..4095": ("i2", 4095, "<", 1, (0, 4095)),
    "int16 0..4095, big-endian": ("i2", 4095, ">", 1, (0, 4095)),
    "uint16": ("u2", 65535, "<", 1, (0, 65535)),
    "uint16, big-endian": ("u2", 65535, ">", 1, (0, 65535)),
    "uint16, white is zero": ("u2", -65535, "<", 0, (0, 65535)),
    "12 bits in 16": ("u2", 4095, "<", 1, (0, 4095)),
    "12 bits in 16, big-endian": ("u2", 4095, ">", 1, (0, 4095)),
    "14 bits in 16": ("u2", 16383, "<", 1, (0, 16383)),
    "10 bits in 16": ("u2", 1023, "<", 1, (0, 1023)),
    "8 bits in 16": ("u2", 255, "<", 1, (0, 255)),
    "uint8": ("u1", 255, "<", 1, None),
    "uint8, white is zero": ("u1", -255, "<", 0, None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_ramp_from_black_to_white_is_one(tmp_path, kind):
    """Oracle: the same ramp in 8 bits; an inverted file stores white - value."""
    dtype, white, order, photometric, expected = KINDS[kind]
    stored = RAMP * white if white > 0 else (RAMP - 1) * white
    stored = stored.round() if dtype[0] in "iu" else stored
    data, texts = read(folder_of(tmp_path, tiff(stored.astype(dtype), order, photometric)))
    assert data.x.shape == (2, 8, 8, 1)
    difference = np.abs(data.x[..., 0] - GRAY)
    assert difference.max() <= 0.5 + 255 / abs(white) if dtype[0] == "u" else difference.max() <= 1
    assert data.pixel_range == expected
    stated = expected is None or (dtype == "u2" and expected == (0, 65535))
    assert bool(texts) != stated
    assert all("is read as black and" in text for text in texts)


def test_signed_numbers_of_8_bits_are_not_unsigned(tmp_path):
    """Oracle: -128 is black and 127 is white, the range that the folder uses."""
    values = np.linspace(-128, 127, 64).round().astype("i1").reshape(8, 8)
    data, _ = read(folder_of(tmp_path, tiff(values)))
    assert data.pixel_range == (-128, 127)
    assert np.abs(data.x[0, ..., 0] - GRAY).max() <= 1


def test_the_whole_folder_decides_and_says_so_once(tmp_path):
    """Oracle: half of the brightest value of the folder is gray 128, in both parts of a split."""
    levels = (0, 2047.5, 2047.5, 4095)
    root = folder_of(tmp_path, *(tiff(np.full((8, 8), level, "f4")) for level in levels))
    with pytest.warns(DataWarning) as caught:
        train, test = gn.data.images_from_folder(root, (4, 4), 0.5, seed=3)
    assert [str(warning.message) for warning in caught] == [
        "images_from_folder: 8 files hold floating-point values, from 0 to 4,095: 0 is read as "
        "black and 4,095 as white. If this is wrong, pass pixel_range=(black, white)."
    ]
    assert train.pixel_range == test.pixel_range == (0, 4095)
    for part in (train, test):
        expected = [(0, 128, 128, 255)[int(path.stem)] for path in part.files]
        assert part.x[:, 0, 0, 0].tolist() == expected


@pytest.mark.parametrize(
    ("kind", "low", "high", "expected"),
    [
        ("floating-point", 0, 0.2, (0, 0.2)),
        ("floating-point", 270.5, 310, (270.5, 310)),
        ("floating-point", -0.9, 0.8, (-1, 1)),
        ("floating-point", -1024, 3071, (-1024, 3071)),
        ("floating-point", 0, 1e6, (0, 1e6)),
        ("integer", 0, 3, (0, 3)),
        ("integer", 0, 1, (0, 1)),
        ("integer", 7, 7, (0, 7)),
        ("integer", -7, -7, (-7, -6)),
        ("integer", 0, 0, (0, 1)),
        ("16-bit", 30000, 60000, (0, 65535)),
        ("16-bit", 0, 40, (0, 40)),
        ("16-bit", 300, 1500, (0, 4095)),
    ],
)
def test_ranges(kind, low, high, expected):
    """Oracle: by hand from the rule in the docstring of `images_from_folder`."""
    assert choose_range(kind, [PixelExtent(low, high)]) == expected


def test_a_range_by_hand(tmp_path):
    """Oracle: linear between black and white, cut off outside."""
    values = np.array([[-10.0, 0, 5, 10, 20]], "f4")
    root = folder_of(tmp_path, tiff(values))
    data, texts = read(root, pixel_range=(0, 10))
    assert texts == []
    assert data.pixel_range == (0, 10)
    line = image_files.decode_image(root / "a" / "0.tif", (1, 5, 1), (0, 10))
    assert line.ravel().tolist() == [0, 0, 128, 255, 255]
    for wrong in ((1, 0), (0, 0), (0, float("nan")), 5, (1, 2, 3), "ab", (0, 10**39)):
        with pytest.raises(ConfigError, match=r"pixel_range to be \(black, white\), two numbers"):
            gn.data.images_from_folder(root, pixel_range=wrong)


def test_without_a_range_one_file_is_refused(tmp_path):
    root = folder_of(tmp_path, tiff(RAMP.astype("f4")), tiff((RAMP * 65535).astype("u2")))
    text = "mode F: its floating-point values from 0.0 to 1.0 have no stated range; convert it"
    with pytest.raises(ValueError, match=text):
        image_files.decode_image(root / "a" / "0.tif", (4, 4, 1))
    with pytest.raises(ValueError, match=r"do not fit pixel_range, 0 .black. to 1 .white."):
        image_files.decode_image(root / "a" / "1.tif", (4, 4, 1), (0, 1))
    expected = (
        "expected one kind of images of more than 8 bits. Received: 16_bit='.*', "
        "floating_point='.*'. Read them in separate calls, or pass pixel_range"
    )
    with pytest.raises(DataError, match=expected.replace(".*", "[^']*1.tif", 1)):
        gn.data.images_from_folder(root)


def test_pixels_that_are_not_finite_are_refused(tmp_path):
    values = RAMP.astype("f4").copy()
    values[0, :3] = np.nan, np.inf, -np.inf
    data, texts = read(folder_of(tmp_path, tiff(RAMP.astype("f4")), tiff(values)))
    assert [reason for _, reason in data.skipped] == [
        "ValueError: mode F: 3 pixels are not finite numbers"
    ] * 2
    assert data.pixel_range == (0, 1)
    assert len(texts) == 2


def test_dark_colors_of_16_bits_are_refused(tmp_path):
    """Pillow reads the upper 8 bits only: 12 of 16 bits would be 16 almost black colors."""
    color = np.repeat((RAMP * 4095).astype("u2")[..., None], 3, 2)
    root = folder_of(tmp_path / "opaque", tiff(color, photometric=2), tiff(color, ">", 2))
    with pytest.raises(
        DataError, match=r"that use the range up to 65535. Received: largest_below="
    ):
        gn.data.images_from_folder(root, (8, 8))
    data, _ = read(root, pixel_range=(0, 65535))
    assert data.x.max() == 15
    opaque = np.concatenate([color, np.full((8, 8, 1), 65535, "u2")], 2)
    transparent = folder_of(tmp_path / "alpha", tiff(opaque, photometric=2))
    with pytest.raises(DataError, match="largest_below=4096, first="):
        gn.data.images_from_folder(transparent, (8, 8))
    full = folder_of(tmp_path / "opaque", tiff(color * 16, photometric=2), tiff(color * 16, ">", 2))
    data, texts = read(full)
    assert texts == []
    assert data.x.shape == (4, 8, 8, 3)
    assert np.abs(data.x - GRAY[..., None]).max() <= 1.5


@pytest.mark.parametrize("dtype", ["f8", "i8", "f2"])
def test_tiff_files_that_pillow_cannot_read_are_refused(tmp_path, dtype):
    root = folder_of(tmp_path, tiff(RAMP.astype(dtype)), tiff(GRAY.astype("u1")))
    data, texts = read(root)
    assert len(data) == len(data.skipped) == 2
    assert "a kind of TIFF that Pillow cannot read, such as 64-bit numbers" in texts[0]


def saved(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@pytest.mark.parametrize(
    ("mode", "suffix", "color", "expected"),
    [
        ("1", ".png", 1, 255),
        ("1", ".tif", 0, 0),
        ("LA", ".png", (40, 255), 40),
        ("LA", ".tif", (40, 0), 255),
        ("CMYK", ".tif", (0, 0, 0, 255), 0),
        ("CMYK", ".jpg", (0, 0, 0, 0), 255),
        ("P", ".gif", 0, 0),
        ("PA", ".png", 0, 255),
        ("LAB", ".tif", (255, 128, 128), 255),
        ("YCbCr", ".tif", (200, 128, 128), 200),
        ("I;16", ".png", 257 * 90, 90),
        ("L", ".jfif", 90, 90),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_is_read_or_refused(tmp_path, mode, suffix, color, expected, channels):
    """Oracle: by hand: no ink is white, key ink is black, transparent pixels are white."""
    path = tmp_path / f"1{suffix}"
    image = Image.new(mode, (4, 4), color)
    if mode == "PA":
        image = Image.new("RGBA", (4, 4), 0).quantize()
    saved(path, image, **({"format": "JPEG"} if suffix == ".jfif" else {}))
    assert np.abs(image_files.decode_image(path, (3, 3, channels)) - float(expected)).max() <= 2


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, suffix, orientation):
    """Oracle: EXIF 2.3, table 6: which corner of the scene row 0, column 0 of the file shows."""
    scene = np.zeros((16, 32), np.uint8)
    scene[:8, :16] = 255  # the upper left quarter
    stored = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.T,
        6: np.rot90(scene),
        7: scene[::-1, ::-1].T,
        8: np.rot90(scene, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored))
    saved(tmp_path / f"1{suffix}", image, exif=exif)
    assert image_files.read_size(tmp_path / f"1{suffix}") == (16, 32)
    pixels = image_files.decode_image(tmp_path / f"1{suffix}", (16, 32, 1))[..., 0].astype(int)
    assert np.abs(pixels[2:6, 2:14] - 255).max() < 20
    assert pixels[10:].max() < 20
    assert pixels[:, 18:].max() < 20


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_of_animations_the_first_frame_is_read(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    for name in "ab":
        path = tmp_path / name / f"1{suffix}"
        saved(path, frames[0], save_all=True, append_images=frames[1:])
        saved(tmp_path / name / "2.png", frames[1].copy())
    data, texts = read(tmp_path)
    assert [tuple(pixel) for pixel in np.round(data.x[:2, 0, 0] / 255)] == [(1, 0, 0), (0, 1, 0)]
    assert len(texts) == 1
    assert "2 of 4 files have several frames or pages, of which the first is read: " in texts[0]


def test_files_of_the_system_are_no_images(tmp_path):
    """Oracle: the two files that a person put there."""
    for name in "ab":
        saved(tmp_path / name / "1.png", Image.new("L", (8, 8)))
        hidden = (
            ".ipynb_checkpoints/1-checkpoint.png",
            "__MACOSX/1.png",
            "@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
            "sub/.thumbnails/1.png",
            ".1.png",
        )
        for path in hidden:
            saved(tmp_path / name / path, Image.new("L", (8, 8)))
        (tmp_path / name / "._1.png").write_bytes(b"\0\5\x16\7")
        (tmp_path / name / "Thumbs.db").write_bytes(b"\xd0\xcf")
    for system in ("__MACOSX", ".ipynb_checkpoints", "@eaDir"):
        saved(tmp_path / system / "1.png", Image.new("L", (8, 8)))
    data, texts = read(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in data.files] == ["a/1.png", "b/1.png"]
    assert (data.skipped, texts, data.class_names) == ((), [], ("a", "b"))
    assert images.is_image_folder(tmp_path)


def test_images_of_other_formats_are_counted(tmp_path):
    for name in "ab":
        for file in ("1.png", "2.JFIF"):
            saved(tmp_path / name / file, Image.new("L", (8, 8)), format="JPEG")
        for file in ("1.heic", "2.HEIC", "3.avif", "4", "notes.txt", "labels.csv"):
            (tmp_path / name / file).write_bytes(b"")
    (tmp_path / "c.svg").write_bytes(b"")
    data, texts = read(tmp_path)
    assert len(data) == 4
    assert len(texts) == 1
    counted = "8 files beside the images are not read: 2 without a suffix, 2 .avif, 4 .heic. Read"
    assert counted in texts[0]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Ghostscript is a shell script")
@pytest.mark.parametrize("name", ["2.png", "2.tif", "2.jpg"])
def test_postscript_starts_no_program(tmp_path, monkeypatch, name):
    """Oracle: a program called gs on the PATH, which leaves a file if it runs."""
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    root = tmp_path / "photos"
    for folder in "ab":
        saved(root / folder / "1.png", Image.new("L", (8, 8)))
    (root / "a" / name).write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    )
    data, texts = read(root)
    assert not (tmp_path / "ran").exists()
    assert [path.name for path, _ in data.skipped] == [name]
    assert "it is not an image that Pillow can read as one of PNG, JPEG" in texts[0]
    Image.open(root / "a" / name).close()  # Pillow knows the format; reading it would start gs


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bombs_are_refused(tmp_path, monkeypatch):
    """Oracle: one pixel above the limit is refused, the limit itself is not."""
    for name in "ab":
        saved(tmp_path / name / "1.png", Image.new("1", (10, 10)))
        saved(tmp_path / name / "2.png", Image.new("1", (101, 1)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.warns(DataWarning, match="2 of 4 files cannot be read.*101 pixels are more than 1"):
        data = gn.data.images_from_folder(tmp_path, (4, 4))
    assert [path.name for path in data.files] == ["1.png", "1.png"]


def test_images_that_vanish_are_no_foreign_error(tmp_path, monkeypatch):
    """A file that is deleted while others are read, with pixels in memory and on the disk."""
    for name in "ab":
        for i in range(2):
            saved(tmp_path / name / f"{i}.png", Image.new("L", (8, 8), 9))
    decode = image_files.decode_image

    def decode_and_delete(path, *more):
        pixels = decode(path, *more)
        if path.name == "0.png":
            path.unlink()
        return pixels

    monkeypatch.setattr(image_files, "MAX_BYTES_IN_MEMORY", 10)
    monkeypatch.setattr(image_files, "decode_image", decode_and_delete)
    assert (gn.data.images_from_folder(tmp_path, (8, 8)).x == 9).all()
    with pytest.raises(DataError, match="expected two classes or more"):
        gn.data.images_from_folder(tmp_path / "a", (8, 8))


def test_paths_that_no_system_takes(tmp_path):
    long = "x" * 5000
    for path in (long, f"{tmp_path}/{long}", "a\0b"):
        with pytest.raises(DataError, match=r"images_from_folder: expected a folder. Received"):
            gn.data.images_from_folder(path)
        with pytest.raises(DataError, match=r"images_from_folder: expected folders\. Received"):
            gn.data.images_from_folder([path, tmp_path])
        assert not images.is_image_folder(path)
    for wrong in (5, None, [1, 2]):
        with pytest.raises(ConfigError, match="expected the path of a folder, or a list of them"):
            gn.data.images_from_folder(wrong)


def test_folders_that_cannot_be_read(tmp_path, monkeypatch):
    for name in "ab":
        saved(tmp_path / name / "1.png", Image.new("L", (8, 8)))

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        with pytest.raises(
            DataError, match=r"folders that can be read. Received: folder='.*Permis"
        ):
            image_files.list_image_files(tmp_path)
    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    with pytest.raises(DataError, match="images: expected a folder that can be read") as caught:
        gn.data.images_from_folder(tmp_path)
    assert isinstance(caught.value.__cause__, PermissionError)


def test_no_folder_for_temporary_files(tmp_path, monkeypatch):
    for name in "ab":
        saved(tmp_path / name / "1.png", Image.new("L", (8, 8)))
    monkeypatch.setattr(image_files, "MAX_BYTES_IN_MEMORY", 10)

    def refuse():
        raise FileNotFoundError(2, "No usable temporary directory")

    def full(descriptor, start, size):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(DataError, match=r"a temporary file of this size\. .*No space left"):
            gn.data.images_from_folder(tmp_path, (8, 8))
    monkeypatch.setattr(image_files, "_temporary_folder", refuse)
    with pytest.raises(DataError, match=r"a folder for temporary files\. Received.*Set TMPDIR"):
        gn.data.images_from_folder(tmp_path, (8, 8))


def test_mutants_of_images_raise_only_our_errors(tmp_path):
    """Oracle: 240 mutants of six formats: read, left out with a reason, or refused."""
    rng = np.random.default_rng(0)
    root = folder_of(tmp_path, tiff((RAMP * 255).astype("u1")))
    sources = [tiff(RAMP.astype("f4")), tiff((RAMP * 4095).astype("u2"), ">")]
    for suffix in (".png", ".jpg", ".gif", ".webp"):
        saved(tmp_path / f"source{suffix}", Image.fromarray(GRAY.astype("u1")))
        sources.append((tmp_path / f"source{suffix}").read_bytes())
        (tmp_path / f"source{suffix}").unlink()
    n_read = 0
    for i in range(240):
        mutant = bytearray(sources[i % len(sources)])
        for position in rng.integers(0, len(mutant), 1 + i % 4):
            mutant[position] = rng.integers(256)
        (root / "a" / f"m{i}.png").write_bytes(mutant[: rng.integers(1, 2 * len(mutant))])
    try:
        data, _ = read(root, pixel_range=(0, 4095))
    except DataError:
        pytest.fail("the unchanged files can be read")
    n_read = len(data)
    assert 20 < n_read < 242
    assert len(data.skipped) == 242 - n_read


def test_a_model_stores_the_range(tmp_path):
    """Oracle: the same pixels as in training; a file of another range or kind is refused."""
    root = folder_of(tmp_path / "train", tiff((RAMP * 40 + 270).astype("f4")))
    data, _ = read(root)
    assert data.pixel_range == (270, 310)
    model = gn.Sequential([gn.layers.Flatten(), gn.layers.Dense(2, activation="softmax")], seed=0)
    model.fit(data, epochs=1, verbose=0)
    model.save(tmp_path / "m.glassnet")
    loaded = gn.load(tmp_path / "m.glassnet")
    assert loaded.preprocessor.pixel_range == (270, 310)
    one = root / "a" / "0.tif"
    np.testing.assert_array_equal(loaded.predict([one]), model.predict(data.x[:1]))
    other = folder_of(tmp_path / "test", tiff((RAMP * 20 + 270).astype("f4")))
    narrow, _ = read(other)
    text = "the values of black and white of training. Received: pixel_range=(270.0, 290.0). Read"
    with pytest.raises(DataError, match=re.escape(text)):
        loaded.evaluate(narrow)
    half, texts = read(other, pixel_range=data.pixel_range)
    assert texts == []
    assert np.abs(half.x[0, ..., 0] - GRAY / 2).max() <= 1
    assert model.evaluate(half) == loaded.evaluate(other)
    (tmp_path / "f.tif").write_bytes(tiff(RAMP.astype("f4") * 1e4))
    with pytest.raises(DataError, match=r"do not fit pixel_range, 270 .black. to 310 .white."):
        loaded.predict(tmp_path / "f.tif")


def test_a_file_of_8_bits_has_no_range(tmp_path):
    """The model file of 8-bit images stays as release 0.1.0 wrote it."""
    data, _ = read(folder_of(tmp_path, tiff(GRAY.astype("u1"))))
    model = gn.Sequential([gn.layers.Flatten(), gn.layers.Dense(2, activation="softmax")], seed=0)
    model.fit(data, epochs=1, verbose=0)
    model.save(tmp_path / "m.glassnet")
    assert b"pixel_range" not in (tmp_path / "m.glassnet").read_bytes()
    assert gn.load(tmp_path / "m.glassnet").preprocessor == model.preprocessor
    (tmp_path / "f.tif").write_bytes(tiff(RAMP.astype("f4")))
    with pytest.raises(DataError, match=r"mode F: its floating-point values from 0.0 to 1.0 have"):
        model.predict(tmp_path / "f.tif")


def test_examples():
    import doctest

    assert doctest.testmod(pixel_values).failed == 0
