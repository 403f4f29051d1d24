// Stands in for Meta's SDK: FB.init and FB.login, with a window that this sandbox serves.
"use strict";

(() => {
  const home = new URL(document.currentScript.src).origin;
  let options = {};

  function login(callback, asked) {
    const query = new URLSearchParams({
      app_id: options.appId || "",
      config_id: asked.config_id || "",
      version: options.version || "",
      extras: JSON.stringify(asked.extras || {}),
    });
    const popup = window.open(`${home}/facebook/dialog?${query}`, "facebook", "popup,width=520,height=680");
    let answered = false;
    function answer(authResponse) {
      if (answered) return;
      answered = true;
      window.removeEventListener("message", hear);
      callback({ authResponse, status: authResponse ? "connected" : "unknown" });
    }
    function hear(event) {
      const code = event.origin === home && event.data && event.data.sandboxCode;
      if (code) answer({ code, userID: null, expiresIn: null });
    }
    window.addEventListener("message", hear);
    const watching = setInterval(() => {
      if (popup && !popup.closed) return;
      clearInterval(watching);
      answer(null);
    }, 200);
  }

  window.FB = { init: (given) => { options = given; }, login };
  if (window.fbAsyncInit) window.fbAsyncInit();
})();
