"""Operations return the numbers, shapes and types of Keras. Oracle: Keras on JAX."""

import re

import jax
import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import GlassnetError
from glassnet.keras.tensors import Tensor
from oracles import LOOSE, close, import_keras

RNG = np.random.default_rng(0)
VALUES = {
    "np": np,
    "jax": jax,
    "a": RNG.normal(size=(3, 4)).astype(np.float32),
    "b": RNG.normal(size=(3, 4)).astype(np.float32),
    "u": RNG.uniform(0.1, 0.9, (3, 4)).astype(np.float32),
    "i": RNG.integers(0, 6, (3, 4)).astype(np.int32),
    "j": RNG.integers(1, 6, (3, 4)).astype(np.int32),
    "v": RNG.normal(size=6).astype(np.float32),
    "w": RNG.integers(0, 4, 6).astype(np.int32),
    "n": np.array([[1.0, np.nan, 3.0], [np.inf, 2.0, -np.inf]], np.float32),
    "q": np.array([[1.0, np.nan, 3.0], [4.0, 2.0, -5.0]], np.float32),
    "m": np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]], np.float32),
    "s": RNG.normal(size=(2, 9, 2)).astype(np.float32),
    "x": RNG.uniform(0, 1, (2, 6, 8, 3)).astype(np.float32),
    "y": RNG.uniform(0, 1, (2, 12, 12, 2)).astype(np.float32),
    "k": RNG.normal(size=(3, 3, 3, 2)).astype(np.float32),
    "t": RNG.normal(size=(3, 2, 4, 3)).astype(np.float32),
    "h": np.eye(4, dtype=np.float32)[[0, 2, 1]],
}
"""Matrices a, b, u of numbers, i, j of integers; vectors v, w; n, q with NaN; m symmetric;
sequences s; images x, y; kernels k, t; one-hot rows h."""

