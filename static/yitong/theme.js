/* Tells Bootstrap's own parts (select arrows, close marks) which of the two palettes is on.
   The palettes themselves follow the system in tokens.css, with or without this file. */
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", apply);
  apply();
  document.documentElement.classList.add("has-js");
})();
