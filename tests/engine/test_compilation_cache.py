"""The compilation cache: it makes a process start faster and changes nothing else.

The oracle of a result is the same call without a cache, byte for byte. The oracle of what was
stored or read is the list of files, and JAX's own events.
"""

import errno
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import warnings
from abc import abstractmethod

import jax
import numpy as np
import pytest
from jax._src import compilation_cache as jax_cache
from jax._src import compilation_cache_interface as jax_interface

import glassnet as gn
from glassnet import user_cache
from glassnet.engine import compilation_cache
from glassnet.engine.compilation_cache import LOOKUP, CacheSetup, ProgramCache

PROGRAM = bytes(range(256)) * 8
KEY = "jit_step-0123"


@pytest.fixture
def cache(tmp_path):
    """Return an empty cache, as the set-up makes it."""
    folder = tmp_path / user_cache.program_folder_name()
    folder.mkdir(mode=0o700)
    return ProgramCache(folder)


def stored(cache):
    """Return the files of a cache."""
    return sorted(cache._path.iterdir())


def as_glassnet(function):
    """Return the function as if a module of glassnet had defined it."""
    return type(function)(function.__code__, globals() | {"__name__": "glassnet.example"})


# Files


def test_a_program_is_stored_once_and_read_by_its_key(cache):
    assert cache.read(KEY) is None
    cache.write(KEY, PROGRAM)
    cache.write(KEY, PROGRAM)
    assert len(stored(cache)) == 1
    assert cache.read(KEY) == PROGRAM
    assert cache.read(KEY + "4") is None
    assert ProgramCache(cache._path).read(KEY) == PROGRAM


@pytest.mark.parametrize("key", ["../outside", "a/b", "", "x" * 5000, "jit_<lambda>-\x00ü"])
def test_every_key_is_a_file_in_the_folder(cache, key):
    cache.write(key, PROGRAM)
    assert cache.read(key) == PROGRAM
    assert len(stored(cache)) == 1


def flip(data, position):
    """Return the data with one bit changed."""
    return data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :]


