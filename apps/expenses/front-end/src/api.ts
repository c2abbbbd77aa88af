// The API of one organisation, used with a key: a cookie would not be sent from another origin, and is not needed.

export interface Expense {
  id: string;
  date: string;
  amount: string;
  currency: string;
  supplier: string;
  status: "submitted" | "approved" | "rejected" | "paid";
}

interface Page {
  items: Expense[];
  next: string | null;
}

/** What the API says is wrong (RFC 9457). */
export class Problem extends Error {
  constructor(readonly code: string, detail: string) {
    super(detail);
  }
}

export class Api {
  private constructor(private readonly base: string, private readonly key: string) {}

  /** Logs in. The key is good for twelve hours and stays in this object: a reload of the page forgets it. */
  static async logIn(base: string, email: string, password: string): Promise<Api> {
    const made = await send<{ key: string }>("POST", base, "/api/tokens", null, { email, password });
    return new Api(base, made.key);
  }

  /** All expenses, page by page, the latest first. */
  async *expenses(): AsyncGenerator<Expense> {
    for (let cursor = ""; ; ) {
      const page = await send<Page>("GET", this.base, `/api/expenses?limit=100${cursor}`, this.key);
      yield* page.items;
      if (page.next === null) return;
      cursor = `&cursor=${page.next}`;
    }
  }

  /** Ends the key. */
  async logOut(): Promise<void> {
    await send<void>("POST", this.base, "/api/logout", this.key);
  }
}

async function send<T>(method: string, base: string, path: string, key: string | null, body?: object): Promise<T> {
  const headers = new Headers();
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  const response = await fetch(new URL(path, base), { method, headers, body: body && JSON.stringify(body), credentials: "omit" });
  if (!response.ok) {
    const problem: { code: string; detail?: string; title: string } = await response.json();
    throw new Problem(problem.code, problem.detail ?? problem.title);
  }
  return response.status === 204 ? (undefined as T) : await response.json();
}
