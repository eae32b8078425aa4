(() => {
  const wanted = () => localStorage.getItem("lx-theme");
  const apply = () => { if (wanted() && document.body) document.body.classList.toggle("dark", wanted() === "dark"); };
  window.lxSwitchTheme = () => {
    const dark = !document.body.classList.contains("dark");
    localStorage.setItem("lx-theme", dark ? "dark" : "light");
    apply();
  };
  // The tabs report their first selection before the server has read the address; it must not be overwritten by it.
  let greeted = false;
  window.lxGreeted = () => {
    greeted = true;
    const language = document.querySelector(".lx-language select");
    if (language) language.value = window.lxLanguage || "en";
  };
  window.lxAddress = (changes) => {
    if (!greeted) return;
    const address = new URL(location.href);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") address.searchParams.delete(key);
      else address.searchParams.set(key, value);
    }
    history.replaceState(history.state, "", address);
  };
  // The frame sets its own class when it starts; the visitor's choice is put back after it.
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    new MutationObserver((_, watcher) => {
      apply();
      if (document.querySelector(".lx-header")) setTimeout(() => { apply(); watcher.disconnect(); }, 500);
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
