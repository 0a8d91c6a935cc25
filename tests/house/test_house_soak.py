"""The soak test finds what grows, and takes no wave for growth."""

import math

from tests.soak.growth import Sample, slopes


def look(seconds, *, tasks=20, memory_mb=80.0, descriptors=0):
    return Sample(
        seconds=seconds,
        operations=int(20 * seconds),
        memory_mb=memory_mb,
        descriptors=40 + descriptors,
        connections=12,
        tasks=int(tasks),
        redis_bytes=1_000_000 + int(6_000 * seconds),
        entries=100,
        keys=1000,
        waiting=0,
    )


def grown(samples):
    return [name for name, one in slopes(samples).items() if one.grows]


def test_a_task_that_is_left_behind_every_ten_seconds_is_growth():
    assert ["tasks"] == grown([look(2.0 * n, tasks=20 + n // 5 + 5 * math.sin(n)) for n in range(200)])


def test_a_descriptor_that_is_left_open_every_twenty_seconds_is_growth():
    assert ["descriptors"] == grown([look(2.0 * n, descriptors=n // 10) for n in range(200)])


def test_five_kilobytes_a_second_are_growth():
    assert ["memory_mb"] == grown([look(2.0 * n, memory_mb=80 + 0.02 * n) for n in range(300)])


def test_work_that_piles_up_for_a_while_is_none():
    assert [] == grown([look(2.0 * n, tasks=20 + (60 if 100 < n < 180 and n % 3 else 0)) for n in range(200)])
