"""Short reviews, made on the spot, in which the order of the words decides whether they praise."""

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
SUBJECTS = ("film", "book", "play", "concert", "show", "series", "novel", "comedy", "opera", "game", "musical", "story", "album", "thriller",
          "sequel", "poem", "lecture", "exhibition", "podcast", "documentary")  # fmt: skip
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
"""Each review claims one thing and denies its opposite."""
ENDINGS = (
    "",
    "from start to end",
    "as far as I can tell",
    "like the last one",
    "and so were the others",
    "in every way",
)


def make_reviews(rng: np.random.Generator) -> DatasetFields:
    """Two thousand reviews of a sentence each, in pairs of the same words: "was not good but bad"
    and "was not bad but good".

    So a bag of words, which does not know their order, is right in half of them. A fifth is held
    out: sentences that begin and end as no other does, and of things that no other is about.

    Shapes: x (1600,) strings, y (1600,), 1 for praise; x_test, y_test (400,). Rows 2i and 2i + 1
        are a pair.
    """
    kept, held = zip(
        *(_split_phrases(words, rng) for words in (OPENINGS, ENDINGS, SUBJECTS)), strict=True
    )
    return *_make_pairs(800, kept, rng), *_make_pairs(200, held, rng), (), ("pan", "praise")


def _split_phrases(phrases: Sequence[str], rng: np.random.Generator) -> tuple[list[str], list[str]]:
    kept, held = random_split(len(phrases), TEST_FRACTION, rng)
    return [phrases[i] for i in kept], [phrases[i] for i in held]


def _make_pairs(
    n_pairs: int, phrases: Sequence[list[str]], rng: np.random.Generator
) -> tuple[Array, Array]:
    texts = []
    for _ in range(n_pairs):
        opening, ending, thing, middle, claim, denial, bad, good = (
            str(rng.choice(each))
            for each in (*phrases, MIDDLES, CLAIMS, DENIALS, NEGATIVE_WORDS, POSITIVE_WORDS)
        )
        for said, denied in ((bad, good), (good, bad)):
            what = middle.format(claim=claim.format(said), denial=denial.format(denied))
            texts.append(f"{opening.format(thing=thing)} {what} {ending}".strip() + ".")
    return np.array(texts), np.tile([0, 1], n_pairs)