DAMAGE = {
    "empty": lambda data: b"",
    "truncated in the hash": lambda data: data[:20],
    "truncated after the hash": lambda data: data[:32],
    "truncated": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "garbage": lambda data: b"\x5a" * len(data),
    "zeros": lambda data: bytes(len(data)),
    "bit of the hash": lambda data: flip(data, 3),
    "bit of the program": lambda data: flip(data, len(data) // 2),
    "last bit": lambda data: flip(data, len(data) - 1),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_deleted(cache, damage):
    cache.write(KEY, PROGRAM)
    (path,) = stored(cache)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert cache.read(KEY) is None
    assert stored(cache) == []
    cache.write(KEY, PROGRAM)
    assert cache.read(KEY) == PROGRAM


def test_every_changed_bit_is_found(cache):
    cache.write(KEY, PROGRAM[:64])
    (path,) = stored(cache)
    data = path.read_bytes()
    for position in range(len(data)):
        path.write_bytes(flip(data, position))
        assert cache.read(KEY) is None


def test_a_program_of_another_key_or_environment_is_deleted(cache, tmp_path):
    other = ProgramCache(tmp_path / "programs-jaxlib-0.0.1-0123456789abcdef")
    other._path.mkdir()
    for place, key in ((cache, KEY + "5"), (other, KEY)):
        place.write(key, PROGRAM)
        (path,) = stored(place)
        path.rename(cache._file(KEY))
        assert cache.read(KEY) is None
        assert stored(cache) == []


def test_a_moved_folder_is_still_read(cache, tmp_path):
    cache.write(KEY, PROGRAM)
    moved = tmp_path / "moved" / cache._path.name
    shutil.copytree(cache._path, moved)
    assert ProgramCache(moved).read(KEY) == PROGRAM


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
@pytest.mark.parametrize(
    "where", ["tempfile.mkstemp", "os.fdopen", "os.replace", "os.utime", "pathlib.Path.unlink"]
)
def test_a_full_disk_or_a_folder_for_reading_only(cache, monkeypatch, code, where):
    """What was stored before can be read; nothing half-written stays behind."""
    cache.write(KEY, PROGRAM)
    cache._file(KEY + "6").write_bytes(b"damaged")

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(where, fail)
    cache.write(KEY + "5", PROGRAM)
    assert cache.read(KEY) == PROGRAM
    assert cache.read(KEY + "6") is None
    assert [path for path in stored(cache) if path.suffix != ".program"] == []


def test_a_write_that_ends_in_the_middle_leaves_the_old_file(cache, monkeypatch):
    cache.write(KEY, PROGRAM)

    def kill(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", kill)
    with pytest.raises(KeyboardInterrupt):
        cache.write(KEY, PROGRAM[::-1])
    assert cache.read(KEY) == PROGRAM


def test_the_least_recently_used_programs_are_deleted(tmp_path):
    """A file has 32 + 68 = 100 bytes; at most 10 of them, and 9 after a deletion."""
    folders = [tmp_path / f"programs-jaxlib-{version}-0" for version in ("0.1", "0.2")]
    others = [tmp_path / "mnist", tmp_path / "notes.program", folders[0] / "read.me"]
    for folder in folders:
        folder.mkdir()
    for other in others:
        other.write_bytes(bytes(5000))
    (folders[1] / "killed.part").write_bytes(bytes(100))
    os.utime(folders[1] / "killed.part", (1, 1))
    old, new = (ProgramCache(folder, max_bytes=1000) for folder in folders)
    for i in range(9):
        cache = old if i < 5 else new
        cache.write(str(i), bytes(68))
        os.utime(cache._file(str(i)), (100 + i, 100 + i))
    assert old.read("0") == bytes(68)  # now the last one used
    new.write("9", bytes(68))  # with the part, eleven files
    assert not (folders[1] / "killed.part").exists()
    assert [i for i in range(5) if old.read(str(i)) is None] == [1]
    assert [i for i in range(5, 10) if new.read(str(i)) is None] == []
    assert all(other.exists() for other in others)


def test_threads_and_deletions_at_the_same_time(cache):
    """Each of 8 threads reads what it or another one wrote, or nothing, while files disappear."""
    small, wrong = ProgramCache(cache._path, max_bytes=3 * 2080), []

    def work(seed):
        rng = np.random.default_rng(seed)
        for key in rng.integers(0, 6, 60):
            small.write(str(key), PROGRAM + bytes([key]))
            program = small.read(str(key))
            if program not in (None, PROGRAM + bytes([key])):
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not list(cache._path.glob("*.part"))


# The folder


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return the folder that GLASSNET_CACHE_DIR names, in a private one; it does not exist yet."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GLASSNET_CACHE_DIR", str(home / "cache"))
    return home / "cache"


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_folder_is_private(root):
    folder = compilation_cache._open_folder()
    assert folder == root / user_cache.program_folder_name()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert compilation_cache._open_folder() == folder


def test_the_folder_is_beside_the_datasets(tmp_path, monkeypatch):
    monkeypatch.delenv("GLASSNET_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert user_cache.user_cache_folder() == tmp_path / "glassnet"
    assert compilation_cache._open_folder().parent == user_cache.user_cache_folder()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_can_write_to_is_not_used(root, mode):
    folder = compilation_cache._open_folder()
    folder.chmod(mode)
    assert compilation_cache._open_folder() is None
    folder.chmod(0o755)
    assert compilation_cache._open_folder() == folder


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_others_can_replace_is_not_used(root, tmp_path):
    """Others may rename a folder within a folder that they can write to, unless it is sticky."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "cache").mkdir(mode=0o700)
    root.symlink_to(tmp_path / "shared" / "cache")
    for mode, is_used in ((0o755, True), (0o777, False), (0o1777, True)):
        (tmp_path / "shared").chmod(mode)
        assert (compilation_cache._open_folder() is not None) == is_used


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_link_to_a_folder_that_others_can_write_to_is_not_used(root, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs").chmod(0o777)
    root.mkdir()
    (root / user_cache.program_folder_name()).symlink_to(tmp_path / "theirs")
    assert compilation_cache._open_folder() is None


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_of_another_user_is_not_used(root, monkeypatch):
    assert compilation_cache._open_folder()
    monkeypatch.setattr(os, "getuid", lambda: 12345 + root.stat().st_uid)
    assert compilation_cache._open_folder() is None


def test_the_folder_depends_on_the_environment(monkeypatch, tmp_path):
    """On the version of XLA, and on the model, features and number of the processors."""
    cpuinfo = tmp_path / "cpuinfo"
    text = "processor\t: 0\nmodel name\t: A\ncpu MHz\t\t: {}\nflags\t\t: sse {}\n\nprocessor\t: 1\n"
    cpuinfo.write_text(text.format(1000, "avx2"))
    monkeypatch.setattr(user_cache, "CPU_FILE", cpuinfo)
    names = [user_cache.program_folder_name()]
    cpuinfo.write_text(text.format(2000, "avx2"))
    assert user_cache.program_folder_name() == names[0]
    cpuinfo.write_text(text.format(1000, "avx512f"))
    names.append(user_cache.program_folder_name())
    cpuinfo.write_text(text.format(1000, "avx2").replace(": A", ": B"))
    names.append(user_cache.program_folder_name())
    cpuinfo.unlink()
    names.append(user_cache.program_folder_name())
    monkeypatch.setattr(user_cache, "_count_processors", lambda: 77)
    names.append(user_cache.program_folder_name())
    monkeypatch.setenv("NPROC", "3")
    names.append(user_cache.program_folder_name())
    monkeypatch.setattr("jaxlib.version.__version__", "9.8.7")
    names.append(user_cache.program_folder_name())
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"programs-jaxlib-\d+(\.\d+)+-[0-9a-f]{16}", name) for name in names)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs an affinity to set")
def test_the_number_of_processors_is_that_of_the_process():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, [min(before)])
        assert user_cache._count_processors() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert user_cache._count_processors() == len(before)


# The set-up


@pytest.fixture
def unset(monkeypatch, root):
    """Set no option of JAX's cache, as for a user, and restore the cache of the tests afterwards."""
    before = {name: getattr(jax.config, name) for name in compilation_cache.JAX_OPTIONS}
    monkeypatch.delenv("GLASSNET_CACHE", raising=False)
    for name, default in compilation_cache.JAX_OPTIONS.items():
        monkeypatch.delenv(name.upper(), raising=False)
        jax.config.update(name, default)
    for name in ("_cache", "_cache_initialized", "_cache_checked", "_cache_used"):
        monkeypatch.setattr(jax_cache, name, getattr(jax_cache, name))
    jax_cache.reset_cache()
    yield root
    for name, value in before.items():
        jax.config.update(name, value)


@as_glassnet
def glassnet_asks(setup):
    """Send the event that JAX records before it looks up a program of glassnet."""
    setup(LOOKUP)
    return setup.cache


def test_the_first_program_of_glassnet_sets_the_cache_up(unset):
    setup = CacheSetup()
    setup("/jax/another/event")
    setup(LOOKUP)  # from this file, which is not glassnet's
    assert setup.cache is None
    assert not unset.exists()
    assert glassnet_asks(setup)
    assert jax_cache._cache is setup.cache
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 0
    assert list(unset.iterdir()) == [setup.cache._path]


def test_a_folder_that_cannot_be_made_is_not_used(unset, monkeypatch):
    unset.write_bytes(b"a file")
    assert glassnet_asks(CacheSetup()) is None
    monkeypatch.setenv("GLASSNET_CACHE_DIR", "~no_such_user/cache")
    if os.name == "posix":
        assert glassnet_asks(CacheSetup()) is None
    assert jax_cache._cache is None


@pytest.mark.parametrize("value", ["off", "OFF"])
def test_the_cache_can_be_switched_off(unset, monkeypatch, value):
    monkeypatch.setenv("GLASSNET_CACHE", value)
    assert glassnet_asks(CacheSetup()) is None
    assert jax_cache._cache is None
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 1
    assert not unset.exists()


@pytest.mark.parametrize("name", compilation_cache.JAX_OPTIONS)
def test_an_environment_variable_of_jax_leaves_the_cache_to_jax(unset, monkeypatch, name):
    monkeypatch.setenv(name.upper(), "")
    assert glassnet_asks(CacheSetup()) is None
    assert not unset.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax_compilation_cache_dir", "somewhere"),
        ("jax_enable_compilation_cache", False),
        ("jax_compilation_cache_max_size", 0),
        ("jax_persistent_cache_min_compile_time_secs", 5.0),
        ("jax_persistent_cache_min_entry_size_bytes", -1),
    ],
)
def test_an_option_of_jax_leaves_the_cache_to_jax(unset, name, value):
    jax.config.update(name, value)
    assert glassnet_asks(CacheSetup()) is None
    assert getattr(jax.config, name) == value
    assert not unset.exists()


def test_options_that_the_user_sets_later_are_respected(unset, tmp_path):
    """JAX opens the user's folder at its next program, as it would without glassnet."""
    setup = CacheSetup()
    assert glassnet_asks(setup)
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "mine"))
    setup(LOOKUP)
    assert setup.cache is None
    assert jax_cache._cache is None
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 1
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.jit(lambda x: x * 5 - 3)(np.ones(7)).block_until_ready()
    assert len(list((tmp_path / "mine").glob("*-cache"))) == 1


