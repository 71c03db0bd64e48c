/**
 * The one way pages speak with the server: same origin, the session's cookie, its CSRF token on every unsafe
 * request, an idempotency key on every POST, and problem documents as exceptions.
 */
import type { Facts, ListOf, ProblemDocument, Session, SignedIn, Site } from "./types";

export const API_BASE = "/api/v1";

/** Tries of one request before its failure is told. Only a lost connection or 503 is tried again. */
export const TRIES_MAX = 3;

/** Wait before a further try, in milliseconds: it doubles with each. */
export const RETRY_WAIT_MS = 400;

/** Pages of a list that `list` follows before it gives up; at 5,000 rows a page this is far above any screen. */
export const PAGES_MAX = 40;

/** The server refused, with a stable key and the facts. `title` is a sentence in the person's language. */
export class ApiProblem extends Error {
  readonly key: string;
  readonly status: number;
  readonly facts: Facts;

  constructor(document: ProblemDocument) {
    const { type: _type, title, status, key, ...facts } = document;
    super(title);
    this.name = "ApiProblem";
    this.key = key;
    this.status = status;
    this.facts = facts;
  }
}

/** What stands for a session where there is none: asking who is signed in is no failure. */
const SIGNED_OUT: ProblemDocument = { type: "about:blank", title: "", status: 401, key: "session.none" };

/** No answer came: the line is cut, or the server is away. */
export class Offline extends Error {
  constructor(cause: unknown) {
    super("the server did not answer", { cause });
    this.name = "Offline";
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
  query?: Query;
  signal?: AbortSignal;
  /** Given when the caller keeps the key itself, as the handheld's queue does; else a new one is made. */
  idempotencyKey?: string;
  headers?: Record<string, string>;
}

export interface ClientSettings {
  fetch?: typeof fetch;
  /** What happens on 401. The default goes to the sign-in page and comes back after. */
  onSignedOut?: () => void;
  newKey?: () => string;
  wait?: (ms: number) => Promise<void>;
}

/** The address of the sign-in page that comes back to `next`, a path of this origin. */
export function signInAddress(next: string): string {
  return `/sign-in/?next=${encodeURIComponent(next)}`;
}

/** The path of this page with its query and its place within the page. */
function pathHere(): string {
  const { pathname, search, hash } = window.location;
  return pathname + search + hash;
}

/** A random version 4 UUID, also where `crypto.randomUUID` is missing because the page is not on HTTPS. */
export function newUuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function addressOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `${API_BASE}${path}${text ? `?${text}` : ""}`;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const fallback = { type: "about:blank", title: response.statusText, status: response.status, key: `http.${response.status}` };
  try {
    const document = (await response.json()) as Partial<ProblemDocument>;
    return new ApiProblem({ ...fallback, ...document });
  } catch {
    return new ApiProblem(fallback);
  }
}

export class ApiClient {
  private csrfToken = "";
  private readonly fetch: typeof fetch;
  private readonly onSignedOut: () => void;
  private readonly newKey: () => string;
  private readonly wait: (ms: number) => Promise<void>;

  constructor(settings: ClientSettings = {}) {
    this.fetch = settings.fetch ?? ((input, init) => window.fetch(input, init));
    this.onSignedOut =
      settings.onSignedOut ??
      (() => window.location.assign(signInAddress(pathHere())));
    this.newKey = settings.newKey ?? newUuid;
    this.wait = settings.wait ?? ((ms) => new Promise((done) => window.setTimeout(done, ms)));
  }

  /** Raises ApiProblem, or Offline when no answer came. */
  get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.request<T>("GET", path, undefined, options);
  }

  /** One command. The same idempotency key goes with every try, so that it is carried out once. */
  post<T>(path: string, body: unknown = {}, options: RequestOptions = {}): Promise<T> {
    const idempotencyKey = options.idempotencyKey ?? this.newKey();
    return this.request<T>("POST", path, body, { ...options, idempotencyKey });
  }

  delete(path: string, options: RequestOptions = {}): Promise<void> {
    return this.request<void>("DELETE", path, undefined, options);
  }

  /** All rows of a list, page by page. */
  async list<T>(path: string, options: RequestOptions = {}): Promise<T[]> {
    const rows: T[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer: ListOf<T> = await this.get(path, { ...options, query: { limit: 5000, ...options.query, cursor } });
      rows.push(...answer.items);
      cursor = answer.next_cursor;
      if (cursor === null) return rows;
    }
    throw new RangeError(`${path} has more than ${PAGES_MAX} pages`);
  }

  /** The session in force and the sites its person may see; goes to sign-in when there is none. */
  async session(): Promise<Session> {
    const signedIn = await this.signedIn();
    return { ...signedIn, sites: await this.list<Site>("/sites") };
  }

  /** Who is signed in, without the sites. */
  async signedIn(): Promise<SignedIn> {
    const session = await this.get<SignedIn | undefined>("/session");
    if (session !== undefined) return this.remember(session);
    this.onSignedOut();
    throw new ApiProblem(SIGNED_OUT);
  }

  /** Raises ApiProblem with key `session.wrong_password` when the name or the password is wrong. */
  async signIn(username: string, password: string): Promise<SignedIn> {
    return this.remember(await this.request<SignedIn>("POST", "/session", { username, password }, {}));
  }

  async signOut(): Promise<void> {
    await this.delete("/session");
    this.csrfToken = "";
  }

  private remember(session: SignedIn): SignedIn {
    this.csrfToken = session.csrf_token;
    return session;
  }

  private headersOf(method: string, options: RequestOptions): Record<string, string> {
    const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
    // Refusals are told in the language of the page, which may be another than the browser's.
    if (document.documentElement.lang) headers["Accept-Language"] = document.documentElement.lang;
    if (method === "POST") headers["Content-Type"] = "application/json";
    if (method !== "GET" && this.csrfToken) headers["X-CSRF-Token"] = this.csrfToken;
    if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
    return headers;
  }

  private async request<T>(method: string, path: string, body: unknown, options: RequestOptions): Promise<T> {
    const init: RequestInit = {
      method,
      credentials: "same-origin",
      headers: this.headersOf(method, options),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    };
    const response = await this.withTries(addressOf(path, options.query), init, method === "GET" || !!options.idempotencyKey);
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
    const problem = await problemOf(response);
    const isWrongPassword = path === "/session" && method === "POST";
    if (problem.status === 401 && !isWrongPassword) this.onSignedOut();
    throw problem;
  }

  private async withTries(address: string, init: RequestInit, isRepeatable: boolean): Promise<Response> {
    const tries = isRepeatable ? TRIES_MAX : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.fetch(address, init);
        if (response.status !== 503 || attempt >= tries) return response;
      } catch (error) {
        if (init.signal?.aborted) throw error;
        if (attempt >= tries) throw new Offline(error);
      }
      await this.wait(RETRY_WAIT_MS * 2 ** (attempt - 1));
    }
  }
}

/** The client of this page. */
export const api = new ApiClient();
