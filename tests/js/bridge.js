// Clerk's own JavaScript client as a process: `node bridge.js ADDRESS` does, line by line, what it is asked.
//
// Asked: {route, ids, query, body, file, key}, as {"route": "GET /v1/users/{}", "ids": ["user_1"], …}.
// Answered: {sent, call, added, method, path, status, headers, answer, error, missing, plain}, or {sent: false}
// where no method makes that request. `added` is what went beyond what was asked, `error` why the client could
// not read an answer of success, `missing` what its objects have and the answer had not, `plain` the kinds of
// what it handed over as it came. The first line is {methods, silent, calls}: how many methods there are, which
// make no request, and which make each route's.
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

const address = process.argv[2];
const PATIENCE = 20_000;

// The client takes hold of `fetch` when it is loaded: it can be loaded only after this.
const send = globalThis.fetch;
let isDry = true;
let requests = [];
globalThis.fetch = async (href, { method, headers, body }) => {
  const { pathname, searchParams } = new URL(href);
  const fields = body instanceof FormData ? Object.fromEntries(body) : JSON.parse(body ?? "{}");
  const request = { method, path: pathname, query: [...searchParams], body: fields, response: null };
  requests.push(request);
  if (isDry || !href.startsWith(`${address}/`)) throw new Error("Nothing is sent.");
  request.response = await send(href, { method, headers, body, signal: AbortSignal.timeout(PATIENCE) });
  return request.response.clone();
};
const { createClerkClient } = await import("@clerk/backend");

const clients = new Map();
const clientWith = (secretKey) => {
  if (!clients.has(secretKey)) {
    clients.set(secretKey, createClerkClient({ secretKey, apiUrl: address, telemetry: { disabled: true } }));
  }
  return clients.get(secretKey);
};

/** What a call comes to: the requests that it made, what it returned or what it threw. */
const called = async (call, client, given, dry) => {
  [isDry, requests] = [dry, []];
  const made = requests;
  const [group, name] = call.split(".");
  try {
    return { made, value: await client[group][name](...given), error: null };
  } catch (error) {
    return { made, value: null, error };
  }
};

// An argument of any kind, text or object, that leaves its place in the request: `~1~`, or `~0.userId~`.
const marker = (index) => {
  const mark = `~${index}~`;
  const get = (rest, name) => {
    if (typeof name === "symbol") return undefined;
    if (name === "constructor") return Object; // the client takes plain objects alone
    if (name === "toJSON") return () => mark;
    return typeof mark[name] === "function" ? mark[name].bind(mark) : (rest[name] ?? `~${index}.${name}~`);
  };
  return new Proxy({ rest: `~${index}.rest~` }, { get, has: () => true });
};
const MARKERS = [0, 1, 2, 3].map(marker);
const placesIn = (text) =>
  [...text.matchAll(/~(\d)(?:\.(\w+))?~/g)].map(([, index, name]) => ({ index: Number(index), name }));

// An argument that may be left out, and the request is another one then.
const MAY_BE_LEFT_OUT = { "sessions.getToken": [MARKERS[0], undefined, MARKERS[2]] };

/** How a method makes a request: where it takes the ids from, the fields that it names, and all others. */
const wayOf = (call, { path, query, body }) => {
  const way = { call, ids: placesIn(path), named: {}, rest: null };
  for (const [field, value] of [...query, ...Object.entries(body)]) {
    const [place] = placesIn(String(value));
    if (place?.name === "rest") way.rest = place.index;
    else if (place) way.named[field] = place;
  }
  return way;
};

/** The client's methods, as `users.getUser`. */
const methodsOf = (client) =>
  Object.entries(client)
    .filter(([, group]) => typeof group?.request === "function")
    .flatMap(([name, group]) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(group))
        .filter((method) => method !== "constructor")
        .map((method) => `${name}.${method}`),
    );

/** The ways to make each route's request, and the methods that make none: every method is called with markers. */
const learned = async (client) => {
  const ways = new Map();
  const silent = [];
  const tried = async (call, given) => (await called(call, client, given, true)).made[0];
  for (const call of methodsOf(client)) {
    let request;
    // A few look closely at an argument that they do not need.
    for (let many = MARKERS.length; many >= 0 && !request; many -= 1) {
      request = await tried(call, MARKERS.slice(0, many));
    }
    if (!request) silent.push(call);
    const other = MAY_BE_LEFT_OUT[call] && (await tried(call, MAY_BE_LEFT_OUT[call]));
    for (const made of [request, other].filter(Boolean)) {
      const route = `${made.method} ${made.path.replace(/[^/]*~[^/]*/g, "{}")}`;
      ways.set(route, [...(ways.get(route) ?? []), wayOf(call, made)]);
    }
  }
  return { ways, silent };
};

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const camelKeys = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), value]));

