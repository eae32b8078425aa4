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
  // Gradio would say so in English and for a moment, while the page waits for the photo.
  const refuse = (event) => {
    const most = window.gradio_config?.max_file_size, field = event.target.type === "file" ? event.target : null;
    if (![...((event.dataTransfer || field)?.files || [])].some((file) => file.size > most)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (field) field.value = "";
    say("The request is larger than the " + Math.floor(most / 2 ** 20) + " MiB allowed.");
  };
  for (const kind of ["change", "drop"]) addEventListener(kind, refuse, true);
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
