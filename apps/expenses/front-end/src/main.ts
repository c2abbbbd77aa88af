import { Api, Problem } from "./api.js";

const find = <E extends Element>(selector: string): E => {
  const element = document.querySelector<E>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
};

const form = find<HTMLFormElement>("#login");
const message = find<HTMLElement>("#message");
const list = find<HTMLUListElement>("#expenses");
const logout = find<HTMLButtonElement>("#logout");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(form);
  const field = (name: string) => String(fields.get(name) ?? "");
  message.textContent = "Logging in…";
  try {
    const api = await Api.logIn(field("api"), field("email"), field("password"));
    form.hidden = true;
    logout.hidden = false;
    logout.onclick = () => leave(api);
    await show(api);
  } catch (error) {
    message.textContent = error instanceof Problem ? error.message : `There is no answer: ${error}`;
  }
});

async function show(api: Api): Promise<void> {
  let count = 0;
  for await (const expense of api.expenses()) {
    const item = document.createElement("li");
    // Text, never markup: what it says is other people's.
    item.textContent = `${expense.date}  ${expense.currency} ${expense.amount}  ${expense.supplier}  ${expense.status}`;
    list.append(item);
    count += 1;
  }
  message.textContent = `${count} expenses`;
}

async function leave(api: Api): Promise<void> {
  await api.logOut();
  location.reload();
}
