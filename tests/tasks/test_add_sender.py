"""Adding a sender: asked for once, its password passed on once, and seen by nobody else."""

import json
import traceback
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from tasks.add_sender import (
    ask_for_sender,
    record_not_sent,
    record_refused,
    record_submitted,
    send_another,
    submit_code,
)
from tasks.step import effect
from tests.sandbox.lab import DOCUMENTED
from tests.tasks.bench import (
    GOOD,
    QUALITY,
    Bench,
    Crash,
    condition,
    shown,
    timed_out,
    unreachable,
)
from waboard.domain.additions import Addition, AdditionState, CodeBy, SenderRequest
from waboard.domain.conditions import ConditionType
from waboard.domain.errors import WaboardError
from waboard.domain.ids import PhoneNumber
from waboard.infobip import InfobipError
from waboard.ledger.additions import (
    additions_of,
    begin_anew,
    move_addition,
    note_addition,
    record_sleep,
    registered_of,
)
from waboard.ledger.models import Base, Verb
from waboard.sandbox.sender_books import CODE_LIVES

NEW = PhoneNumber("12024560123")
RUN, OTHER_RUN = (f"{n}1111111-0000-4000-8000-000000000001" for n in (1, 2))
REGISTRATIONS = "/whatsapp/1/embedded-signup/registrations"
ADD = f"{REGISTRATIONS}/business-account/{DOCUMENTED}/senders"
VERIFICATION = f"{REGISTRATIONS}/senders/{NEW}/verification"

ASKED, CODE_AWAITED, SUBMITTED, REFUSED, TIMED_OUT, CANCELLED = AdditionState
ON_ITS_WAY = "A one-time password is on its way to …0123, by sms."
REGISTERS = "Infobip registers …0123; the client's onboarding goes on with it by itself."


def request(number: str = NEW, **changes: Any) -> SenderRequest:
    asked = {"phone_number": number, "display_name": "Acme Downtown", **changes}
    return SenderRequest.model_validate(asked)


@pytest.fixture
async def shared(bench: Bench) -> Bench:
    """A client whose WABA is shared, with a sender of its own."""
    await bench.registered()
    return bench


async def begin(bench: Bench, run: str = RUN, number: str = NEW) -> Addition:
    async with bench.ledger.begin() as session:
        await note_addition(session, run, bench.id, request(number), bench.now)
        return await begin_anew(session, run, bench.now)


async def end(bench: Bench, state: AdditionState, run: str = RUN) -> None:
    async with bench.ledger.begin() as session:
        await move_addition(session, run, state, "Over.", bench.now)


async def known(bench: Bench, run: str = RUN) -> Addition:
    async with bench.ledger.begin() as session:
        return next(a for a in await additions_of(session, bench.id) if a.id == run)


async def ask(bench: Bench, run: str = RUN, number: str = NEW, **changes: Any) -> Addition:
    """Begin, if nobody has, and ask Infobip for the number."""
    addition = await begin(bench, run, number)
    given = request(number, **changes)
    return await ask_for_sender.fn(bench.services, await bench.look(), addition, given)


async def asleep(bench: Bench, key: str = "sleep 1") -> Addition:
    """Write down that the password is awaited."""
    async with bench.ledger.begin() as session:
        await record_sleep(session, RUN, key, bench.now)
    return await known(bench)


async def asked(bench: Bench) -> Addition:
    """The number is asked for, and its password awaited."""
    await ask(bench)
    return await asleep(bench)


async def submit(bench: Bench, code: str, key: str = "sleep 1") -> Addition:
    """Pass on what a person gave in a sleep."""
    addition, onboarding = await asleep(bench, key), await bench.look()
    return await submit_code.fn(bench.services, onboarding, addition, SecretStr(code))


async def resend(bench: Bench, by: CodeBy = CodeBy.SMS, locale: str = "en_US") -> Addition:
    onboarding = await bench.look()
    return await send_another.fn(bench.services, onboarding, await known(bench), by, locale)


def code_of(bench: Bench) -> str:
    """What the phone shows."""
    return bench.books.proofs[NEW].code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def attempts(bench: Bench, verb: Verb) -> list[tuple[int, str]]:
    return [shown(row)[1:] for row in await bench.effects(verb)]


def listing_nobody(bench: Bench) -> None:
    """An Infobip that lists no sender yet: registering takes a while."""
    nobody = httpx.Response(200, json={"results": []})
    bench.network.instead("GET", QUALITY, lambda _: nobody)


