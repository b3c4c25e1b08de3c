// Asks a passkey: for a new one of the person's, for a yes to that or to a removal, or for a yes to one plan.
// What it says goes back with the form.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const credential = (item) => ({ ...item, id: bytes(item.id) });

async function optionsOf(url, fields) {
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
  if (!answer.ok) throw new Error(answer.status === 422 ? "You have no passkey yet: add one on the page Security." : "Reload the page and try again.");
  return answer.json();
}

async function made(url, csrf) {
  const options = await optionsOf(url, { csrf });
  options.challenge = bytes(options.challenge);
  options.user.id = bytes(options.user.id);
  options.excludeCredentials = (options.excludeCredentials ?? []).map(credential);
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey: options });
  const { clientDataJSON, attestationObject } = response;
  return { id, rawId: text(rawId), type, response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } };
}

async function signed(url, fields) {
  const options = await optionsOf(url, fields);
  options.challenge = bytes(options.challenge);
  options.allowCredentials = options.allowCredentials.map(credential);
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey: options });
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  const said = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) };
  return { id, rawId: text(rawId), type, response: userHandle ? { ...said, userHandle: text(userHandle) } : said };
}

// On the document: cards come and go.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  const form = button?.form;
  if (!form || button.value === "decline") return;
  const { passkey, newPasskey, passkeyYes, plan } = form.dataset;
  if (!passkey && !newPasskey && !passkeyYes) return;
  event.preventDefault();
  if (!form.reportValidity()) return;
  const say = form.querySelector("[data-passkey-say]");
  button.disabled = true;
  say.textContent = "Your passkey is asked.";
  try {
    const csrf = form.elements.csrf.value;
    const give = (name, answer) => { form.elements[name].value = JSON.stringify(answer); };
    if (passkeyYes) give("yes", await signed(passkeyYes, { csrf, id: form.elements.id?.value ?? "" }));
    if (newPasskey) give("passkey", await made(newPasskey, csrf));
    if (passkey) give("passkey", await signed(passkey, { csrf, plan, digest: form.elements.digest.value }));
    say.textContent = "";
    const choice = document.createElement("input");
    Object.assign(choice, { type: "hidden", name: button.name, value: button.value });
    if (button.name) form.append(choice);
    form.submit();
  } catch (error) {
    say.textContent = error.name === "NotAllowedError" ? "The passkey was not used. Nothing was done." : `That did not work. ${error.message}`;
    button.disabled = false;
  }
});
