/* Says what to do where the page was opened as a file: browsers load no modules from there. */
if (location.protocol === "file:") {
  const status = document.getElementById("status");
  status.className = "problem";
  status.textContent =
    "This page has to come from a server: run `python -m http.server` in its folder, and open the address that it prints.";
}
