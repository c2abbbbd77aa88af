// Sends a file and shows how far it is. Without this the browser sends the form, and waits.
"use strict";

(() => {
  const form = document.getElementById("upload");
  const input = document.getElementById("file");
  const zone = form.querySelector(".drop");
  const fault = document.getElementById("upload-fault");
  const sending = document.getElementById("sending");

  const refuse = (words) => {
    fault.textContent = words;
    fault.hidden = false;
    form.hidden = false;
    sending.hidden = true;
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
    input.focus();
  };

  for (const name of ["dragover", "dragenter"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, () => zone.classList.remove("over"));
  }
  // What is dropped beside the zone would replace the page.
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => event.preventDefault());
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const files = event.dataTransfer.files;
    const isFolder = Array.from(event.dataTransfer.items).some((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (isFolder) return refuse("That is a folder: drop the file that is in it.");
    if (files.length > 1) return refuse("Those are several files: drop one at a time.");
    if (files.length === 0) return refuse("That is no file: drop a CSV file.");
    fault.hidden = true;
    input.files = files;
  });

  // Once the server has the import on record, its own part of the page goes on by itself.
  const follow = async () => {
    const answer = await fetch(form.action, { headers: { "hx-request": "true", "hx-request-type": "partial", accept: "text/html" } });
    if (!answer.ok || sending.dataset.over) return false;
    const place = document.createElement("div");
    place.id = "import";
    sending.append(place);
    htmx.ajax("GET", form.action, { target: "#import", swap: "outerHTML" });
    sending.querySelector("progress").hidden = true;
    return true;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.dataset.sent) return;
    const file = input.files[0];
    if (!file) return refuse("Choose a file first.");
    if (file.size === 0) return refuse("The file is empty: choose one with payments in it.");
    form.dataset.sent = "true";
    fault.hidden = true;
    form.hidden = true;
    sending.hidden = false;
    document.getElementById("sending-name").textContent = `Sending ${file.name}`;

    const request = new XMLHttpRequest();
    const ticking = setInterval(async () => {
      if (await follow().catch(() => false)) clearInterval(ticking);
    }, 1000);
    const over = () => {
      clearInterval(ticking);
      sending.dataset.over = "true";
    };
    request.addEventListener("load", () => {
      over();
      // It was led to the page of the import, to the login, or it was refused.
      if (request.status < 300) return location.assign(request.responseURL);
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const words = page.querySelector(".notice.fault:not([hidden]), main article p:not(.quiet)");
      refuse(words?.textContent.trim() || "That did not work: try again.");
    });
    request.addEventListener("error", async () => {
      over();
      // The server may have answered before it had read everything.
      const known = await fetch(form.action, { headers: { accept: "text/html" } }).then((answer) => answer.ok, () => false);
      if (known) return location.assign(form.action);
      refuse("The file could not be sent. If it is a folder, choose the file in it; or try again.");
    });
    const fields = new FormData();
    fields.append("file", file);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.send(fields);
  });
})();
