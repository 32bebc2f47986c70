// Goes on as soon as every frame has been loaded, or after three seconds. Without script the page does so by itself.

const LONGEST_MS = 3000;

function goOn() {
  const link = document.getElementById("logout-continue");
  if (link) location.replace(link.href);
}

if (document.readyState === "complete") goOn();
else addEventListener("load", goOn);
setTimeout(goOn, LONGEST_MS);
