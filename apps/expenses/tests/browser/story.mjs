// Two organisations at the browser, from the landing page to what one must not know of the other.
//
// Started with a JSON object: the address of the base host, the models and slugs of both organisations, whether scripts run, whether
// pages are looked at closely, and where screenshots go, if anywhere. What came by mail is asked of the program that started it: a line out, a line in.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { payments, picture, SCRIPTED_PICTURE } from "./files.mjs";
import { chromium, faults, Visitor } from "./visitor.mjs";

const { base, scripts, closely, shots, first, second } = JSON.parse(process.argv[2]);
const PASSWORD = "correct horse battery";
const PAYMENTS = 120;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The link in the latest mail to this address whose subject has these words. */
async function mailed(host, email, subject) {
  console.log(JSON.stringify({ host, email, subject }));
  const { value, done } = await answers.next();
  assert(!done, "nobody answers");
  return `http://${host}${value}`;
}

const host = (slug) => new URL(base.replace("://", `://${slug}.`)).host;
const address = (slug, path = "/") => `http://${host(slug)}${path}`;
process.on("exit", () => faults.forEach((fault) => console.log(fault)));
const chapter = (title) => console.log(`${scripts ? "with" : "without"} scripts: ${title}`);

const today = new Date().toISOString().slice(0, 10);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell", args: ["--no-sandbox", "--disable-gpu"] });
const come = () => Visitor.come(browser, { scripts, closely, shots });

/** Somebody founds an organisation, and is in it. */
async function found(slug, model, email) {
  const visitor = await come();
  await visitor.open(`${base}/`);
  await visitor.look("landing");
  await visitor.fill({ "Its address": "nobody-has-this" });
  await visitor.press("Go there");
  await visitor.page.locator("#slug-hint.fault").waitFor();
  await visitor.follow("Sign up");
  await visitor.isAt("Sign up");
  // An address that cannot be had is told while it is typed, or when the form is sent.
  await visitor.fill({ Organisation: `${slug} & Söhne`, Address: "-no-", "Your name": "Ann", "E-mail address": email, Password: PASSWORD });
  await visitor.page.getByRole("radio", { name: new RegExp(`^${model}`, "i") }).check();
  if (!scripts) await visitor.press("Create the organisation");
  await visitor.page.locator("#slug-hint:has(.fault), #slug-hint.fault").waitFor();
  await visitor.look(scripts ? "signup" : "signup-refused");
  await visitor.fill({ Address: slug, Password: PASSWORD });
  if (scripts) await visitor.reads(/ is free$/);
  await visitor.press("Create the organisation");
  await visitor.reads("Welcome! Your organisation is ready.");
  assert.equal(new URL(visitor.page.url()).host, host(slug));
  await visitor.look("overview-new");
  return visitor;
}

async function confirm(visitor, slug, email) {
  await visitor.reads(/is not confirmed yet/);
  await visitor.open(await mailed(host(slug), email, "onfirm"));
  await visitor.look("confirm");
  await visitor.press("Yes, confirm it");
  await visitor.reads("Your e-mail address is confirmed.");
}

/** A colleague is invited, and joins in a browser of their own. */
async function invite(owner, slug, email, role) {
  await owner.follow("People");
  await owner.page.getByLabel("E-mail address").fill(email);
  await owner.page.getByRole("radio", { name: new RegExp(`^${role}`) }).check();
  await owner.press("Invite");
  await owner.reads("The invitation is on its way.");
  await owner.look("people-invited");
  const link = await mailed(host(slug), email, "invites you");
  const colleague = await come();
  await colleague.open(link);
  await colleague.look("join");
  await colleague.fill({ "Your name": "Bob 🦉", Password: PASSWORD });
  await colleague.press("Join");
  await colleague.reads("Welcome! You have joined.");
  // The link works once: to somebody else it is worthless.
  const late = await come();
  await late.page.goto(link);
  assert.equal(await late.page.getByRole("button", { name: "Join" }).count(), 0);
  await late.look("link-over");
  await late.leave();
  return colleague;
}

