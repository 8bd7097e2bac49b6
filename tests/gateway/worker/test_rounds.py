"""What is done again and again."""

from gateway.worker.rounds import Round, Rounds, rounds


def test_a_round_that_fails_stops_no_other_and_each_keeps_its_pace(runtime, caplog):
    gone = []

    def fails(_):
        gone.append("bad")
        raise ValueError("what was sent")

    these = [Round("bad", 10.0, fails), Round("good", 1.0, lambda _: gone.append("good"))]
    going = Rounds(runtime, lambda: True, these)
    for now in (100.0, 100.5, 101.0, 110.0):
        going.turn(now)
    assert gone == ["bad", "good", "good", "bad", "good"]
    assert "round_failed: bad" in caplog.text


def test_every_round_can_be_gone_on_an_empty_system(runtime):
    for one in rounds():
        one.go(runtime)


def test_it_goes_only_while_it_is_ours_and_ends_when_told(runtime):
    ours, gone = [False], []
    going = Rounds(runtime, lambda: ours[0], [Round("one", 0.0, lambda _: gone.append(1))])
    going.start()
    going.join(1.2)
    assert gone == []
    ours[0] = True
    going.join(1.2)
    going.stop()
    assert gone
    assert not going.is_alive()
