"""What Infobip says of a registration ends as a sentence, whatever it ended with."""

import pytest

from tests.domain.samples import BAD, registration
from tests.domain.test_sentences import ENDS, assert_well_ended
from tests.ledger.desk import Desk
from waboard.domain.conditions import ConditionType
from waboard.domain.facts import Fact, canonical, registration_facts
from waboard.domain.outcome import outcome_of


def said_of_a_sender(said: str, status: str, minute: int) -> Fact:
    body = registration(status, minute, {BAD: status})
    body["senders"][0]["registrationInfo"] = said
    return registration_facts(canonical(body).encode())[0]


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "IN_PROGRESS"])
async def test_the_message_ends_with_one_mark(desk: Desk, status: str):
    acme = await desk.started()
    for minute, said in enumerate(["", *(f"It broke{end}" for end in ENDS)]):
        await desk.keep(said_of_a_sender(said, status, minute), minute=minute)
        onboarding = await desk.look(acme, minute)
        assert_well_ended(onboarding.senders[0].conditions[ConditionType.REGISTERED].message)
        assert_well_ended(outcome_of(onboarding).message)
