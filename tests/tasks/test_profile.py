"""Changing what people see of a business: asked for, done, read back, kept."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.exceptions import ObjectNotFound

from flows.set_profile import set_profile
from tasks import deployments
from tasks.profile import DEPLOYMENT, change_profile, run_name, start_profile_change
from tests.deployed import assert_takes
from tests.tasks.bench import GOOD, OTHER, Bench, Crash, shown, timed_out, unreachable
from waboard.domain.errors import NotFound
from waboard.domain.ids import PhoneNumber
from waboard.domain.standing import Profile
from waboard.infobip import InfobipError
from waboard.infobip.senders import BusinessInfoChange, BusinessVertical
from waboard.ledger.models import Verb

EMPTY = {"display_name": "Sandbox client"}
INFO = f"/whatsapp/1/senders/{GOOD}/business-info"
BREAD = BusinessInfoChange(about="Bread", websites=("https://a.test",))


async def change(
    bench: Bench, what: BusinessInfoChange = BREAD, number: PhoneNumber = GOOD
) -> None:
    await change_profile.fn(bench.services, await bench.look(), number, what)


async def profile(bench: Bench) -> Profile | None:
    """What is kept of it."""
    return (await bench.look()).sender(GOOD).profile


async def attempts(bench: Bench) -> list[tuple[str, int, str]]:
    return [shown(row) for row in await bench.effects(Verb.CHANGE_PROFILE)]


class TestChanging:
    """It is changed at Infobip, and what is shown is what was read back."""

    async def test_what_is_changed_is_read_back_and_kept(self, bench: Bench):
        await bench.registered()
        await bench.later(60)
        await change(bench)
        kept = {**EMPTY, "about": "Bread", "websites": ["https://a.test"]}
        assert await profile(bench) == Profile(kept, bench.now)
        assert await attempts(bench) == [(GOOD, 1, "done")]
        assert (bench.calls("PATCH", INFO), bench.calls("GET", INFO)) == (1, 1)

    async def test_what_is_not_named_stays_as_it_is(self, bench: Bench):
        await bench.registered()
        await change(bench)
        await change(bench, BusinessInfoChange(vertical=BusinessVertical.OTHER))
        known = await profile(bench)
        assert known is not None
        assert (known.info["about"], known.info["vertical"]) == ("Bread", "OTHER")

    async def test_a_logo_is_passed_on_and_cannot_be_read(self, bench: Bench):
        await bench.registered()
        await change(bench, BusinessInfoChange(logo_url="https://acme.test/logo.png"))
        assert bench.books.business_info[GOOD] == {"logoUrl": "https://acme.test/logo.png"}
        assert await profile(bench) == Profile(EMPTY, bench.now)

    async def test_to_change_it_twice_does_no_harm(self, bench: Bench):
        await bench.registered()
        await change(bench)
        once = await profile(bench)
        await change(bench)
        assert await profile(bench) == once
        assert await attempts(bench) == [(GOOD, 1, "done"), (GOOD, 2, "done")]

    async def test_the_other_senders_stay_as_they_are(self, bench: Bench):
        await bench.registered(GOOD, OTHER)
        await change(bench)
        assert (await bench.look()).sender(OTHER).profile is None
        assert OTHER not in bench.books.business_info


class TestTrouble:
    """Nothing is shown that was not read."""

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    async def test_a_refusal_is_raised_and_certainly_not_done(self, bench: Bench, status: int):
        await bench.registered()
        await bench.sandbox.script(method="PATCH", path=INFO, status=status)
        with pytest.raises(InfobipError) as error:
            await change(bench)
        assert (error.value.status, error.value.retryable) == (status, False)
        assert GOOD not in str(error.value)
        assert await attempts(bench) == [(GOOD, 1, "failed")]
        assert await profile(bench) is None

    async def test_what_surely_did_not_go_goes_again_as_the_same_effect(self, bench: Bench):
        await bench.registered()
        bench.network.cut_before("PATCH", INFO, unreachable())
        with pytest.raises(InfobipError) as error:
            await change(bench)
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        await change(bench)
        assert await attempts(bench) == [(GOOD, 1, "done")]

    @pytest.mark.parametrize("how", ["a timeout", "a 503", "a crash"])
    async def test_what_may_have_been_done_is_done_again(self, bench: Bench, how: str):
        await bench.registered()
        if how == "a 503":
            await bench.sandbox.script(method="PATCH", path=INFO, status=503, acting=True)
        else:
            bench.network.cut_after("PATCH", INFO, Crash() if how == "a crash" else timed_out())
        with pytest.raises((InfobipError, Crash)):
            await change(bench)
        assert await profile(bench) is None
        await change(bench)
        left = "started" if how == "a crash" else "ambiguous"
        assert await attempts(bench) == [(GOOD, 1, left), (GOOD, 2, "done")]
        known = await profile(bench)
        assert known is not None
        assert known.info["about"] == "Bread"

    async def test_what_does_not_read_back_is_done_and_not_shown(self, bench: Bench):
        await bench.registered()
        await bench.sandbox.script(method="GET", path=INFO, status=500)
        with pytest.raises(InfobipError) as error:
            await change(bench)
        assert error.value.retryable
        assert await attempts(bench) == [(GOOD, 1, "done")]
        assert await profile(bench) is None

    async def test_what_infobip_does_not_show_keeps_what_was_known(self, bench: Bench):
        await bench.registered()
        await change(bench)
        before = await profile(bench)
        bench.network.instead("GET", INFO, lambda _: httpx.Response(404, json={}))
        await change(bench, BusinessInfoChange(about="Cake"))
        assert await profile(bench) == before


@dataclass
class Prefect:
    """A Prefect API that has one deployment and remembers which runs it was asked for."""

    deployed: bool = True
    created: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    runs: list[UUID] = field(default_factory=list[UUID])

    async def __aenter__(self) -> "Prefect":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_deployment_by_name(self, name: str) -> SimpleNamespace:
        if not self.deployed or name != DEPLOYMENT:
            raise ObjectNotFound(ValueError(name))
        return SimpleNamespace(id=name)

    async def create_flow_run_from_deployment(self, deployment: str, **given: Any) -> Any:
        assert_takes(deployment, given["parameters"])
        self.created.append({"deployment": deployment, **given})
        self.runs.append(uuid4())
        return SimpleNamespace(id=self.runs[-1])


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> Prefect:
    prefect = Prefect()
    monkeypatch.setattr(deployments, "get_client", lambda: prefect)
    return prefect


class TestStarting:
    """Each change is a run of its own."""

    async def test_the_run_is_made_of_the_deployment(self, bench: Bench, prefect: Prefect):
        onboarding = await bench.registered()
        run_id = await start_profile_change(onboarding, GOOD, BREAD)
        assert [str(run) for run in prefect.runs] == [run_id]
        (created,) = prefect.created
        assert created["deployment"] == DEPLOYMENT
        assert (created["name"], created["tags"]) == ("acme · profile of …8538", onboarding.tags)
        assert created["parameters"] == {
            "client_ref": "acme",
            "phone_number": GOOD,
            "profile": {"about": "Bread", "websites": ["https://a.test"]},
        }

    async def test_the_flow_reads_what_was_asked_for(self, bench: Bench, prefect: Prefect):
        full = BREAD.model_copy(
            update={"logo_url": "https://a.test/x.png", "vertical": BusinessVertical.OTHER}
        )
        await start_profile_change(await bench.registered(), GOOD, full)
        read = set_profile.validate_parameters(prefect.created[0]["parameters"])
        assert read == {"client_ref": "acme", "phone_number": GOOD, "profile": full}

    async def test_the_same_change_asked_for_twice_is_two_runs(
        self, bench: Bench, prefect: Prefect
    ):
        """Somebody may have changed it in between."""
        onboarding = await bench.registered()
        for _ in range(2):
            await start_profile_change(onboarding, GOOD, BREAD)
        assert len({each["idempotency_key"] for each in prefect.created}) == 2

    async def test_without_a_deployment_the_remedy_is_to_deploy(
        self, bench: Bench, prefect: Prefect
    ):
        prefect.deployed = False
        with pytest.raises(NotFound, match="waboard deploy"):
            await start_profile_change(await bench.registered(), GOOD, BREAD)

    def test_a_runs_name_shows_its_number_by_its_last_digits(self):
        assert run_name(GOOD, "acme") == "acme · profile of …8538"
