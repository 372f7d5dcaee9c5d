"""Tests of words that look like missing values. Oracle: the rule in words, and the file."""

import numpy as np
import pandas as pd
import pytest
from test_table import written

import glassnet as gn
from glassnet.data.table import read_table, split_target
from glassnet.errors import DataError
from glassnet.preprocessing.encoding_rules import fit_encoder

pytestmark = pytest.mark.usefixtures("csv_library")


def cells(texts, column="a", others=None):
    """Return the text of a file with a column of numbers beside it."""
    others = others or [str(i) for i in range(len(texts))]
    rows = "".join(f"{text},{other}\n" for text, other in zip(texts, others, strict=True))
    return f"{column},n\n{rows}"


FEATURES = {
    "a word alone is missing": (cells(["x", "NA", "y"]), ["x", None, "y"], "is read as missing"),
    "beside blanks it is text": (cells(["x", "NA", "", "y"]), ["x", "NA", None, "y"], "is read as text"),
    "two words are text": (cells(["x", "None", "?", "y"]), ["x", "None", "?", "y"], "is read as text"),
    "numbers are missing as NA": (cells(["x", "None", "NA", "y"], others=["1", "NA", "3", "4"]), ["x", "None", None, "y"], "'None' in a (1 cells) is read as text"),
    "numbers are missing as blanks": (cells(["x", "-", "y"], others=["1", "", "3"]), ["x", "-", "y"], "'-' in a (1 cells) is read as text"),
    "numbers are missing by the same word": (cells(["x", "?", "y"], others=["1", "?", "3"]), ["x", None, "y"], None),
    "dates are missing by the same word": (cells(["x", "-", "y"], others=["2024-01-01", "-", "2024-01-03"]), ["x", None, "y"], None),
    "blanks are missing": (cells(["x", "", "y"]), ["x", None, "y"], None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted", "note"), FEATURES.values(), ids=FEATURES)
def test_words_in_columns_of_text(tmp_path, text, wanted, note):
    parts = split_target(written(tmp_path, text), "n")
    first = len(wanted) - len(parts.table["a"])
    expected = wanted if first == 0 else [wanted[i] for i in np.flatnonzero(parts.has_target)]
    assert parts.table["a"].tolist() == expected
    notes = [line for line in parts.messages[1:] if line.startswith("'")]
    assert bool(notes) == (note is not None)
    for line in notes:
        assert note in line
        assert 'gn.data.read_table("t.csv", missing={"a": ' in line


def test_words_in_columns_of_numbers_and_dates_are_missing(tmp_path):
    text = "a,b,c\n1,2024-01-01,true\nNA,?,None\n.,-,null\n4,2024-01-04,false\n"
    table = read_table(written(tmp_path, text))
    np.testing.assert_array_equal(table["a"], [1, np.nan, np.nan, 4])
    assert np.isnat(table["b"]).tolist() == [False, True, True, False]
    np.testing.assert_array_equal(table["c"], [1, np.nan, np.nan, 0])
    assert len(table.messages) == 1


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        (["NA"], [None, "None", "x", "unknown"]),
        ([], ["NA", "None", "x", "unknown"]),
        (["unknown", "x"], ["NA", "None", None, None]),
        ({"a": ["None"]}, ["NA", None, "x", "unknown"]),
    ],
)
def test_stated_words(tmp_path, missing, wanted):
    """In columns of numbers the usual words are missing all the same."""
    text = cells(["NA", "None", "x", "unknown"], others=["1", "NA", "?", "4"])
    table = read_table(written(tmp_path, text), missing=missing)
    assert table["a"].tolist() == wanted
    np.testing.assert_array_equal(table["n"], [1, np.nan, np.nan, 4])
    assert not table.blank_words.keys() - {"n"}


def test_stated_numbers_are_missing(tmp_path):
    table = read_table(written(tmp_path, "a,b\n1,-999\n-999,2.5\n3,-999.0\n"), missing=["-999"])
    np.testing.assert_array_equal(table["a"], [1, np.nan, 3])
    np.testing.assert_array_equal(table["b"], [np.nan, 2.5, -999])


