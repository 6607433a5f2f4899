"""What is known of names, and when each is asked for."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from vxland.addresses import IPAddress
from vxland.underlay.names import (
    ASKING,
    CEILING,
    FAMILIES,
    FLOOR,
    LONGEST,
    SPREAD,
    Answer,
    Book,
    Lookup,
    renewed,
    usable,
    written,
)

V4, OTHER, V6 = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("2001:db8::1")
GOOD = Lookup(frozenset({V4}), ttl=60.0)
DOWN = Lookup(unsure=FAMILIES, reason="SERVFAIL")


def book(*names: str, jitter: float = 0.0) -> Book:
    """These are wanted since second 100."""
    made = Book(lambda: jitter)
    assert made.want(names, 100.0) == bool(names)
    return made


def test_a_new_name_is_due_at_once_and_asked_for_once() -> None:
    made = book("a", "b")
    assert {made.take(100.0), made.take(100.0)} == {"a", "b"}
    assert (made.take(1e9), made.next()) == (None, None)
    assert made.answers() == {"a": Answer(), "b": Answer()}
    assert Answer().reason == ASKING


@pytest.mark.parametrize(
    ("ttl", "pause"), [(0.0, FLOOR), (FLOOR, FLOOR), (60.0, 60.0), (1e6, CEILING)]
)
def test_a_ttl_has_a_floor_and_a_ceiling(ttl: float, pause: float) -> None:
    """And names drift apart."""
    for jitter in (0.0, 1.0):
        made = book("a", jitter=jitter)
        made.take(100.0)
        assert made.enter("a", Lookup(frozenset({V4}), ttl=ttl), 100.0)
        due = made.next()
        assert due == 100.0 + pause * (1 + SPREAD * jitter)
        assert (made.take(due - 0.01), made.take(due)) == (None, "a")


def test_failures_are_tried_again_ever_more_rarely() -> None:
    """Until an answer comes."""
    made, now, pauses = book("a"), 100.0, []
    for _ in range(30):
        assert made.take(now) == "a"
        made.enter("a", DOWN, now)
        due = made.next()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == LONGEST
    made.take(now)
    made.enter("a", GOOD, now)
    assert made.next() == now + 60.0


def test_what_is_told_is_what_changed() -> None:
    """A reason counts at once where there is no address, else from the second failure on."""
    made = book("a")
    assert made.enter("a", DOWN, 100.0)
    assert not made.enter("a", DOWN, 101.0)
    assert made.answers()["a"].reason == "SERVFAIL"
    assert made.enter("a", GOOD, 102.0)
    assert not made.enter("a", GOOD, 103.0)
    assert not made.enter("a", DOWN, 104.0)
    assert made.enter("a", DOWN, 105.0)
    assert made.answers()["a"] == Answer(frozenset({V4}), frozenset(), "SERVFAIL")
    assert made.enter("a", GOOD, 106.0)
    assert made.answers()["a"] == Answer(frozenset({V4}), frozenset(), "")


def test_who_isnt_wanted_is_forgotten() -> None:
    """And so is what comes of asking for it."""
    made = book("a", "b")
    made.enter("a", GOOD, 100.0)
    assert not made.want(["a"], 101.0)
    assert made.answers().keys() == {"a"}
    assert not made.enter("b", GOOD, 102.0)
    assert made.answers()["a"].addresses == {V4}
    assert made.want(["a", "b"], 103.0)
    assert made.take(103.0) == "b"


def test_hurry_asks_at_once_and_again_after_what_is_under_way() -> None:
    made = book("a", "b")
    assert {made.take(100.0), made.take(100.0)} == {"a", "b"}
    made.enter("a", GOOD, 101.0)
    made.hurry(102.0)
    assert (made.take(102.0), made.take(102.0)) == ("a", None)
    made.enter("b", DOWN, 103.0)
    assert made.take(103.0) == "b"
    made.enter("b", GOOD, 104.0)
    assert made.take(105.0) is None


def test_what_was_given_up_is_due() -> None:
    made = book("a", "b")
    made.enter("b", GOOD, 100.0)
    assert made.take(100.0) == "a"
    made.begin(101.0)
    assert (made.take(101.0), made.take(101.0)) == ("a", None)


@pytest.mark.parametrize(
    ("old", "lookup", "addresses", "unsure"),
    [
        (Answer(), DOWN, set(), {4, 6}),
        (Answer(), GOOD, {V4}, set()),
        (Answer(), Lookup(frozenset({V4}), frozenset({6})), {V4}, {6}),
        (written(OTHER), GOOD, {V4}, set()),
        (written(V6), GOOD, {V4}, set()),
        (written(V6), Lookup(frozenset({V4}), frozenset({6})), {V4, V6}, set()),
        (written(V6), Lookup(frozenset({V4}), frozenset({4})), {V4}, set()),
    ],
)
def test_no_answer_takes_nothing_away(
    old: Answer, lookup: Lookup, addresses: set[IPAddress], unsure: set[int]
) -> None:
    """Of each family for itself: a server that is silent for one hasn't said that there is none."""
    new = renewed(old, lookup)
    assert new.addresses == addresses
    assert new.unsure == unsure


def test_what_no_server_can_have_isnt_an_address() -> None:
    told = [ip_address(text) for text in ("127.0.1.1", "192.0.2.1", "::1", "fe80::1", "224.0.0.1")]
    assert usable(told) == {V4}


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("take")),
            st.tuples(st.just("hurry")),
            st.tuples(st.just("wait"), st.floats(0, 400)),
            st.tuples(st.just("want"), st.frozensets(st.sampled_from("abc"))),
            st.tuples(st.just("enter"), st.sampled_from([GOOD, DOWN, Lookup(frozenset({V6}))])),
            st.tuples(st.just("begin")),
            st.tuples(st.just("late"), st.sampled_from("abc")),
        )
    ),
    st.floats(0, 1),
)
@examples(300)
def test_a_name_is_asked_for_by_one_and_never_lost(
    deeds: list[tuple[object, ...]], jitter: float
) -> None:
    """Whatever happens: once known it has an address, and it is due within bounds."""
    made, now, asked = Book(lambda: jitter), 0.0, []
    for word, *value in deeds:
        before = made.answers()
        if word == "take" and (name := made.take(now)) is not None:
            assert name not in asked
            asked.append(name)
        elif word == "hurry":
            made.hurry(now)
        elif word == "wait":
            now += float(str(value[0]))
        elif word == "want":
            wanted: frozenset[str] = value[0]  # type: ignore[assignment]
            made.want(wanted, now)
            asked = [name for name in asked if name in wanted]
        elif word == "enter" and asked:
            made.enter(asked.pop(0), value[0], now)  # type: ignore[arg-type]
        elif word == "begin":
            made.begin(now)
            asked = []
        elif word == "late" and (late := str(value[0])) not in asked:  # it was given up
            made.enter(late, GOOD, now)
        after = made.answers()
        for name in before.keys() & after.keys():
            assert bool(after[name].addresses) >= bool(before[name].addresses)
        waiting = after.keys() - set(asked)
        due = made.next()
        assert (due is not None) == bool(waiting)
        assert due is None or due <= now + CEILING * (1 + SPREAD)
        dues = (page.due for page in made._pages.values() if page.due is not None)
        assert due == min(dues, default=None)