async function choose(visitor, name, text) {
  if (!scripts) return visitor.page.getByLabel(/Choose a file/).setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
  const fill = ([name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name, { type: "text/csv" }));
    return transfer;
  };
  await visitor.page.dispatchEvent(".drop", "drop", { dataTransfer: await visitor.page.evaluateHandle(fill, [name, text]) });
}

/** A file is dropped on the page, and what is wrong in it comes back as a file. */
async function importFile(visitor) {
  await visitor.follow("Import");
  await visitor.look("imports-none");
  await choose(visitor, "spending.csv", payments(PAYMENTS));
  await visitor.press("Import");
  await visitor.isAt(`${PAYMENTS} imported`);
  await visitor.reads("All of them");
  await visitor.look("import-done");
  const rejected = await visitor.download("CSV");
  assert.match(rejected, /31\/02\/2025/);
  assert.match(rejected, /a lot/);
  assert.equal(rejected.trim().split("\n").length, 3, rejected);
  return visitor.page.url();
}

/** An import that takes its time is cancelled from another tab, and leaves nothing. */
async function cancelImport(visitor) {
  await visitor.follow("Import");
  const sending = visitor.page;
  const network = await visitor.context.newCDPSession(sending);
  await network.send("Network.enable");
  const sendAt = (uploadThroughput) =>
    network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await sendAt(40_000);
  await choose(visitor, "long.csv", payments(40_000));
  await sending.getByRole("button", { name: "Import" }).click({ noWaitAfter: true });
  if (scripts) await sending.getByText(/so far/).waitFor();
  if (scripts) await visitor.look("import-running");

  await visitor.turnTo(await visitor.context.newPage());
  const link = visitor.page.getByRole("link", { name: "long.csv" });
  await eventually(async () => {
    await visitor.open(address(first.slug, "/imports"));
    return (await link.count()) > 0;
  });
  await link.click();
  await visitor.press("Cancel the import");
  await visitor.reads("The import is being cancelled.");
  // Without scripts the page is as it was when it came.
  await eventually(async () => {
    if (!scripts) await visitor.page.reload();
    return (await visitor.page.getByText("Cancelled: nothing was imported").count()) > 0;
  });
  await visitor.look("import-cancelled");
  await visitor.page.close();
  await visitor.turnTo(sending);
  await sendAt(-1);
  // The rest of the file is sent, and then the page goes to what became of it.
  await sending.waitForURL(/\/imports\/[0-9a-f-]{36}$/);
  await visitor.reads("Cancelled: nothing was imported");
  await visitor.open(address(first.slug, "/imports"));
  await visitor.look("imports");
}

/** Waits until it is so, by looking. */
async function eventually(isSo) {
  const deadline = Date.now() + 30_000;
  while (!(await isSo())) assert(Date.now() < deadline, `it never came: ${isSo}`);
}

async function lookAtReports(visitor) {
  await visitor.follow("Reports");
  await visitor.isAt("By month");
  await visitor.look("reports");
  // Behind every chart is a table.
  for (const summary of await visitor.page.getByText("Figures", { exact: true }).all()) await summary.click();
  await visitor.reads("Northern Grid");
  await visitor.look("reports-figures");
  await visitor.page.locator("#unit").fill("Roads");
  await visitor.press("Show");
  await eventually(async () => !(await visitor.page.locator("#found").innerText()).includes("Housing"));
  await visitor.open(address(first.slug, "/reports?from=2030-01-01&to="));
  await visitor.isAt("Nothing was spent");
  await visitor.open(address(first.slug, "/reports?from=yesterday"), 422);
  await visitor.look("reports-refused");
}

