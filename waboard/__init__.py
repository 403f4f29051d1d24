"""waboard: from "signed up" to "messages really arrive", through Infobip, and kept there."""
