"""Image folders: classes, sizes, color modes, damaged files, and memory maps."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import glassnet as gn
from glassnet.data import image_files
from glassnet.errors import ConfigError, DataError, DataWarning

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def write(path, colour=RED, mode="RGB", size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


@pytest.fixture
def flowers(tmp_path):
    """Ten red roses, five asters (one in a subfolder), and files that are not images."""
    for i in range(10):
        write(tmp_path / "rose" / f"{i}.png", (10 * i, 0, 0))
    for i in range(4):
        write(tmp_path / "aster" / f"{i}.bmp", (0, 0, 50 + 10 * i))
    write(tmp_path / "aster" / "wild" / "4.JPEG", (0, 0, 90))
    (tmp_path / "rose" / "notes.txt").write_text("pink")
    (tmp_path / ".cache").mkdir()
    return tmp_path


def test_a_folder(flowers):
    """Oracle: the colors that were written; classes and files sorted by name."""
    data = gn.data.images_from_folder(flowers, size=(4, 5))
    assert repr(data) == "Images(15 of shape (4, 5, 3): aster 5, rose 10)"
    assert data.class_names == ("aster", "rose")
    assert data.y.tolist() == [0] * 5 + [1] * 10
    assert (data.x.dtype, data.y.dtype, data.x.shape) == (np.uint8, np.int64, (15, 4, 5, 3))
    assert [path.name for path in data.files] == [
        "0.bmp",
        "1.bmp",
        "2.bmp",
        "3.bmp",
        "4.JPEG",
        *(f"{i}.png" for i in range(10)),
    ]
    for i in range(10):
        assert (data.x[5 + i] == (10 * i, 0, 0)).all()
    assert np.abs(data.x[4].astype(int) - (0, 0, 90)).max() <= 3, "JPEG rounds"
    x, y = data
    assert x is data.x
    assert y is data.y
    assert len(data) == 15
    assert data.skipped == ()


def test_a_split_holds_out_of_every_class(flowers):
    """Oracle: a fifth of 5 and of 10; the split depends on the seed only."""
    parts = [gn.data.images_from_folder(str(flowers), (4, 4), 0.2, seed=seed) for seed in (0, 0, 1)]
    for train, validation in parts:
        assert np.bincount(train.y).tolist() == [4, 8]
        assert np.bincount(validation.y).tolist() == [1, 2]
        assert len({*train.files, *validation.files}) == 15
    assert parts[0][1].files == parts[1][1].files != parts[2][1].files


def test_classes_by_name(flowers):
    train = gn.data.images_from_folder(flowers, (4, 4))
    test = gn.data.images_from_folder(flowers, (4, 4), class_names=train.class_names[::-1])
    assert test.class_names == ("rose", "aster")
    assert test.y.tolist() == [0] * 10 + [1] * 5
    two = gn.data.images_from_folder(
        [flowers / "rose", flowers / "aster" / "wild"], (4, 4), class_names=["tame", "wild"]
    )
    assert repr(two) == "Images(11 of shape (4, 4, 3): tame 10, wild 1)"
    assert gn.data.images_from_folder(
        [flowers / "rose", flowers / "aster"], (4, 4)
    ).class_names == ("rose", "aster")


def test_sizes_are_height_and_width(tmp_path):
    """Oracle: an image whose upper half is red and whose lower half is green."""
    for name in "ab":
        picture = np.zeros((40, 20, 3), np.uint8)
        picture[:20], picture[20:] = RED, GREEN
        write(tmp_path / name / "1.png")
        Image.fromarray(picture).save(tmp_path / name / "1.png")
    x = gn.data.images_from_folder(tmp_path, (10, 6)).x
    assert x.shape == (2, 10, 6, 3)
    assert (x[:, :4] == RED).all()
    assert (x[:, 6:] == GREEN).all()


def test_a_camera_held_upright(tmp_path):
    """Oracle: orientation 6 says that the row at the top is the right side of the picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[:10], picture[10:] = RED, GREEN
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "1.png", exif=exif)
    x = gn.data.images_from_folder(tmp_path, (10, 10)).x
    assert (x[:, :, 6:] == RED).all()
    assert (x[:, :, :4] == GREEN).all()


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("I;16", 0x8080, (128, 128, 128)),
        ("I;16", 51200, (199, 199, 199)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("LA", (0, 0), (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
    ],
    ids=[
        "grey",
        "bits",
        "sixteen bits",
        "51200 / 257",
        "opaque",
        "transparent",
        "a fifth",
        "grey and transparent",
        "palette",
    ],
)
def test_every_mode_becomes_colours(tmp_path, mode, colour, expected):
    """Oracle: by hand; an alpha of 51 of 255 lets four fifths of the white through."""
    path = write(tmp_path / "1.png", colour, mode)
    assert (image_files.decode_image(path, (3, 3, 3)) == expected).all()


def test_grey_files_have_one_channel(tmp_path):
    for name in "ab":
        write(tmp_path / name / "1.png", 9, "L")
    assert gn.data.images_from_folder(tmp_path, (4, 4)).x.shape == (2, 4, 4, 1)
    assert (gn.data.images_from_folder(tmp_path, (4, 4), channels=3).x == 9).all()
    write(tmp_path / "b" / "2.png")
    assert gn.data.images_from_folder(tmp_path, (4, 4)).x.shape == (3, 4, 4, 3)
    assert gn.data.images_from_folder(tmp_path, (4, 4), channels=1).x.shape == (3, 4, 4, 1)


@pytest.fixture
def damaged(flowers):
    """Four files that cannot be read: truncated, empty, of another format, and random bytes."""
    full = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(
        full, "JPEG"
    )
    (flowers / "rose" / "a.jpg").write_bytes(full.getvalue()[:1500])
    (flowers / "rose" / "b.png").write_bytes(b"")
    (flowers / "rose" / "c.png").write_text("not an image")
    (flowers / "aster" / "0a.gif").write_bytes(np.random.default_rng(1).bytes(500))
    return flowers


@pytest.mark.parametrize("in_memory", [True, False], ids=["memory", "disk"])
def test_damaged_files_are_left_out_and_named(damaged, monkeypatch, in_memory):
    """Oracle: the same folder without the damaged files."""
    if not in_memory:
        monkeypatch.setattr(image_files, "MAX_BYTES_IN_MEMORY", 100)
    text = r"4 of 19 files cannot be read and are left out: .*0a\.gif: it is not an image that .*a\.jpg: OSError: .*truncated"
    with pytest.warns(DataWarning, match=text):
        data = gn.data.images_from_folder(damaged, (4, 4))
    assert [path.name for path, _ in data.skipped] == ["0a.gif", "a.jpg", "b.png", "c.png"]
    assert isinstance(data.x, np.memmap) != in_memory
    for path, _ in data.skipped:
        Path(path).unlink()
    clean = gn.data.images_from_folder(damaged, (4, 4))
    np.testing.assert_array_equal(data.x, clean.x)
    assert (data.y.tolist(), data.files) == (clean.y.tolist(), clean.files)


def test_damaged_files_of_both_parts_are_told_at_once(damaged):
    """Oracle: the four files, counted among all, each in the part that it was drawn for."""
    with pytest.warns(DataWarning, match="4 of 19 files") as caught:
        parts = gn.data.images_from_folder(damaged, (4, 4), 0.5, seed=1)
    assert len(caught) == 1
    skipped = [path.name for part in parts for path, _ in part.skipped]
    assert sorted(skipped) == ["0a.gif", "a.jpg", "b.png", "c.png"]
    assert all(part.skipped for part in parts), "else the draw shows nothing"
    assert all(name in str(caught[0].message) for name in skipped)
    for part in parts:
        assert [path.relative_to(damaged).parts[0] for path in part.files] == [
            part.class_names[k] for k in part.y
        ]


def test_what_is_shrunk_is_smoothed(tmp_path):
    """Oracle: a checkerboard of pixels is gray at half the size; Pillow on the full JPEG."""
    squares = (np.indices((8, 8)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(squares).save(tmp_path / "1.png")
    assert (
        np.abs(
            image_files.decode_image(tmp_path / "1.png", (4, 4, 1))[1:-1, 1:-1].astype(int) - 127
        ).max()
        <= 2
    )
    stripes = np.repeat(np.indices((400, 400))[1][..., None] // 10 % 2 * 255, 3, axis=2).astype(
        np.uint8
    )
    Image.fromarray(stripes).save(tmp_path / "2.jpg", quality=95)
    full = Image.open(tmp_path / "2.jpg").resize((100, 100), Image.Resampling.BILINEAR)
    assert (
        np.abs(
            image_files.decode_image(tmp_path / "2.jpg", (100, 100, 3)).astype(int)
            - np.asarray(full)
        ).mean()
        < 12
    )


def test_strict(damaged, tmp_path):
    text = r"expected images that can be read\. Received: unreadable=4, first='.*0a\.gif.*Remove the files, or leave"
    with pytest.raises(DataError, match=text):
        gn.data.images_from_folder(damaged, (4, 4), strict=True)
    for path in ("rose/a.jpg", "rose/b.png", "rose/c.png", "aster/0a.gif"):
        (tmp_path / path).unlink()
    assert len(gn.data.images_from_folder(tmp_path, (4, 4), strict=True)) == 15


def test_beyond_memory_they_lie_on_the_disk(flowers, monkeypatch):
    """Oracle: the same images in memory; the file has the newest image's time."""
    full = gn.data.images_from_folder(flowers, (4, 4))
    monkeypatch.setattr(image_files, "MAX_BYTES_IN_MEMORY", 100)
    mapped = gn.data.images_from_folder(flowers, (4, 4))
    assert isinstance(mapped.x, np.memmap)
    np.testing.assert_array_equal(mapped.x, full.x)
    assert Path(mapped.x.filename).stat().st_mtime_ns == max(
        path.stat().st_mtime_ns for path in full.files
    )
    monkeypatch.setattr(
        image_files.shutil,
        "disk_usage",
        lambda folder: image_files.shutil._ntuple_diskusage(9, 9, 9),
    )
    text = r"expected 0\.0 GB of free disk space\. Received: free='0\.0 GB'\. Choose a smaller size, or set TMPDIR"
    with pytest.raises(DataError, match=text):
        gn.data.images_from_folder(flowers, (4, 4))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"size": 150},
            "images_from_folder: expected size to be (height, width) in pixels. Received: size=150.",
        ),
        ({"size": (0, 5)}, "Received: size=(0, 5)."),
        ({"channels": 4}, "expected channels to be 1, 3 or None. Received: channels=4."),
        ({"seed": -1}, "expected seed to be an int >= 0. Received: seed=-1."),
        (
            {"validation_split": 1.5},
            "expected a fraction from 0 to below 1. Received: validation_split=1.5.",
        ),
        ({"class_names": ["rose", "rose"]}, "expected a unique name for each class."),
    ],
)
def test_arguments_out_of_range(flowers, options, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        gn.data.images_from_folder(flowers, **options)


def test_folders_that_are_none(flowers, tmp_path):
    def refused(text, *folder, **options):
        with pytest.raises((DataError, ConfigError), match=re.escape(text)):
            gn.data.images_from_folder(*folder, **options)

    refused("images_from_folder: expected a folder. Received: folder='nowhere'.", "nowhere")
    refused(
        "expected two classes or more, each a subfolder. Received: classes=['wild']. Put the images of each",
        flowers / "aster",
    )
    missing = "expected a subfolder for each class. Received: missing=['tulip'], folders=['aster', 'rose']."
    refused(missing, flowers, class_names=["tulip", "rose"])
    refused(
        "expected one class name for each folder. Received: folders=2, class_names=('a',).",
        [flowers, flowers],
        class_names=["a"],
    )
    refused("expected folders. Received: missing=['nowhere'].", ["nowhere", flowers])
    (flowers / "lily").mkdir()
    refused(
        "of every class. Received: empty=['lily']. Remove the folders that are not classes", flowers
    )
    for path in flowers.rglob("*.*"):
        if path.is_file():
            path.write_bytes(b"")
    refused(
        "expected images of every class that can be read. Received: none_of=['rose', 'aster'], unreadable=15",
        flowers,
        class_names=["rose", "aster"],
    )
