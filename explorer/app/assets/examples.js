const buttons = [...element.querySelectorAll("button[data-name]")];
function render() {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.name === props.value));
}
for (const button of buttons) {
  button.addEventListener("click", () => { props.value = button.dataset.name; render(); trigger("select"); });
}
watch("value", render);
render();
