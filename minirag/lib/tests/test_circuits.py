"""A party that fails again and again is left alone for a while, and tried once after it."""

from minirag.lib.http_out.circuits import Circuits


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def make(**options):
    clock = Clock()
    return Circuits(failures=3, pause_seconds=30, clock=clock, **options), clock


def test_three_failures_in_a_row_open_it_for_its_pause():
    circuits, clock = make()
    for _ in range(3):
        assert not circuits.is_open("a")
        circuits.fail("a")
    assert circuits.is_open("a") and not circuits.is_open("b")
    clock.now += 30
    assert not circuits.is_open("a"), "now somebody may try"
    circuits.fail("a")
    assert circuits.is_open("a"), "and one failure is enough for another pause"


def test_a_success_forgets_the_failures():
    circuits, _ = make()
    circuits.fail("a")
    circuits.fail("a")
    circuits.succeed("a")
    circuits.fail("a")
    assert not circuits.is_open("a")


def test_it_remembers_a_bounded_number_of_parties():
    circuits, _ = make(capacity=2)
    for party in "aaabc":
        circuits.fail(party)
    assert not circuits.is_open("a")