UNARY = """
abs absolute angle arcsinh arctan bitwise_invert bitwise_not cbrt ceil celu conj conjugate copy corrcoef cos cosh
deg2rad elu erf erfc exp exp2 expm1 fabs fliplr flipud floor gelu glu hard_shrink hard_sigmoid
hard_silu hard_swish hard_tanh i0 imag isfinite isinf isnan isneginf isposinf isreal leaky_relu
log_sigmoid log_softmax logical_not logsumexp max min mean median negative nonzero rad2deg ravel
real reciprocal relu relu6 round selu sigmoid sign signbit silu sin sinc sinh soft_shrink softmax
softplus softsign sparse_plus sparse_sigmoid square squareplus squeeze std stop_gradient sum swish
tan tanh tanh_shrink transpose trunc var any all amax amin argmax argmin argsort average cumprod
cumsum diag diff fft2 flip ndim nan_to_num normalize ones_like prod ptp rms_normalization shape size
sort tril triu unique unstack zeros_like array convert_to_numpy convert_to_tensor dtype is_tensor
layer_normalization nancumprod nancumsum nanargmax nanargmin nanmax nanmean nanmedian nanmin nanprod
nanstd nansum nanvar empty_like count_nonzero
"""
POSITIVE = "arccos arccosh arcsin arctanh erfinv log log10 log1p log2 rsqrt sqrt"
BINARY = """
add arctan2 divide divide_no_nan equal floor_divide fmax fmin fmod greater greater_equal heaviside
hypot less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum mod
multiply nextafter not_equal outer subtract true_divide vdot inner kron allclose isclose isin append
"""
INTEGERS = """
bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift left_shift right_shift gcd
lcm power
"""
REDUCTIONS = """
all amax amin any logsumexp max mean median min nanmax nanmean nanmedian nanmin nanprod nanstd
nansum nanvar prod ptp std sum var argmax argmin nanargmax nanargmin
"""
WITH_INTEGERS = """
abs all any argmax argsort average bitwise_invert bitwise_not ceil corrcoef cos cumsum exp floor
logical_not max mean median negative prod relu round sign sort square std sum tanh var
"""
MATRIX = "cholesky det eigh inv logdet lu_factor pinv qr slogdet"
CASES = [
    *(f"{name}(a)" for name in UNARY.split() if name not in ("bitwise_invert", "bitwise_not", "fft2")),
    *(f"{name}(i)" for name in WITH_INTEGERS.split()),
    *(f"{name}(u)" for name in POSITIVE.split()),
    *(f"{name}(a, b)" for name in BINARY.split()),
    *(f"{name}(i, j)" for name in [*BINARY.split(), *INTEGERS.split()] if name not in ("nextafter", "heaviside")),
    *(f"{name}(i, 1.5)" for name in ("add", "divide", "maximum", "multiply", "subtract", "power")),
    *(f"{name}(a, axis=1, keepdims=True)" for name in REDUCTIONS.split()),
    *(f"{name}(a, 0)" for name in REDUCTIONS.split()),
    *(f"{name}(q, 1)" for name in REDUCTIONS.split() if name.startswith("nan")),
    *(f"{name}(a, 1)" for name in ("cumsum", "cumprod", "nancumsum")),
    *(f"is{name}(n)" for name in ("finite", "inf", "nan", "neginf", "posinf")),
    *(f"{name}(7)" for name in ("bartlett", "blackman", "hamming", "hanning")),
    *(f"{name}(m)" for name in MATRIX.split()),
    *(f"{name}((a, b))" for name in ("hstack", "vstack", "dstack", "fft", "fft2", "ifft2")),
]  # fmt: skip
CALLS = """
all(np.array([[True, False], [True, True]]), 0)
mean([1, 2, 3])
sum([1.5, 2])
max(a, initial=9.0)
arange(3)
arange(3.0)
arange(1, 7, 2)
arange(0, 1, 0.25)
arange(3, dtype="float32")
argpartition(v, 2)
array([[1, 2], [3, 4]])
array_split(v, 4)[1]
average(a, 1, np.array([1.0, 2.0, 3.0, 4.0]))
batch_normalization(a, a.mean(0), a.var(0), -1, b[0], b[1])
binary_crossentropy(h, u)
binary_crossentropy(h, a, from_logits=True)
bincount(w, minlength=6)
bincount(w, weights=v)
bincount(i, minlength=6)
broadcast_to(v, (2, 6))
cast(a, "int32")
cast(a, "bool")
cast(i, "float32")
categorical_crossentropy(h, u)
categorical_crossentropy(h, a, from_logits=True)
cdist(a, b)
celu(a, 0.5)
cholesky_inverse(np.linalg.cholesky(m))
clip(a, -0.5, 0.5)
concatenate([a, b])
concatenate([a, i], axis=1)
cond(True, lambda: np.float32(1), lambda: np.float32(2))
convert_to_tensor([1, 2])
convert_to_tensor([1.5, 2], dtype="int32")
correlate(v, v[:3])
correlate(v, v[:3], mode="same")
cross(a[:, :3], b[:, :3])
diag(v)
diag(m, 1)
diagflat(v[:2])
diagonal(m, offset=1)
diff(a, n=2, axis=0)
digitize(a, np.array([-1.0, 0.0, 1.0]))
divide_no_nan(a, np.zeros((3, 4), np.float32))
dot(a, b.T)
einsum("ij,kj->ik", a, b)
elu(a, 0.5)
expand_dims(a, 1)
expand_dims(v, (0, 2))
extract_sequences(v, 3, 2)
eye(3)
eye(2, 3, 1, "int32")
flip(a, 1)
fori_loop(0, 3, lambda i, total: total + i, 1)
full((2, 3), 7)
full_like(a, 2)
gelu(a, approximate=False)
geomspace(1.0, 8.0, 4)
get_item(a, 1)
glu(a, 1)
heaviside(a, 0.5)
histogram(v, 4)
hsplit(a, 2)[1]
vsplit(a, 3)[2]
dsplit(s.reshape(2, 3, 6), 3)[0]
identity(2)
in_top_k(np.array([0, 1, 2]), a, 2)
irfft((a, b))
rfft(v)
isclose([1.0, 2.0], [1.0, 2.1])
kaiser(6, 2.0)
ldexp(a, i)
leaky_relu(a, 0.4)
linspace(0.0, 1.0, 5)
linspace(0, 1, 4, endpoint=False)
logspace(0.0, 2.0, 3)
lstsq(a, b[:, :2])
matmul(a, b.T)
matrix_rank(m)
meshgrid(v, w)[1]
moments(a, 0)
moments(s, [0, 1], keepdims=True)
moveaxis(s, 0, -1)
multi_hot(np.array([[0, 2], [1, 1]]), 4)
nan_to_num(n, 1.0, 2.0, 3.0)
norm(a)
norm(a, 1, 1)
norm(m, "fro")
normalize(a, 0, 1)
one_hot(w, 4)
one_hot(w, 4, axis=0, dtype="int32")
ones((2, 3))
ones(2, "int32")
pad(a, ((1, 0), (0, 2)))
pad(a, 1, "constant", 3.0)
pad(v, [[2, 1]], mode="reflect")
percentile(a, 30.0)
quantile(a, 0.3, 1, keepdims=True)
quantile(a, np.array([0.2, 0.8], np.float32), method="nearest")
nanquantile(q, 0.4)
nanpercentile(q, 40.0, 1)
polar(u, a)
power(u, 2)
power(2.0, a)
psnr(a, b, 2.0)
qr(a)
rearrange(x, "n (h a) w c -> n h (w a) c", a=2)
relu(-1.5)
repeat(a, 2)
repeat(a, 2, axis=1)
reshape(a, (2, 6))
reshape(a, (-1,))
rms_normalization(a, b[0])
roll(a, 1)
roll(a, 2, axis=1)
rot90(a)
round(a, 2)
round(i, -1)
saturate_cast(np.array([-5.0, 300.0]), "uint8")
scan(lambda state, each: (state + each, state), np.float32(0), v)
associative_scan(lambda first, second: first + second, v)
scatter(np.array([[0], [2]]), np.array([1.0, 2.0], np.float32), (4,))
scatter_update(v, np.array([[0], [2]]), np.array([9.0, 8.0], np.float32))
scatter_update(v, np.array([[1]]), np.array([5.0], np.float32), "add")
searchsorted(np.array([1.0, 2.0, 3.0]), u)
segment_max(v, w, 4)
segment_min(v, w, 4)
segment_prod(v, w, 4)
segment_sum(v, w, 4)
select([a > 1, a < 0], [a, b], 7.0)
slice(a, (1, 0), (2, 3))
slice(a, (1, 1), (-1, 2))
slice_update(a, (1, 1), np.ones((1, 2), np.float32))
slogdet(m)
solve(m, m[:, :2])
solve_triangular(np.tril(m), m[:, :2], lower=True)
sort(a, 0)
sparse_categorical_crossentropy(np.array([0, 3, 1]), u)
sparse_categorical_crossentropy(np.array([[0], [3], [1]]), a, from_logits=True)
sparsemax(a)
split(a, 2, axis=1)
split(v, [1, 4])
squareplus(a, 2)
squeeze(a[:, None], 1)
stack([a, b], 1)
std(s, axis=[0, 1])
sum(s, (1, 2))
svd(a, compute_uv=False)
swapaxes(s, 0, 1)
switch(1, [lambda each: each, lambda each: 2 * each], v)
take(a, [0, 2], axis=1)
take(a, 5)
take_along_axis(a, i[:, :1] % 4, 1)
tensordot(a, b, axes=[[1], [1]])
threshold(a, 0.5, -1.0)
tile(a, (2, 1))
tile(v, 2)
top_k(a, 2)
trace(m)
trapezoid(v, dx=0.5)
trapezoid(v, np.sort(v))
tri(3)
tril(a, -1)
triu(a, 1)
unique(w)
unravel_index(w, (2, 3))
unstack(a, axis=1)
vander(v, 3)
vectorize(lambda each: each + 1)(v)
vectorized_map(lambda row: row.sum(), a)
map(lambda row: row * 2, a)
view(a, "int32")
view_as_complex(a[:, :2])
view_as_real(a + 1j * b)
where(a > 0, a, 0.0)
where(a > 0)
while_loop(lambda i: i < 5, lambda i: (i + 2,), (0,))
zeros((2, 2), "int32")
zeros(3)
empty((2, 0))
adaptive_average_pool(x, (2, 3))
adaptive_max_pool(s, 4)
average_pool(x, 2, 2)
average_pool(x, (3, 2), 2, "same")
max_pool(x, (2, 3), 2)
max_pool(s, 3, 1, "same")
conv(x, k)
conv(x, k, 2, "same")
conv(x, k, 1, "valid", None, 2)
conv(s, k[0, :, :2])
conv_transpose(x, t, 2)
conv_transpose(x, t, (2, 2), "same")
conv_transpose(x, t, 3, "same", 1)
conv_transpose(x, t, 2, "valid", (1, 1))
depthwise_conv(x, k, padding="same")
separable_conv(x, k, np.ones((1, 1, 6, 2), np.float32))
depth_to_space(y[:, :3, :3].reshape(2, 3, 3, 2).repeat(4, -1), 2)
space_to_depth(y, 2)
layer_normalization(a, b[0], b[1])
layer_normalization(s, axis=(1, 2), epsilon=0.1)
logical_not([True, False])
image.resize(x, (3, 4))
image.resize(x, (9, 9), "nearest")
image.resize(x[0], (5, 3), antialias=True)
image.resize(x, (4, 4), crop_to_aspect_ratio=True)
image.resize(x, (4, 4), pad_to_aspect_ratio=True, fill_value=0.5)
image.resize(x, (12, 16), interpolation="bicubic")
image.rgb_to_grayscale(x)
image.rgb_to_hsv(x)
image.hsv_to_rgb(x)
image.pad_images(x, 1, 2, target_height=9, target_width=12)
image.crop_images(x, 1, 2, 3, 1)
image.crop_images(x[0], top_cropping=1, left_cropping=2, target_height=4, target_width=5)
image.extract_patches(x, 2)
image.extract_patches(x[0], (2, 3), (1, 2), padding="same")
image.map_coordinates(a, np.array([[0.5, 1.5], [1.0, 2.2]]), 1)
image.affine_transform(x, np.array(2 * [[1.0, 0.2, 1.0, 0.1, 0.9, 0.0, 0.0, 0.0]], np.float32))
image.affine_transform(x[0], np.array([1.0, 0, 1, 0, 1, 2, 0, 0]), "nearest", "reflect")
image.scale_and_translate(a, (3, 4), np.array([0.5, 2.0]), np.array([0.0, 1.0]), (0, 1), "linear")
image.gaussian_blur(x, data_format="channels_last")
image.gaussian_blur(x[0], (5, 3), (2.0, 0.5), "channels_last")
image.sobel_edges(x)
image.ssim(y, np.sqrt(y))
"""
CASES += CALLS.strip().split("\n")