def noting(bench: Bench, method: str, path: str) -> list[Any]:
    """Note what is sent there."""
    sent: list[Any] = []

    async def note(asked: httpx.Request) -> httpx.Response:
        sent.append(json.loads(asked.content))
        return await bench.network.carry(asked)

    bench.network.instead(method, path, note, always=True)
    return sent


async def rows(bench: Bench) -> str:
    """All that the ledger holds."""
    async with bench.ledger.begin() as session:
        tables = Base.metadata.sorted_tables
        return "\n".join(
            [repr(row) for table in tables for row in (await session.execute(select(table))).all()]
        )


class TestAsking:
    """Infobip is asked for a number, and sends a password to whoever holds it."""

    async def test_the_password_is_awaited(self, shared: Bench):
        addition = await ask(shared)
        assert addition == await known(shared)
        assert (addition.state, addition.detail) == (CODE_AWAITED, ON_ITS_WAY)
        assert await attempts(shared, Verb.ADD_SENDER) == [(1, "done")]
        assert shared.books.proofs[NEW].as_json() == {
            "waba_id": DOCUMENTED,
            "codes": 1,
            "verified": False,
        }

    async def test_it_is_asked_for_by_its_name_in_the_way_and_language_that_was_said(
        self, shared: Bench
    ):
        sent = noting(shared, "POST", ADD)
        addition = await ask(shared, code_by="voice", locale="pt_BR")
        assert sent == [
            {
                "countryCode": "1",
                "phoneNumber": NEW[1:],
                "displayName": "Acme Downtown",
                "type": "EXTERNAL_VOICE",
                "locale": "pt_BR",
            }
        ]
        assert addition.detail.endswith("by voice.")

    async def test_a_number_that_needs_no_password_is_registered_at_once(self, shared: Bench):
        addition = await ask(shared, number=GOOD)
        assert addition.state is SUBMITTED
        assert addition.detail.startswith("Infobip registers …8538")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
    async def test_a_refusal_is_raised_and_certainly_not_done(self, shared: Bench, status: int):
        await shared.sandbox.script(path=ADD, status=status)
        with pytest.raises(InfobipError) as error:
            await ask(shared)
        assert (error.value.status, error.value.retryable) == (status, False)
        assert NEW not in str(error.value)
        assert await attempts(shared, Verb.ADD_SENDER) == [(1, "failed")]
        assert (await known(shared)).state is ASKED

    async def test_a_refused_number_is_over_in_infobips_words(self, shared: Bench):
        """With what to do about it."""
        await shared.sandbox.share("777")
        elsewhere = ADD.replace(DOCUMENTED, "777")
        body = {"countryCode": "1", "phoneNumber": NEW[1:], "displayName": "X"}
        await shared.sandbox.http.post(
            elsewhere, json={**body, "type": "EXTERNAL_SMS", "locale": "en_US"}
        )
        with pytest.raises(InfobipError) as error:
            await ask(shared)
        addition = await record_refused(shared.services, await known(shared), error.value)
        assert (addition.state, addition.detail) == (REFUSED, str(error.value))
        assert "Phone number belongs to another account" in addition.detail

    @pytest.mark.parametrize("kind", ["unreachable", "too busy"])
    async def test_what_surely_was_not_done_is_asked_again_as_the_same_effect(
        self, shared: Bench, kind: str
    ):
        if kind == "unreachable":
            shared.network.cut_before("POST", ADD, unreachable())
        else:
            await shared.sandbox.script(path=ADD, status=429)
        with pytest.raises(InfobipError) as error:
            await ask(shared)
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        addition = await ask(shared)
        assert addition.state is CODE_AWAITED
        assert await attempts(shared, Verb.ADD_SENDER) == [(1, "done")]
        assert shared.books.proofs[NEW].codes == 1


