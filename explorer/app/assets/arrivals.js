// A photo that is dropped anywhere on the page, or pasted, opens like one dropped on the upload. The previous picture
// and error disappear at once.
(() => {
  const box = () => document.querySelector("#lx-upload");
  const input = () => document.querySelector("#lx-upload input[type=file]");
  const ours = (event) => event.dataTransfer?.types.includes("Files") && !event.target.closest?.("[aria-dropeffect]");
  let waiting = 0;
  function leave() {
    const seen = document.querySelector("#lx-viewer [data-revision]")?.dataset.revision;
    document.body.classList.add("lx-opening");
    const over = () => document.querySelector("#lx-viewer [data-revision]")?.dataset.revision !== seen || said;
    const alert = () => document.querySelector("#lx-message [role=alert]");
    let said = false, before = alert();
    const watcher = new MutationObserver(() => {
      const now = alert();
      said = now !== null && now !== before;
      if (now === null) before = null;
      if (over()) arrive();
    });
    watcher.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-revision"] });
    function arrive() { watcher.disconnect(); clearTimeout(waiting); document.body.classList.remove("lx-opening"); }
    clearTimeout(waiting);
    waiting = setTimeout(arrive, 60000); // the upload was interrupted
  }
  // The upload has no file field while it shows a file.
  function field() {
    if (input()) return Promise.resolve(input());
    return new Promise((found) => {
      const watcher = new MutationObserver(() => { if (input()) { watcher.disconnect(); found(input()); } });
      watcher.observe(document.body, { childList: true, subtree: true });
      box()?.querySelector(".icon-button-wrapper button")?.click();
    });
  }
  const queue = () => {
    const place = document.querySelector("#lx-queue-upload");
    return place?.offsetParent ? place.querySelector("input[type=file]") : null;
  };
  // If the queue is visible, all files go into it.
  async function open(files) {
    const transfer = new DataTransfer(), place = queue() || (await field());
    for (const file of queue() ? files : [files[0]]) transfer.items.add(file);
    place.files = transfer.files;
    place.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const mark = (on) => document.body.classList.toggle("lx-dropping", on);
  addEventListener("dragover", (event) => { if (ours(event)) { event.preventDefault(); mark(true); } });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(false); });
  addEventListener("drop", (event) => {
    mark(false);
    if (box()?.contains(event.target) && event.dataTransfer?.files.length) leave();
    if (!ours(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) open([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length) return;
    event.preventDefault();
    open(files);
  });
  addEventListener("change", (event) => { if (event.target === input() && event.target.files.length) leave(); }, true);
})();
