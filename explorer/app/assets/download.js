// Hands a finished file to the browser at once; the link stays for a second try.
const link = element.querySelector("a");
function render(start) {
  const value = props.value;
  element.querySelector(".lx-download").hidden = !value;
  if (!value) return;
  link.href = value.src;
  link.download = value.name;
  link.textContent = value.label;
  if (start && !value.wait) link.click();
}
watch("value", () => render(true));
render(false);
