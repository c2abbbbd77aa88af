// What a page costs a browser: requests, bytes as they are sent, and the time until something is to be seen.
//
// Started with a JSON object: the address of an organisation's host, the cookie of who is logged in there, and the paths to look at.
// Each is visited several times with nothing cached, and again with what the first visit left; a row of Markdown is printed for each.
import { chromium } from "./visitor.mjs";

const { address, cookie, paths } = JSON.parse(process.argv[2]);
const [name, value] = cookie.split("=");
const VISITS = 9;

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell", args: ["--no-sandbox", "--disable-gpu"] });

const median = (visits, what) => visits.map((visit) => visit[what]).sort((a, b) => a - b)[visits.length >> 1];

async function visit(page, path) {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  let [requests, bytes] = [0, 0];
  const cached = new Set();
  network.on("Network.requestServedFromCache", ({ requestId }) => cached.add(requestId));
  network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (cached.has(requestId) || encodedDataLength === 0) return;
    requests += 1;
    bytes += encodedDataLength;
  });
  await page.goto(`${address}${path}`, { waitUntil: "networkidle" });
  const paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime");
  await network.detach();
  return { requests, bytes, paint };
}

for (const path of paths) {
  const [cold, warm] = [[], []];
  for (let i = 0; i < VISITS; i++) {
    const context = await browser.newContext();
    await context.addCookies([{ name, value, url: address }]);
    const page = await context.newPage();
    cold.push(await visit(page, path));
    await page.goto("about:blank");
    warm.push(await visit(page, path));
    await context.close();
  }
  const row = [cold, warm].flatMap((visits) => [
    median(visits, "requests"),
    `${(median(visits, "bytes") / 1000).toFixed(1)} kB`,
    `${median(visits, "paint").toFixed(0)} ms`,
  ]);
  console.log(`| \`${path}\` | ${row.join(" | ")} |`);
}
await browser.close();
