"""What the provider's own set-up needs before clients can be onboarded, in the programme's order.

What an API shows is judged from what it showed; what only a person can see is asked, with who said
so and when, and asked again when it has become old. Source: the programme page; which of it an API
shows, and what is out of date there: Meta's documentation as listed in docs/readiness.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from waboard.domain.parties import Party
from waboard.domain.sentences import sentence, sentences
from waboard.domain.solution import solution_state
from waboard.domain.webhooks import HookState, not_taken

PERMISSIONS = ("whatsapp_business_management", "whatsapp_business_messaging")
WEBHOOK_FIELDS = (
    "account_update",
    "partner_solutions",
    "account_review_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "message_template_status_update",
    "business_capability_update",
    "account_alerts",
    "security",
)
"""What the app must be told of. `messages` is Infobip's."""
APP_DETAILS = (
    "category",
    "app_domains",
    "contact_email",
    "icon_url",
    "privacy_policy_url",
    "terms_of_service_url",
)
SOON = timedelta(days=60)
"""How long before its end our own token, or a version, is named."""
CLIENT_TOKEN_SOON = timedelta(days=14)
"""The same for clients' tokens, which live for 60 days as a rule."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the providers' APIs showed. None is what could not be asked; `failures` says why.

    Times are of the zone UTC. `token_ends_at` is the system user's token's; its absence with
    `token_is_valid` means that it never ends.
    """

    now: datetime
    verification_status: str | None = None
    app: Mapping[str, object] | None = None
    permissions: Mapping[str, str] | None = None
    solution: tuple[str, str] | None = None
    partner: tuple[str, tuple[str, ...]] | None = None
    webhook_url: str | None = None
    webhook_active: bool = False
    webhook_fields: frozenset[str] | None = None
    our_webhook_url: str = ""
    public_url: str = ""
    config_id: str | None = None
    token_is_valid: bool | None = None
    token_ends_at: datetime | None = None
    graph_version: str = ""
    graph_versions: Mapping[str, date | None] = field(default_factory=dict[str, "date | None"])
    infobip_answers: bool | None = None
    registration_webhook_at: datetime | None = None
    hooks: Sequence[HookState] | None = None
    client_tokens_ending: int = 0
    failures: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes, no, or not known; `said` is the evidence, or why there is none."""

    holds: bool | None
    said: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person said of an item."""

    holds: bool
    who: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the set-up needs. Without a `judge` a person answers it.

    `usually` is how long it takes once asked for. One that is not `needed` is a warning only.
    `asked_again` is after how long what a person said counts no more.
    """

    key: str
    title: str
    where: str
    usually: str
    awaiting: Party = Party.OPERATOR
    judge: Callable[[Facts], Answer] | None = None
    needed: bool = True
    asked_again: timedelta = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Check:
    """How one item stands."""

    item: Item
    answer: Answer

    @property
    def is_open(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.answer.holds is not True


def checklist(facts: Facts, confirmed: Mapping[str, Confirmation]) -> list[Check]:
    """Judge every item, in the order in which they are worked through."""
    return [Check(item, _answer(item, facts, confirmed.get(item.key))) for item in ITEMS]


def is_ready(checks: list[Check]) -> bool:
    """Whether clients can be onboarded: everything that is needed is known to be there."""
    return not any(check.is_open and check.item.needed for check in checks)


def _answer(item: Item, facts: Facts, said: Confirmation | None) -> Answer:
    if item.judge is None:
        return _by_a_person(item, facts, said)
    if item.key in facts.failures:
        return Answer(None, sentence(facts.failures[item.key]))
    return item.judge(facts)


def _by_a_person(item: Item, facts: Facts, said: Confirmation | None) -> Answer:
    ask = f"Say so with `waboard readiness --confirm {item.key}`."
    if said is None:
        return Answer(None, f"Nobody has confirmed it yet. {ask}")
    when = f"{said.who}, {said.at:%Y-%m-%d}"
    if not said.holds:
        return Answer(False, sentences(f"Not so, says {when}", said.note))
    if facts.now - said.at > item.asked_again:
        return Answer(None, f"Confirmed by {when}, which is too long ago. {ask}")
    return Answer(True, sentences(f"Confirmed by {when}", said.note))


def _portfolio(facts: Facts) -> Answer:
    return Answer(facts.verification_status is not None, "Meta shows it to our system user.")


def _verified(facts: Facts) -> Answer:
    status = facts.verification_status
    return Answer(status == "verified", f"verification_status is {status}.")


def _details(facts: Facts) -> Answer:
    missing = [name for name in APP_DETAILS if not (facts.app or {}).get(name)]
    if missing:
        return Answer(False, f"Empty, or not shown to us: {', '.join(missing)}.")
    return Answer(True, "Icon, URLs, category, contact and domains are filled in.")


def _review(facts: Facts) -> Answer:
    granted = facts.permissions or {}
    missing = [name for name in PERMISSIONS if granted.get(name) != "live"]
    if missing:
        shown = ", ".join(f"{name} is {granted.get(name, 'not requested')}" for name in missing)
        return Answer(False, f"{shown}.")
    return Answer(True, "Both permissions are live.")


def _solution(facts: Facts) -> Answer:
    if facts.solution is None:
        return Answer(False, "WABOARD_META_SOLUTION_ID is not set.")
    state = solution_state(*facts.solution)
    return Answer(state.usable, sentences(f"It is {state.title}", state.remedy))


def _partner(facts: Facts) -> Answer:
    if facts.partner is None:
        return Answer(False, "Infobip's app is no partner of the solution.")
    status, permissions = facts.partner
    sends = "MESSAGING" in permissions
    said = f"Infobip is {status}, and may {'' if sends else 'not '}send messages."
    return Answer(sends and status == "ACCEPTED", said)


def _login(facts: Facts) -> Answer:
    if facts.config_id is None:
        return Answer(False, "WABOARD_META_CONFIG_ID is not set.")
    return Answer(True, "It is set. What it contains only a person sees.")


def _webhooks(facts: Facts) -> Answer:
    if facts.webhook_url is None:
        return Answer(False, "The app is subscribed to nothing of whatsapp_business_account.")
    if facts.webhook_url != facts.our_webhook_url:
        return Answer(False, f"They go to {facts.webhook_url}, not to {facts.our_webhook_url}.")
    missing = [name for name in WEBHOOK_FIELDS if name not in (facts.webhook_fields or ())]
    if missing or not facts.webhook_active:
        return Answer(False, f"Missing: {', '.join(missing) or 'they are switched off'}.")
    return Answer(True, "Active, to this gateway, with all fields.")


def _infobip_hook(facts: Facts) -> Answer:
    if facts.hooks is None:
        return _seen_hook(facts)
    missing = not_taken(facts.hooks)
    if missing:
        return Answer(False, f"Not to this gateway, or not offered: {', '.join(missing)}.")
    return Answer(True, "All are subscribed, to this gateway.")


def _seen_hook(facts: Facts) -> Answer:
    at = facts.registration_webhook_at
    if at is None:
        return Answer(None, "No registration webhook has arrived yet, so it is not proven.")
    return Answer(True, f"The last one arrived on {at:%Y-%m-%d %H:%M} UTC.")


def _infobip_key(facts: Facts) -> Answer:
    return Answer(facts.infobip_answers, "Infobip answers to the key.")


def _version(facts: Facts) -> Answer:
    version, today = facts.graph_version, facts.now.date()
    if version not in facts.graph_versions:
        return Answer(None, f"{version} is in no table of Meta's that waboard has.")
    ends = facts.graph_versions[version]
    if ends is None:
        return Answer(True, f"{version} has no announced end.")
    if ends <= today:
        return Answer(False, f"{version} ended on {ends}: Meta serves another in its place.")
    return Answer(ends - today > SOON, f"{version} ends on {ends}.")


def _token(facts: Facts) -> Answer:
    if not facts.token_is_valid:
        return Answer(False, "The system user's token is not valid.")
    if facts.token_ends_at is None:
        return Answer(True, "The system user's token never ends.")
    ends = f"The system user's token ends on {facts.token_ends_at:%Y-%m-%d}."
    return Answer(facts.token_ends_at - facts.now > SOON, ends)


def _client_tokens(facts: Facts) -> Answer:
    ending, days = facts.client_tokens_ending, CLIENT_TOKEN_SOON.days
    if not ending:
        return Answer(True, f"No client's token ends within {days} days.")
    said = f"{ending} clients' tokens end within {days} days, or have ended. The partner solution"
    others = "the others need a link with which they connect again."
    return Answer(False, f"{said} issues them anew where it may; {others}")


def _https(facts: Facts) -> Answer:
    said = f"Clients and webhooks reach us at {facts.public_url}."
    return Answer(facts.public_url.startswith("https://"), said)


_APPS = "https://developers.facebook.com/apps"
_BUSINESS = "https://business.facebook.com/settings"

ITEMS: tuple[Item, ...] = (
    Item("portfolio", "Business portfolio", _BUSINESS, "minutes", judge=_portfolio),
    Item("developer", "Registered as a Meta developer", _APPS, "minutes"),
    Item(
        "app-details", "App details", f"{_APPS} > App settings > Basic", "an hour", judge=_details
    ),
    Item("whatsapp", "WhatsApp product added to the app", f"{_APPS} > Add product", "minutes"),
    Item(
        "business-verification",
        "Business verification",
        f"{_BUSINESS} > Security center",
        "days to weeks",
        Party.META,
        _verified,
    ),
    Item(
        "app-review",
        "App review: both permissions with advanced access",
        f"{_APPS} > App review > Permissions and features",
        "one to five working days",
        Party.META,
        _review,
    ),
    Item(
        "access-verification",
        "Access verification as a tech provider",
        f"{_APPS} > App settings > Basic > Verifications",
        "about five days",
        Party.META,
        needed=False,  # Meta contradicts itself on whether it still is
    ),
    Item(
        "solution",
        "Partner solution",
        f"{_APPS} > WhatsApp > Partner solutions",
        "hours to days",
        Party.INFOBIP,
        _solution,
    ),
    Item(
        "partner",
        "Infobip sends the messages in the solution",
        f"{_APPS} > WhatsApp > Partner solutions",
        "hours to days",
        Party.INFOBIP,
        _partner,
    ),
    Item(
        "login-configuration",
        "Facebook Login for Business: configuration id",
        f"{_APPS} > Facebook Login for Business > Configurations",
        "minutes",
        judge=_login,
    ),
    Item(
        "login-contents",
        "The configuration is for WhatsApp Embedded Signup v4: Cloud API ticked, both permissions",
        f"{_APPS} > Facebook Login for Business > Configurations",
        "minutes",
    ),
    Item(
        "oauth",
        "Client OAuth settings all on, the page's domain in both lists",
        f"{_APPS} > Facebook Login for Business > Settings",
        "minutes",
    ),
    Item("https", "Public address with https", "WABOARD_PUBLIC_URL", "an hour", judge=_https),
    Item(
        "meta-webhooks",
        "Meta's webhooks",
        f"{_APPS} > WhatsApp > Configuration",
        "minutes",
        judge=_webhooks,
    ),
    Item(
        "infobip-webhooks",
        "Infobip's webhooks",
        "`waboard deploy --webhooks`; where the account has no Subscriptions API, your Infobip "
        "account manager sets the URL: docs/http.md",
        "a day",
        Party.INFOBIP,
        _infobip_hook,
        needed=False,  # without it registrations are found by looking, only later
    ),
    Item(
        "infobip-key",
        "Infobip's API key",
        "https://portal.infobip.com > Developer tools > API keys",
        "minutes",
        judge=_infobip_key,
    ),
    Item(
        "infobip-scopes",
        "The key has all scopes that docs/infobip.md lists",
        "https://portal.infobip.com > Developer tools > API keys",
        "minutes",
    ),
    Item(
        "graph-version",
        "Version of the Graph API",
        "WABOARD_META_GRAPH_VERSION",
        "minutes",
        judge=_version,
    ),
    Item(
        "system-token",
        "System user's token",
        f"{_BUSINESS} > Users > System users",
        "minutes",
        judge=_token,
    ),
    Item(
        "client-tokens",
        "Clients' tokens",
        "`waboard reconnect CLIENT_REF --why …` for those that cannot be issued anew",
        "minutes each",
        judge=_client_tokens,
        needed=False,
    ),
    Item("live-mode", "The app is in live mode", f"{_APPS} > the switch at the top", "at once"),
    Item(
        "data-use",
        "Data use checkup of this year",
        f"{_APPS} > Alerts",
        "minutes",
        needed=False,
        asked_again=timedelta(days=365),
    ),
)
"""Every item, in order."""
