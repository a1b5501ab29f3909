/* Small helps that every page may use; each page also works without them. */
(() => {
  const wide = window.matchMedia("(min-width: 992px)");

  // Filters fold away on a phone and stand open on a wide screen.
  const fold = () => {
    document.querySelectorAll("details[data-fold]").forEach((box) => { box.open = wide.matches; });
  };

  // A menu closes when the reader turns elsewhere.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-pick-all]");
    if (all) {
      all.form.querySelectorAll(`input[type=checkbox][name="${all.dataset.pickAll}"]`)
        .forEach((box) => { box.checked = all.checked; });
    }
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // Says it where the reader's clock shows another time than the institution's.
  const hint = (element) => {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const offset = (zone) => new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" })
      .formatToParts(new Date()).find((part) => part.type === "timeZoneName").value;
    if (own && offset(own) !== offset(element.dataset.zoneHint)) {
      element.textContent = "· " + element.dataset.text.replace("{zone}", own);
    }
  };

  // A fragment that could not be had says so in its place.
  ["htmx:responseError", "htmx:sendError"].forEach((kind) => {
    document.body.addEventListener(kind, (event) => {
      const note = document.createElement("p");
      note.className = "note note-lost";
      note.setAttribute("role", "alert");
      note.textContent = document.body.dataset.trouble;
      event.detail.target.querySelector(":scope > .note[role=alert]")?.remove();
      event.detail.target.prepend(note);
    });
  });

  fold();
  wide.addEventListener("change", fold);
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.querySelector("details[data-fold]")) fold();
  });
  document.querySelectorAll("[data-zone-hint]").forEach(hint);
})();
