// Plays the endings of Meta's signup window.
"use strict";

(() => {
  const opener = window.opener;
  const PAUSE = 150;

  const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE));
  const message = (text) => opener && opener.postMessage(text, "*");
  const code = (text) => opener && opener.postMessage({ sandboxCode: text }, "*");

  async function finished(event = "FINISH") {
    const waba = document.getElementById("waba").value.trim();
    const body = { event, ...(waba ? { waba_id: waba } : {}) };
    const answer = await fetch("/facebook/finish", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.json();
  }

  function left(data) {
    message(JSON.stringify({ type: "WA_EMBEDDED_SIGNUP", event: "CANCEL", data }));
  }

  async function inOrder(event, first, second) {
    const done = await finished(event);
    const say = { message: () => message(done.message), code: () => code(done.code) };
    for (const each of [first, second]) {
      if (each) say[each]();
      await pause();
    }
  }

  const endings = {
    finish: () => inOrder("FINISH", "message", "code"),
    "finish-only-waba": () => inOrder("FINISH_ONLY_WABA", "message", "code"),
    "finish-coexistence": () => inOrder("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", "message", "code"),
    "code-first": () => inOrder("FINISH", "code", "message"),
    "message-never": () => inOrder("FINISH", "code"),
    "code-never": () => inOrder("FINISH", "message"),
    neither: () => inOrder("FINISH"),
    cancel: () => left({ current_step: "PHONE_NUMBER_SETUP" }),
    error: () => left({
      error_message: "Number is already registered",
      error_code: "3441030",
      session_id: "sandbox-session",
      timestamp: "1700000000",
    }),
    close: () => undefined,
  };

  for (const [id, play] of Object.entries(endings)) {
    document.getElementById(id).addEventListener("click", async () => {
      await play();
      await pause();
      window.close();
    });
  }
  // Only now does a click do anything: until here, nobody could have made one.
  document.querySelector("fieldset").disabled = false;
})();
