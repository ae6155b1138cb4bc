"""What is said of long work: bars with losses, seldom, and the end always."""

from __future__ import annotations

import io

from unripple.cli.meter import LossMeter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_a_line_now_and_then_and_the_last() -> None:
    seconds, stream = iter((0.0, 4.0, 11.0, 12.0)), io.StringIO()
    meter = LossMeter(stream, lambda: next(seconds))
    for iteration in (0, 50, 75, 100):
        meter("anna", iteration, 100, 1 / (iteration + 1))
    first, second, third = stream.getvalue().splitlines()
    assert first == "anna [........................] 0/100 loss 1.00000"
    assert second.startswith("anna [##################......] 75/100")
    assert third == "anna [########################] 100/100 loss 0.00990"


def test_a_terminal_has_one_line_that_changes() -> None:
    seconds, stream = iter((0.0, 0.1, 0.3)), Terminal()
    meter = LossMeter(stream, lambda: next(seconds))
    for iteration in (0, 1, 2):
        meter("anna", iteration, 2, 0.5)
    assert stream.getvalue().count("\n") == 1 and stream.getvalue().count("\r\x1b[K") == 2