class TestNeverTwice:
    """What a second asking does is not documented: another password is what can be asked for."""

    @pytest.mark.parametrize("how", ["a timeout", "a 500", "a crash", "200 with nonsense"])
    async def test_what_was_done_and_nobody_heard_of_is_not_done_again(
        self, shared: Bench, how: str
    ):
        await unheard(shared, how)
        addition = await ask(shared)
        assert (addition.state, addition.detail) == (CODE_AWAITED, ON_ITS_WAY)
        assert shared.calls("POST", ADD) == 1
        assert shared.books.proofs[NEW].codes == 2

    async def test_the_password_that_was_asked_for_then_is_the_right_one(self, shared: Bench):
        await unheard(shared, "a timeout")
        first = code_of(shared)
        await ask(shared)
        assert (await submit(shared, first)).state is CODE_AWAITED
        assert (await submit(shared, code_of(shared), "sleep 2")).state is SUBMITTED

    async def test_it_is_asked_for_as_the_first_was(self, shared: Bench):
        await unheard(shared, "a timeout")
        sent = noting(shared, "PUT", VERIFICATION)
        addition = await ask(shared, code_by="voice", locale="de")
        assert sent == [{"type": "EXTERNAL_VOICE", "locale": "de"}]
        assert addition.detail.endswith("by voice.")

    @pytest.mark.parametrize("how", ["a timeout", "a crash"])
    async def test_what_was_not_done_after_all_is_done_then(self, shared: Bench, how: str):
        """Infobip knows no such number, and says so."""
        error = Crash() if how == "a crash" else timed_out()
        shared.network.cut_before("POST", ADD, error)
        with pytest.raises((InfobipError, Crash)):
            await ask(shared)
        assert (await ask(shared)).state is CODE_AWAITED
        assert shared.books.proofs[NEW].codes == 1
        left = "started" if how == "a crash" else "ambiguous"
        assert await attempts(shared, Verb.ADD_SENDER) == [(1, left), (2, "done")]

    @pytest.mark.parametrize("status", [429, 503])
    async def test_nothing_is_added_while_it_cannot_be_found_out(self, shared: Bench, status: int):
        await unheard(shared, "a timeout")
        await shared.sandbox.script(method="PUT", path=VERIFICATION, status=status)
        with pytest.raises(InfobipError) as error:
            await ask(shared)
        assert error.value.retryable
        assert shared.calls("POST", ADD) == 1
        assert (await ask(shared)).state is CODE_AWAITED
        assert shared.calls("POST", ADD) == 1

    @pytest.mark.parametrize("end_of_first", [TIMED_OUT, CANCELLED])
    async def test_a_retry_of_its_run_asks_for_another_password(
        self, shared: Bench, end_of_first: AdditionState
    ):
        await asked(shared)
        await end(shared, end_of_first)
        again = await ask(shared)
        assert (again.state, again.pause_key) == (CODE_AWAITED, None)
        assert shared.calls("POST", ADD) == 1
        assert shared.books.proofs[NEW].codes == 2

    async def test_so_does_another_run_for_the_same_number(self, shared: Bench):
        await asked(shared)
        await end(shared, CANCELLED)
        assert (await ask(shared, OTHER_RUN)).state is CODE_AWAITED
        assert shared.calls("POST", ADD) == 1

    async def test_a_number_that_is_verified_since_is_added_without_one(self, shared: Bench):
        """Infobip sends no password to it."""
        await asked(shared)
        await end(shared, TIMED_OUT)
        code = {"code": code_of(shared)}
        assert (await shared.sandbox.http.post(VERIFICATION, json=code)).status_code == 202
        assert (await ask(shared)).state is SUBMITTED
        assert await attempts(shared, Verb.ADD_SENDER) == [(1, "done"), (2, "done")]


async def unheard(bench: Bench, how: str) -> None:
    """Ask for the number; Infobip acts, and nobody hears of it."""
    if how == "a 500":
        await bench.sandbox.script(path=ADD, status=500, acting=True)
    elif how == "200 with nonsense":
        await bench.sandbox.script(path=ADD, status=200, body="<html>", acting=True)
    else:
        bench.network.cut_after("POST", ADD, Crash() if how == "a crash" else timed_out())
    with pytest.raises((InfobipError, Crash)):
        await ask(bench)
    left = "started" if how == "a crash" else "ambiguous"
    assert await attempts(bench, Verb.ADD_SENDER) == [(1, left)]
    assert (await known(bench)).state is ASKED