class MoreMethods(jax_interface.CacheInterface):
    @abstractmethod
    def delete(self, key):
        pass


class OtherParameters(jax_interface.CacheInterface):
    @abstractmethod
    def put(self, key, value, seconds):
        pass


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jax._src.compilation_cache._cache", None),
        ("jax._src.compilation_cache.reset_cache", None),
        ("jax._src.compilation_cache_interface.CacheInterface", None),
        ("jax._src.compilation_cache_interface.CacheInterface", MoreMethods),
        ("jax._src.compilation_cache_interface.CacheInterface", OtherParameters),
        ("jax._src.compilation_cache", None),
    ],
    ids=["no _cache", "no reset_cache", "no interface", "methods", "parameters", "no module"],
)
def test_another_version_of_jax_stores_nothing(unset, monkeypatch, name, value):
    """If a private name is missing or differs, JAX compiles without a cache and without a warning."""
    with monkeypatch.context() as patch:
        if value:
            patch.setattr(name, value)
        else:
            patch.delattr(name)
            if name in sys.modules:
                patch.setitem(sys.modules, name, None)
        assert glassnet_asks(CacheSetup()) is None
    assert jax_cache._cache is None
    assert jax.config.jax_persistent_cache_min_compile_time_secs == 1


# With JAX


@pytest.fixture
def events():
    """Count JAX's events by their last word."""
    counts = {}

    def count(event, **_):
        name = event.rpartition("/")[2]
        counts[name] = counts.get(name, 0) + 1

    jax.monitoring.register_event_listener(count)
    yield counts
    jax.monitoring.unregister_event_listener(count)


