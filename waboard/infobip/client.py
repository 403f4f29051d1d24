"""The async client of Infobip's HTTP API: one method an operation, one error type.

It does not retry. Whoever calls does, by `InfobipError.retryable`, after looking when `ambiguous`.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self

import httpx
from pydantic import SecretStr

from waboard.domain.ids import NumberKey, PhoneNumber, WabaId, mask_phone, mask_waba
from waboard.domain.spelling import may_be_same
from waboard.infobip import endpoints
from waboard.infobip.answers import Rows
from waboard.infobip.calls import NOT_FOUND, Calls
from waboard.infobip.limits import Limiter
from waboard.infobip.models import (
    Application,
    Association,
    AssociationsPage,
    Entity,
    Listed,
    OwnedNumber,
    SenderQuality,
)
from waboard.infobip.senders import Senders
from waboard.infobip.subscriptions import Subscriptions
from waboard.infobip.templates import Templates
from waboard.infobip.traffic import TrafficApi, TrafficName, traffic_api

MOST_SENDERS = 100
"""Numbers in one call of `senders/quality` (OpenAPI whatsapp 3.210.0)."""
MOST_REPORTS = 1000
"""Reports in one call of `messages-api/1/reports` (OpenAPI messages-api 3.210.0)."""
MOST_ASSOCIATIONS = 1000
"""The longest page of associations: with it, those of one number are always one page."""

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds. Infobip publishes none; its Java client connects in 10."""