class TestPassword:
    """It is passed on, and what Infobip says of it decides."""

    async def test_the_right_one_submits_the_number(self, shared: Bench):
        await asked(shared)
        addition = await submit(shared, code_of(shared))
        assert (addition.state, addition.detail) == (SUBMITTED, REGISTERS)
        assert shared.books.proofs[NEW].verified
        assert [shown(row) for row in await shared.effects(Verb.SUBMIT_CODE)] == [
            (f"{NEW} sleep 1", 1, "done")
        ]

    async def test_the_clients_onboarding_goes_on_with_it_by_itself(self, shared: Bench):
        await asked(shared)
        addition = await submit(shared, code_of(shared))
        onboarding = await shared.hear()
        assert [sender.phone_number for sender in onboarding.senders] == [GOOD, NEW]
        registered = condition(onboarding.sender(NEW), ConditionType.REGISTERED)
        assert registered == ("True", "RegistrationFinished")
        async with shared.ledger.begin() as session:
            assert await registered_of(session, [addition]) == {RUN}

    async def test_a_wrong_one_is_asked_for_again(self, shared: Bench):
        await asked(shared)
        addition = await submit(shared, wrong(code_of(shared)))
        assert addition.state is CODE_AWAITED
        assert addition.detail.startswith("The last one-time password did not get through: ")
        assert "Verification code is not correct" in addition.detail
        assert NEW not in addition.detail
        assert await attempts(shared, Verb.SUBMIT_CODE) == [(1, "refused")]
        assert not shared.books.proofs[NEW].verified

    async def test_an_old_one_is_asked_for_again(self, shared: Bench):
        await asked(shared)
        code = code_of(shared)
        await shared.later(CODE_LIVES)
        addition = await submit(shared, code)
        assert addition.state is CODE_AWAITED
        assert "Verification code has expired" in addition.detail

    async def test_after_a_wrong_one_the_right_one_is_enough(self, shared: Bench):
        """Each sleep's is another effect."""
        await asked(shared)
        await submit(shared, wrong(code_of(shared)))
        addition = await submit(shared, code_of(shared), "sleep 2")
        assert addition.state is SUBMITTED
        effects = [shown(row) for row in await shared.effects(Verb.SUBMIT_CODE)]
        assert effects == [
            (f"{NEW} sleep 1", 1, "refused"),
            (f"{NEW} sleep 2", 1, "done"),
        ]

    async def test_a_needless_one_is_none_once_infobip_lists_the_number(self, shared: Bench):
        """Somebody proved it elsewhere."""
        await asked(shared)
        code = {"code": code_of(shared)}
        await shared.sandbox.http.post(VERIFICATION, json=code)
        await shared.sandbox.settled()
        addition = await submit(shared, code_of(shared))
        assert (addition.state, addition.detail) == (SUBMITTED, REGISTERS)

    async def test_until_then_it_is_said_why_it_was_refused(self, shared: Bench):
        """Registering takes a while; the run ends once it is over."""
        await asked(shared)
        await shared.sandbox.http.post(VERIFICATION, json={"code": code_of(shared)})
        listing_nobody(shared)
        addition = await submit(shared, code_of(shared))
        assert addition.state is CODE_AWAITED
        assert "Sender is already verified" in addition.detail

    async def test_infobip_listing_others_says_nothing_of_this_number(self, shared: Bench):
        await asked(shared)
        rows = {"results": [{"sender": GOOD, "status": "CONNECTED"}]}
        shared.network.instead("GET", QUALITY, lambda _: httpx.Response(200, json=rows))
        assert (await submit(shared, wrong(code_of(shared)))).state is CODE_AWAITED

    async def test_what_is_over_is_not_awaited_again(self, shared: Bench):
        """The run timed out while it was passed on."""
        await asked(shared)
        await end(shared, TIMED_OUT)
        assert (await submit(shared, wrong(code_of(shared)))).state is TIMED_OUT

    async def test_what_did_not_get_through_is_told_to_whoever_gives_the_next(self, shared: Bench):
        addition = await asked(shared)
        error = WaboardError("Infobip did not answer.", remedy="Try again.")
        told = await record_not_sent(shared.services, addition, error)
        assert (told.state, told.detail) == (CODE_AWAITED, "Infobip did not answer. Try again.")
        assert told.pause_key == "sleep 1"


