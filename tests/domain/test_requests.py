"""What a caller may ask for."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from waboard.domain.ids import SolutionId, WabaId
from waboard.domain.requests import Language, OnboardingRequest, SignupRequest


def test_a_client_and_a_waba_are_enough():
    """Everything else has a default or is found out."""
    request = OnboardingRequest(client_ref="acme", waba_id=WabaId("102384266223093"))
    assert (request.client_name, request.entity_id, request.phone_numbers) == (None, None, ())
    assert (request.application_id, request.solution_id) == (None, None)


def test_what_it_is_filed_under_and_comes_through_may_be_named():
    """For providers with several applications or partner solutions."""
    request = OnboardingRequest.model_validate(
        {"client_ref": "a", "waba_id": 1, "application_id": "shops", "solution_id": 900000000000001}
    )
    assert (request.application_id, request.solution_id) == ("shops", "900000000000001")


def test_what_is_written_in_many_ways_is_kept_in_one():
    """A WABA id as a number, a phone number as people write it."""
    request = OnboardingRequest.model_validate(
        {"client_ref": "acme", "waba_id": 102384266223093, "phone_numbers": ["+1 313-513-8538"]}
    )
    assert (request.waba_id, request.phone_numbers) == ("102384266223093", ("13135138538",))


def test_a_misspelt_field_is_refused():
    """It would be lost."""
    with pytest.raises(ValidationError, match="phonenumbers"):
        OnboardingRequest.model_validate({"client_ref": "a", "waba_id": 1, "phonenumbers": []})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_ref", ""),
        ("client_ref", ".."),
        ("client_ref", "a/b"),
        ("client_ref", "a b"),
        ("client_ref", "a" * 256),
        ("client_ref", "acme\n"),
        ("entity_id", "ä"),
        ("application_id", ""),
        ("application_id", "a/b"),
        ("solution_id", ""),
        ("solution_id", "acme"),
        ("solution_id", "12ab"),
        ("solution_id", "1" * 21),
        ("solution_id", True),
        ("waba_id", "acme"),
        ("client_name", ""),
        ("client_name", "n" * 256),
        ("phone_numbers", ["12"]),
        ("phone_numbers", [f"1313513{i:04}" for i in range(101)]),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(field: str, value: Any):
    """A reference becomes a path segment at the provider's."""
    asked: dict[str, Any] = {"client_ref": "acme", "waba_id": 1, field: value}
    with pytest.raises(ValidationError) as caught:
        OnboardingRequest.model_validate(asked)
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


def test_a_request_cannot_be_changed():
    """What was asked for is a fact."""
    request = OnboardingRequest(client_ref="acme", waba_id=WabaId("1"))
    with pytest.raises(ValidationError):
        request.client_ref = "other"


def test_a_link_needs_only_a_client():
    """What is not named is the setting's, or the browser's."""
    request = SignupRequest(client_ref="acme")
    assert request.model_dump(exclude={"client_ref", "prefill"}) == {
        "client_name": None,
        "application_id": None,
        "entity_id": None,
        "solution_id": None,
        "verify_by": None,
        "language": None,
    }
    assert request.prefill == {}


@pytest.mark.parametrize("language", get_args(Language))
def test_a_link_is_the_same_when_it_is_read_from_the_ledger(language: Any):
    """There it is JSON; the ids are kept as texts, the prefilled form as it is."""
    asked = {
        "client_ref": "acme",
        "client_name": "Acme Bakery",
        "application_id": "shops",
        "entity_id": "bakery",
        "solution_id": 900000000000001,
        "verify_by": "both",
        "prefill": {"business": {"name": "Acme", "phone": {"code": 1}}},
        "language": language,
    }
    request = SignupRequest.model_validate(asked)
    kept = request.model_dump(mode="json")
    assert kept == asked | {"solution_id": "900000000000001"}
    assert SignupRequest.model_validate(kept) == request


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_ref", ""),
        ("client_ref", ".."),
        ("client_ref", "a/b"),
        ("client_name", ""),
        ("client_name", "Acme\nBakery"),
        ("application_id", "a b"),
        ("entity_id", "ä"),
        ("solution_id", "x"),
        ("prefill", []),
        ("prefill", "business"),
        ("prefill", None),
        ("language", "de"),
        ("language", "EN"),
        ("language", ""),
        ("waba_id", "1"),
        ("phone_numbers", []),
    ],
)
def test_a_link_that_cannot_be_used_is_refused_by_name(field: str, value: Any):
    """A WABA and its numbers are what the signup is to find out."""
    with pytest.raises(ValidationError) as caught:
        SignupRequest.model_validate({"client_ref": "acme", field: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


def test_a_link_leads_to_an_onboarding_with_its_own_facts():
    """What was for the page alone stays there."""
    link = SignupRequest.model_validate(
        {
            "client_ref": "acme",
            "client_name": "Acme Bakery",
            "application_id": "shops",
            "entity_id": "bakery",
            "solution_id": "900000000000001",
            "prefill": {"business": {"name": "Acme"}},
            "language": "ja",
        }
    )
    assert link.onboarding_of(WabaId("102384266223093")) == OnboardingRequest(
        client_ref="acme",
        waba_id=WabaId("102384266223093"),
        client_name="Acme Bakery",
        application_id="shops",
        entity_id="bakery",
        solution_id=SolutionId("900000000000001"),
    )


def test_a_link_without_facts_leads_to_an_onboarding_without():
    request = SignupRequest(client_ref="acme").onboarding_of(WabaId("1"))
    assert request == OnboardingRequest(client_ref="acme", waba_id=WabaId("1"))


def test_every_fact_of_an_onboarding_is_one_of_its_link():
    """But for what the signup finds out; whoever adds one passes it on."""
    ours, theirs = SignupRequest.model_fields.keys(), OnboardingRequest.model_fields.keys()
    assert theirs - ours == {"waba_id", "phone_numbers", "again"}
    assert ours - theirs == {"prefill", "language"}
    given = dict.fromkeys(ours & theirs, "1") | {"verify_by": "both"}
    passed_on = SignupRequest.model_validate(given).onboarding_of(WabaId("2"))
    assert passed_on.model_dump(exclude={"waba_id", "phone_numbers", "again"}) == given
