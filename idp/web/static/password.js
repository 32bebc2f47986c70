// Says, while a new password is typed, whether it will do, and shows it on request. Every page works without this.

const PAUSE_MS = 300;

function watch(input) {
  const panel = document.getElementById(`${input.id}-strength`);
  const meter = panel.querySelector("meter");
  const status = panel.querySelector("[role=status]");
  let timer;
  let asking = new AbortController();

  async function ask() {
    const fields = new URLSearchParams({ "new-password": input.value });
    for (const name of ["email", "name"]) {
      const value = input.form?.elements.namedItem(name)?.value;
      if (value) fields.set(name, value);
    }
    try {
      const answer = await fetch(input.dataset.strengthUrl, { method: "POST", body: fields, signal: asking.signal });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const found = await answer.json();
      panel.hidden = false;
      panel.dataset.acceptable = found.acceptable;
      meter.value = found.score;
      status.textContent = found.text;
    } catch (error) {
      if (error.name !== "AbortError") panel.hidden = true; // busy or offline: the form itself will tell
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    if (input.value === "") panel.hidden = true;
    else timer = setTimeout(ask, PAUSE_MS);
  });
}

function reveal(button) {
  const input = document.getElementById(button.dataset.reveals);

  function show(isShown) {
    input.type = isShown ? "text" : "password";
    button.textContent = isShown ? button.dataset.hide : button.dataset.show;
  }

  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false)); // browsers save what was in a password field
}

document.querySelectorAll("input[data-strength-url]").forEach(watch);
document.querySelectorAll("button[data-reveals]").forEach(reveal);
