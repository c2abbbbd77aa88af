// What a browser does for the module of the front end, and Node does not: it says which origin the page is of, asks the server before
// each request whether that origin may send it (CORS), and gives the answer to the page only if the server lets it.
//
//   node visit.mjs MODULE ORIGIN BASE EMAIL PASSWORD
//
// Prints a line for each expense, and the code of what is refused.
import dns from "node:dns";
import { pathToFileURL } from "node:url";

const [module, origin, base, email, password] = process.argv.slice(2);

// Browsers lead every name below localhost to this machine.
dns.lookup = (host, options, answer) => {
  const local = { address: "127.0.0.1", family: 4 };
  if (options.all) answer(null, [local]);
  else answer(null, local.address, local.family);
};

const send = globalThis.fetch;

const allowed = (answer, header) => (answer.headers.get(header) ?? "").toLowerCase().split(/\s*,\s*/);

function letIn(answer, what) {
  if (answer.headers.get("access-control-allow-origin") !== origin) throw new TypeError(`CORS: ${what} is not for ${origin}`);
}

globalThis.fetch = async (url, init) => {
  const headers = new Headers(init.headers);
  if (init.credentials !== "omit") throw new TypeError("a cookie would be sent along");
  const asked = await send(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": init.method,
      "access-control-request-headers": [...headers.keys()].join(","),
    },
  });
  letIn(asked, "the question");
  if (!allowed(asked, "access-control-allow-methods").includes(init.method.toLowerCase())) throw new TypeError(`CORS: ${init.method}`);
  for (const name of headers.keys()) {
    if (!allowed(asked, "access-control-allow-headers").includes(name)) throw new TypeError(`CORS: ${name}`);
  }
  headers.set("origin", origin);
  headers.set("sec-fetch-site", "cross-site");
  const answer = await send(url, { ...init, headers });
  letIn(answer, "the answer");
  return answer;
};

const { Api, Problem } = await import(pathToFileURL(module));

async function list(api) {
  for await (const expense of api.expenses()) console.log(`${expense.date} ${expense.amount} ${expense.supplier} ${expense.status}`);
}

try {
  const api = await Api.logIn(base, email, password);
  await list(api);
  await api.logOut();
  await list(api);
} catch (error) {
  console.log(`refused: ${error instanceof Problem ? error.code : error.message}`);
}