class InfobipClient:
    """Infobip's API, as far as onboarding needs it. Use it as an async context manager.

    `senders`, `subscriptions` and `templates` hold the operations on what they are named for.

    Every method raises `InfobipError`, and nothing else, for what Infobip or the network does.
    The constructor raises BadInput, naming the setting, for a URL or key that cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr,
        *,
        limiter: Limiter | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        waba_id_as: Literal["string", "number"] = "string",
    ) -> None:
        self._waba_id_as = waba_id_as
        self._calls = Calls(
            base_url, api_key, limiter=limiter, transport=transport, timeout=timeout
        )
        self.senders = Senders(self._calls)
        self.subscriptions = Subscriptions(self._calls)
        self.templates = Templates(self._calls)

    async def __aenter__(self) -> Self:
        await self._calls.http.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._calls.http.__aexit__(exc_type, exc, traceback)

    def __repr__(self) -> str:
        return f"InfobipClient({self._calls.base_url!r})"

    async def share_waba(self, waba_id: WabaId) -> None:
        """Share a WABA with Infobip. Returning means accepted; the result comes as a webhook.

        Any 2xx is acceptance and the body is never read: the Java client 6.4.0 expects an empty
        202. Whether the id is a string (the programme's page) or a number (the Java client) is in
        conflict, hence `waba_id_as`. What a second share does is not documented anywhere.
        """
        wire = int(waba_id) if self._waba_id_as == "number" else waba_id
        await self._calls.make(
            f"Sharing WABA {mask_waba(waba_id)} with Infobip",
            endpoints.SHARE_WABA,
            body={"businessAccountId": wire},
        )

    async def sender_quality(self, numbers: Sequence[PhoneNumber]) -> Rows[SenderQuality]:
        """Ask how senders stand, 1 to 100 a call: ValueError otherwise.

        Only senders that the account owns come back, so a number that is missing is not
        registered, or not yet; where a row could not be read it may be that one (`Rows.unread`).
        The document's text and example want one comma-separated value.
        """
        if not 1 <= len(numbers) <= MOST_SENDERS:
            raise ValueError(f"1 to {MOST_SENDERS} numbers a call, not {len(numbers)}")
        doing = f"Asking how {_who(numbers)}"
        call = endpoints.SENDERS_QUALITY
        answer = await self._calls.make(doing, call, params={"senders": ",".join(numbers)})
        return answer.read_each(SenderQuality, "results", required=True)

    async def get_application(self, application_id: str) -> Application | None:
        """Read an application; None when there is none of that id."""
        doing, call = f"Reading application {application_id}", endpoints.GET_APPLICATION
        return await self._calls.read(doing, call, application_id, model=Application)

    async def create_application(self, application_id: str, name: str) -> bool:
        """Create an application; False when the id is taken (409), perhaps with another name."""
        doing = f"Creating application {application_id}"
        body = {"applicationId": application_id, "applicationName": name}
        return await self._calls.create(doing, endpoints.CREATE_APPLICATION, body)

    async def rename_application(self, application_id: str, name: str) -> None:
        """Give an application another name."""
        doing, call = f"Renaming application {application_id}", endpoints.RENAME_APPLICATION
        await self._calls.make(doing, call, application_id, body={"applicationName": name})

    async def get_entity(self, entity_id: str) -> Entity | None:
        """Read an entity; None when there is none of that id."""
        doing, call = f"Reading entity {entity_id}", endpoints.GET_ENTITY
        return await self._calls.read(doing, call, entity_id, model=Entity)

    async def create_entity(self, entity_id: str, name: str) -> bool:
        """Create an entity; False when the id is taken (409), perhaps with another name."""
        body = {"entityId": entity_id, "entityName": name}
        return await self._calls.create(
            f"Creating entity {entity_id}", endpoints.CREATE_ENTITY, body
        )

    async def rename_entity(self, entity_id: str, name: str) -> None:
        """Give an entity another name."""
        doing, call = f"Renaming entity {entity_id}", endpoints.RENAME_ENTITY
        await self._calls.make(doing, call, entity_id, body={"entityName": name})

    async def delete_entity(self, entity_id: str) -> None:
        """Delete an entity. That it is not there any more (404) is as good.

        Whatever is filed under it is reset without a word: look first that nothing is.
        """
        await self._calls.delete(f"Deleting entity {entity_id}", endpoints.DELETE_ENTITY, entity_id)

    async def find_number(self, number: PhoneNumber) -> OwnedNumber | None:
        """Find a number of the account by its digits; None when it is not there.

        An answer that spells what may be the same subscriber otherwise is Infobip's word that it is
        the same, where it is the only one.

        A number can be listed once for each of its uses: the WHATSAPP one is preferred, by type,
        then by capability. Whether embedded-signup senders are listed at all is not documented.
        A row that cannot be read may be the number: then its absence is no answer.
        """
        doing, call = f"Looking for the number {mask_phone(number)}", endpoints.FIND_NUMBER
        answer = await self._calls.make(doing, call, params={"number": number}, accept={NOT_FOUND})
        if not answer.ok:
            return None
        rows = answer.read_each(OwnedNumber, "numbers")
        rows.sort(key=_for_whatsapp, reverse=True)
        alike = {each.number for each in rows if may_be_same(each.number, number)}
        spelled = alike.pop() if len(alike) == 1 else number
        return rows.find(lambda each: each.number in {number, spelled})

    async def associations(self, number_key: NumberKey) -> list[Association]:
        """Read which applications and entities a number is linked to for WhatsApp.

        A link that cannot be read is not taken for none: it makes the answer unusable.
        """
        doing, call = "Reading the associations of a number", endpoints.GET_ASSOCIATIONS
        params = {
            "resourceType": "NUMBER",
            "channel": "WHATSAPP",
            "resourceId": number_key,
            "size": MOST_ASSOCIATIONS,
        }
        answer = await self._calls.make(doing, call, params=params)
        found = answer.read_all(Association, "results")
        # A filter of the numbers list has been seen to be ignored: never count another's as ours.
        return [a for a in found if (a.resource_id, a.channel) == (number_key, "WHATSAPP")]

    async def associations_page(self, page: int) -> AssociationsPage:
        """Read a page of every number's links for WhatsApp, 1,000 a page; the first is page 0.

        One that cannot be read is left out, while `total` counts it: so whoever is not found where
        fewer are is to be looked for by itself.
        """
        doing, call = "Reading all associations", endpoints.GET_ASSOCIATIONS
        params: dict[str, Any] = {
            "resourceType": "NUMBER",
            "channel": "WHATSAPP",
            "page": page,
            "size": MOST_ASSOCIATIONS,
        }
        answer = await self._calls.make(doing, call, params=params)
        listed = len(answer.rows("results", required=True))
        found = tuple(answer.read_each(Association, "results", required=True))
        total = answer.read(Listed, answer.fields()).total
        is_last = listed < MOST_ASSOCIATIONS or total == page * MOST_ASSOCIATIONS + listed
        return AssociationsPage(found, is_last, total)

    async def filed_under(self, entity_id: str) -> list[Association]:
        """Read all that is filed under an entity in the account, on every channel.

        Something that cannot be read is not taken for nothing: it makes the answer unusable.
        """
        doing = f"Reading what is filed under {entity_id}"
        found = await self._every_association(doing, {"entityId": entity_id})
        return [each for each in found if each.entity_id == entity_id]

    async def _every_association(self, doing: str, asked: dict[str, str]) -> list[Association]:
        found: list[Association] = []
        page, is_full = 0, True
        while is_full:
            paged: dict[str, Any] = {**asked, "page": page, "size": MOST_ASSOCIATIONS}
            answer = await self._calls.make(doing, endpoints.GET_ASSOCIATIONS, params=paged)
            rows = answer.read_all(Association, "results")
            found += rows
            page, is_full = page + 1, len(rows) == MOST_ASSOCIATIONS
        return found

    async def associate(self, number_key: NumberKey, application_id: str, entity_id: str) -> bool:
        """Link a number to an application and an entity for WhatsApp.

        False on 409: it is linked already, not necessarily to these. Read back which.
        """
        link = Association(
            resource_id=number_key, application_id=application_id, entity_id=entity_id
        )
        doing = f"Associating a number with application {application_id}, entity {entity_id}"
        return await self._calls.create(doing, endpoints.ASSOCIATE, link.to_wire())

    async def dissociate(self, association: Association) -> None:
        """Remove a link. That it is not there any more (404) is as good."""
        doing = f"Dissociating a number from application {association.application_id}"
        call, body = endpoints.DISSOCIATE, association.to_wire()
        await self._calls.make(doing, call, body=body, accept={NOT_FOUND})

    def traffic(self, name: TrafficName) -> TrafficApi:
        """Give the API that carries messages, by its name."""
        return traffic_api(name, self._calls)

    async def delivery_reports(
        self, *, message_id: str | None = None, limit: int = 50
    ) -> list[Any]:
        """Take delivery reports, raw, whatever they are, 1 to 1000 a call, of the last 48 hours.

        Each is handed out ONCE, to whoever asks first: store it before reading it, and let nobody
        else ask. An answer that is lost on its way here is lost, although a GET is never called
        ambiguous.
        """
        if not 1 <= limit <= MOST_REPORTS:
            raise ValueError(f"1 to {MOST_REPORTS} reports a call, not {limit}")
        params: dict[str, Any] = {"channel": "WHATSAPP", "limit": limit}
        if message_id is not None:
            params["messageId"] = message_id
        doing, call = "Taking delivery reports", endpoints.DELIVERY_REPORTS
        answer = await self._calls.make(doing, call, params=params)
        return answer.rows("results", required=True)


def _for_whatsapp(number: OwnedNumber) -> tuple[bool, bool]:
    return number.type == "WHATSAPP", "WHATSAPP" in number.capabilities


def _who(numbers: Sequence[PhoneNumber]) -> str:
    one = len(numbers) == 1
    return f"sender {mask_phone(numbers[0])} stands" if one else f"{len(numbers)} senders stand"
