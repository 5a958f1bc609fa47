/** The HTTP behaviour of a browser: it keeps cookies and follows redirects when told to. Enough for logging in. */
export class CookieBrowser {
  readonly #cookies = new Map<string, string>();

  /** The cookies of all hosts, which do not depend on ports. */
  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies;
  }

  set(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  /** One request; with a body it is a POST of a form or of JSON. Redirects are returned, not followed. */
  async ask(url: string, body?: URLSearchParams | object): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = new Headers();
    if (cookie !== "") headers.set("cookie", cookie);
    const init: RequestInit = { redirect: "manual", headers };
    if (body) {
      init.method = "POST";
      init.body = body instanceof URLSearchParams ? body : JSON.stringify(body);
      if (!(body instanceof URLSearchParams)) headers.set("content-type", "application/json");
    }
    const answer = await fetch(url, init);
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === "" || /max-age=0|1970/i.test(line)) this.#cookies.delete(name!);
      else this.#cookies.set(name!, value!);
    }
    return answer;
  }

  /** Follows redirects while `goOn` returns true, and returns the first address that it does not follow. */
  async follow(url: string, goOn: (url: string) => boolean): Promise<string> {
    let next = url;
    while (goOn(next)) {
      const answer = await this.ask(next);
      const location = answer.headers.get("location");
      if (location === null) return next;
      next = new URL(location, next).href;
    }
    return next;
  }
}