/** The list: searched, filtered, ordered, turned over, and taken along. */
async function searchExpenses(visitor) {
  await visitor.follow("Expenses");
  await visitor.look("expenses");
  const full = await visitor.rows();
  await visitor.follow("Next 50");
  await eventually(async () => (await visitor.page.getByRole("link", { name: "First page" }).count()) > 0);
  await visitor.follow("Expenses");
  await visitor.fill({ Search: "print" });
  await visitor.press("Search");
  await eventually(async () => {
    const text = await visitor.page.locator("#found").innerText();
    return text.includes("Bright Print") && !text.includes("Northern Grid");
  });
  await visitor.page.getByRole("link", { name: /^Amount/ }).click();
  await visitor.page.locator('th.amount[aria-sort="descending"]').waitFor();
  const file = await visitor.download("CSV");
  assert.match(file, /Bright Print/);
  assert.doesNotMatch(file, /Northern Grid/);
  const listed = JSON.parse(await visitor.download("JSON"));
  assert.equal(listed.length, file.trim().split("\n").length - 1);
  assert(full >= listed.length || full === 50);
  await visitor.fill({ Search: "no such thing" });
  await visitor.press("Search");
  await visitor.reads("Nothing fits");
  await visitor.look("expenses-nothing");
  await visitor.follow("Show all");
  await visitor.reads("Northern Grid");
}

async function submit(visitor, fields) {
  await visitor.follow("Expenses");
  await visitor.follow("New expense");
  await visitor.fill({ Date: today, ...fields });
  await visitor.press("Submit");
}

/** One expense: refused, submitted once, changed by two at the same time. */
async function changeExpense(ann, bob) {
  await ann.follow("Expenses");
  await ann.follow("New expense");
  await ann.look("expense-new");
  await ann.fill({ Date: today, Amount: "12,5 pounds", Supplier: "<b>Bold</b> & 🧾 مرحبا" });
  await ann.press("Submit");
  await ann.reads("Nothing was saved yet:");
  await ann.look("expense-refused");
  // Pressed twice, it is one expense.
  await ann.fill({ Amount: "12.50" });
  await ann.page.getByRole("button", { name: "Submit" }).dblclick();
  await ann.reads("<b>Bold</b> & 🧾 مرحبا");
  await ann.open(address(first.slug, "/expenses?q=Bold"));
  assert.equal(await ann.rows(), 1);
  // The back button leads to an empty form.
  await ann.follow("New expense");
  await ann.fill({ Amount: "3.00" });
  await ann.follow("Cancel");
  await ann.isAt(/^Expenses$/);
  await ann.page.goBack();
  await ann.isAt("New expense");
  assert.equal(await ann.page.getByLabel("Amount", { exact: true }).inputValue(), "");
  await ann.open(address(first.slug, "/expenses?q=Bold"));

  // Both open it; the second to save is told.
  await ann.page.locator("tbody a").first().click();
  const expense = ann.page.url();
  await ann.look("expense");
  await bob.open(expense);
  await bob.follow("Edit");
  await bob.isAt("Edit an expense");
  await ann.open(address(first.slug, "/expenses?q=Bold"));
  await ann.page.locator("tbody a[role=button]").first().click();
  await ann.page.getByLabel("Amount", { exact: true }).fill("14.00");
  await ann.look("expense-edit");
  await ann.press("Save");
  await ann.reads("£14.00");
  await bob.fill({ Amount: "99.00" });
  await bob.press("Save");
  await bob.reads(/Somebody else changed this expense meanwhile/);
  await bob.reads("£14.00");
  await bob.look("expense-outdated");
  return expense;
}

async function approve(visitor, name) {
  await visitor.press(name);
  await eventually(async () => (await visitor.page.getByRole("button", { name }).count()) === 0);
}

/** Who may decide what, above which amount. */
async function setRules(ann, bob) {
  await ann.follow("Settings");
  await ann.follow("Approval rules");
  await ann.look("rules-none");
  await ann.fill({ "Expenses above": "500" });
  await ann.press("Add the rule");
  await ann.reads("The rule is added.");
  await ann.look("rules");
  await submit(ann, { Amount: "600.00", Supplier: "Big Machines" });
  await submit(ann, { Amount: "60.00", Supplier: "Small Machines" });
  await bob.open(address(first.slug, "/expenses?q=Machines"));
  await bob.reads("Big Machines");
  assert.equal(await bob.page.getByRole("button", { name: "Approve £600.00" }).count(), 0);
  await approve(bob, "Approve £60.00");
  await ann.open(address(first.slug, "/expenses?q=Machines"));
  await approve(ann, "Approve £600.00");
  assert.equal(await ann.page.getByRole("button", { name: /^Approve/ }).count(), 0);
}

