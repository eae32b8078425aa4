// The parts that the app's components and the notebooks' widgets share, besides the stage.

// The divider between the two pictures of a frame, in per cent of its width: dragged by its handle or on the picture,
// or moved by keys. `labels` returns the names of both sides; `moved` is called whenever the user moves it.
function makeDivider(frame, stage, { labels = () => ["before", "after"], moved = () => {} } = {}) {
  const split = frame.querySelector(".lx-split"), handle = frame.querySelector(".lx-handle");
  const divider = {
    share: 50,
    set(share) {
      divider.share = Math.min(100, Math.max(0, share));
      const whole = Math.round(divider.share), [left, right] = labels();
      split.value = whole;
      frame.style.setProperty("--split", divider.share + "%");
      split.setAttribute("aria-valuetext", `${whole} percent ${left}, ${100 - whole} percent ${right}`);
    },
  };
  const move = (share) => { divider.set(share); moved(Math.round(divider.share)); };
  const drag = (event) => move(stage.locate(frame, event)[0] * 100);
  stage.listen(frame, drag);
  let grasped = null; // until the pointer has moved too far for a click, which may be half of a double click
  handle.addEventListener("pointerdown", (event) => {
    grasped = event;
    event.stopPropagation();
    handle.setPointerCapture(event.pointerId);
    split.focus({ preventScroll: true });
  });
  handle.addEventListener("mousedown", (event) => event.preventDefault()); // by default, the frame would get the focus
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId) || (grasped && Math.abs(event.clientX - grasped.clientX) < 4)) return;
    grasped = null;
    drag(event);
  });
  split.addEventListener("input", () => move(Number(split.value)));
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10 }[event.key];
    // The divider's own arrow keys move it; with Shift, or if the frame has the focus, they move the picture.
    if (event.key.startsWith("Arrow") && event.target === split && !event.shiftKey) return;
    if (stage.keys(event) || !step) return;
    move(Math.round(divider.share) + step);
    event.preventDefault();
  });
  divider.set(50);
  return divider;
}
// The zoom buttons, by class.
function wireZoom(stage, root) {
  const acts = { in: () => stage.zoomAt(1.5), out: () => stage.zoomAt(1 / 1.5), fit: stage.reset };
  for (const [name, act] of Object.entries(acts)) root.querySelector(".lx-" + name).addEventListener("click", act);
}
// A legend below a false-coloured picture: the lowest and highest value, and the colours between them.
function fillLegend(legend, scale) {
  legend.hidden = !scale;
  if (!scale) return;
  const [low, bar, high] = legend.children;
  low.textContent = scale.low; high.textContent = scale.high; bar.style.background = scale.css;
}
// Channels as buttons over one sheet, selected by pointer or arrow keys.
function makeChannels(list, choose) {
  const buttons = () => [...list.querySelectorAll("button")];
  function add() {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => choose(Number(button.dataset.channel)));
    item.append(button);
    list.append(item);
  }
  list.addEventListener("keydown", (event) => {
    const all = buttons(), at = all.indexOf(event.target);
    const across = all.filter((each) => each.offsetTop === all[0].offsetTop).length;
    const next = all[at + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key]];
    if (at < 0 || !next) return;
    event.preventDefault();
    choose(Number(next.dataset.channel));
    next.focus();
  });
  return {
    // `titles` belong to the channels, in order; sizes are in pixels of the sheet.
    show({ sheet, width, height, cell: [wide, high], gap, columns, first, count }, titles = []) {
      while (list.children.length > count) list.lastElementChild.remove();
      while (list.children.length < count) add();
      buttons().forEach((button, i) => {
        const column = i % columns, row = Math.floor(i / columns);
        button.dataset.channel = button.textContent = first + i;
        button.title = "#" + (first + i) + (titles[i] ? ": " + titles[i] : "");
        button.style.aspectRatio = wide + " / " + high;
        // Percentages of the overflow, so that the button may have any width.
        const x = width > wide ? column * (wide + gap) / (width - wide) * 100 : 0;
        const y = height > high ? row * (high + gap) / (height - high) * 100 : 0;
        button.style.backgroundImage = `url("${sheet}")`;
        button.style.backgroundSize = width / wide * 100 + "% " + height / high * 100 + "%";
        button.style.backgroundPosition = x + "% " + y + "%";
      });
    },
    mark(chosen, off) {
      const all = buttons(), reached = all.find((each) => Number(each.dataset.channel) === chosen) || all[0];
      for (const button of all) {
        const channel = Number(button.dataset.channel), silent = off.includes(channel);
        button.setAttribute("aria-pressed", String(channel === chosen));
        button.tabIndex = button === reached ? 0 : -1; // one stop for the Tab key
        button.dataset.off = silent;
        button.setAttribute("aria-label", "Channel " + channel + (silent ? ", switched off" : ""));
      }
    },
  };
}