LABELS = {
    "plus and minus": (["+", "-"] * 20, ["+", "-"] * 20),
    "few minuses": (["+"] * 39 + ["-"], ["+"] * 39 + ["-"]),
    "severity": (["None", "Mild", "Severe"] * 10, ["None", "Mild", "Severe"] * 10),
    "regions": (["NA", "EU", "AS"] * 10, ["NA", "EU", "AS"] * 10),
    "only such words": ([".", "?"] * 15, [".", "?"] * 15),
    "beside blanks": (["no", "yes", "NA", ""] * 10, ["no", "yes", "NA"] * 10),
    "rare, beside blanks": (["no", "yes"] * 30 + ["none", ""], ["no", "yes"] * 30 + ["none"]),
}


@pytest.mark.parametrize(("labels", "wanted"), LABELS.values(), ids=LABELS)
def test_labels_that_look_missing_are_labels(tmp_path, labels, wanted):
    parts = split_target(written(tmp_path, cells(labels, "y")), "y")
    assert parts.target_column.tolist() == wanted
    words = set(wanted) & {"-", "None", "NA", ".", "?", "none"}
    notes = [line for line in parts.messages if "is read as a label" in line]
    assert len(notes) == len(words)
    assert all('missing={"y": ["' in line for line in notes)
    assert not any("is read as missing" in line for line in parts.messages)


REFUSED = {
    "rare": (["no", "yes"] * 30 + ["NA"], None, "'NA', rows=1"),
    "rare, another word": (["a", "b"] * 30 + ["?", "?"], None, "'?', rows=2"),
    "frequent, and missing numbers": (["NA", "EU"] * 10, ["NA", *map(str, range(19))], "'NA', rows=10"),
    "two rare words": (["a", "b"] * 30 + ["?", "-"], None, "'?', rows=1"),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "others", "received"), REFUSED.values(), ids=REFUSED)
def test_labels_that_may_be_missing_are_refused_by_name(tmp_path, labels, others, received):
    path = written(tmp_path, cells(labels, "y", others))
    with pytest.raises(DataError) as caught:
        split_target(path, "y")
    text = str(caught.value)
    assert "target 'y': expected labels that do not look like missing values" in text
    assert f"Received: text={received}" in text
    assert 'read_table("t.csv", missing={"y": []})' in text
    assert "--missing" in text
    word = received.split("'")[1]
    labelled = split_target(read_table(path, missing={"y": []}), "y")
    assert labelled.target_column.tolist() == labels
    dropped = split_target(read_table(path, missing={"y": [word]}), "y")
    assert dropped.target_column.tolist() == [label for label in labels if label != word]
    n = labels.count(word)
    assert dropped.messages[-1] == f"{n} of {len(labels)} rows lack y: left out"


WORDS_BESIDE_NUMBERS = {
    "a question mark": (["1", "2", "?"], "?"),
    "NA in a survey": (["0", "1", "0", "1", "NA"], "NA"),
    "None beside booleans": (["True", "False", "None"], "None"),
    "a point and decimals": (["0.5", "1.5", "."], "."),
}


@pytest.mark.parametrize(
    ("labels", "word"), WORDS_BESIDE_NUMBERS.values(), ids=WORDS_BESIDE_NUMBERS
)
def test_a_frequent_word_in_a_target_of_few_numbers_is_a_choice(tmp_path, labels, word):
    """Oracle: the rule of labels in words. Both arguments of the message read the file."""
    path = written(tmp_path, cells(labels * 20))
    n_words = 20 * labels.count(word)
    with pytest.raises(DataError, match=f"target 'a': expected labels that.*rows={n_words}"):
        split_target(path, "a")
    as_missing = split_target(read_table(path, missing={"a": [word]}), "a")
    assert len(as_missing.target_column) == 20 * len(labels) - n_words
    assert as_missing.target_column.dtype.kind == "f"
    as_label = split_target(read_table(path, missing={"a": []}), "a").target_column
    assert as_label.tolist() == labels * 20
    assert not np.isnan(split_target(path, "n").target_column).any()