async function setBudget(ann) {
  await ann.follow("Budgets");
  await ann.look("budgets-none");
  await ann.fill({ Amount: "1000" });
  await ann.press("Set the budget");
  await ann.reads("The budget is set.");
  await submit(ann, { Amount: "900.00", Supplier: "Straw" });
  await ann.reads(/With it a budget is spent, and more/);
  await ann.follow("Budgets");
  await ann.reads("over");
  await ann.look("budgets");
  await ann.follow("Overview");
  await ann.look("overview");
}

/** Name, colour and logo; what nobody could read, and what is no picture, is refused. */
async function makeItTheirs(ann) {
  await ann.follow("Settings");
  await ann.look("settings");
  await ann.page.getByLabel("Or type one").fill("#1f6f5c");
  await ann.press("Save the colour");
  await ann.reads("Saved.");
  await ann.page.getByLabel("Or type one").fill("greenish");
  await ann.press("Save the colour");
  await ann.reads("Nothing was saved yet:");
  const logo = (name, buffer) => ann.page.getByLabel(/^(Picture|Another picture)$/).setInputFiles({ name, mimeType: "image/png", buffer });
  await logo("logo.svg", Buffer.from(SCRIPTED_PICTURE));
  await ann.press("Save the logo");
  await ann.reads("Nothing was saved yet:");
  await ann.look("settings-refused");
  await logo("logo.png", picture(96, 32, [31, 111, 92]));
  await ann.press("Save the logo");
  await ann.reads("Saved.");
  await ann.look("settings-branded");
  await ann.follow("Categories");
  await ann.fill({ Name: "Travel" });
  await ann.press("Add");
  await ann.reads("The category is added.");
  await ann.look("categories");
  await ann.follow("Edit Travel");
  await ann.look("category");
  await ann.fill({ Name: "Journeys" });
  await ann.press("Rename");
  await ann.reads("Journeys");
  for (const place of ["Suppliers", "Units"]) {
    await ann.follow("Expenses");
    await ann.follow(place);
    await ann.look(place.toLowerCase());
  }
}

async function makeKey(ann) {
  await ann.open(address(first.slug, "/account"));
  await ann.look("account");
  await ann.follow("keys of yours");
  await ann.fill({ Name: "Nightly export" });
  await ann.page.getByRole("radio", { name: /^read/ }).check();
  await ann.press("Make the key");
  await ann.isAt("Your new key");
  const key = await ann.page.locator(".secret").innerText();
  await ann.look("keys");
  await ann.open(address(first.slug, "/account/keys"));
  await ann.lacks(key);
  await ann.press("Revoke Nightly export");
  await ann.reads("The key is revoked.");
}

async function readActivity(ann) {
  await ann.follow("Activity");
  await ann.page.locator("tbody").getByText("Bob 🦉").first().waitFor();
  await ann.look("activity");
  await ann.page.getByLabel("Person").selectOption({ label: "Bob 🦉" });
  if (!scripts) await ann.press("Filter");
  await eventually(async () => !(await ann.page.locator("tbody").innerText()).includes("Ann"));
}

/** A password forgotten; and nothing is left at the screen of who logs out. */
async function comeAndGo(ann, slug, email) {
  await ann.page.locator("summary").first().click();
  await ann.press("Log out");
  await ann.reads("You are logged out.");
  await ann.look("login");
  await ann.page.goBack();
  await eventually(async () => ann.page.url().includes("/login"));
  await ann.open(address(slug, "/login"));
  await ann.fill({ "E-mail address": email, Password: "not the one" });
  await ann.press("Log in");
  await ann.page.locator("main .fault, main [role=alert]").first().waitFor();
  await ann.look("login-refused");
  await ann.follow("Forgotten your password?");
  await ann.look("password-ask");
  await ann.fill({ "E-mail address": email });
  await ann.press("Send the link");
  await ann.reads(/a link is on its way/);
  const link = await mailed(host(slug), email, "password");
  // At another organisation it opens nothing.
  const elsewhere = await come();
  await elsewhere.page.goto(link.replace(host(slug), host(second.slug)));
  assert.equal(await elsewhere.page.getByLabel("New password").count(), 0);
  await elsewhere.leave();
  await ann.open(link);
  await ann.look("password-choose");
  await ann.fill({ "New password": `${PASSWORD} 2` });
  await ann.press("Save the password");
  await ann.reads("Your password is changed. Other sessions of yours were ended.");
}

