"""What words are made of and come to, as bash(1) has it."""

import pytest

from vxland.script.environment import Environment, Misread, Unknowable
from vxland.script.fields import fields
from vxland.script.words import word, words

FIELDS = {  # as elements of an array
    "a  b\t'c d' \n e": ["a", "b", "c d", "e"],
    "# a\nb#c #d": ["b#c"],
    "\\\n a\\ b \\\n": ["a b"],
    '"a\\b\\"\\$\\\nc" "$" $ a$ "" \'\'': ['a\\b"$c', "$", "$", "a$", "", ""],
    "$A \"$A\" x$A'y'": ["b", "c", " b  c ", "x", "b", "c", "y"],
    '${L[@]} "${L[@]}" $L ${L[1]}': ["1", "2", "3", "1", "2 3", "1", "2", "3"],
    '"x${L[*]}y"': ["x1 2 3y"],
    '${N[@]} "${N[@]}" ""': [""],
    "${X:-a b} \"${X:-a b}\" ${X-'a b'} ${E:-c} ${E-c}": ["a", "b", "a b", "a b", "c"],
    "{a} {} {a,b {1..} {x..1} }{ {aa..c}": [
        "{a}",
        "{}",
        "{a,b",
        "{1..}",
        "{x..1}",
        "}{",
        "{aa..c}",
    ],
    "{x..y} {C..A..2} {a..b}c,d}": ["x", "y", "C", "A", "ac,d}", "bc,d}"],
    "{1..3}{a,'b c'} {3..1..2} {-1..1} {01..2} {a,{b,{c}}}": [
        *("1a", "1b c", "2a", "2b c", "3a", "3b c", "3", "1", "-1", "0", "1", "01", "02"),
        *("a", "b", "{c}"),
    ],
    "$'a\\tb\\'\\x41\\101\\q'": ["a\tb'AA\\q"],
}


@pytest.mark.parametrize("text", FIELDS)
def test_words_come_to_fields(text: str) -> None:
    environment = Environment({"A": " b  c ", "E": "", "L": {0: "1", 1: "2 3"}, "N": {}})
    found = [one for each in words(text, 1) for one in fields(each, environment, 1)]
    assert found == FIELDS[text]


def test_letters_of_both_cases_are_refused() -> None:
    """Bash puts what is between them in ASCII there, too."""
    with pytest.raises(Unknowable):
        list(fields(word("{a..Z}", 1), Environment(), 1))


@pytest.mark.parametrize("text", ['"a', "'a", "$'a", "${a", '"${a:-"b}', "a;b", "`a`", "~"])
def test_what_is_not_a_word_is_refused(text: str) -> None:
    with pytest.raises(Unknowable):
        word(text, 1)


def test_two_words_are_not_one() -> None:
    with pytest.raises(Misread):
        word("a b", 1)
