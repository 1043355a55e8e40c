// The entry of a term beside the word: on hover and focus, or at the first tap. Escape closes it.
(() => {
  const DELAY = 150;
  let entry = null, owner = null, timer = 0;

  const hide = () => {
    clearTimeout(timer);
    if (entry) entry.remove();
    if (owner) owner.removeAttribute("aria-describedby");
    entry = owner = null;
  };

  const hideSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, DELAY);
  };

  const place = () => {
    const word = owner.getClientRects()[0], box = entry.getBoundingClientRect();
    const left = Math.max(12, Math.min(word.left, document.documentElement.clientWidth - box.width - 12));
    const above = word.bottom + box.height + 12 > window.innerHeight && word.top > box.height + 12;
    entry.style.left = `${left + window.scrollX}px`;
    entry.style.top = `${(above ? word.top - box.height - 6 : word.bottom + 6) + window.scrollY}px`;
  };

  const show = (link) => {
    clearTimeout(timer);
    if (owner === link) return;
    hide();
    owner = link;
    entry = document.createElement("div");
    entry.className = "glossary-entry";
    entry.id = "glossary-entry";
    entry.setAttribute("role", "tooltip");
    const [name, ...text] = link.dataset.entry.split(": ");
    entry.append(Object.assign(document.createElement("strong"), {textContent: name}), text.join(": "));
    entry.addEventListener("pointerenter", () => clearTimeout(timer));
    entry.addEventListener("pointerleave", hideSoon);
    document.body.append(entry);
    link.setAttribute("aria-describedby", entry.id);
    place();
  };

  for (const link of document.querySelectorAll("a.glossary-term[title]")) {
    link.dataset.entry = link.title;
    link.removeAttribute("title");
    let tapped = false;
    link.addEventListener("pointerdown", (event) => {
      tapped = event.pointerType === "touch" && owner !== link;
    });
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "touch") show(link);
    });
    link.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") hideSoon();
    });
    link.addEventListener("focus", () => { if (!tapped) show(link); });
    link.addEventListener("blur", hide);
    link.addEventListener("click", (event) => {
      if (!tapped) return;
      event.preventDefault();
      tapped = false;
      show(link);
    });
  }

  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("pointerdown", (event) => {
    if (entry && !entry.contains(event.target) && event.target.closest("a.glossary-term") !== owner) hide();
  });
  window.addEventListener("resize", hide);
})();
