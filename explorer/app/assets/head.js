(() => {
  const wanted = () => localStorage.getItem("lx-theme");
  const apply = () => { if (wanted() && document.body) document.body.classList.toggle("dark", wanted() === "dark"); };
  window.lxSwitchTheme = () => {
    const dark = !document.body.classList.contains("dark");
    localStorage.setItem("lx-theme", dark ? "dark" : "light");
    apply();
  };
  // The tabs report their first selection before the server has read the address; it must not be overwritten by it.
  let greeted = false, session = "", here = location.search;
  window.lxGreeted = (token) => {
    greeted = true;
    session = token;
    const language = document.querySelector(".lx-language select");
    if (language) language.value = window.lxLanguage || "en";
    return token;
  };
  // A page that is reloaded finds its photo again. The token lies in the tab's storage only between the two loads, so
  // that a copy of the tab does not share the photo with it.
  window.lxKept = () => {
    const kept = sessionStorage.getItem("lx-session") || "";
    sessionStorage.removeItem("lx-session");
    return kept;
  };
  addEventListener("pagehide", () => { if (session) sessionStorage.setItem("lx-session", session); });
  addEventListener("pageshow", (event) => { if (event.persisted) sessionStorage.removeItem("lx-session"); });
  // A list that is reached by the Tab key stays closed until an arrow or a letter opens it.
  let tabbed = false;
  addEventListener("keydown", (event) => { tabbed = event.key === "Tab"; }, true);
  addEventListener("pointerdown", () => { tabbed = false; }, true);
  addEventListener("focus", (event) => {
    if (tabbed && event.target.matches?.("input[role=combobox], input[role=listbox]")) event.stopImmediatePropagation();
  }, true);
  window.lxTab = () => document.querySelector("#lx-tabs [role=tab][aria-selected=true]")?.dataset.tabId || "";
  window.lxPick = (on) => { document.dispatchEvent(new CustomEvent("lx-pick", { detail: on })); };
  window.lxLive = (change) => { document.dispatchEvent(new CustomEvent("lx-live", { detail: change })); };
  window.lxAddress = (changes) => {
    if (!greeted) return;
    const address = new URL(location.href);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") address.searchParams.delete(key);
      else address.searchParams.set(key, value);
    }
    history.replaceState(history.state, "", address);
    here = address.search;
  };
  // Each tab that is chosen is a page to go back to; what else the address holds stays as it is now.
  window.lxTabbed = (tab) => {
    if (!greeted) return;
    const address = new URL(location.href), before = address.searchParams.get("tab") || "restore";
    if (tab === before) return;
    address.searchParams.set("tab", tab);
    history.pushState(null, "", address);
    here = address.search;
  };
  // Seen on the page itself: a busy page can leave out the event of a tab.
  new MutationObserver(() => { const tab = window.lxTab(); if (tab) window.lxTabbed(tab); })
    .observe(document, { attributes: true, attributeFilter: ["aria-selected"], subtree: true });
  addEventListener("popstate", () => {
    const address = new URL(location.href), tab = address.searchParams.get("tab") || "restore";
    address.search = here;
    address.searchParams.set("tab", tab);
    history.replaceState(null, "", address);
    here = address.search;
    document.querySelector(`#lx-tabs [role=tab][data-tab-id="${CSS.escape(tab)}"]`)?.click();
  });
  // The steps after the network, kept in the address. Those that the page began with must be seen: they are folded away.
  let begun = false;
  window.lxSteps = (steps) => {
    window.lxAddress(steps);
    if (!begun && Object.values(steps).some(Boolean)) document.querySelector("#lx-finish > button:not(.open)")?.click();
    begun = true;
  };
  // Plots are taken along as drawings.
  let plotly;
  Object.defineProperty(window, "Plotly", {
    get: () => plotly,
    set(library) { plotly = library; library.setPlotConfig({ displaylogo: false, toImageButtonOptions: { format: "svg", filename: "plot" } }); },
  });
  // The frame sets its own class when it starts; the visitor's choice is put back after it.
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    new MutationObserver((_, watcher) => {
      apply();
      if (document.querySelector(".lx-header")) setTimeout(() => { apply(); watcher.disconnect(); }, 500);
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
