// Talks to the page's own server. Every call gives the answer's JSON or throws an Error with words for a person.

const BASE = "/sandbox/api";

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(BASE + path, options);
  } catch {
    throw new Error("The sandbox does not answer. Is the demo still running?");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `The sandbox answered with status ${answer.status}.`);
  return body;
}

export const get = (path, query = {}) => call(`${path}?${new URLSearchParams(query)}`);

export const post = (path, body) =>
  call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** Does one thing in the pretend workspace: `act("post", {user, channel, text})`. */
export const act = (name, body) => post(`/act/${name}`, body);

/** Hands a file to the page's server and gives what names it later: {upload, name, size}. */
export const upload = (file) =>
  call(`/uploads?${new URLSearchParams({ name: file.name })}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: file,
  });

export const fileAddress = (id) => `${BASE}/file/${encodeURIComponent(id)}`;
export const deskFileAddress = (id, name) => `${BASE}/desk/file?${new URLSearchParams({ id, name })}`;
