"""What must hold of every row is kept by the database itself.

Links and tokens of clients that nobody had written down get their client, and waits that outlived
their onboarding are closed. Anything else that breaks a rule is a person's to settle: it is named,
and nothing is changed.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CHECKS = {
    "additions": {
        "ended": (
            "(ended_at IS NOT NULL) = (state IN ('submitted', 'refused', 'timed-out', 'cancelled'))"
        ),
        "phone_number": "phone_number <> '' AND ltrim(phone_number, '0123456789') = ''",
        "state": (
            "state IN ('asked', 'code-awaited', 'submitted', 'refused', 'timed-out', 'cancelled')"
        ),
    },
    "business_tokens": {
        "portfolio_id": (
            "portfolio_id IS NULL OR (portfolio_id <> '' AND ltrim(portfolio_id, "
            "'0123456789') = '')"
        ),
        "sealed": "sealed <> ''",
    },
    "clients": {
        "client_ref": "client_ref <> ''",
        "name": "name <> ''",
    },
    "condition_changes": {
        "reason": "reason <> ''",
        "status": "status IN ('True', 'False', 'Unknown')",
        "status_before": "status_before IS NULL OR (status_before IN ('True', 'False', 'Unknown'))",
        "subject": "ltrim(subject, '0123456789') = ''",
        "type": (
            "type IN ('SolutionUsable', 'Admitted', 'Connected', 'Shared', 'Registered', "
            "'Owned', 'Associated', 'TemplateReady', 'Receives', 'Verified', 'Usable', "
            "'Healthy', 'NameApproved', 'Notified', 'Released', 'Deregistered', 'Unshared', "
            "'PartnerRemoved')"
        ),
    },
    "conditions": {
        "reason": "reason <> ''",
        "status": "status IN ('True', 'False', 'Unknown')",
        "subject": "ltrim(subject, '0123456789') = ''",
        "type": (
            "type IN ('SolutionUsable', 'Admitted', 'Connected', 'Shared', 'Registered', "
            "'Owned', 'Associated', 'TemplateReady', 'Receives', 'Verified', 'Usable', "
            "'Healthy', 'NameApproved', 'Notified', 'Released', 'Deregistered', 'Unshared', "
            "'PartnerRemoved')"
        ),
    },
    "confirmations": {
        "item": "item <> ''",
        "who": "who <> ''",
    },
    "decisions": {
        "by": "by <> ''",
        "phone_number": "ltrim(phone_number, '0123456789') = ''",
        "verb": (
            "verb IN ('retry', 'cancel', 'offboard', 'approve', 'refuse', 'done', "
            "'reconnect', 'assign', 'again')"
        ),
        "why": "why <> ''",
    },
    "departures": {
        "by": "by <> ''",
        "ended": (
            "(ended_at IS NOT NULL) = (state IN ('done', 'failed', 'refused', 'timed-out', "
            "'cancelled'))"
        ),
        "state": (
            "state IN ('approval-awaited', 'leaving', 'done', 'failed', 'refused', "
            "'timed-out', 'cancelled')"
        ),
        "why": "why <> ''",
    },
    "effects": {
        "attempt": "attempt >= 1",
        "confirmed": "confirmed_at IS NULL OR status = 'done'",
        "ended": "(ended_at IS NULL) = (status = 'started')",
        "status": "status IN ('started', 'done', 'refused', 'failed', 'ambiguous')",
        "verb": (
            "verb IN ('subscribe', 'unsubscribe', 'share', 'create-application', "
            "'create-entity', 'delete-entity', 'associate', 'dissociate', 'create-template', "
            "'send-test-message', 'add-sender', 'resend-code', 'submit-code', "
            "'change-profile', 'notify-operator', 'notify-provider', 'remind-operator')"
        ),
    },
    "events": {
        "applied": (
            "disposition <> 'applied' OR onboarding_id IS NOT NULL OR kind IN ('template', "
            "'meta', 'signup') OR digest LIKE 'replayed %'"
        ),
        "disposition": "disposition IN ('parked', 'applied', 'stale', 'unsupported', 'invalid')",
        "kind": (
            "kind IN ('registration', 'delivery', 'seen', 'inbound', 'template', 'account', "
            "'quality', 'meta', 'signup', 'unread')"
        ),
        "times_received": "times_received >= 1",
    },
    "onboardings": {
        "application_id": "application_id <> ''",
        "attempt": "attempt >= 1",
        "ended_as": (
            "ended_as IS NULL OR (ended_as IN ('Live', 'LiveLimited', 'SolutionNotUsable', "
            "'NoSlot', 'ShareRefused', 'RegistrationFailed', 'RegistrationTimedOut', "
            "'AwaitingUpstream', 'AssociationFailed', 'VerificationFailed', 'SendersLost', "
            "'Cancelled', 'Offboarded'))"
        ),
        "entity_id": "entity_id <> ''",
        "leaving": "leaving_at IS NULL OR ended_at IS NOT NULL",
        "left": "left_at IS NULL OR leaving_at IS NOT NULL",
        "leg": "leg IS NULL OR flow_run_id IS NOT NULL",
        "solution_id": (
            "solution_id IS NULL OR (solution_id <> '' AND ltrim(solution_id, '0123456789') = '')"
        ),
        "verify_by": "verify_by IN ('template', 'inbound', 'both')",
        "waba_id": "waba_id <> '' AND ltrim(waba_id, '0123456789') = ''",
    },
    "outbox": {
        "attempt": "attempt >= 1",
        "state": "state IN ('pending', 'delivered', 'given-up', 'dropped')",
        "tries": "tries >= 0",
        "type": "type <> ''",
        "waba_id": "waba_id <> '' AND ltrim(waba_id, '0123456789') = ''",
    },
    "rate_limits": {
        "bucket": "bucket <> ''",
        "held_until": "held_until >= 0",
        "next_at": "next_at >= 0",
    },
    "receivers": {
        "failures": "failures >= 0",
    },
    "sender_names": {
        "name": "name <> ''",
    },
    "senders": {
        "adopted": "entity_id IS NULL OR application_id IS NOT NULL",
        "listed": "(is_listed IS NULL) = (listed_at IS NULL)",
        "phone_number": "phone_number <> '' AND ltrim(phone_number, '0123456789') = ''",
        "phone_number_id": (
            "phone_number_id IS NULL OR (phone_number_id <> '' AND ltrim(phone_number_id, "
            "'0123456789') = '')"
        ),
    },
    "signups": {
        "code_state": "code_state IS NULL OR (code_state IN ('exchanged', 'refused'))",
        "ending": (
            "ending IS NULL OR (ending IN ('finished', 'abandoned', 'error-reported', "
            "'unknown', 'expired'))"
        ),
        "portfolio_id": (
            "portfolio_id IS NULL OR (portfolio_id <> '' AND ltrim(portfolio_id, "
            "'0123456789') = '')"
        ),
        "waba_id": "waba_id IS NULL OR (waba_id <> '' AND ltrim(waba_id, '0123456789') = '')",
    },
    "waits": {
        "flow_run_id": "flow_run_id <> ''",
        "kind": "kind IN ('solution', 'slot', 'registration', 'template', 'delivery', 'inbound')",
        "pause_key": "pause_key <> ''",
    },
}
"""Of each table, what is asked of a row."""
UNIQUE = {
    "uq_onboardings_waba_id_here": ("onboardings", "waba_id", "left_at IS NULL"),
    "uq_onboardings_client_id_here": ("onboardings", "client_id", "left_at IS NULL"),
    "uq_onboardings_flow_run_id_run": ("onboardings", "flow_run_id", "flow_run_id IS NOT NULL"),
    "uq_effects_external_id_message": ("effects", "external_id", "verb = 'send-test-message'"),
    "uq_additions_pause_key_sleep": ("additions", "pause_key", "pause_key IS NOT NULL"),
    "uq_departures_pause_key_sleep": ("departures", "pause_key", "pause_key IS NOT NULL"),
}
"""What only one row may have, of all rows of which that is true."""
UNFINISHED = "uq_onboardings_waba_id_unfinished"
OF_CLIENT = ("signups", "business_tokens")
KEEPS = {"outbox": {"sqlite_autoincrement": True}}
"""What is lost of a table that SQLite makes anew, unless it is said again."""

ENDS_AWAKE = "onboardings_end_awake"
"""An onboarding that has ended does not sleep: asked when it ends, and when it falls asleep."""
ASLEEP = """
    SELECT 1 FROM waits JOIN onboardings ON onboardings.id = waits.onboarding_id
    WHERE waits.closed_at IS NULL AND onboardings.ended_at IS NOT NULL
