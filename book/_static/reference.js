// Folded lists: one button for all, and an address within a fold opens it.
(() => {
  const folds = () => document.querySelectorAll("section.listing > details");

  const openTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const fold = target.closest("details") || target.querySelector(":scope > details");
    if (fold && !fold.open && fold.closest("section.listing")) {
      fold.open = true;
      target.scrollIntoView();
    }
  };

  const addButton = () => {
    const totals = document.querySelector(".totals");
    if (!totals || !folds().length) return;
    const button = document.createElement("button");
    const label = () => {
      button.textContent = [...folds()].every((f) => f.open) ? "Fold all" : "Open all chapters";
    };
    button.type = "button";
    button.className = "fold-all";
    button.addEventListener("click", () => {
      const open = ![...folds()].every((f) => f.open);
      folds().forEach((f) => { f.open = open; });
      label();
    });
    folds().forEach((f) => f.addEventListener("toggle", label));
    label();
    totals.after(button);
  };

  addButton();
  openTarget();
  window.addEventListener("hashchange", openTarget);
})();
