"""A tunnel's total goes on over its devices: never backwards, and nothing known is lost."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, fields

from tests.profiles import examples
from vxland.odometer import REMEMBERED, Odometers
from vxland.traffic import Traffic

KEY = ("lan", "lxd2")
NUMBERS = st.integers(0, 2**64 - 1)
TRAFFIC = st.builds(Traffic, **{field.name: NUMBERS for field in fields(Traffic)})


def odometers() -> Odometers:
    made = Odometers()
    made.keep([KEY])
    return made


def received(number: int) -> Traffic:
    return Traffic(receive_bytes=number)


def is_at_least(one: Traffic, other: Traffic) -> bool:
    return all(a >= b for a, b in zip(astuple(one), astuple(other), strict=True))


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[int, list[Traffic]]]:
    """Devices one after the other, and how their counters grew up to the last word."""
    made = []
    for incarnation in range(draw(st.integers(1, 5))):
        steps = draw(st.lists(TRAFFIC, min_size=1, max_size=4))
        readings = [sum(steps[: end + 1], Traffic()) for end in range(len(steps))]
        made.append((100 + incarnation, readings))
    return made


@examples(300)
@given(lives(), st.randoms(use_true_random=False), st.data())
def test_total_is_the_sum_of_the_last_words(
    made: list[tuple[int, list[Traffic]]],
    random: Random,
    data: st.DataObject,
) -> None:
    """In whatever order and however often the readings come in; and it never goes backwards."""
    readings = [(number, reading) for number, seen in made for reading in seen]
    readings += data.draw(st.lists(st.sampled_from(readings), max_size=5))
    random.shuffle(readings)
    ours = odometers()
    before = ours.total(KEY)
    for number, reading in readings:
        ours.note(KEY, number, reading)
        assert is_at_least(ours.total(KEY), before)
        before = ours.total(KEY)
    assert before == sum((seen[-1] for _, seen in made), Traffic())


@examples(200)
@given(st.lists(TRAFFIC, min_size=1, max_size=3 * REMEMBERED))
def test_many_devices_one_after_the_other(last_words: list[Traffic]) -> None:
    """Old ones are summed up, and count on."""
    ours = odometers()
    for number, reading in enumerate(last_words):
        ours.note(KEY, number, reading)
    assert ours.total(KEY) == sum(last_words, Traffic())
    assert len(ours._by_key[KEY]._readings) <= REMEMBERED


def test_lost_last_word() -> None:
    """What was read last counts on."""
    ours = odometers()
    ours.note(KEY, 7, received(100))
    ours.note(KEY, 8, received(5))
    assert ours.total(KEY) == received(105)


def test_look_that_ends_after_the_last_word() -> None:
    """It was begun before, and takes nothing back."""
    ours = odometers()
    ours.note(KEY, 7, received(120))
    ours.note(KEY, 8, received(5))
    ours.note(KEY, 7, received(100))
    assert ours.total(KEY) == received(125)


def test_device_that_was_away() -> None:
    """In another namespace, and is back with its own counters: they aren't counted twice."""
    ours = odometers()
    ours.note(KEY, 7, received(100))
    ours.note(KEY, 7, received(130))
    assert ours.total(KEY) == received(130)


def test_tunnel_that_is_not_wanted_any_more() -> None:
    """It is forgotten, and its device's last word isn't heard."""
    ours = odometers()
    ours.note(KEY, 7, received(100))
    ours.keep([("lan", "lxd3")])
    ours.note(KEY, 7, received(120))
    assert ours.total(KEY) == Traffic()
    ours.keep([KEY])
    assert ours.total(KEY) == Traffic()


def test_tunnel_that_is_wanted_still() -> None:
    ours = odometers()
    ours.note(KEY, 7, received(100))
    ours.keep([("lan", "lxd3"), KEY])
    assert ours.total(KEY) == received(100)


def test_a_device_beside_those_made_anew_counts_once() -> None:
    """A peer with two schemes of VNIs has two; the one that lives on is seen again and again."""
    made = odometers()
    for incarnation in range(100, 100 + 3 * REMEMBERED):
        made.note(KEY, 7, received(1000))
        made.note(KEY, incarnation, received(1))
    assert made.total(KEY) == received(1000 + 3 * REMEMBERED)
