"""A daemon that slept past its lease is fenced, whatever it renews afterwards."""

import pytest

from issuer import services
from issuer.domain import Fenced
from issuer.services import Heartbeat


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(services, "boot_seconds", clock)
    return clock


def test_a_gate_is_open_while_the_lease_holds(clock: Clock) -> None:
    beat = Heartbeat(10.0)
    beat.renewed(clock.now)
    gate = beat.ticket()
    clock.now += 9.9
    gate()


def test_a_gate_closes_when_the_lease_may_have_run_out(clock: Clock) -> None:
    beat = Heartbeat(10.0)
    beat.renewed(clock.now)
    gate = beat.ticket()
    clock.now += 10.0
    with pytest.raises(Fenced):
        gate()


def test_a_renewal_that_came_too_late_does_not_open_it_again(clock: Clock) -> None:
    """The heartbeat may run before the printing coroutine when a stopped daemon goes on."""
    beat = Heartbeat(10.0)
    beat.renewed(clock.now)
    gate = beat.ticket()
    clock.now += 60.0
    beat.renewed(clock.now)
    with pytest.raises(Fenced):
        gate()
    beat.ticket()()  # work begun since is another matter


def test_renewals_in_time_keep_old_gates_open(clock: Clock) -> None:
    beat = Heartbeat(10.0)
    beat.renewed(clock.now)
    gate = beat.ticket()
    for _ in range(10):
        clock.now += 5.0
        beat.renewed(clock.now)
    gate()


def test_the_deadline_counts_from_before_the_store_was_asked(clock: Clock) -> None:
    beat = Heartbeat(10.0)
    asked = clock.now
    clock.now += 8.0  # the store was slow
    beat.renewed(asked)
    gate = beat.ticket()
    clock.now += 3.0
    with pytest.raises(Fenced):
        gate()