@pytest.mark.parametrize(
    "labels",
    [["0", "1"] * 30 + ["NA"], ["0", "1", ""] * 20, [*map(str, range(40)), *["?"] * 20]],
    ids=["rare", "blank", "many numbers"],
)
def test_other_gaps_in_a_target_of_numbers_are_missing(tmp_path, labels):
    parts = split_target(written(tmp_path, cells(labels)), "a")
    n_missing = sum(label in ("NA", "", "?") for label in labels)
    assert len(parts.target_column) == len(labels) - n_missing


def test_a_rare_word_that_is_missing_elsewhere_too_is_missing_with_its_count(tmp_path):
    text = cells(["no", "yes"] * 30 + ["NA"], "y", ["NA", *map(str, range(60))])
    parts = split_target(written(tmp_path, text), "y")
    assert parts.messages[-1] == "1 of 61 rows lack y: left out"


def test_a_fitted_model_reads_words_as_in_training(tmp_path):
    """The new file alone would read them otherwise. Oracle: the rows of the training file."""
    levels = ["Brick", "None", "NA", "Stone"] * 12
    numbers = ["1", "2", "NA", "4"] * 12
    train = read_table(written(tmp_path, cells(levels, others=numbers), "train.csv"))
    encoder = fit_encoder(train.drop("n"))
    assert encoder.feature_names == ("a=Brick", "a=None", "a=Stone", "a=missing")
    alone = read_table(written(tmp_path, cells(["None", "Stone"]), "new.csv"))
    assert alone["a"].tolist() == [None, "Stone"]
    assert encoder.transform(alone).tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    frame = pd.DataFrame({"a": ["None", "Stone", None]})
    assert encoder.transform(read_table(frame)).argmax(1).tolist() == [1, 2, 3]


def test_numbers_of_training_with_words_in_a_new_file(tmp_path):
    """The new file has text among the numbers; NA stays missing. Oracle: the training file."""
    train = read_table(written(tmp_path, cells(["1", "NA", "3", "4.5"]), "train.csv"))
    encoder = fit_encoder(train.drop("n"), {"a": "number"})
    new = read_table(written(tmp_path, cells(["3", "NA", "", "?", "soon"]), "new.csv"))
    assert new["a"].tolist() == ["3", "NA", None, "?", "soon"]
    assert encoder.transform(new)[:, 1].tolist() == [0, 1, 1, 1, 1]
    assert encoder.transform(new)[0].tolist() == encoder.transform(train)[2].tolist()


def test_a_model_scores_the_labels_that_it_has_learned(tmp_path):
    """`-` is rare in the new file, which alone would be refused."""
    model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
    numbers = [str(i % 7) for i in range(32)]
    text = cells(["+", "-", "+", "-"] * 5, "y", numbers[:20])
    model.fit(written(tmp_path, text), target="y", epochs=0, verbose=0)
    assert model.preprocessor.target.labels == ("+", "-")
    x, y, has_target = model.preprocessor.transform_xy(
        written(tmp_path, cells(["+"] * 30 + ["-", "?"], "y", numbers), "new.csv")
    )
    assert y.tolist() == [0] * 30 + [1]
    assert has_target.tolist() == [True] * 31 + [False]
    assert len(x) == 32 - 1


def test_masonry_of_the_houses(shared_data):
    """None is a level, and NA is missing. Oracle: cut -d, -f26 train.csv | sort | uniq -c."""
    parts = split_target(shared_data / "house-prices" / "train.csv", "SalePrice")
    masonry = parts.table["MasVnrType"].tolist()
    counts = {value: masonry.count(value) for value in set(masonry)}
    assert counts == {"BrkCmn": 15, "BrkFace": 445, "None": 864, "Stone": 128, None: 8}
    assert [line for line in parts.messages if line.startswith("'")] == [
        "'None' in MasVnrType (864 cells) is read as text; as missing: "
        'gn.data.read_table("train.csv", missing={"MasVnrType": ["None"]}) in place of the path, '
        "or --missing MasVnrType=None"
    ]