OTHER_NUMBERS = {"sparsemax": "its numbers sum to 1, as in the paper"}
"""Operations whose numbers differ on purpose."""
NOT_COMPARED = {"empty": "any numbers", "empty_like": "any numbers", "eig": "CPU only"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real():
    return import_keras()


def evaluate(ops, code):
    name = re.match(r"\w+", code)[0]
    return eval(code, VALUES | {name: getattr(ops, name)})


def check_same(code, got, want):
    if isinstance(want, tuple | list):
        assert isinstance(got, tuple | list), code
        assert len(got) == len(want)
        for ours, theirs in zip(got, want, strict=True):
            check_same(code, ours, theirs)
        return
    if isinstance(want, str | int | bool):
        assert (got, type(got)) == (want, type(want)), code
        return
    ours, theirs = np.asarray(got), np.asarray(want)
    assert (ours.shape, str(ours.dtype)) == (theirs.shape, str(theirs.dtype)), code
    for part in (np.real, np.imag):
        close(part(ours), part(theirs), LOOSE)


@pytest.mark.parametrize("code", CASES)
def test_numbers(real, code):
    name = code.split("(")[0]
    got = evaluate(keras.ops, code)
    if name in NOT_COMPARED:
        assert np.shape(got) == np.shape(evaluate(real.ops, code))
    elif name in OTHER_NUMBERS:
        close(np.sum(got, -1), np.ones(3), LOOSE)
    elif name == "is_tensor":
        assert got == evaluate(real.ops, code) is False
    else:
        check_same(code, got, evaluate(real.ops, code))


def test_every_operation_is_compared():
    names = {code.split("(")[0] for code in CASES}
    exported = {*keras.ops.__all__, *(f"image.{name}" for name in keras.ops.image.__all__)}
    assert exported - {"image", "eig"} == names & exported
    assert names <= exported


def test_results_are_tensors_and_tracers_stay_tracers():
    assert isinstance(keras.ops.exp([1.0]), Tensor)
    assert [type(part) for part in keras.ops.top_k(VALUES["a"], 2)] == [Tensor, Tensor]
    assert keras.ops.sum([1.0, 2.0]).numpy() == 3.0
    assert type(keras.ops.convert_to_numpy(keras.ops.ones(2))) is np.ndarray
    slope = jax.grad(lambda x: keras.ops.sum(keras.ops.square(x)))(np.array([1.0, 2.0], np.float32))
    close(slope, [2.0, 4.0])
    eigenvalues, vectors = keras.ops.eig(VALUES["m"])
    close(np.sort(eigenvalues.real), np.linalg.eigvalsh(VALUES["m"]), LOOSE)
    assert vectors.shape == (3, 3)


def test_windows_do_not_overlap_by_default():
    """Keras's own default fails for one size: it does not repeat the step."""
    x = VALUES["x"]
    close(keras.ops.max_pool(x, 2), keras.ops.max_pool(x, 2, 2))
    close(keras.ops.average_pool(x, (2, 4)), keras.ops.average_pool(x, (2, 4), (2, 4)))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("one_hot(w, 4, sparse=True)", "sparse=False (no other value is supported)"),
        ("max_pool(x, 2, data_format='channels_first')", "Images are (height, width, channels)"),
        (
            "image.resize(x, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)",
            "not both",
        ),
        ("image.pad_images(x, 1, 2)", "two of the numbers on both sides and the target size"),
        ("rearrange(x, 'n (h a) w c -> n h w a c')", "the length of all axes but one"),
        ("fft(v)", "a pair (real part, imaginary part)"),
    ],
)
def test_refused(code, words):
    with pytest.raises(GlassnetError, match=re.escape(words)):
        evaluate(keras.ops, code)