@pytest.fixture
def jax_uses(unset):
    """Make JAX use a cache, and return it."""
    return glassnet_asks(CacheSetup())


def compiled(number):
    """Return what a newly compiled program computes."""
    import jax.numpy as jnp

    return np.asarray(jax.jit(lambda x: jnp.sin(x) * number)(np.arange(5, dtype=np.float32)))


def test_the_second_compilation_reads_the_program(jax_uses, events):
    first = as_glassnet(compiled)(2.5)
    assert len(stored(jax_uses)) == 1
    assert "cache_hits" not in events
    assert as_glassnet(compiled)(2.5).tobytes() == first.tobytes()
    assert events["cache_hits"] == 1


def test_programs_that_glassnet_does_not_compile_are_not_stored(jax_uses, events):
    compiled(3.5)
    assert stored(jax_uses) == []
    as_glassnet(compiled)(3.5)
    compiled(3.5)
    assert "cache_hits" not in events


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_program_is_compiled_again_without_a_warning(jax_uses, events, damage):
    """The result without a cache: `compiled` called from this file."""
    as_glassnet(compiled)(4.5)
    (path,) = stored(jax_uses)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = as_glassnet(compiled)(4.5)
    assert result.tobytes() == compiled(4.5).tobytes()
    assert "cache_hits" not in events
    assert stored(jax_uses) == [path]
    as_glassnet(compiled)(4.5)
    assert events["cache_hits"] == 1


def test_threads_that_compile_at_the_same_time(unset, events):
    """Eight threads compile four programs; one of them sets the cache up."""
    setup, start, results = CacheSetup(), threading.Barrier(8), {}

    def work(thread):
        start.wait()
        glassnet_asks(setup)
        results[thread] = as_glassnet(compiled)(5.5 + thread % 4).tobytes()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: compiled(5.5 + i % 4).tobytes() for i in range(8)}
    assert len(stored(setup.cache)) == 4


# Processes

