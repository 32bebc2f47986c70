// Finds the number that a sign-in must bring while passwords are being sprayed. Who runs no scripts waits instead.

const BATCH = 1024;
const encoder = new TextEncoder();

function hasZeroBits(digest, bits) {
  return new DataView(digest).getUint32(0) >>> (32 - bits) === 0;
}

async function solve(text, bits) {
  for (let first = 0; ; first += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, offset) => first + offset);
    const digests = await Promise.all(
      numbers.map((number) => crypto.subtle.digest("SHA-256", encoder.encode(`${text}|${number}`))),
    );
    const found = digests.findIndex((digest) => hasZeroBits(digest, bits));
    // Short digests may come at once: without a pause the page would freeze, and the form be sent within its own event.
    await new Promise((resolve) => setTimeout(resolve));
    if (found >= 0) return String(first + found);
  }
}

function attach(answer) {
  const form = answer.form;
  const button = document.getElementById(answer.dataset.work);
  const name = document.getElementById(answer.dataset.workName);
  const status = document.getElementById("work-status");
  status.textContent = ""; // it says what to do without this script
  let isBusy = false;
  form.addEventListener("submit", async (event) => {
    if (event.submitter !== button || answer.value !== "") return;
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    status.textContent = status.dataset.workText;
    const challenge = form.elements.namedItem("work-challenge").value;
    answer.value = await solve(`${challenge}|${name.value}`, Number(answer.dataset.workBits));
    form.requestSubmit(button);
    answer.value = ""; // whoever comes back to this page types another name, perhaps
    status.textContent = "";
    isBusy = false;
  });
}

for (const answer of document.querySelectorAll("input[data-work]")) attach(answer);
