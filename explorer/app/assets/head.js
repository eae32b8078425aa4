(() => {
  const wanted = () => localStorage.getItem("lx-theme");
  const apply = () => { if (wanted() && document.body) document.body.classList.toggle("dark", wanted() === "dark"); };
  window.lxSwitchTheme = () => {
    const dark = !document.body.classList.contains("dark");
    localStorage.setItem("lx-theme", dark ? "dark" : "light");
    apply();
  };
  // The tabs report their first selection before the server has read the address, and must not overwrite it.
  let greeted = false, session = "", here = location.search;
  window.lxGreeted = (token) => {
    greeted = true;
    session = token;
    const language = document.querySelector(".lx-language select");
    if (language) language.value = window.lxLanguage || "en";
    return token;
  };
  // A reloaded page finds its photo again. The token is in the tab's storage only between the two loads, so that a copy
  // of the tab does not share the photo.
  window.lxKept = () => {
    const kept = sessionStorage.getItem("lx-session") || "";
    sessionStorage.removeItem("lx-session");
    return kept;
  };
  addEventListener("pagehide", () => { if (session) sessionStorage.setItem("lx-session", session); });
  addEventListener("pageshow", (event) => { if (event.persisted) sessionStorage.removeItem("lx-session"); });
  // A list reached with the Tab key stays closed until an arrow key or a letter opens it.
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
  // Each selected tab is an entry of the browser's history; the rest of the address stays as it is.
  window.lxTabbed = (tab) => {
    if (!greeted) return;
    const address = new URL(location.href), before = address.searchParams.get("tab") || "restore";
    if (tab === before) return;
    address.searchParams.set("tab", tab);
    history.pushState(null, "", address);
    here = address.search;
  };
  // Observed on the page itself, because a busy page can miss a tab's event.
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
  // The finishing steps, kept in the address. If the page starts with some, their section opens, so that they are
  // visible.
  let begun = false;
  window.lxSteps = (steps) => {
    window.lxAddress(steps);
    if (!begun && Object.values(steps).some(Boolean)) document.querySelector("#lx-finish > button:not(.open)")?.click();
    begun = true;
  };
  // Plots download as SVG.
  let plotly;
  Object.defineProperty(window, "Plotly", {
    get: () => plotly,
    set(library) { plotly = library; library.setPlotConfig({ displaylogo: false, toImageButtonOptions: { format: "svg", filename: "plot" } }); },
  });
  // The frame sets its own class when it starts; this restores the visitor's choice.
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    new MutationObserver((_, watcher) => {
      apply();
      if (document.querySelector(".lx-header")) setTimeout(() => { apply(); watcher.disconnect(); }, 500);
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