COUNT = """
import hashlib, json, os, sys
import numpy as np
import jax
events = {"compile_requests_use_cache": 0, "cache_hits": 0, "cache_misses": 0}
def count(event, **_):
    name = event.rpartition("/")[2]
    if name in events:
        events[name] += 1
jax.monitoring.register_event_listener(count)
import glassnet as gn
"""

FIT = (
    COUNT
    + """
layers = gn.layers
x = np.random.default_rng(0).normal(size=(40, 8, 8, 1)).astype(np.float32)
y = (x.mean((1, 2, 3)) > 0).astype(int)
model = gn.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dropout(0.2), layers.Dense(2, "softmax")], seed=1)
model.fit(x, y, epochs=2, batch_size=16, verbose=0)
arrays = [*model.get_weights(), model.predict(x[:3])]
bits = hashlib.sha256(b"".join(np.asarray(a).tobytes() for a in arrays)).hexdigest()
print(json.dumps([bits, events["cache_hits"], events["cache_misses"]]))
"""
)


def start(code, root, prefix=(), **variables):
    """Start a process in which no option of JAX's cache is set, and warnings are errors."""
    options = ("JAX_", "GLASSNET_CACHE")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(options)
    }
    command = [*prefix, sys.executable, "-W", "error", "-c", code]
    return subprocess.Popen(
        command,
        env=environment | {"GLASSNET_CACHE_DIR": str(root)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    """Return what a process printed; it must succeed, with nothing on standard error."""
    out, err = process.communicate(timeout=300)
    assert not err, err[-2000:]
    assert process.returncode == 0
    return json.loads(out)


def fit(root, prefix=(), **variables):
    """Return the bits of a fit in a new process, and the numbers of programs read and compiled."""
    return answer(start(FIT, root, prefix, **variables))


@pytest.fixture(scope="module")
def without_cache(tmp_path_factory):
    """Return the bits without a cache, and the number of programs."""
    root = tmp_path_factory.mktemp("off") / "cache"
    bits, read, compiled = fit(root, GLASSNET_CACHE="off")
    assert not root.exists()
    assert (read, compiled) == (0, 0)
    return bits


@pytest.fixture(scope="module")
def full_cache(tmp_path_factory, without_cache):
    """Return a folder that a first process has filled."""
    root = tmp_path_factory.mktemp("full") / "cache"
    bits, read, compiled = fit(root)
    assert bits == without_cache
    assert read == 0
    assert compiled == len(list(root.glob("*/*"))) > 1
    return root


@pytest.mark.slow
def test_the_second_process_compiles_nothing(full_cache, without_cache, tmp_path):
    """The same bits, also from a folder in another place."""
    count = len(list(full_cache.glob("*/*")))
    moved = tmp_path / "moved"
    shutil.copytree(full_cache, moved)
    assert fit(moved) == [without_cache, count, 0]


@pytest.mark.slow
def test_a_process_finds_damaged_programs(full_cache, without_cache, tmp_path):
    """Each file has another damage, and the last two are exchanged; a third process reads them all."""
    root = tmp_path / "cache"
    shutil.copytree(full_cache, root)
    paths = sorted(root.glob("*/*"))
    for damage, path in zip(DAMAGE.values(), paths[:-2], strict=False):
        path.write_bytes(damage(path.read_bytes()))
    paths[-1].rename(root / "third")
    paths[-2].rename(paths[-1])
    (root / "third").rename(paths[-2])
    assert fit(root) == [without_cache, 0, len(paths)]
    assert fit(root) == [without_cache, len(paths), 0]


@pytest.mark.slow
def test_four_cold_processes_at_once(without_cache, tmp_path):
    processes = [start(FIT, tmp_path / "cache") for _ in range(4)]
    assert {answer(process)[0] for process in processes} == {without_cache}
    files = list((tmp_path / "cache").glob("*/*"))
    assert {path.suffix for path in files} == {".program"}
    assert fit(tmp_path / "cache") == [without_cache, len(files), 0]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="folders of POSIX")
def test_a_home_that_cannot_be_written(without_cache, tmp_path):
    """A file is where the folder should be."""
    (tmp_path / "home").write_bytes(b"")
    variables = {"GLASSNET_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(tmp_path / "home")}
    assert fit("", **variables) == [without_cache, 0, 0]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_files_that_cannot_grow(without_cache, tmp_path):
    """The system refuses every byte, as on a full disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    assert answer(start(limit + FIT, tmp_path))[0] == without_cache
    assert list(tmp_path.glob("*/*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_a_disk_that_cannot_be_written(full_cache, without_cache, tmp_path, disk):
    """A small disk that is empty or filled up, or a filled one for reading only."""
    root, count = tmp_path / "disk", len(list(full_cache.glob("*/*")))
    root.mkdir()
    steps = {
        "full": f"mount -t tmpfs -o size=20k,mode=700 none {root}",
        "read-only": f"mount -t tmpfs none {root} && cp -rp {full_cache}/. {root} && mount -o remount,ro {root}",
    }
    script = f'{steps[disk]} && exec "$@"'
    prefix = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    if (
        not shutil.which("unshare")
        or subprocess.run([*prefix, "true"], capture_output=True).returncode
    ):
        pytest.skip("this system mounts no disk for tests")
    expected = {"full": (0, count), "read-only": (count, 0)}
    assert tuple(fit(root, prefix)) == (without_cache, *expected[disk])


ENTRY_POINTS = """
import warnings
from pathlib import Path
path, root = Path(sys.argv[1]), Path(os.environ["GLASSNET_CACHE_DIR"])
rng = np.random.default_rng(0)
x = rng.normal(size=(24, 3)).astype(np.float32)
y = (x[:, 0] > 0).astype(int)
def new():
    return gn.Sequential([gn.layers.Dense(2, "softmax")], seed=0)
def keras():
    model = gn.keras.Sequential([gn.keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model.fit(x, y, epochs=1, verbose=0)
calls = {
    "activation": lambda: gn.activations.softplus(x),
    "loss": lambda: gn.losses.LogCosh()(x, x + 1),
    "layer": lambda: gn.layers.Activation("softplus")({}, x[:7]),
    "adapt": lambda: gn.layers.Normalization().adapt(x),
    "fit": lambda: new().fit(x, y, epochs=1, verbose=0),
    "predict": lambda: gn.load(path).predict(x),
    "evaluate": lambda: gn.load(path).evaluate(x, y),
    "trace": lambda: gn.load(path).trace(x[:2], y[:2]),
    "check_layer": lambda: gn.testing.check_layer(gn.layers.Dense(2), (3,)),
    "check_loss": lambda: gn.testing.check_loss(gn.losses.MeanSquaredError(), x[:3], x[3:6]),
    "keras": keras,
    "estimator": lambda: gn.estimators.NeuralClassifier((4,), max_iter=9, tol=9.0, n_iter_no_change=1).fit(x, y),
}
report = {}
for name, call in calls.items():
    before = events["compile_requests_use_cache"], events["cache_hits"], len(list(root.glob("*/*")))
    call()
    after = events["compile_requests_use_cache"], events["cache_hits"], len(list(root.glob("*/*")))
    report[name] = [b - a for a, b in zip(before, after)]
print(json.dumps(report))
"""


@pytest.fixture
def model_file(tmp_path):
    """Return the path of a saved model that was not trained."""
    model = gn.Sequential([gn.layers.Input(3), gn.layers.Dense(2, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "model.glassnet")
    return tmp_path / "model.glassnet"


@pytest.mark.slow
def test_every_call_of_glassnet_is_served(tmp_path, model_file):
    """Each program that a call compiles is stored or was stored before."""
    code = COUNT + ENTRY_POINTS.replace("sys.argv[1]", repr(str(model_file)))
    report = answer(start(code, tmp_path / "cache"))
    assert {name: new + read for name, (_, read, new) in report.items()} == {
        name: requests for name, (requests, _, _) in report.items()
    }
    assert [name for name, (requests, _, _) in report.items() if not requests] == ["adapt"]


@pytest.mark.slow
def test_loading_a_model_opens_no_file_of_the_cache(tmp_path, model_file):
    code = f"""
seen = []
sys.addaudithook(lambda event, arguments: seen.append(str(arguments)) if event.startswith(("open", "os.")) else None)
gn.load({str(model_file)!r})
print(json.dumps([each for each in seen if "cpuinfo" in each or {str(tmp_path / "cache")!r} in each]))
"""
    assert answer(start(COUNT + code, tmp_path / "cache")) == []
    assert not (tmp_path / "cache").exists()
