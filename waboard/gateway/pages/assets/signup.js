// The signup page: opens Meta's window, passes on what it hears, and shows how far things are.
//
// Two signals come back, in either order, and either may be missing: the callback's code, which
// lives for 30 seconds, and a window message with the ids. Each is sent the moment it is heard; the
// server puts them together. Source: developers.facebook.com, Embedded Signup > Implementation.
"use strict";

(() => {
  const options = JSON.parse(document.getElementById("options").textContent);
  const texts = options.texts;
  const here = location.pathname.replace(/\/$/, "");
  const start = document.getElementById("start");
  const button = document.getElementById("connect");
  const notice = document.getElementById("notice");
  const lists = { steps: document.getElementById("steps"), numbers: document.getElementById("numbers") };
  const moving = new Set(["finishing", "queued", "working"]);
  const POLL = 2000;
  const TRIES = 5;
  let polling = 0;
  let ours = ""; // what this page itself has to say outweighs how the onboarding stands

  function say(name, bad = false) {
    notice.textContent = texts[name] || "";
    notice.classList.toggle("bad", bad);
  }

  function item(text, state) {
    const li = document.createElement("li");
    li.className = state;
    li.textContent = text;
    const spoken = document.createElement("span");
    spoken.className = "visually-hidden";
    spoken.textContent = ` (${texts[`state_${state}`]})`;
    li.append(spoken);
    return li;
  }

  function fill(list, items) {
    list.replaceChildren(...items);
    list.hidden = items.length === 0;
  }

  function show(progress) {
    document.body.dataset.state = progress.state;
    start.hidden = progress.state !== "ready";
    button.disabled = false;
    if (ours) say(ours, true);
    else say(progress.why === "ready" ? "" : `why_${progress.why}`, ["stopped", "closed"].includes(progress.state));
    if (progress.until) {
      const when = new Date(progress.until).toLocaleString(options.language, { dateStyle: "medium", timeStyle: "short" });
      notice.textContent += ` ${texts.until} ${when}`;
    }
    fill(lists.steps, progress.steps.map((step) => item(texts[`step_${step.name}`], step.state)));
    fill(lists.numbers, progress.numbers.map(numberItem));
    clearTimeout(polling);
    if (moving.has(progress.state)) polling = setTimeout(look, POLL);
  }

  function numberItem(number) {
    const li = item(`${texts.number} ${number.label}`, number.state);
    if (!number.write_to) return li;
    const link = document.createElement("a");
    link.href = number.write_to;
    link.textContent = texts.write_link;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    const code = document.createElement("img");
    code.src = number.qr;
    code.alt = texts.write_code;
    li.append(document.createElement("br"), link, code);
    return li;
  }

  async function look() {
    try {
      const answer = await fetch(`${here}/progress`, { cache: "no-store" });
      if (answer.ok) return show(await answer.json());
    } catch { /* the network is away: look again */ }
    polling = setTimeout(look, POLL);
  }

  // Each signal is sent by itself, at once, and again while the network is away.
  async function send(heard) {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      try {
        const answer = await fetch(`${here}/result`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(heard),
          keepalive: true,
        });
        if (answer.ok) return show(await answer.json());
        if (answer.status < 500) return refused(answer.status);
      } catch { /* try again */ }
      await new Promise((resolve) => setTimeout(resolve, attempt * 500));
    }
    say("why_offline", true);
    button.disabled = false;
  }

  function refused(status) {
    if (status === 410) return look(); // the server says why
    ours = { 404: "why_unknown", 409: "why_differs" }[status] || "why_problem";
    say(ours, true);
    start.hidden = true;
    return undefined;
  }

  // Only Meta's own window is believed: the parsed host is compared, since a text comparison would
  // take look-alike hosts as well.
  function isMeta(origin) {
    try {
      const given = new URL(origin);
      const meta = new URL(options.origin);
      const sameHost = given.hostname === meta.hostname || given.hostname.endsWith(`.${meta.hostname}`);
      return sameHost && given.protocol === meta.protocol && given.port === meta.port;
    } catch {
      return false;
    }
  }

  function onMessage(event) {
    if (!isMeta(event.origin) || typeof event.data !== "string") return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return; // Meta's own SDK sends others, which are no JSON
    }
    if (!message || message.type !== "WA_EMBEDDED_SIGNUP" || !message.event) return;
    button.disabled = true;
    send({ message });
  }

  function onLogin(answer) {
    const code = answer && answer.authResponse && answer.authResponse.code;
    if (code) {
      button.disabled = true;
      send({ code });
    } else if (document.body.dataset.state === "ready") {
      button.disabled = false;
      if (!notice.textContent) say("why_abandoned");
    }
  }

  function blocked() {
    ours = "why_blocked";
    say(ours, true);
  }

  function connect() {
    if (!window.FB) return blocked();
    button.disabled = true;
    ours = "";
    say("");
    window.FB.login(onLogin, {
      config_id: options.config_id,
      response_type: "code",
      override_default_response_type: true,
      extras: options.extras,
    });
    return undefined;
  }

  function loadSdk() {
    window.fbAsyncInit = () => {
      window.FB.init({ appId: options.app_id, autoLogAppEvents: true, xfbml: true, version: options.version });
      document.body.dataset.sdk = "ready";
    };
    const script = document.createElement("script");
    script.async = true;
    script.defer = true;
    script.crossOrigin = "anonymous";
    script.src = options.sdk;
    script.onerror = blocked;
    document.head.append(script);
  }

  window.addEventListener("message", onMessage);
  button.addEventListener("click", connect);
  show(options.progress);
  if (options.progress.state === "ready") {
    loadSdk();
    send({ opened: true });
  }
})();
