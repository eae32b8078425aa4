// Translates the page. Whole sentences are looked up, those with values by their pattern. All text is covered, whether
// from the server, our components or Gradio.
(() => {
  const catalogues = window.lxCatalogues || {};
  const asked = new URL(location.href).searchParams.get("lang");
  const language = [asked, localStorage.getItem("lx-language"), navigator.language.slice(0, 2)].find((each) => each === "en" || each in catalogues) || "en";
  window.lxLanguage = language;
  window.lxSetLanguage = (wanted) => {
    localStorage.setItem("lx-language", wanted);
    const address = new URL(location.href);
    address.searchParams.set("lang", wanted);
    location.replace(address);
  };
  document.documentElement.lang = language;
  if (language === "en") return;
  const catalogue = catalogues[language], patterns = [];
  for (const [source, target] of Object.entries(catalogue)) {
    if (!/\{\w+\}/.test(source)) continue;
    const names = [];
    const body = source.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{+(\w+)(?:!r)?\}+/g, (_, name) => { names.push(name); return "([^]+?)"; });
    // Patterns that are mostly holes would match anything.
    if (source.replace(/\{\w+\}/g, "").replace(/[^\p{L}]/gu, "").length >= 2) patterns.push([new RegExp("^" + body + "$"), names, target]);
  }
  patterns.sort((a, b) => b[2].length - a[2].length);
  const known = new Map(), comma = (1.5).toLocaleString(language).charAt(1);
  // A number with sign, range and unit by itself, or with another in brackets; a dot in a name or a version stays.
  const ONE = "[×≈<−+-]? ?\\d+(\\.\\d+)?(–\\d+\\.\\d+)? ?([a-zA-Zµ]{1,2}|%|)";
  const NUMBER = new RegExp(`^(?=.*\\d\\.\\d)${ONE}( \\(${ONE}\\))?$`);
  function translated(words) {
    const text = words.trim();
    if (!text || text.length > 600) return null;
    if (text in catalogue) return catalogue[text];
    if (NUMBER.test(text)) return text.replaceAll(".", comma);
    if (known.has(text)) return known.get(text);
    let found = null;
    for (const [pattern, names, target] of patterns) {
      const match = pattern.exec(text);
      if (!match) continue;
      found = target.replace(/\{+(\w+)(?:!r)?\}+/g, (_, name) => { const part = match[names.indexOf(name) + 1] ?? ""; return translated(part) || part; });
      break;
    }
    if (known.size > 4000) known.clear();
    known.set(text, found);
    return found;
  }
  window.lxTranslated = translated;
  const ATTRIBUTES = ["aria-label", "title", "alt", "placeholder", "aria-valuetext"];
  function textNode(node) {
    if (node.parentElement && node.parentElement.closest("script, style, code, [translate=no]")) return;
    const better = translated(node.data);
    if (better !== null && better !== node.data.trim()) node.data = node.data.replace(node.data.trim(), () => better);
  }
  function attribute(element, name) {
    const value = element.getAttribute(name), better = value && translated(value);
    if (better && better !== value) element.setAttribute(name, better);
  }
  function walk(root) {
    if (root.nodeType === Node.TEXT_NODE) { textNode(root); return; }
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    for (const element of [root, ...root.querySelectorAll("[aria-label], [title], [alt], [placeholder], [aria-valuetext]")]) for (const name of ATTRIBUTES) attribute(element, name);
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) textNode(texts.currentNode);
  }
  // What a closed dropdown shows is no text of the page, but the value of a field that only Gradio sets.
  const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  const shown = (field) => field.readOnly && field.getAttribute("role") === "combobox";
  Object.defineProperty(HTMLInputElement.prototype, "value", {
    ...value, set(given) { value.set.call(this, (shown(this) && translated(String(given))) || given); },
  });
  const begin = () => {
    walk(document.body);
    for (const field of document.querySelectorAll("input[readonly][role=combobox]")) field.value = value.get.call(field);
    new MutationObserver((records) => {
      for (const record of records) {
        if (record.type === "childList") record.addedNodes.forEach(walk);
        else if (record.type === "characterData") textNode(record.target);
        else attribute(record.target, record.attributeName);
      }
    }).observe(document.body, { childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES, subtree: true });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
