"""Generated one-sentence reviews whose word order decides if they are positive or negative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassnet.data.dataset import TEST_FRACTION, DatasetFields
from glassnet.data.split import random_split
from glassnet.types import Array

POSITIVE_WORDS = ("good", "great", "clever", "funny", "moving", "brilliant", "charming", "gripping")
NEGATIVE_WORDS = ("bad", "dull", "stupid", "silly", "boring", "terrible", "clumsy", "hollow")
CLAIMS = ("{}", "really {}", "simply {}", "truly {} if anything")
DENIALS = (
    "not {}",
    "never {}",
    "hardly {}",
    "far from {}",
    "not at all {}",
    "by no means {}",
    "not what i would call {}",
)
SUBJECTS = (
    "film",
    "book",
    "play",
    "concert",
    "show",
    "series",
    "novel",
    "comedy",
    "opera",
    "game",
    "musical",
    "story",
    "album",
    "thriller",
    "sequel",
    "poem",
    "lecture",
    "exhibition",
    "podcast",
    "documentary",
)
OPENINGS = (
    "The {thing} was",
    "I found the {thing}",
    "My friends said that the {thing} was",
    "For me the {thing} was",
    "What a {thing}:",
    "I have seen it twice, and both times the {thing} was",
    "Everyone who has seen the {thing} says that it is",
    "To make it short, the {thing} is",
)
MIDDLES = (
    "{denial} but {claim}",
    "{denial}, it was {claim}",
    "{denial} for a minute, only {claim}",
    "{claim} and {denial}",
    "{claim}, it was {denial}",
    "{claim} for an hour, and {denial}",
)
"""Each review claims one thing and denies the opposite."""

ENDINGS = (
    "",
    "from start to end",
    "as far as I can tell",
    "like the last one",
    "and so were the others",
    "in every way",
)


def make_reviews(rng: np.random.Generator) -> DatasetFields:
    """Generate pairs of reviews with the same words, such as "not good but bad" and the reverse.

    A model that ignores word order is therefore right half of the time. The openings, endings and
    subjects of the test rows do not occur in the training rows.

    Shapes:
        x (1600,) strings, y (1600,), 1 for a positive review. x_test, y_test (400,). Rows 2i and
        2i + 1 are a pair.
    """
    splits = [_split_phrases(phrases, rng) for phrases in (OPENINGS, ENDINGS, SUBJECTS)]
    train, test = zip(*splits, strict=True)
    return *_make_pairs(800, train, rng), *_make_pairs(200, test, rng), (), ("pan", "praise")


def _split_phrases(phrases: Sequence[str], rng: np.random.Generator) -> tuple[list[str], list[str]]:
    train, test = random_split(len(phrases), TEST_FRACTION, rng)
    return [phrases[i] for i in train], [phrases[i] for i in test]


def _make_pairs(
    n_pairs: int, phrases: Sequence[list[str]], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return texts and labels of `n_pairs` pairs, from lists of openings, endings and subjects."""
    texts = []
    for _ in range(n_pairs):
        opening, ending, thing, middle, claim, denial, bad, good = (
            str(rng.choice(choices))
            for choices in (*phrases, MIDDLES, CLAIMS, DENIALS, NEGATIVE_WORDS, POSITIVE_WORDS)
        )
        for claimed, denied in ((bad, good), (good, bad)):
            opinion = middle.format(claim=claim.format(claimed), denial=denial.format(denied))
            texts.append(f"{opening.format(thing=thing)} {opinion} {ending}".strip() + ".")
    return np.array(texts), np.tile([0, 1], n_pairs)
