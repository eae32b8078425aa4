// Several files dropped at once go to the server one by one: each may be as large as a single upload, and the server
// holds one at a time. Refusals appear in the page's message area.
(() => {
  const fetch = window.fetch;
  function say(sentence) {
    document.querySelectorAll("#lx-message .lx-refused").forEach((each) => each.remove());
    if (!sentence) return;
    const said = document.createElement("div");
    said.className = "lx-problem lx-refused";
    said.setAttribute("role", "alert");
    said.textContent = sentence;
    document.querySelector("#lx-message")?.append(said);
  }
  window.fetch = async (address, options) => {
    const files = options?.body instanceof FormData ? options.body.getAll("files") : [];
    if (!files.length || !/\/upload(\?|$)/.test(String(address))) return fetch(address, options);
    say("");
    const paths = [];
    for (const file of files) {
      const body = new FormData();
      body.append("files", file);
      const answer = await fetch(address, { ...options, body: files.length < 2 ? options.body : body });
      if (!answer.ok) {
        const refused = await answer.clone().json().catch(() => ({}));
        say(refused.detail || answer.statusText);
      }
      if (!answer.ok || files.length < 2) return answer;
      paths.push(...(await answer.json()));
    }
    return new Response(JSON.stringify(paths), { headers: { "Content-Type": "application/json" } });
  };
})();
