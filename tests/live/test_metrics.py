"""What Prometheus reads of a whole waboard."""

from prometheus_client.parser import text_string_to_metric_families

from tests.live.board import Board, sender


def told(board: Board, name: str, **labels: str) -> float:
    """The sum of what the gateway tells under a name, of those that have these labels."""
    families = text_string_to_metric_families(board.gateway.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(each.value for each in samples if labels.items() <= each.labels.items())


def test_the_gateway_tells_what_the_worker_has_counted(board: Board) -> None:
    """Two processes: one makes the calls, the other is asked."""
    share = "/whatsapp/1/embedded-signup/registrations/share-waba"
    before = told(board, "waboard_provider_calls_total", endpoint=share)
    board.decide(8990, senders=[sender(7990)])
    board.start("counted", 8990)
    assert board.ended("counted")["stage"] == "Live"
    assert told(board, "waboard_provider_calls_total", endpoint=share) > before
    assert told(board, "waboard_provider_call_seconds_count", endpoint=share) > before
    assert told(board, "waboard_rate_limit_wait_seconds_total", bucket="provisioning") > 0
    assert told(board, "waboard_onboardings", stage="Live") >= 1
    assert told(board, "waboard_events", kind="delivery", disposition="applied") >= 1
