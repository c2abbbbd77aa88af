// A person at a browser, who notices what is wrong with a page whatever they came for.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages are where `./dev test` put them, and where this program is started.
const require = createRequire(join(process.cwd(), "package.json"));
export const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/** What anybody noticed. */
export const faults = [];

export class Visitor {
  /** Somebody with a browser of their own: no cookie is shared. */
  static async come(browser, options) {
    // Colours that fade from one to the other have no contrast of their own.
    const context = await browser.newContext({ viewport: DESKTOP, javaScriptEnabled: options.scripts, reducedMotion: "reduce" });
    const visitor = Object.assign(new Visitor(), options, { context });
    await visitor.turnTo(await context.newPage());
    return visitor;
  }

  /** Goes on in this tab. */
  async turnTo(page) {
    this.page = page;
    if (page.isWatched) return;
    page.isWatched = true;
    page.setDefaultTimeout(20_000);
    page.on("dialog", (dialog) => dialog.accept());
    page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // A refused form is an answer of 4xx, which the console tells too.
      const isStatus = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isStatus) faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) faults.push(`${response.url()}: ${response.status()}`);
    });
    page.on("request", (request) => {
      const isOurs = new URL(request.url()).hostname.endsWith("localhost") || request.url().startsWith("data:");
      if (!isOurs) faults.push(`${page.url()} asks ${request.url()}`);
    });
  }

  /** Opens an address, and expects this status. */
  async open(address, status = 200) {
    const response = await this.page.goto(address);
    assert.equal(response.status(), status, address);
  }

  async fill(fields) {
    for (const [label, value] of Object.entries(fields)) await this.page.getByLabel(label, { exact: true }).fill(value);
  }

  async press(name) {
    await this.page.getByRole("button", { name, exact: true }).click();
  }

  /** Links that look like buttons are buttons. */
  async follow(name) {
    const [link, button] = ["link", "button"].map((role) => this.page.getByRole(role, { name, exact: true }));
    await link.or(button).first().click();
  }

  /** Waits until the page says this. */
  async reads(text) {
    await this.page.locator("main").getByText(text).first().waitFor();
  }

  /** Waits until the page has this heading. */
  async isAt(heading) {
    await this.page.getByRole("heading", { name: heading }).first().waitFor();
  }

  /** That the page says nothing of the kind. */
  async lacks(text) {
    assert.equal(await this.page.locator("main").getByText(text).count(), 0, `${this.page.url()} says ${text}`);
  }

  /** The number of rows of the list. */
  async rows() {
    return this.page.locator("main table").first().locator("tbody tr").count();
  }

  /** What comes when this link is followed, as text. */
  async download(name) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.follow(name)]);
    return readFileSync(await download.path(), "utf8");
  }

  /** Looks at the page: that it fits a phone. Who looks closely has axe look too, by day, by night and on the phone. */
  async look(name) {
    for (const scheme of this.closely ? ["light", "dark"] : []) {
      await this.page.emulateMedia({ colorScheme: scheme });
      await this.check(`${name}, ${scheme}`);
      await this.keep(`${name}-${scheme}`);
    }
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize(PHONE);
    const widths = () => this.page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    let [is, shown] = await widths();
    // The page is laid out anew when the browser comes to it.
    for (const deadline = Date.now() + 3_000; is > shown && Date.now() < deadline; ) [is, shown] = await widths();
    if (is > shown) faults.push(`${name}: ${is} pixels are ${shown} wide on a phone`);
    if (this.closely) {
      await this.check(`${name}, phone`);
      await this.keep(`${name}-phone`);
    }
    await this.page.setViewportSize(DESKTOP);
  }

  async check(name) {
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate("axe.run()");
    for (const { id, help, nodes } of violations) {
      faults.push(`${name}: ${id}: ${help}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("; ")}`);
    }
  }

  async keep(name) {
    if (this.shots) await this.page.screenshot({ path: join(this.shots, `${name}.png`), fullPage: true });
  }

  async leave() {
    await this.context.close();
  }
}