class TestPassedOnOnce:
    """Unsure is never passed on again."""

    @pytest.mark.parametrize("how", ["a timeout", "a 503"])
    async def test_not_after_it_was_taken_and_nobody_heard_of_it(self, shared: Bench, how: str):
        await asked(shared)
        if how == "a 503":
            path = VERIFICATION
            await shared.sandbox.script(method="POST", path=path, status=503, acting=True)
        else:
            shared.network.cut_after("POST", VERIFICATION, timed_out())
        listing_nobody(shared)
        addition = await submit(shared, code_of(shared))
        assert addition.state is CODE_AWAITED
        assert addition.detail.startswith("The last one-time password did not get through: ")
        assert await attempts(shared, Verb.SUBMIT_CODE) == [(1, "ambiguous")]
        await shared.sandbox.settled()
        assert (await submit(shared, code_of(shared))).state is SUBMITTED
        assert shared.calls("POST", VERIFICATION) == 1

    async def test_not_after_a_timeout_before_it_was_taken(self, shared: Bench):
        """Nobody can know that it was not; whoever holds the number gives it once more."""
        await asked(shared)
        shared.network.cut_before("POST", VERIFICATION, timed_out())
        await submit(shared, code_of(shared))
        addition = await submit(shared, code_of(shared))
        assert addition.state is CODE_AWAITED
        assert "not known whether it was taken" in addition.detail
        assert shared.calls("POST", VERIFICATION) == 0
        assert (await submit(shared, code_of(shared), "sleep 2")).state is SUBMITTED

    async def test_not_after_a_crash(self, shared: Bench):
        await asked(shared)
        shared.network.cut_after("POST", VERIFICATION, Crash())
        with pytest.raises(Crash):
            await submit(shared, code_of(shared))
        await shared.sandbox.settled()
        assert (await submit(shared, code_of(shared))).state is SUBMITTED
        assert shared.calls("POST", VERIFICATION) == 1
        assert await attempts(shared, Verb.SUBMIT_CODE) == [(1, "done")]

    async def test_not_when_the_run_died_before_it_wrote_down_that_it_was_taken(
        self, shared: Bench
    ):
        await asked(shared)
        onboarding = await shared.look()
        async with effect(shared.services, onboarding, Verb.SUBMIT_CODE, f"{NEW} sleep 1"):
            pass
        assert (await submit(shared, code_of(shared))).state is SUBMITTED
        assert shared.calls("POST", VERIFICATION) == 0

    async def test_nothing_is_decided_while_it_cannot_be_found_out(self, shared: Bench):
        await asked(shared)
        shared.network.cut_after("POST", VERIFICATION, timed_out())
        await shared.sandbox.script(method="GET", path=QUALITY, status=503)
        with pytest.raises(InfobipError) as error:
            await submit(shared, code_of(shared))
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        await shared.sandbox.settled()
        assert (await submit(shared, code_of(shared))).state is SUBMITTED
        assert shared.calls("POST", VERIFICATION) == 1

    @pytest.mark.parametrize("kind", ["unreachable", "too busy"])
    async def test_but_again_when_it_surely_did_not_go_as_the_same_effect(
        self, shared: Bench, kind: str
    ):
        await asked(shared)
        if kind == "unreachable":
            shared.network.cut_before("POST", VERIFICATION, unreachable())
        else:
            await shared.sandbox.script(method="POST", path=VERIFICATION, status=429)
        with pytest.raises(InfobipError) as error:
            await submit(shared, code_of(shared))
        assert (error.value.retryable, error.value.ambiguous) == (True, False)
        assert (await known(shared)).detail == ON_ITS_WAY
        assert (await submit(shared, code_of(shared))).state is SUBMITTED
        assert await attempts(shared, Verb.SUBMIT_CODE) == [(1, "done")]

    async def test_not_after_a_refusal_either(self, shared: Bench):
        """Infobip may count the tries."""
        await asked(shared)
        code = wrong(code_of(shared))
        await shared.sandbox.script(method="GET", path=QUALITY, status=503)
        with pytest.raises(InfobipError):
            await submit(shared, code)
        assert (await submit(shared, code)).state is CODE_AWAITED
        assert shared.calls("POST", VERIFICATION) == 1