/** The arguments that say what is asked; null where the method has no place for some of it. */
const argumentsFor = (way, { ids, query, body, file }) => {
  const given = [];
  const put = ({ index, name }, value) => {
    given[index] = name ? { ...given[index], [name]: value } : value;
  };
  if (way.rest !== null) put({ index: way.rest }, Array.isArray(body) ? body.map(camelKeys) : {});
  way.ids.forEach((place, n) => put(place, ids[n]));
  for (const [field, value] of Object.entries({ ...query, ...(Array.isArray(body) ? {} : body), ...file })) {
    const place = way.named[field] ?? (way.rest === null ? null : { index: way.rest, name: camel(field) });
    if (!place) return null;
    put(place, value);
  }
  return given;
};

const isSame = (one, other) =>
  one instanceof File ? other instanceof File && one.size === other.size : isDeepStrictEqual(one, other);

/** What a request says beyond what is asked; null where it is another one, or says less. */
const beyond = ({ route, ids, query, body, file }, request) => {
  const [method, template] = route.split(" ");
  const [...left] = ids;
  if (method !== request.method || template.replaceAll("{}", () => left.shift()) !== request.path) return null;
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const isAsked = (pair) => pairs.some((other) => isDeepStrictEqual(pair, other));
  if (request.query.filter(isAsked).length !== pairs.length) return null;
  const fields = Array.isArray(body) ? body : { ...body, ...file };
  if (!Object.entries(fields).every(([name, value]) => isSame(value, request.body[name]))) return null;
  return [
    ...request.query.filter((pair) => !isAsked(pair)).map(([name, value]) => `${name}=${value}`),
    ...Object.keys(request.body).filter((name) => !(name in fields)),
  ];
};

/** Fields of the client's objects that the answer had nothing for. */
const missingIn = (value, found = new Set()) => {
  if (value === null || typeof value !== "object") return found;
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) found.add(`${value.constructor.name.replace(/^_/, "")}.${name}`);
    missingIn(inner, found);
  }
  return found;
};

/** Kinds of objects, alone or in a list, of which the client has made none of its own. */
const plainIn = (value) =>
  [value?.data ?? value].flat().flatMap((item) => (item?.constructor === Object ? [item.object ?? "none"] : []));

const asking = async (call, client, given) => {
  const { made, value, error } = await called(call, client, given, false);
  const { method, path, response } = made[0];
  const reason = error && (error.errors?.[0]?.message ?? String(error));
  if (!response) throw new Error(`${call}: ${reason}`);
  const text = await response.text();
  // Of a content type that it does not know the client returns the text, and throws nothing.
  const isUnread = response.ok && text && value === text;
  return {
    ...{ method, path, status: response.status, headers: Object.fromEntries(response.headers) },
    answer: text ? JSON.parse(text) : null,
    error: isUnread ? "It was taken for mere text." : response.ok ? reason : null,
    missing: [...missingIn(value)],
    plain: [...new Set(plainIn(value))],
  };
};

const filesOf = (file) =>
  Object.fromEntries(
    Object.entries(file).map(([field, { name, content, type }]) => [
      field,
      new File([Buffer.from(content, "base64")], name, { type }),
    ]),
  );

const timesUsed = new Map();

/** Asks by the method that was used least of those that can say it. */
const answer = async (ways, { key, ...line }) => {
  const asked = { ...line, file: filesOf(line.file) };
  const client = clientWith(key);
  const used = ({ call }) => timesUsed.get(call) ?? 0;
  for (const way of [...(ways.get(asked.route) ?? [])].sort((one, other) => used(one) - used(other))) {
    const given = argumentsFor(way, asked);
    const [request] = given ? (await called(way.call, client, given, true)).made : [];
    const added = request ? beyond(asked, request) : null;
    if (!added) continue;
    timesUsed.set(way.call, used(way) + 1);
    return { sent: true, call: way.call, added, ...(await asking(way.call, client, given)) };
  }
  return { sent: false };
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const { ways, silent } = await learned(clientWith("sk_test_sandbox"));
const calls = Object.fromEntries([...ways].map(([route, known]) => [route, known.map(({ call }) => call)]));
say({ methods: methodsOf(clientWith("sk_test_sandbox")).length, silent, calls });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await answer(ways, JSON.parse(line)));
  } catch (error) {
    say({ fault: error.stack });
  }
}
