/* Says what is wrong where the page's own script does not start. */
function say(text) {
  const status = document.getElementById("status");
  status.className = "problem";
  status.textContent = text;
}

if (location.protocol === "file:") {
  // Browsers load no modules from files.
  say("This page has to come from a server: run `python -m http.server` in its folder, and open the address that it prints.");
} else {
  document.querySelector("script[type=module]").addEventListener("error", () =>
    say("A script of this page could not be loaded: a file is missing, or the server does not send .js files as JavaScript (text/javascript)."),
  );
}