class TestAnother:
    """Another password can be sent, in another way."""

    async def test_it_is_another_and_the_one_before_is_good_for_nothing(self, shared: Bench):
        await asked(shared)
        old = code_of(shared)
        addition = await resend(shared)
        assert (addition.state, addition.detail) == (CODE_AWAITED, ON_ITS_WAY)
        assert await attempts(shared, Verb.RESEND_CODE) == [(1, "done")]
        assert code_of(shared) != old
        assert (await submit(shared, old)).state is CODE_AWAITED
        assert (await submit(shared, code_of(shared), "sleep 2")).state is SUBMITTED

    async def test_it_is_young_again(self, shared: Bench):
        await asked(shared)
        await shared.later(CODE_LIVES)
        await resend(shared)
        await shared.later(CODE_LIVES - 1)
        assert (await submit(shared, code_of(shared))).state is SUBMITTED

    async def test_it_comes_in_the_way_and_language_that_was_asked_for(self, shared: Bench):
        await asked(shared)
        sent = noting(shared, "PUT", VERIFICATION)
        addition = await resend(shared, CodeBy.VOICE, "de")
        assert sent == [{"type": "EXTERNAL_VOICE", "locale": "de"}]
        assert addition.detail == "A one-time password is on its way to …0123, by voice."

    async def test_a_verified_number_gets_none(self, shared: Bench):
        await asked(shared)
        await shared.sandbox.http.post(VERIFICATION, json={"code": code_of(shared)})
        with pytest.raises(InfobipError, match="Sender is already verified") as error:
            await resend(shared)
        assert not error.value.retryable
        assert NEW not in str(error.value)
        assert await attempts(shared, Verb.RESEND_CODE) == [(1, "failed")]
        assert (await known(shared)).detail == ON_ITS_WAY

    async def test_to_have_it_sent_twice_does_no_harm(self, shared: Bench):
        await asked(shared)
        shared.network.cut_after("PUT", VERIFICATION, timed_out())
        with pytest.raises(InfobipError) as error:
            await resend(shared)
        assert error.value.retryable
        await resend(shared)
        assert await attempts(shared, Verb.RESEND_CODE) == [(1, "ambiguous"), (2, "done")]
        assert shared.books.proofs[NEW].codes == 3
        assert (await submit(shared, code_of(shared))).state is SUBMITTED


class TestSecret:
    """A password is passed on, and kept nowhere."""

    async def test_no_row_of_the_ledger_holds_one(self, shared: Bench):
        codes = []
        await asked(shared)
        codes.append(wrong(code_of(shared)))
        await submit(shared, codes[-1])
        codes.append(code_of(shared))
        await resend(shared)
        await submit(shared, codes[-1], "sleep 2")
        codes.append(code_of(shared))
        shared.network.cut_after("POST", VERIFICATION, timed_out())
        await submit(shared, codes[-1], "sleep 3")
        await submit(shared, codes[-1], "sleep 4")
        await shared.hear()
        kept = await rows(shared)
        assert NEW in kept
        assert [code for code in codes if code in kept] == []

    @pytest.mark.parametrize("quoted", ["Code {} is wrong", '"{}" is wrong', "Wrong:{}."])
    async def test_an_infobip_that_quotes_it_is_not_quoted(self, shared: Bench, quoted: str):
        await asked(shared)
        code = code_of(shared)
        refusal = {"messageId": "BAD_REQUEST", "text": quoted.format(code)}
        answer = httpx.Response(400, json={"requestError": {"serviceException": refusal}})
        shared.network.instead("POST", VERIFICATION, lambda _: answer)
        addition = await submit(shared, code)
        assert addition.state is CODE_AWAITED
        assert "[secret]" in addition.detail
        assert code not in addition.detail
        assert code not in await rows(shared)

    @pytest.mark.parametrize("how", ["unreachable", "too busy", "no answer"])
    async def test_no_error_tells_it(self, shared: Bench, how: str):
        await asked(shared)
        code = code_of(shared)
        if how == "unreachable":
            shared.network.cut_before("POST", VERIFICATION, unreachable())
        elif how == "too busy":
            refusal = {"messageId": "TOO_MANY_REQUESTS", "text": f"Not {code} again"}
            answer = httpx.Response(429, json={"requestError": {"serviceException": refusal}})
            shared.network.instead("POST", VERIFICATION, lambda _: answer)
        else:
            shared.network.cut_before("POST", VERIFICATION, timed_out())
            await shared.sandbox.script(method="GET", path=QUALITY, status=503)
        with pytest.raises(InfobipError) as caught:
            await submit(shared, code)
        error = caught.value
        told = [*traceback.format_exception(error), repr(error), repr(vars(error)), error.remedy]
        assert [each for each in told if code in each] == []
        assert code not in await rows(shared)


async def test_what_is_registered_is_submitted_and_what_is_over_stays_so(shared: Bench):
    addition = await asked(shared)
    submitted = await record_submitted(shared.services, addition)
    assert (submitted.state, submitted.detail) == (SUBMITTED, REGISTERS)
    error = WaboardError("No.", remedy="Ask.")
    assert await record_refused(shared.services, addition, error) == submitted
    assert await record_not_sent(shared.services, addition, error) == submitted
