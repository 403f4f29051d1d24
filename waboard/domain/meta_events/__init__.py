"""What Meta's webhooks say of a client's WABA, its numbers and our partner solution.

`wire` reads a change, `meanings` says what it means, `words` when it was said. One module for each
thing that it can change: `connection`, `review`, `names`, `template`, `limits`, `notices`.

Meta promises no order and no event id. So an event is identified by its content and time, and what
holds is what the latest says by Meta's clock. Ours says only when we read it.
Source: WA/webhooks/overview, WH/account_update (2026-04-20) and the other pages of WH.
"""