"""
ASKED = (
    ("onboardings", "id", "ended_at", "NEW.ended_at IS NOT NULL"),
    ("waits", "onboarding_id", "closed_at", "NEW.closed_at IS NULL"),
)


def upgrade() -> None:
    _mend()
    _refuse_what_is_broken()
    op.drop_index(UNFINISHED, "onboardings")
    for name, rules in CHECKS.items():
        with op.batch_alter_table(name, table_kwargs=KEEPS.get(name, {})) as table:
            for rule, condition in rules.items():
                table.create_check_constraint(op.f(f"ck_{name}_{rule}"), condition)
            if name in OF_CLIENT:
                of = op.f(f"fk_{name}_client_ref")
                table.create_foreign_key(of, "clients", ["client_ref"], ["client_ref"])
            if name == "waits":
                table.create_unique_constraint(op.f("uq_waits_pause_key"), ["pause_key"])
    for name, (table_name, column, which) in UNIQUE.items():
        _create_unique(name, table_name, column, which)
    for statement in _triggers():
        op.execute(statement)


def _mend() -> None:
    for name in OF_CLIENT:
        op.execute(
            "INSERT INTO clients (client_ref, name, created_at) "  # noqa: S608 - a constant
            f"SELECT client_ref, client_ref, CURRENT_TIMESTAMP FROM {name} "
            "WHERE client_ref NOT IN (SELECT client_ref FROM clients) GROUP BY client_ref"
        )
    op.execute(
        "UPDATE waits SET closed_at = (SELECT ended_at FROM onboardings "
        "WHERE onboardings.id = waits.onboarding_id) WHERE closed_at IS NULL AND onboarding_id IN "
        "(SELECT id FROM onboardings WHERE ended_at IS NOT NULL)"
    )


def _refuse_what_is_broken() -> None:
    broken = [f"{count} of {name}" for name, count in _broken() if count]
    if broken:
        raise ValueError(
            "The ledger holds rows that break what must hold of them; nothing was changed. "
            f"Settle these by hand, and start again: {'; '.join(broken)}. "
            "docs/operating.md says how to find them."
        )


def _broken() -> Iterator[tuple[str, int]]:
    bind = op.get_bind()
    for name, rules in CHECKS.items():
        for rule, condition in rules.items():
            found = f"SELECT COUNT(*) FROM {name} WHERE NOT ({condition})"  # noqa: S608
            yield f"ck_{name}_{rule}", bind.scalar(sa.text(found)) or 0
    once = UNIQUE | {"uq_waits_pause_key": ("waits", "pause_key", "pause_key IS NOT NULL")}
    for name, (table_name, column, which) in once.items():
        values = f"SELECT {column} FROM {table_name} WHERE {which}"  # noqa: S608
        twice = f"{values} GROUP BY {column} HAVING COUNT(*) > 1"
        yield name, bind.scalar(sa.text(f"SELECT COUNT(*) FROM ({twice}) AS twice")) or 0  # noqa: S608


def _create_unique(name: str, table_name: str, column: str, which: str) -> None:
    where = sa.text(which)
    op.create_index(
        name, table_name, [column], unique=True, sqlite_where=where, postgresql_where=where
    )


def _triggers() -> Iterator[str]:
    if op.get_bind().dialect.name == "sqlite":
        for name, key, changed, when in ASKED:
            for event in ("INSERT", f"UPDATE OF {changed}"):
                trigger = f"{ENDS_AWAKE}_{name}_{event[:6].lower()}"
                yield (
                    f"CREATE TRIGGER {trigger} AFTER {event} ON {name} "
                    f"WHEN {when} AND EXISTS ({ASLEEP} AND onboardings.id = NEW.{key}) "
                    f"BEGIN SELECT RAISE(ABORT, '{ENDS_AWAKE}'); END"
                )
        return
    for name, key, changed, when in ASKED:
        yield (
            f"CREATE FUNCTION {ENDS_AWAKE}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF EXISTS ({ASLEEP} AND onboardings.id = NEW.{key}) THEN RAISE EXCEPTION "
            f"'{ENDS_AWAKE}' USING ERRCODE = 'check_violation', CONSTRAINT = '{ENDS_AWAKE}'; "
            "END IF; RETURN NULL; END $$"
        )
        yield (
            f"CREATE TRIGGER {ENDS_AWAKE} AFTER INSERT OR UPDATE OF {changed} ON {name} "
            f"FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {ENDS_AWAKE}_{name}()"
        )


def downgrade() -> None:
    _drop_triggers()
    for name, (table_name, _, _) in UNIQUE.items():
        op.drop_index(name, table_name)
    for name in CHECKS:
        _drop_rules(name)
    _create_unique(UNFINISHED, "onboardings", "waba_id", "ended_at IS NULL")


def _drop_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, _, _, _ in ASKED:
            for event in ("insert", "update"):
                op.execute(f"DROP TRIGGER {ENDS_AWAKE}_{name}_{event}")
        return
    for name, _, _, _ in ASKED:
        op.execute(f"DROP TRIGGER {ENDS_AWAKE} ON {name}")
        op.execute(f"DROP FUNCTION {ENDS_AWAKE}_{name}()")


def _drop_rules(name: str) -> None:
    with op.batch_alter_table(name, table_kwargs=KEEPS.get(name, {})) as table:
        for rule in CHECKS[name]:
            table.drop_constraint(op.f(f"ck_{name}_{rule}"), type_="check")
        if name in OF_CLIENT:
            table.drop_constraint(op.f(f"fk_{name}_client_ref"), type_="foreignkey")
        if name == "waits":
            table.drop_constraint(op.f("uq_waits_pause_key"), type_="unique")