/** What the session that is over still had in a form leads to the login, and back. */
async function outlast(bob, slug, email) {
  await bob.open(address(slug, "/expenses/new"));
  await bob.context.clearCookies();
  await bob.fill({ Date: today, Amount: "1.00" });
  await bob.press("Submit");
  await bob.reads("Please log in to go on.");
  await bob.fill({ "E-mail address": email, Password: PASSWORD });
  await bob.press("Log in");
  await eventually(async () => !bob.page.url().includes("/login"));
  await bob.open(address(slug, "/expenses"));
}

/** Another organisation knows nothing of the first: not its pages, its pictures, or that they are there. */
async function knowNothing(zoe, foreign) {
  for (const path of foreign) {
    await zoe.open(address(second.slug, path), 404);
    await zoe.lacks(/Bold|spending\.csv|Northern Grid/);
  }
  await zoe.look("not-found");
  for (const path of ["/", "/expenses", "/expenses?q=Bold", "/reports?from=&to=", "/imports", "/people", "/activity", "/budgets", "/suppliers", "/units", "/settings/categories", "/settings/rules"]) {
    await zoe.open(address(second.slug, path));
    await zoe.lacks(/Bold|spending\.csv|Northern Grid|Bob|Straw|Machines|Journeys|£600/);
  }
  await zoe.open(address(second.slug, "/expenses"));
  await zoe.look("expenses-none");
}

async function removeColleague(ann, bob, slug) {
  await ann.follow("People");
  await ann.look("people");
  await ann.press("Remove Bob 🦉");
  await ann.reads("The person is removed, and logged out everywhere.");
  await bob.page.goto(address(slug, "/expenses"));
  assert.equal(new URL(bob.page.url()).pathname, "/login");
}

const [annMail, bobMail, zoeMail] = ["ann", "bob", "zoe"].map((name) => `${name}@${name === "zoe" ? second.slug : first.slug}.example`);

chapter(`${first.slug} is founded, under ${first.model}`);
const ann = await found(first.slug, first.model, annMail);
await confirm(ann, first.slug, annMail);
chapter("a colleague joins");
const bob = await invite(ann, first.slug, bobMail, "Approver");
chapter("a file is imported");
const imported = await importFile(ann);
chapter("another one is cancelled");
await cancelImport(ann);
chapter("reports");
await lookAtReports(ann);
chapter("the list");
await searchExpenses(ann);
chapter("two change one expense");
const expense = await changeExpense(ann, bob);
chapter("rules");
await setRules(ann, bob);
chapter("a budget");
await setBudget(ann);
chapter("colours and a logo");
await makeItTheirs(ann);
const logo = await ann.page.locator(".brand img").getAttribute("src");
chapter("a key");
await makeKey(ann);
chapter("activity");
await readActivity(ann);
chapter(`${second.slug} is founded, under ${second.model}, and knows nothing`);
const zoe = await found(second.slug, second.model, zoeMail);
await knowNothing(zoe, [new URL(expense).pathname, `${new URL(expense).pathname}/edit`, new URL(imported).pathname, `${new URL(imported).pathname}/rejections.csv`, logo]);
chapter("a password is forgotten");
await comeAndGo(ann, first.slug, annMail);
chapter("a session ends in the middle");
await outlast(bob, first.slug, bobMail);
chapter("the colleague goes");
await removeColleague(ann, bob, first.slug);

for (const visitor of [ann, bob, zoe]) await visitor.leave();
await browser.close();
assert.deepEqual(faults, []);
process.exit();
